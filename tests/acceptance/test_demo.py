"""`ioc up --demo`: a first visitor sees the city come alive, Ctrl-C ends it all, and the next start remembers."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ioc.domain.moment import format_time
from ioc.replay.day_story import QUIET, load_story
from tests.acceptance.instance import ROLES, ROOT, Instance, items, new_data_folder, wait_until
from tests.acceptance.prometheus import samples, scraping

ALIVE_SECONDS = 30
STOP_SECONDS = 20
STORY = load_story(ROOT / "ioc" / "packs" / "hoabinh" / "demo" / "yesterday.yaml")
"""What the shifts before the demo handled."""
AGAIN_SECONDS = 15
COUNTED = {"citizen_reports"}
"""Domains whose tile has no line: reports are counted, not measured."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Instance]:
    """A demo on an empty folder."""
    started = Instance(new_data_folder(), demo=True)
    try:
        started.start()
        yield started
    finally:
        if started.processes():
            started.stop()
        shutil.rmtree(started.data, ignore_errors=True)


def crowd() -> float:
    """Return how many processes want each processor: the promised seconds are those of a machine of one's own."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def online(client: httpx2.Client) -> list[str]:
    """Return the ids of devices that speak."""
    return [item["id"] for item in items(client, "/api/v1/devices", status="online", limit=500)]


def test_a_first_visitor_sees_the_screen_come_alive(demo: Instance) -> None:
    """Within 30 s of the ready line: the printed password works, fifty devices are online, an alert is there."""
    began = time.monotonic()
    assert demo.username == "operator"
    with demo.signed_in(demo.username, demo.password) as client:
        assert client.get("/api/v1/status").json()["demo"] is True
        wait_until(lambda: len(online(client)) > 50, seconds=ALIVE_SECONDS, what="fifty devices")
        left = ALIVE_SECONDS - (time.monotonic() - began)
        wait_until(lambda: items(client, "/api/v1/alerts"), seconds=max(left, 0.1), what="the first alert")
    assert "Traceback" not in demo.output()


def test_after_three_minutes_every_domain_has_data_and_none_is_silent(demo: Instance) -> None:
    """Fifteen tiles that live: devices over MQTT, agencies' systems over HTTP, and no reading refused."""
    with demo.signed_in(demo.username, demo.password) as client:

        def dark() -> list[str]:
            tiles = client.get("/api/v1/domains").json()["items"]
            assert len(tiles) == 15
            return [tile["id"] for tile in tiles if tile["last_log_time"] is None or tile["state"] == "no_data"]

        def undrawn() -> set[str]:
            """Name the tiles without a line: readings reach it with the roll-up, a moment after they are in the log."""
            tiles = client.get("/api/v1/domains").json()["items"]
            return {tile["id"] for tile in tiles if all(value is None for value in tile["spark"])}

        wait_until(lambda: not dark() and undrawn() == COUNTED, seconds=180, what="data of every domain, and its line")
        refused = items(client, "/api/v1/dead-letters", limit=20)
        assert refused == [], refused


def test_yesterday_is_there_and_no_rule_judged_it(demo: Instance) -> None:
    """A chart of a day is full from the first minute; what it shows of yesterday opened no alert."""
    sent = demo.data / "history.json"
    wait_until(sent.exists, seconds=90 * crowd(), what="yesterday's readings")
    assert json.loads(sent.read_text())["readings"] > 5_000
    since = datetime.now(UTC) - timedelta(hours=25)
    with demo.signed_in(demo.username, demo.password) as client:

        def hours() -> list[Any]:
            asked = {"device": "rain-hoa-binh", "field": "rain_24h_mm", "step": "1h", "from": since.isoformat()}
            found = client.get("/api/v1/series", params=asked)
            assert found.status_code == 200, found.text
            points: list[Any] = found.json()["items"]
            return points

        wait_until(lambda: len(hours()) >= 24, seconds=60 * crowd(), what="a full day")
        told = {(episode.rule, episode.device) for episode in STORY.episodes}
        opened = [alert for alert in items(client, "/api/v1/alerts", limit=500) if not is_recent(alert)]
        assert {(alert["rule"], alert["device"] or "app-cong-dan") for alert in opened} == told


def is_recent(alert: Mapping[str, Any]) -> bool:
    """Tell whether an alert opened since the demo began; what its shifts before had was over by then."""
    return datetime.fromisoformat(alert["opened_at"]) > datetime.now(UTC) - QUIET


def test_the_shifts_before_left_what_they_handled_and_the_engine_recomputes_it(demo: Instance) -> None:
    """Each of their alerts is over, with evidence and who did what at its hour; nothing differs, the trail holds."""
    people = {person.username for person in STORY.people}
    with demo.signed_in(demo.username, demo.password) as client:
        handled = [alert for alert in items(client, "/api/v1/alerts", limit=500) if not is_recent(alert)]
        assert len(handled) == len(STORY.episodes), demo.output()
        assert sorted({alert["state"] for alert in handled}) == ["false_alarm", "resolved"]
        steps = 0
        for alert in handled:
            assert (alert["condition"], alert["retrospective"]) == ("cleared", False), alert
            moves = client.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
            assert {move["actor"] for move in moves if move["actor"]} <= people
            assert max(move["at"] for move in moves) < moves_before(QUIET)
            steps += sum(bool(move["actor"]) for move in moves)
            evidence = client.get(f"/api/v1/alerts/{alert['id']}/evidence").json()
            assert evidence["clause"], alert
        assert steps == sum(len(episode.work) for episode in STORY.episodes)
        assert "yesterday.yaml" not in demo.output(), "each step found its alert"
        silences = [
            alert for alert in items(client, "/api/v1/alerts", limit=500) if alert["rule"].startswith("silence")
        ]
        assert silences == [], "that a device was silent between its episode and the demo is nobody's fault"
        grades = {feed["feed"]: feed["grade"] for feed in client.get("/api/v1/quality").json()["items"]}
        poor = {feed for feed, grade in grades.items() if grade == "poor"}
        assert poor <= {episode.feed for episode in STORY.episodes}, "who did not play yesterday owes nothing of it"
    verdict = demo.made("verify", "alerts")
    assert (verdict["agrees"], verdict["mismatches"], verdict["unjudged"]) == (True, 0, 0)
    assert demo.cli("verify", "audit").returncode == 0


def test_the_indicators_have_figures_that_one_sent_and_another_approved(demo: Instance) -> None:
    """A first visitor found an empty table; none of the figures is late or raises anything."""
    with demo.signed_in(demo.username, demo.password) as client:
        told = [
            one for one in client.get("/api/v1/indicators").json()["items"] if one["standing"]["actual"] is not None
        ]
        assert len(told) >= 25
        assert {one["domain"] for one in told} >= {"economy", "reporting", "government", "health", "education"}
        assert not any(one["standing"]["late"] for one in told)
        revenue = next(one for one in told if one["code"] == "budget_revenue")["standing"]
        assert revenue["year_plan"] == 182 * 12
        assert revenue["yoy_pct"] == pytest.approx(7.9, abs=0.1)
        (sheet,) = client.get("/api/v1/indicators/imports").json()["items"]
        assert (sheet["state"], sheet["sent_by"] != sheet["decided_by"]) == ("approved", True)
        assert "indicators.yaml" not in demo.output(), "it was sent and approved"


def test_the_lookup_tables_have_rows_that_say_that_they_are_made_up(demo: Instance) -> None:
    """What a first visitor reads of a watch code or of a plant's permit is taken for nobody's."""
    with demo.signed_in(demo.username, demo.password) as client:
        rows = client.get("/api/v1/lookups").json()["items"]
    assert {"DM-17", "DM-22", "DM-31", "nt-kcn-luong-son"} <= {row["key"] for row in rows}
    assert all("trình diễn" in row["source"] and not row["verified"] for row in rows)
    assert ".csv:" not in demo.output(), "each sheet was imported"


def moves_before(before: timedelta) -> str:
    """Return the instant so long before now as the API says it."""
    return format_time(datetime.now(UTC) - before)


def test_the_keys_of_the_demo_are_for_its_own_user_only(demo: Instance) -> None:
    """The simulators' file of keys is readable by nobody else."""
    file = demo.data / "devices.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(json.loads(file.read_text())["devices"]) > 50


def dashboards() -> Iterator[tuple[str, str]]:
    """Yield (title, query) of everything that the shipped dashboards draw, with Grafana's own words filled in."""
    for file in sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                query = target["expr"].replace("$__rate_interval", "30s").replace("$area", ".*")
                yield f"{board['title']}: {panel['title']} {target['refId']}", query


def test_every_panel_of_the_dashboards_draws_something_and_every_alert_rule_can_be_judged(
    demo: Instance, tmp_path: Path
) -> None:
    """Each query of each panel gives a number on the demo; no rule of the shipped ones fails."""
    queries = dict(dashboards())
    assert len(queries) > 55
    key = demo.made("key", "issue", "--kind", "metrics")["key"]
    with scraping(demo, key, tmp_path) as prometheus, demo.signed_in(demo.username, demo.password) as client:

        def empty() -> list[str]:
            client.get("/api/v1/status")
            return [name for name, query in queries.items() if not any(map(finite, samples(prometheus, query)))]

        deadline = time.monotonic() + 60 * crowd()
        while (missing := empty()) and time.monotonic() < deadline:
            time.sleep(1)
        assert missing == []
        groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert len(rules) > 15
        assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"] == []


def finite(sample: dict[str, Any]) -> bool:
    """Tell whether a sample is a number that can be drawn."""
    return math.isfinite(float(sample["value"][1]))


def test_ctrl_c_stops_everything_and_the_next_start_remembers(demo: Instance) -> None:
    """20 s to stop, exit code 0, nothing left; ready again in 15 s with the alerts of before and a new password."""
    with demo.signed_in(demo.username, demo.password) as client:
        before = {alert["id"]: alert["opened_at"] for alert in items(client, "/api/v1/alerts", limit=500)}
    assert before
    assert {name.split()[1] for name in demo.processes() if name.startswith("ioc")} == {"up", *ROLES}
    assert any(name.startswith("simulators") for name in demo.processes())

    began = time.monotonic()
    code = demo.stop(signal.SIGINT)
    took = time.monotonic() - began
    assert code == 0, demo.output()
    assert took < STOP_SECONDS, f"{took:.1f} s\n{demo.output()}"
    assert demo.processes() == {}
    assert demo.sockets() == [], demo.output()
    assert "Traceback" not in demo.output()

    old_password = demo.password
    demo.start()
    assert demo.ready_seconds < AGAIN_SECONDS * crowd(), demo.output()
    with demo.signed_in(demo.username, demo.password) as client:
        after = {alert["id"]: alert["opened_at"] for alert in items(client, "/api/v1/alerts", limit=500)}
    assert before.items() <= after.items()
    assert "playing the shifts before" not in demo.output(), "a log that has begun gets no other day before it"
    assert demo.password != old_password
    with demo.client() as client:
        refused = client.post("/api/v1/session", json={"username": demo.username, "password": old_password})
        assert refused.status_code == 401


def test_whom_to_call_has_samples_that_say_so(demo: Instance) -> None:
    with demo.signed_in(demo.username, demo.password) as client:
        alert = items(client, "/api/v1/alerts", limit=1)[0]
        told = client.get(f"/api/v1/alerts/{alert['id']}/contacts").json()
    assert [one["number"] for one in told["emergency_numbers"]] == ["112", "113", "114", "115"]
    assert told["items"], told["gap"]
    assert all("(mẫu)" in one["title"]["vi"] for one in told["items"])
