"""Timers across kill -9: a silence and a half-served `for` are told on time. `ioc verify` finds what was changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from ioc.assembly.context import open_context
from ioc.commands.verify import judge
from ioc.settings import Settings
from ioc.store.embedded.server import attach
from ioc.store.postgres.engine import Database
from tests.acceptance.conftest import for_good
from tests.acceptance.instance import ROOT, Device, Instance, Stream, new_data_folder, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]
KEPT_TABLES = ("alert", "alert_work", "alert_history", "alert_now")
SILENT_SECONDS, HELD_SECONDS, ON_TIME_SECONDS = 10, 10, 2.0
RULES: dict[str, dict[str, Any]] = {
    "silent": {"absent": f"{SILENT_SECONDS}s", "levels": [{"severity": "high"}]},
    "held": {"levels": [{"severity": "high", "when": "rain_mm > 5.0", "for": f"{HELD_SECONDS}s"}]},
    # It fires on the same reading as `held`, and stays so: what it sees is no alert.
    "watched": {
        "mode": "monitor",
        "where": 'device == "test-held"',
        "levels": [{"severity": "high", "when": "rain_mm > 5.0"}],
    },
}


@pytest.fixture(scope="module")
def timed() -> Iterator[Instance]:
    """An instance whose pack has two more rules, with times that a test can wait for."""
    folder = new_data_folder()
    pack = folder / "pack"
    shutil.copytree(ROOT / "ioc" / "packs" / "hoabinh", pack)
    for name, body in RULES.items():
        rule = {
            "rule": f"test.{name}", "title": {"vi": name, "en": name}, "domain": "disaster", "feed": "rainfall",
            "where": f'device == "test-{name}"', "summary": {"vi": "{device}", "en": "{device}"}, **body,
        }  # fmt: skip
        (pack / "rules" / f"test.{name}.yaml").write_text(yaml.safe_dump(rule, allow_unicode=True))
    instance = Instance(folder, IOC_PACK=str(pack), IOC_AUDIT_ANCHOR_SECONDS="1")
    try:
        instance.start()
        yield instance
    finally:
        for_good(instance)


@pytest.fixture(scope="module")
def viewer(timed: Instance) -> Iterator[httpx2.Client]:
    """Somebody who is signed in."""
    with timed.signed_in(timed.username, timed.password) as client:
        yield client


def kill_rules(instance: Instance) -> None:
    """Kill -9 the rule engine."""
    os.kill(int(instance.fact("rules", "pid")), signal.SIGKILL)


def opened(stream: Stream, device: str) -> dict[str, Any]:
    """Return the alert of a device once the stream has it, with the moment at which it was here."""
    event = wait_until(
        lambda: next((event for event in stream.of("alert") if event.data["device"] == device), None),
        seconds=40, what=f"the alert of {device}",
    )  # fmt: skip
    return {**event.data, "seen": event.at}


def seconds(text: str) -> float:
    """Return an RFC 3339 time as seconds."""
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


@pytest.fixture(scope="module")
def publisher(timed: Instance) -> Device:
    """The device that falls silent."""
    return timed.device("test-silent", "rainfall", "04795")


@pytest.mark.parametrize("killed_before", [0.0, 6.5])
def test_a_silence_is_told_within_two_seconds_also_right_after_a_restart(
    timed: Instance, viewer: httpx2.Client, publisher: Device, killed_before: float
) -> None:
    """The engine is killed while the silence runs; the one that follows it knows when it began."""
    before = viewer.get("/api/v1/alerts", params={"limit": 1}).json()["position"]
    with Stream(viewer, after=before) as stream:
        assert publisher.publish({"rain_mm": 0.0}).returncode == 0
        heard = time.time()
        if killed_before:
            time.sleep(SILENT_SECONDS - killed_before)
            kill_rules(timed)
        (alert, *_) = wait_until(
            lambda: [
                event for event in stream.of("alert")
                if event.at > heard + 1 and (event.data["device"], event.data["condition"]) == (publisher.id, "firing")
            ],
            seconds=40, what="the silence",
        )  # fmt: skip
    due = seconds(alert.data["changed_at"])
    assert due == pytest.approx(heard + SILENT_SECONDS, abs=1.0)
    assert alert.at - due < ON_TIME_SECONDS


def test_a_half_served_for_survives_kill_9(timed: Instance, viewer: httpx2.Client) -> None:
    """Killed in the middle of the time that a condition has to hold: it opens when it would have, dated so."""
    device = timed.device("test-held", "rainfall", "04795")
    before = viewer.get("/api/v1/alerts", params={"limit": 1}).json()["position"]
    with Stream(viewer, after=before) as stream:
        assert device.publish({"rain_mm": 6.0}).returncode == 0
        (event,) = viewer.get("/api/v1/events", params={"device": device.id}).json()["items"]
        time.sleep(HELD_SECONDS / 3)
        kill_rules(timed)
        alert = opened(stream, device.id)
    due = seconds(event["effective"]) + HELD_SECONDS
    assert seconds(alert["opened_at"]) == pytest.approx(due, abs=0.001)
    assert 0 <= alert["seen"] - due < ON_TIME_SECONDS


def test_alerts_recomputed_from_the_log_are_those_of_the_history(timed: Instance) -> None:
    """`ioc verify alerts` agrees; after a line of the history was changed it says which, and exits with 1."""
    found = timed.made("verify", "alerts")
    assert found["agrees"] is True
    assert found["moves"] >= 3
    assert (found["mismatches"], found["unjudged"], found["differences"]) == (0, 0, [])
    plain = timed.cli("verify", "alerts")
    assert plain.returncode == 0
    assert plain.stdout.endswith("no differences\n")


def test_who_takes_note_makes_no_difference(timed: Instance, viewer: httpx2.Client) -> None:
    """Work that the audit trail explains agrees with it."""
    [alert] = viewer.get("/api/v1/alerts", params={"rule": "test.held"}).json()["items"]
    for action, version in (("acknowledge", alert["version"]), ("comment", alert["version"] + 1)):
        done = viewer.post(
            f"/api/v1/alerts/{alert['id']}/{action}", json={"text": "đã gọi"}, headers={"If-Match": f'"{version}"'}
        )
        assert done.status_code == 200, done.text
    found = timed.made("verify", "alerts")
    assert (found["agrees"], found["worked_on"]) == (True, 1), found["differences"]


TAMPERED = {
    "the sentence that lists show": "UPDATE alert SET summary = jsonb_set(summary, '{vi}', '\"x\"') WHERE id = $1",
    "the title": "UPDATE alert SET title = jsonb_set(title, '{en}', '\"x\"') WHERE id = $1",
    "the severity that lists show": "UPDATE alert SET severity = 'low', severity_rank = 1 WHERE id = $1",
    "the worst severity": "UPDATE alert SET peak_severity = 'critical' WHERE id = $1",
    "since when": "UPDATE alert SET opened_at = opened_at - interval '1 hour' WHERE id = $1",
    "the place": "UPDATE alert SET area = '04828' WHERE id = $1",
    "who ends it": "UPDATE alert SET ends = 'person' WHERE id = $1",
    "until when somebody must have it": "UPDATE alert SET acknowledge_due = opened_at WHERE id = $1",
    "the number": "UPDATE alert SET number = number || '9' WHERE id = $1",
    "that it is over": "UPDATE alert SET condition = 'cleared', cleared_at = changed_at WHERE id = $1",
    "the opening sentence": "UPDATE alert_history SET summary = jsonb_set(summary, '{vi}', '\"x\"') "
                            "WHERE alert = $1 AND kind = 'opened'",
    "a value of the evidence": "UPDATE alert_history SET evidence = jsonb_set(evidence, '{values,rain_mm}', '5.1') "
                               "WHERE alert = $1 AND kind = 'opened'",
    "a reading of the evidence": "UPDATE alert_history SET evidence = jsonb_set(evidence, '{readings,0,position}', '1')"
                                 " WHERE alert = $1 AND kind = 'opened'",
    "the value now": "UPDATE alert_now SET now = jsonb_set(now, '{value}', '5.1') WHERE alert = $1",
    "the peak": "UPDATE alert_now SET peak = jsonb_set(peak, '{text,vi}', '\"x\"') WHERE alert = $1",
    "the headline": "UPDATE alert_now SET headline = jsonb_set(headline, '{vi}', '\"x\"') WHERE alert = $1",
    "how bad it was": "UPDATE alert_now SET closing = headline WHERE alert = $1",
    "the trend": "UPDATE alert_now SET trend = CASE trend WHEN 'rising' THEN 'falling' ELSE 'rising' END "
                 "WHERE alert = $1",
    "that something is known of now": "DELETE FROM alert_now WHERE alert = $1",
    "who has it": "UPDATE alert_work SET owner = 'nobody' WHERE alert = $1",
    "when it was taken": "UPDATE alert_work SET acknowledged_at = acknowledged_at - interval '1 minute' "
                         "WHERE alert = $1",
    "how far people are": "UPDATE alert_work SET state = 'resolved', resolved_at = acknowledged_at, "
                          "resolved_by = acknowledged_by WHERE alert = $1",
    "what somebody wrote": "UPDATE alert_history SET text = 'x' WHERE alert = $1 AND kind = 'comment'",
    "who wrote it": "UPDATE alert_history SET actor = 'x' WHERE alert = $1 AND kind = 'comment'",
    "that somebody wrote": "DELETE FROM alert_history WHERE alert = $1 AND kind = 'comment'",
    "the whole alert": "DELETE FROM alert WHERE id = $1",
    "an alert that nobody raised": "INSERT INTO alert SELECT (jsonb_populate_record(a, jsonb_build_object("
                                   "'id', 'al_x', 'number', 'x', 'key', 'x'))).* FROM alert a WHERE id = $1",
}  # fmt: skip


async def test_each_single_tampering_of_what_an_operator_reads_is_found(timed: Instance) -> None:
    """One thing is changed at a time, behind the house's back, and put back again."""
    settings = Settings(data_dir=timed.data, pack=str(timed.data / "pack"))
    async with open_context(settings, "tools", patient=False) as context:
        assert (await judge(context))[0].agrees
        async with context.database.connection() as connection:
            alert = await connection.fetchval("SELECT id FROM alert WHERE rule = 'test.held'")
        for what, statement in TAMPERED.items():
            async with context.database.connection() as connection:
                for table in KEPT_TABLES:
                    await connection.execute(f"DROP TABLE IF EXISTS kept_{table}")
                    await connection.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table} WHERE false")
                    await connection.execute(f"INSERT INTO kept_{table} SELECT * FROM {table}")
                assert await connection.execute(statement, *([alert] if "$1" in statement else [])) not in (
                    "UPDATE 0", "DELETE 0", "INSERT 0 0",
                ), what  # fmt: skip
            found, _ = await judge(context)
            async with context.database.transaction() as connection:
                await connection.execute("DELETE FROM alert")
                for table in KEPT_TABLES:
                    await connection.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
                    await connection.execute(f"DROP TABLE kept_{table}")
            assert not found.agrees, f"{what} was changed and not found"
        assert (await judge(context))[0].agrees


async def test_a_changed_history_is_told(timed: Instance) -> None:
    """What somebody with the database's password makes of it does not pass."""
    database = Database(attach(timed.data), name="test")
    await database.open()
    try:
        async with database.connection() as connection:
            alert = await connection.fetchval("SELECT id FROM alert WHERE rule = 'test.held'")
            changed = "UPDATE alert_history SET severity = $2 WHERE alert = $1 AND kind = 'opened'"
            await connection.execute(changed, alert, "low")
            try:
                done = timed.cli("verify", "alerts")
            finally:
                await connection.execute(changed, alert, "high")
    finally:
        await database.close()
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{alert} (test.held, test-held): the history says opened low" in done.stdout
    assert "the log gives opened high" in done.stdout


def anchored_id(instance: Instance) -> int:
    """Return the newest row that the keeper has anchored."""
    return int(json.loads((instance.data / "audit-anchors.jsonl").read_text().splitlines()[-1])["id"])


async def test_the_audit_trail_is_checked_against_its_anchors(timed: Instance, tmp_path: Path) -> None:
    """The chain holds; an edited row breaks it; a cut end is found by what the keeper wrote down by itself."""
    anchor = tmp_path / "anchor.json"
    first = timed.cli("verify", "audit", "--export", str(anchor))
    assert (first.returncode, json.loads(anchor.read_text())["id"] > 0) == (0, True), first.stderr
    database = Database(attach(timed.data), name="test")
    await database.open()
    try:
        async with database.connection() as connection:
            await connection.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM audit")
            last = await connection.fetchval("SELECT max(id) FROM audit")
            wait_until(lambda: anchored_id(timed) == last, what="the keeper's anchor")
            await connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
            await connection.execute("DELETE FROM audit WHERE id = $1", last)
            cut = timed.cli("verify", "audit")
            anchored = timed.cli("verify", "audit", "--anchor", str(anchor), "--json")
            await connection.execute("INSERT INTO audit SELECT * FROM kept WHERE id = $1", last)
            await connection.execute("UPDATE audit SET actor = 'nobody' WHERE id = $1", last)
            edited = timed.cli("verify", "audit")
            await connection.execute("DELETE FROM audit WHERE id = $1", last)
            await connection.execute("INSERT INTO audit SELECT * FROM kept WHERE id = $1", last)
            await connection.execute("ALTER TABLE audit ENABLE TRIGGER USER")
    finally:
        await database.close()
    assert (cut.returncode, "the end was cut off" in cut.stdout) == (1, True)
    assert (anchored.returncode, json.loads(anchored.stdout)["reason"]) == (1, "the end was cut off")
    assert (edited.returncode, f"row {last} was edited" in edited.stdout) == (1, True)
    assert timed.cli("verify", "audit", "--anchor", str(anchor)).returncode == 0
    wrong = timed.cli("verify", "audit", "--anchor", str(ROOT / "README.md"))
    assert (wrong.returncode, "ioc verify audit --export" in wrong.stderr) == (2, True)
