"""Health and monitored moves on a real PostgreSQL: added up by version, bounded, told to people when they turn."""

from __future__ import annotations

import pytest

from ioc.domain.rules.health import RuleHealth
from ioc.rules.engine import HEALTH_SECONDS
from ioc.store.rules.health import save_health
from tests.integration.rules.test_engine_on_postgresql import Bench, database
from tests.unit.rules.builders import after

__all__ = ["database"]
HEALTH = "SELECT version, evaluated, monitored, keys, refused FROM rule_health"
WATCHED = "SELECT position, number, key, kind, severity FROM rule_monitored ORDER BY position, number"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ioc.rules.engine.HEALTH_SECONDS", 0.05)


async def test_a_monitored_rule_raises_nothing_and_what_it_saw_is_there_once(database, soon):
    """Through a death without a snapshot: folded again, but neither kept nor counted again."""
    bench = Bench(database)
    await bench.put_rule(mode="monitor")
    async with bench.engine(snapshot_seconds=600) as engine:
        engine._stop = engine._store.release_lease
        await bench.send(1, 20.0)
        await bench.send(2, 5.0)
        await bench.until(WATCHED, [(2, 1, "m-1", "opened", "medium"), (3, 1, "m-1", "cleared", "medium")])
        await bench.until(HEALTH, [(1, 2, 2, 1, None)])
    async with bench.engine():
        await bench.send(3, 30.0)
        await bench.until(HEALTH, [(1, 3, 3, 1, None)])
        await bench.until("SELECT count(*) FROM rule_monitored", [(3,)])
    await bench.until("SELECT count(*) FROM alert", [(0,)])


async def test_the_counts_of_a_version_begin_anew_and_a_refusal_is_told_to_people(database, soon):
    bench = Bench(database)
    await bench.put_rule()
    async with bench.engine():
        await bench.send(1, 20.0)
        await bench.until(HEALTH, [(1, 1, 0, 1, None)])
        await bench.put_rule(version=2, levels=[{"severity": "medium", "when": "value > 12"}])
        await bench.until(HEALTH, [(2, 0, 0, 1, None)])
        await bench.put_rule(version=3, feed="gone")
        await bench.until("SELECT version, refused LIKE '%no feed%' FROM rule_health", [(2, True)])
        await bench.until("SELECT kind, id, version FROM change WHERE kind = 'rule'", [("rule", "meter.level", 2)])


def test_health_is_told_every_few_seconds():
    assert HEALTH_SECONDS == 5.0


async def test_the_newest_of_what_a_monitored_rule_saw_stay(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ioc.store.rules.health.MONITORED_KEPT", 3)
    async with database.transaction() as connection:
        for position in range(1, 8):
            for rule in ("a", "b"):
                await connection.execute(
                    "INSERT INTO rule_monitored VALUES ($1, $2, 1, $3, $3, 1, 'al', 'k', 'opened', 'low', '{}', '{}', "
                    "'', 'meter', NULL, NULL, NULL, false, false)",
                    rule, position, after(position),
                )  # fmt: skip
        await save_health(connection, [RuleHealth("a", 1, after(9), monitored=7)], after(9))
        rows = await connection.fetch(
            "SELECT rule, array_agg(position ORDER BY position) FROM rule_monitored GROUP BY 1"
        )
    assert {row[0]: list(row[1]) for row in rows} == {"a": [5, 6, 7], "b": [1, 2, 3, 4, 5, 6, 7]}
