"""What the engine asks of a rule store: the fake and PostgreSQL pass the same tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.rule_health import RuleHealth
from ioc.domain.severity import Severity
from ioc.errors import FencedError
from ioc.rules.evaluate import step
from ioc.rules.memory import Memory
from ioc.rules.ports import StepResult
from ioc.rules.ruleset import RuleSet
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from ioc.store.partitions import ensure_partitions
from ioc.store.rule_memory import RuleMemoryStore
from tests.unit.rules.builders import FEEDS, START, after, rule_entry
from tests.unit.rules.fakes import FakeLog, FakeRows, FakeRuleStore


class FakeWorld:
    def __init__(self):
        self.rows, self.log = FakeRows(), FakeLog()

    def store(self):
        return FakeRuleStore(self.rows, self.log)

    async def alerts(self):
        return [(made.alert_id, made.kind, made.severity) for made in self.rows.transitions]

    async def watched(self):
        return [(made.rule, made.position, made.kind) for made in self.rows.watched]

    async def ticks(self):
        return [entry.kind for entry in self.log.entries]


class PostgresWorld:
    def __init__(self, database):
        self.database, self.log = database, EventLog(database)
        self.stores = []

    def store(self):
        self.stores.append(RuleMemoryStore(self.database, self.log))
        return self.stores[-1]

    async def alerts(self):
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT alert, kind, severity FROM alert_history ORDER BY position, number")
        return [(row["alert"], row["kind"], row["severity"]) for row in rows]

    async def watched(self):
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT rule, position, kind FROM rule_monitored ORDER BY position, number")
        return [tuple(row) for row in rows]

    async def ticks(self):
        return [entry.kind for entry in await self.log.read(0, START - timedelta(days=1), 10)]


@pytest.fixture(params=["fake", "postgresql"])
async def world(request):
    if request.param == "fake":
        yield FakeWorld()
        return
    database = Database(request.getfixturevalue("database_dsn"), name="test")
    await database.open()
    found = PostgresWorld(database)
    try:
        await ensure_partitions(database, START)
        yield found
    finally:
        for store in found.stores:
            await store.release_lease()
        await database.close()


def transitions(*values):
    """What a rule makes of these readings, one a minute, from position 2 on."""
    rules, memory = RuleSet(FEEDS), Memory()
    step(rules, memory, rule_entry(1, START))
    found: list[Transition] = []
    for number, value in enumerate(values, start=2):
        event = Event("meter", "m-1", bytes(16), after(60 * number), after(60 * number), {"value": value})
        found.extend(step(rules, memory, Entry(number, event.effective, EntryKind.EVENT, event=event)))
    return found


async def test_a_fresh_store_stands_at_the_beginning(world):
    store = world.store()
    assert await store.acquire_lease()
    stored = await store.load()
    assert (stored.position, stored.snapshot, stored.snapshot_position) == (0, None, 0)


async def test_the_second_worker_does_not_get_the_lease_until_the_first_gives_it_back(world):
    first, second = world.store(), world.store()
    assert await first.acquire_lease()
    assert not await second.acquire_lease()
    await first.release_lease()
    assert await second.acquire_lease()


async def test_cursor_and_transitions_are_committed_together(world):
    store = world.store()
    await store.acquire_lease()
    made = transitions(20, 5)
    await store.commit(StepResult(0, 3, after(180), made))
    stored = await store.load()
    assert (stored.position, stored.log_time) == (3, after(180))
    identifier = made[0].alert_id
    assert await world.alerts() == [
        (identifier, TransitionKind.OPENED, Severity.MEDIUM),
        (identifier, TransitionKind.CLEARED, Severity.MEDIUM),
    ]


async def test_the_alerts_that_fire_are_told_with_what_a_memory_needs(world):
    store = world.store()
    await store.acquire_lease()
    made = transitions(20)
    await store.commit(StepResult(0, 2, after(120), made))
    [alert] = await store.open_alerts()
    assert (alert.id, alert.rule, alert.key, alert.severity) == (
        made[0].alert_id,
        made[0].rule,
        made[0].key,
        Severity.MEDIUM,
    )
    assert (alert.opened_at, alert.opened_position, alert.device) == (made[0].at, 2, "m-1")
    await store.commit(StepResult(2, 3, after(180), transitions(20, 5)[1:]))
    assert await store.open_alerts() == []


async def test_what_monitored_rules_saw_is_committed_with_the_cursor(world):
    store = world.store()
    await store.acquire_lease()
    watched = [replace(made, position=2) for made in transitions(20, 5)]
    with pytest.raises(FencedError):
        await store.commit(StepResult(7, 9, after(120), (), watched))
    assert await world.watched() == []
    await store.commit(StepResult(0, 3, after(120), (), watched))
    assert await world.watched() == [("meter.level", 2, "opened"), ("meter.level", 2, "cleared")]
    assert await world.alerts() == []
    await store.save_health([RuleHealth("meter.level", 1, after(0), evaluated=2)], after(120))


async def test_a_commit_from_another_position_writes_nothing(world):
    store = world.store()
    await store.acquire_lease()
    await store.commit(StepResult(0, 1, after(0)))
    with pytest.raises(FencedError):
        await store.commit(StepResult(0, 2, after(120), transitions(20)))
    assert (await store.load()).position == 1
    assert await world.alerts() == []


async def test_a_worker_that_lost_its_lease_can_write_nothing(world):
    old, new = world.store(), world.store()
    await old.acquire_lease()
    fence = await take_from(old, new)
    assert fence
    with pytest.raises(FencedError):
        await old.commit(StepResult(0, 2, after(120), transitions(20)))
    with pytest.raises(FencedError):
        await old.save_snapshot(b"x", position=0, log_time=after(0), version=1)
    with pytest.raises(FencedError):
        await old.append_tick(EntryKind.TICK, after(0))
    with pytest.raises(FencedError):
        await old.save_health([RuleHealth("meter.level", 1, after(0))], after(0))
    assert await world.alerts() == []
    assert await world.ticks() == []
    assert (await new.load()).position == 0


async def take_from(old, new):
    """Let ``new`` take the lease while ``old`` still believes that it has it, as after a long freeze."""
    if isinstance(old, FakeRuleStore):
        old.rows.holder = None
        return await new.acquire_lease()
    await old._lease.execute("SELECT pg_advisory_unlock_all()")
    return await new.acquire_lease()


async def test_a_snapshot_comes_back_with_its_position(world):
    store = world.store()
    await store.acquire_lease()
    await store.commit(StepResult(0, 5, after(5)))
    await store.save_snapshot(b"five", position=5, log_time=after(5), version=1)
    await store.commit(StepResult(5, 9, after(9)))
    stored = await store.load()
    assert (stored.position, stored.log_time) == (9, after(9))
    assert (stored.snapshot, stored.snapshot_position, stored.snapshot_log_time) == (b"five", 5, after(5))


async def test_a_snapshot_ahead_of_the_cursor_is_refused(world):
    """It would lose what the entries in between led to."""
    store = world.store()
    await store.acquire_lease()
    with pytest.raises(FencedError):
        await store.save_snapshot(b"ahead", position=3, log_time=after(3), version=1)
    assert (await store.load()).snapshot is None


async def test_ticks_and_gaps_enter_the_log(world):
    store = world.store()
    await store.acquire_lease()
    await store.append_tick(EntryKind.GAP, after(0))
    await store.append_tick(EntryKind.TICK, after(1))
    assert await world.ticks() == [EntryKind.GAP, EntryKind.TICK]


async def test_postgresql_keeps_the_alert_its_work_its_evidence_and_its_number(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    try:
        store = RuleMemoryStore(database, EventLog(database))
        await store.acquire_lease()
        opened, cleared, reopened = transitions(20, 5, 30)
        await store.commit(StepResult(0, 2, after(120), [opened]))
        async with database.connection() as connection:
            [row] = await connection.fetch("SELECT * FROM alert")
            assert (row["number"], row["condition"], row["peak_severity"]) == ("HB-261123-0001", "firing", "medium")
            assert (row["opened_at"], row["summary"]["vi"]) == (after(120), "Mức 20")
            work = await connection.fetchrow("SELECT state, version FROM alert_work")
            assert (work["state"], work["version"]) == ("new", 1)
            change = await connection.fetchrow("SELECT kind, id FROM change")
            assert (change["kind"], change["id"]) == ("alert", opened.alert_id)
        await store.commit(StepResult(2, 3, after(180), [cleared]))
        await store.commit(StepResult(3, 4, after(240), [replace(reopened, severity=Severity.HIGH)]))
        async with database.connection() as connection:
            [row] = await connection.fetch("SELECT * FROM alert")
            assert (row["condition"], row["cleared_at"], row["flap_count"]) == ("firing", None, 1)
            assert (row["peak_severity"], row["transitions"]) == ("high", 3)
            history = await connection.fetch("SELECT number, kind, evidence FROM alert_history ORDER BY number")
            assert [(item["number"], item["kind"]) for item in history] == [
                (1, "opened"), (2, "cleared"), (3, "reopened"),
            ]  # fmt: skip
            assert history[0]["evidence"]["clause"] == "value > 10"
            assert history[2]["evidence"]["readings"][-1] == {
                "position": 4, "device": "m-1", "effective": "2026-11-23T05:04:00.000Z", "values": {"value": 30.0},
            }  # fmt: skip
        await store.release_lease()
    finally:
        await database.close()
