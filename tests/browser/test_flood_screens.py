"""The night of the flood of October 2017 on a running instance, half an hour of it each step, and a rule of each kind.

At each step everything that tells of an open alert is held against the newest reading that was acknowledged: the newest
values, the list and the single alert of the API, the stream, the feed and the map of the overview, the list's row and
the drawer. A value that a newer reading has replaced may be told for the five seconds in which an alert's readings are
gathered, and a second more; a page that was just opened is held from when it no longer says that it connects. The
sentence of an alert's newest transition, which once was the headline, is held against the same readings, and must be
found out.
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ioc.rules.fold.now_updates import EVERY_SECONDS
from tests.acceptance.instance import Stream, items
from tests.browser.kinds_now import BODIES, KindsNow, text_of

pytestmark = pytest.mark.timeout(300)
RECORD = Path(__file__).parents[2] / "ioc/packs/hoabinh/drills/flood-2017.csv"
BEHIND_SECONDS_MAX = EVERY_SECONDS + 1.0
CALM_ROWS = 30
"""Until ten in the evening there is only rain. What follows has the inflow, all gates open and shut, the rain gone."""
MAP_SECONDS = 1.0
"""The map draws once a second."""
SENT = {
    "flood-rain": ("rainfall", {"rain_24h_mm": "rain_24h_mm", "rain_1h_mm": "rain_1h_mm"}, (20.84, 105.34)),
    "flood-lake": ("reservoir", {"inflow_m3s": "inflow_m3s", "bottom_outlet_m3s": "bottom_outlet_m3s",
                                 "gates_open": "gates_open"}, (20.81, 105.32)),
    "flood-river": ("river_level", {"level_cm": "da_level_cm"}, (20.88, 105.36)),
}  # fmt: skip
TOLD = {
    "rain.24h": ("flood-rain", "rain_24h_mm"), "rain.1h": ("flood-rain", "rain_1h_mm"),
    "reservoir.inflow": ("flood-lake", "inflow_m3s"), "reservoir.outlets": ("flood-lake", "bottom_outlet_m3s"),
    "reservoir.gates": ("flood-lake", "gates_open"), "reservoir.gates-4": ("flood-lake", "gates_open"),
    "reservoir.gates-8": ("flood-lake", "gates_open"), "reservoir.gates-ordered": ("flood-lake", "gates_open"),
    "river.test-flood": ("flood-river", "level_cm"),
    **{name: (name, "value") for name in BODIES},
}  # fmt: skip
"""Which field of which device each rule's alert tells of; of the other kinds, what was counted apart."""
OVER = BODIES.keys() - {"now.together"}
"""What the rule over alerts looks at."""
STEP_SECONDS = 0.6
DRAWER_STEPS = 7
DRAWERS = ("now.window", "now.mean", "now.near", "now.change", "now.together", "reservoir.inflow")
"""Whose drawer is open, in turn."""
RIVER = """\
rule: river.test-flood
title: {vi: "Mực nước sông thử", en: "Test river level"}
domain: disaster
feed: river_level
where: 'device == "flood-river"'
by: [device]
levels:
  - {severity: medium, when: 'level_cm > 1315.0'}
  - {severity: high, when: 'level_cm > 1900.0'}
clear: {when: 'level_cm < 900.0'}
summary:
  vi: "{device}: {level_cm} cm; kiểm tra bờ sông."
  en: "{device}: {level_cm} cm; check the banks."
"""
NUMBER = re.compile(r"-?\d+(?:\.\d{3})*(?:,\d+)?")
LIVE = "document.querySelector('[data-testid=live-state]')?.dataset.state !== 'connecting'"
"""A page that is just opened shows what its lists say and that it connects: until the stream runs it claims no more."""
ROWS = f"""
() => !({LIVE}) ? [] : [...document.querySelectorAll("[data-testid=alert-row]:has(.now)")].map(
  row => [row.dataset.alertId, row.querySelector(".now").innerText]
)
"""
MARKS = f"() => !({LIVE}) ? [] : [...document.querySelectorAll('[data-testid=map-mark]')].map(mark => mark.title)"
DRAWER = f"""
() => ({LIVE} && document.querySelector("[data-testid=alert-drawer] [data-testid=now-value]")?.innerText) || ""
"""


def numbers(text: str) -> list[float]:
    """Return the numbers that a Vietnamese text holds."""
    return [float(found.replace(".", "").replace(",", ".")) for found in NUMBER.findall(text)]


@dataclass
class Newest:
    """What each device has said of each field and when it was acknowledged, and who tells something older."""

    said: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    held: Counter[str] = field(default_factory=Counter)
    of_rule: Counter[tuple[str, str]] = field(default_factory=Counter)
    behind: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    hour: str = ""

    def hear(self, device: str, reading: dict[str, float]) -> None:
        """Hear that a reading was acknowledged."""
        for name, value in reading.items():
            entry = self.said[device, name]
            if not entry or entry[-1][1] != value:
                entry.append((time.monotonic(), value))

    def hear_value(self, rule: str, value: float) -> None:
        """Hear what a rule makes of what was acknowledged."""
        self.hear(rule, {"value": value})

    def hear_count(self, rule: str, count: int) -> None:
        """Hear a count that goes by ones, and was looked at only now."""
        said = self.said[rule, "value"]
        last = int(said[-1][1]) if said else 0
        for number in range(last + 1, count + 1) if count > last else range(last - 1, count - 1, -1):
            self.hear_value(rule, float(number))

    def may_say(self, place: tuple[str, str], at: float, *, seconds: float) -> list[float]:
        """Return the newest value, and those that were the newest not longer ago than that."""
        entry = self.said[place]
        ends = [since for since, _ in entry[1:]] + [float("inf")]
        return [value for (_, value), end in zip(entry, ends, strict=True) if end >= at - seconds]

    def hold(self, surface: str, rule: str, told: list[float], at: float, *, more_seconds: float = 0.0) -> None:
        """Hold a surface's number of an alert."""
        device, name = TOLD[rule]
        scale = 0.01 if name == "level_cm" else 1.0  # rivers are told in metres
        self.hold_value(surface, (device, name), [number / scale for number in told], at, more_seconds=more_seconds)

    def hold_value(
        self, surface: str, place: tuple[str, str], told: list[float], at: float, *, more_seconds: float = 0.0
    ) -> None:  # fmt: skip
        """Count a surface's number of a field, and keep it where it is older than it may be."""
        allowed = self.may_say(place, at, seconds=BEHIND_SECONDS_MAX + more_seconds)
        self.held[surface] += 1
        self.of_rule[surface, place[0]] += 1
        near = 0.051 if place[0] in BODIES else 1e-6  # a mean is told with the digits of its field
        if not any(abs(number - value) < near for number in told for value in allowed):
            self.behind[surface].append(f"{self.hour} {' '.join(place)}: {told}, newest {allowed}")


def held_headlines(newest: Newest, api: Any, alerts: list[dict[str, Any]], read_at: float) -> None:
    """Hold what a headline would say that changes with transitions alone: the sentence of the newest one."""
    for alert in alerts:
        moves = [
            step for step in api.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"] if step["actor"] is None
        ]
        sentence = moves[-1]["summary"]["vi"]
        device, name = TOLD[alert["rule"]]
        newest.hold_value("transition", (device, name), numbers(sentence), read_at)


def hold_api(newest: Newest, api: Any, stream: Stream, second: int) -> dict[str, dict[str, Any]]:
    """Hold the list, one alert in turn and the newest that the stream has sent; return the alerts by id."""
    at = time.monotonic()
    for item in items(api, "/api/v1/latest", device=",".join(SENT), limit=500):
        newest.hold_value("latest", (item["device"], item["field"]), [item["value"]], at)
    at = time.monotonic()
    listed = items(api, "/api/v1/alerts", rule=",".join(TOLD), open="true", limit=500)
    alerts = [
        alert for alert in listed
        if (alert["device"] in SENT or alert["rule"] in BODIES) and alert["condition"] == "firing"
    ]  # fmt: skip
    newest.hear_count("now.together", len({alert["rule"] for alert in alerts} & OVER))
    for alert in alerts:
        for text in (alert["now"]["text"]["vi"], alert["summary"]["vi"].split(" · ", 2)[2]):
            newest.hold("list", alert["rule"], numbers(text), at)
    if alerts:
        held_headlines(newest, api, [alert for alert in alerts if alert["device"] in SENT], at)
        at = time.monotonic()
        one = api.get(f"/api/v1/alerts/{alerts[second % len(alerts)]['id']}").json()
        newest.hold("alert", one["rule"], numbers(one["now"]["text"]["vi"]), at)
    at = time.monotonic()
    sent = {event.data["id"]: event.data for event in list(stream.events) if event.kind == "alert"}
    for alert in alerts:
        if alert["id"] in sent:
            newest.hold("stream", alert["rule"], numbers(sent[alert["id"]]["now"]["text"]["vi"]), at)
    return {alert["id"]: alert for alert in alerts}


async def hold_screens(newest: Newest, overview: Any, listed: Any, alerts: dict[str, dict[str, Any]]) -> None:
    """Hold the feed and the map of one page, the list and the drawer of another."""
    for surface, page in (("feed", overview), ("rows", listed)):
        at = time.monotonic()
        for identifier, text in await page.evaluate(ROWS):
            if identifier in alerts:
                newest.hold(surface, alerts[identifier]["rule"], first_of(alerts[identifier]["rule"], text), at)
    at = time.monotonic()
    for title in await overview.evaluate(MARKS):
        name, place, now = (*title.split(" · "), "", "")[:3]
        for alert in alerts.values():
            if alert["device"] == place and name.endswith(f": {alert['title']['vi']}"):
                newest.hold("map", alert["rule"], first_of(alert["rule"], now), at, more_seconds=MAP_SECONDS)
    at = time.monotonic()
    text, open_one = await listed.evaluate(DRAWER), listed.url.rsplit("/", 1)[-1]
    if text and open_one in alerts:
        newest.hold("drawer", alerts[open_one]["rule"], first_of(alerts[open_one]["rule"], text), at)


def first_of(rule: str, text: str) -> list[float]:
    """Return the value that a text begins with; behind it may stand how far it is to a limit. A time has two parts."""
    return numbers(text) if rule == "now.silent" else numbers(text)[:1]


SHOWN = ("list", "stream", "rows")


async def test_all_that_tells_of_an_alert_tells_its_newest_reading_all_through_the_flood(
    visit, instance, publisher, site_rule, operator_client
):
    site_rule("river.test-flood", RIVER)
    for name in BODIES:
        site_rule(name, text_of(name))
    devices = {
        name: publisher(name, feed, lat=place[0], lon=place[1]) for name, (feed, _, place) in SENT.items()
    }  # fmt: skip
    kinds = KindsNow(publisher)
    overview, listed = await visit(), await visit(1920, 2160)
    await overview.go("/")
    await listed.go("/alerts")
    await overview.page.locator("[data-testid=map][data-ready=true]").wait_for(timeout=60_000)
    newest = Newest()
    with RECORD.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[CALM_ROWS:]
    with instance.signed_in(instance.username, instance.password) as ears, Stream(ears) as stream:
        began = time.monotonic()
        for step, row in enumerate(rows):
            for name, (_, columns, _) in SENT.items():
                reading = {
                    each: int(row[column]) if each == "gates_open" else float(row[column])
                    for each, column in columns.items()
                }
                devices[name].send(json.dumps(reading))
                newest.hear(name, reading)
            kinds.send(step, newest.hear_value)
            newest.hour = row["time"][5:16]
            alerts = hold_api(newest, operator_client, stream, step)
            await hold_screens(newest, overview.page, listed.page, alerts)
            await open_drawer(listed, alerts, DRAWERS[step // DRAWER_STEPS % len(DRAWERS)])
            await asyncio.sleep(max(0.0, began + (step + 1) * STEP_SECONDS - time.monotonic()))
    told = {surface: (newest.held[surface], len(newest.behind[surface])) for surface in sorted(newest.held)}
    frozen = newest.behind.pop("transition")
    assert {surface: found[:5] for surface, found in newest.behind.items() if found} == {}
    surfaces = ("latest", "list", "alert", "stream", "feed", "rows", "map", "drawer")
    assert all(newest.held[surface] >= len(rows) // 2 for surface in surfaces), str(told)
    seldom = {key: newest.of_rule[key] for name in BODIES for key in ((surface, name) for surface in SHOWN)}
    assert all(count >= len(rows) // 3 for count in seldom.values()), seldom
    in_drawer = {name: newest.of_rule["drawer", name] for name in DRAWERS if name in BODIES}
    assert all(count >= 2 for count in in_drawer.values()), in_drawer
    assert len(frozen) > newest.held["transition"] // 3, "a headline that stands still is found by this count"
    assert {"gates_open:", "rain_24h_mm:", "inflow_m3s:"} <= {line.split()[2] for line in frozen}


async def open_drawer(visitor: Any, alerts: dict[str, dict[str, Any]], rule: str) -> None:
    """Have the drawer of a rule's alert open, where it has one already, as an operator opens it: by its row.

    A second after a page is loaded anew, Chromium takes the old one's drawing down, and the new one waits for that as
    long as the other page's map is being drawn, without a graphics card for more than a second.
    """
    name = next((name for name, alert in alerts.items() if alert["rule"] == rule), None)
    if name is not None and not visitor.page.url.endswith(name):
        await visitor.page.locator(f"[data-testid=alert-row][data-alert-id={name}]").click()
        await visitor.page.wait_for_url(f"**/alerts/{name}")
