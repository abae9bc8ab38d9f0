"""Backtests on a running instance: on the command line, and asked for from the screens while the keeper is killed."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.instance import Instance, run_cli, wait_until

RULE = Path(__file__).resolve().parents[3] / "ioc" / "packs" / "hoabinh" / "rules" / "reservoir.gates.yaml"


@pytest.fixture(scope="module")
def flooded(instance: Instance, operator: httpx2.Client) -> dict[str, str]:
    """An alert of the gates that was live on this instance; the span that holds it."""
    made = instance.made("device", "add", "backtest-dam", "--feed", "reservoir", "--lat", "20.82", "--lon", "105.34")
    before = datetime.now(UTC)
    with instance.client(key=made["key"]) as door:
        for gates in (0, 2, 1):
            sent = door.post("/api/v1/feeds/reservoir/events", json={"id": str(gates), "gates_open": gates})
            assert sent.status_code == 202, sent.text

    def alert():
        found = operator.get("/api/v1/alerts", params={"device": "backtest-dam"}).json()["items"]
        return found[0] if found else None

    opened = wait_until(alert, what="the live alert")["opened_at"]
    span = {"from": (before - timedelta(minutes=1)).isoformat(), "to": (before + timedelta(hours=1)).isoformat()}
    return {**span, "opened": opened}


def test_the_command_line_gives_the_live_alert_again(instance: Instance, flooded: dict[str, str]) -> None:
    """As JSON for machines, as a table for people; progress is on stderr only."""
    words = ["backtest", str(RULE), "--from", flooded["from"], "--to", flooded["to"]]
    done = instance.cli(*words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rule"] == "reservoir.gates"
    opened = {alert["key"]: alert["opened_at"] for alert in found["candidate"]["alerts"]}
    assert opened["backtest-dam"] == flooded["opened"]
    same = {name: value for name, value in found["candidate"].items() if name != "version"}
    assert same == {name: value for name, value in found["present"].items() if name != "version"}
    read = instance.cli(*words)
    assert read.returncode == 0, read.stderr
    assert read.stdout.startswith("reservoir.gates, ")
    assert "backtest-dam: " in read.stdout
    assert "\x1b" not in read.stdout


def test_what_is_wrong_has_its_line_and_its_exit_code(
    instance: Instance, flooded: dict[str, str], tmp_path: Path
) -> None:
    """1: the rule; 2: the times; 3: no database."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(RULE.read_text(encoding="utf-8").replace("gates_open > 0", "gates > 0"), encoding="utf-8")
    done = instance.cli("backtest", str(wrong), "--from", flooded["from"], "--to", flooded["to"])
    assert done.returncode == 1
    number = next(n for n, line in enumerate(wrong.read_text().split("\n"), start=1) if "gates > 0" in line)
    assert done.stdout.startswith(f"{wrong}:{number}: levels[0].when: ")
    assert "gates_open" in done.stdout
    for times in (("soon", "2026-01-01"), ("2026-01-02", "2026-01-01"), ("2999-01-01", "2999-01-02")):
        asked = instance.cli("backtest", str(RULE), "--from", times[0], "--to", times[1])
        assert (asked.returncode, asked.stdout) == (2, ""), times
        assert "from" in asked.stderr
    away = run_cli("backtest", str(RULE), "--from", "2026-01-01", "--to", "2026-01-02", "--data", str(tmp_path))
    assert away.returncode == 3


def test_one_asked_for_is_done_by_the_keeper(
    instance: Instance, operator: httpx2.Client, flooded: dict[str, str]
) -> None:
    """Every role as it runs for real: the row, the child, the stream."""
    body = {"from": flooded["from"], "to": flooded["to"]}
    asked = operator.post("/api/v1/rules/reservoir.gates/backtest", json=body)
    assert asked.status_code == 202, asked.text
    path = asked.headers["location"]

    def ended():
        found = operator.get(path).json()
        return found if found["state"] not in ("queued", "running") else None

    found = wait_until(ended, seconds=60, what="the end of the backtest")
    assert (found["state"], found["reason"]) == ("done", None)
    opened = {alert["key"]: alert["opened_at"] for alert in found["result"]["candidate"]["alerts"]}
    assert opened["backtest-dam"] == flooded["opened"]


def test_a_killed_keeper_leaves_no_backtest_that_runs_for_ever(
    instance: Instance, operator: httpx2.Client, flooded: dict[str, str]
) -> None:
    """Its child goes with it, the next keeper says so within seconds, and the one after that runs."""
    body = {"from": (datetime.now(UTC) - timedelta(days=3_000)).isoformat(), "to": flooded["to"]}
    first = operator.post("/api/v1/rules/reservoir.gates/backtest", json=body).headers["location"]
    second = operator.post("/api/v1/rules/reservoir.gates/backtest", json=body).headers["location"]

    def child():
        """A backtest lasts a second here: stop the child as soon as it is there, so that it cannot be done first."""
        for pid, words in commands():
            if b"ioc.backtests.job" in words and first.rpartition("/")[2].encode() in words:
                os.kill(pid, signal.SIGSTOP)
                return pid
        return None

    pid = wait_until(child, seconds=30, what="the child")
    try:
        keeper = next(number for name, number in instance.processes().items() if "keeper" in name.split())
        os.kill(keeper, signal.SIGKILL)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or None, what="the end of the child")

    def ended(path: str):
        found = operator.get(path).json()
        return found if found["state"] not in ("queued", "running") else None

    found = wait_until(lambda: ended(first), seconds=40, what="the end of the first")
    assert (found["state"], found["reason"]) == ("failed", "the process that ran it has ended")
    assert wait_until(lambda: ended(second), seconds=60, what="the end of the second")["state"] == "done"


def commands() -> list[tuple[int, list[bytes]]]:
    """Return every process of this machine with its words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append((int(path.parent.name), path.read_bytes().split(b"\x00")))
        except OSError:
            continue
    return found
