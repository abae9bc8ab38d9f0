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

from ioc.store.embedded import attach
from ioc.store.engine import Database
from tests.acceptance.conftest import for_good
from tests.acceptance.instance import ROOT, Device, Instance, Stream, new_data_folder, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]
SILENT_SECONDS, HELD_SECONDS, ON_TIME_SECONDS = 10, 10, 2.0
RULES: dict[str, dict[str, Any]] = {
    "silent": {"absent": f"{SILENT_SECONDS}s", "levels": [{"severity": "high"}]},
    "held": {"levels": [{"severity": "high", "when": "rain_mm > 5.0", "for": f"{HELD_SECONDS}s"}]},
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
    instance = Instance(folder, IOC_PACK=str(pack))
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


async def test_the_audit_trail_is_checked_against_an_anchor(timed: Instance, tmp_path: Path) -> None:
    """The chain holds; an edited row breaks it; a cut end is found only with the anchor."""
    anchor = tmp_path / "anchor.json"
    first = timed.cli("verify", "audit", "--export", str(anchor))
    assert (first.returncode, json.loads(anchor.read_text())["id"] > 0) == (0, True), first.stderr
    database = Database(attach(timed.data), name="test")
    await database.open()
    try:
        async with database.connection() as connection:
            await connection.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM audit")
            last = await connection.fetchval("SELECT max(id) FROM audit")
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
    assert cut.returncode == 0
    assert (anchored.returncode, json.loads(anchored.stdout)["reason"]) == (1, "the end was cut off")
    assert (edited.returncode, f"row {last} was edited" in edited.stdout) == (1, True)
    assert timed.cli("verify", "audit", "--anchor", str(anchor)).returncode == 0
    wrong = timed.cli("verify", "audit", "--anchor", str(ROOT / "README.md"))
    assert (wrong.returncode, "ioc verify audit --export" in wrong.stderr) == (2, True)
