"""A database as an earlier release left it goes on under this one: nothing is lost, nothing is told otherwise.

`releases/` holds what a real run of each release left behind (record.py makes it).
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from ioc.store.postgres import migrate
from tests.acceptance.conftest import for_good
from tests.acceptance.instance import Instance, items, new_data_folder, run_cli, wait_until
from tests.databases import TestDatabases, run_apart

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]
RELEASES = Path(__file__).parent / "releases"
KEPT_DAYS = "100000"
"""The recorded readings have a date; retention must not take them, whenever this runs."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """This version on the database of another, and what that one had told."""

    instance: Instance
    person: httpx2.Client
    told: dict[str, Any]
    dsn: str
    before: dict[str, Any]
    """What the database said before: its revision, and how many engines had marked the log."""


MARKS = "SELECT count(*) FROM public.event WHERE kind = 'engine'"


async def load(dsn: str, script: str, before: dict[str, Any]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(script)
        before["revision"] = await connection.fetchval("SELECT version_num FROM public.alembic_version")
        before["marks"] = await connection.fetchval(MARKS)
    finally:
        await connection.close()


@pytest.fixture(scope="module", params=[path.name.removesuffix(".json") for path in sorted(RELEASES.glob("*.json"))])
def upgraded(request: pytest.FixtureRequest, databases: TestDatabases) -> Iterator[Upgraded]:
    """`ioc up` of this version on a copy of what a release left; one instance for the whole file."""
    told = json.loads((RELEASES / f"{request.param}.json").read_text(encoding="utf-8"))
    script = lzma.decompress((RELEASES / f"{request.param}.sql.xz").read_bytes()).decode()
    name = databases.create(template="template0")
    dsn = databases.dsn_of(name)
    folder = new_data_folder()
    instance = Instance(
        folder,
        IOC_DATABASE_URL=dsn,
        IOC_RETENTION_EVENT_DAYS=KEPT_DAYS,
        IOC_RETENTION_DEAD_LETTER_DAYS=KEPT_DAYS,
    )
    before: dict[str, Any] = {}
    try:
        run_apart(load(dsn, script, before))
        instance.start()
        with instance.signed_in(told["username"], told["password"]) as person:
            yield Upgraded(instance, person, told, dsn, before)
    finally:
        for_good(instance)
        databases.drop(name)


def listed(person: httpx2.Client, path: str) -> list[dict[str, Any]]:
    """Return a list that is answered as such, or in pages."""
    answer = person.get(path)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return list(found["items"] if isinstance(found, dict) else found)


async def test_the_database_has_the_tables_of_this_version(upgraded: Upgraded):
    head = migrate.head_revision()
    assert ("migrating the database" in upgraded.instance.output()) is (upgraded.before["revision"] != head)
    assert await migrate.current_revision(upgraded.dsn) == head


def test_every_alert_is_there_with_its_number_and_its_whole_history(upgraded: Upgraded):
    """What comes after may add to it; who took what and what they wrote stays word for word."""
    assert len(upgraded.told["alerts"]) > 5
    for before in upgraded.told["alerts"]:
        now = upgraded.person.get(f"/api/v1/alerts/{before['id']}").json()
        for name in ("number", "rule", "opened_at", "acknowledged_by", "resolved_by"):
            assert now[name] == before[name], (before["number"], name)
        moves = listed(upgraded.person, f"/api/v1/alerts/{before['id']}/history")
        earlier = [{name: move[name] for name in before["history"][0]} for move in moves]
        assert earlier[: len(before["history"])] == before["history"], before["number"]


def test_every_reading_is_there_as_it_was_told(upgraded: Upgraded):
    found = {event["position"]: event for event in items(upgraded.person, "/api/v1/events", limit=500)}
    assert len(upgraded.told["events"]) > 10
    for before in upgraded.told["events"]:
        assert {name: found[before["position"]][name] for name in before} == before
    letters = [letter["raw_text"] for letter in items(upgraded.person, "/api/v1/dead-letters")]
    assert letters == upgraded.told["dead_letters"]


def test_what_the_site_wrote_of_its_rules_is_in_force(upgraded: Upgraded):
    """A rule that was only switched keeps its switch; one whose text was written keeps its text."""
    for before in upgraded.told["rules"]:
        now = upgraded.person.get(f"/api/v1/rules/{before['id']}").json()
        assert (now["origin"], now["enabled"], now["mode"]) == (before["origin"], before["enabled"], before["mode"])
        assert before["id"] != "rain.1h" or now["yaml"] == before["yaml"]


def test_a_device_goes_on_with_its_key_and_its_alert_tells_how_things_are_now(upgraded: Upgraded):
    """The alert that was open before goes on: no second one beside it, and it follows the new reading."""
    reading = {"time": datetime.now(UTC).isoformat(), "rain_24h_mm": 243.0}
    with upgraded.instance.client(key=upgraded.told["keys"]["rain-thinh-lang"]) as device:
        answer = device.post("/api/v1/feeds/rainfall/events", params={"device": "rain-thinh-lang"}, json=reading)
    assert answer.status_code == 202, answer.text
    [before] = [alert for alert in upgraded.told["alerts"] if alert["rule"] == "rain.24h"]

    def now() -> bool:
        alert = upgraded.person.get(f"/api/v1/alerts/{before['id']}").json()
        return alert["condition"] == "firing" and (alert["now"] or {}).get("value") == 243.0

    wait_until(now, seconds=15.0, what="the reading in the alert")
    assert len(items(upgraded.person, "/api/v1/alerts", rule="rain.24h")) == 1


async def test_the_log_says_from_where_on_this_engine_folds_and_the_recomputation_agrees(upgraded: Upgraded):
    """What the earlier engine decided is counted as not judged; of what comes after nothing differs."""
    connection = await asyncpg.connect(upgraded.dsn)
    try:
        marks = await connection.fetchval(MARKS)
    finally:
        await connection.close()
    assert marks >= 1
    done = run_cli("verify", "alerts", "--json", IOC_DATABASE_URL=upgraded.dsn)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert (done.returncode, found["agrees"], found["differences"]) == (0, True, [])
    assert (found["unjudged"] > 0) is (marks > upgraded.before["marks"])
    assert run_cli("verify", "audit", IOC_DATABASE_URL=upgraded.dsn).returncode == 0
