"""The flood of the demo, minute by minute: at most six rows at any time, and a second emergency stands apart.

The whole simulated fleet and its citizens through every rule of the pack, then through the fold of incidents.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.incidents.book import IncidentBook
from ioc.incidents.fold import fold_incidents
from ioc.packs.loader import load_pack
from ioc.packs.pack import plain
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from simulators.feeds import make_generator
from simulators.feeds.citizen_report import CitizenReport
from simulators.roster import Device
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, Moment, World

PACK = load_pack("hoabinh", shapes=False)
START = datetime(2026, 11, 22, 1, tzinfo=UTC)
SECONDS = 900
ROWS_MAX = 6
FEEDS = ("rainfall", "river_level", "reservoir", "traffic_flow", "public_wifi", "power_grid", "street_light",
         "tap_water", "street_flood", "drainage", "camera_detection")  # fmt: skip
"""What the flood's story moves, and what stands beside it; the rest of the city says nothing new that night."""
FIRE_SECOND, FIRE = 200, "fire-kcn-luong-son"


class Night:
    """The flood, with a fire in another ward that nobody expects."""

    def __init__(self) -> None:
        self.rules = RuleSet(PACK.feeds, {zone.code: zone.name for zone in PACK.zones}, timezone=PACK.zone)
        self.memory = Memory()
        self.position = 0
        self.moves: list[tuple[int, Transition]] = []
        self.second = 0
        self.devices = {device.id: device for device in PACK.devices}
        fleet = [Device(id=one.id, feed=one.feed, key="k", lat=one.lat, lon=one.lon) for one in PACK.devices]
        world = World(scenario=read_scenario("flood"), devices=fleet, seed=2017)
        played = [(one, make_generator(one, world, PACK.plays)) for one in fleet if one.feed in FEEDS]
        self.generators = [(one, generator) for one, generator in played if generator is not None]
        self.citizens = CitizenReport(fleet, world)
        for device in PACK.devices:
            self.enter(EntryKind.DEVICE, subject=device.id, value=plain(device))
        for rule in PACK.rules:
            value = {"body": rule.body, "hash": rule.hash, "version": 1}
            self.enter(EntryKind.RULE, subject=rule.id, value=value)
        self.play()

    def enter(self, kind: EntryKind, **members: Any) -> None:
        self.position += 1
        at = START + timedelta(seconds=self.second)
        made = step(self.rules, self.memory, Entry(self.position, at, kind, **members))
        self.moves += [(self.second, move) for move in made]

    def say(self, feed: str, device: str, data: dict[str, Any], **place: Any) -> None:
        at, key = START + timedelta(seconds=self.second), hash16(str(self.position).encode())
        event = Event(feed=feed, device=device, key=key, effective=at, received_at=at, data=data, **place)
        self.enter(EntryKind.EVENT, event=event)

    def play(self) -> None:
        due = {one.id: 0.0 for one, _ in self.generators}
        for self.second in range(SECONDS):
            at = START + timedelta(seconds=self.second)
            moment = Moment(seconds=float(self.second), now=at.astimezone(LOCAL_OFFSET))
            for one, generator in self.generators:
                if self.second < due[one.id]:
                    continue
                due[one.id] = self.second + max(2.0, min(generator.pause_seconds(), 60.0))
                reading, device = generator.reading(moment), self.devices[one.id]
                if reading is not None:
                    self.say(one.feed, one.id, reading, area=device.area, zone=device.zone)
            report = self.citizens.reading(moment)
            if report is not None:
                lat, lon = (float(str(report.pop(name))) for name in ("lat", "lon"))
                nearest = min(PACK.devices, key=lambda one: (one.lat - lat) ** 2 + (one.lon - lon) ** 2)
                self.say("citizen_report", "app", report, area=nearest.area, zone=nearest.zone, lat=lat, lon=lon)
            if self.second == FIRE_SECOND:
                self.say("fire_panel", FIRE, {"alarm": True}, area="04924", zone="luong-son")
            self.enter(EntryKind.TICK)


@cache
def night() -> Night:
    return Night()


def rows(played: Night) -> list[tuple[int, Counter[str], dict[str, list[str]]]]:
    """After each move: the second, what fires by row (an incident, or an alert that stands alone), and its rules."""
    book, firing, found = IncidentBook(), {}, []
    for second, made in played.moves:
        fold_incidents(PACK.incidents, book, [made])
        firing[made.alert_id] = made
        if made.kind is TransitionKind.CLEARED and not made.ends_by_person:
            del firing[made.alert_id]
        shown: dict[str, list[str]] = {}
        for alert, last in firing.items():
            incident = book.of_alert(alert)
            shown.setdefault(alert if incident is None else incident.id, []).append(last.rule)
        found.append((second, Counter({row: len(rules) for row, rules in shown.items()}), shown))
    return found


def test_more_than_thirty_alerts_are_at_most_six_rows_at_any_time_beside_the_fire():
    played = night()
    opened = Counter(made.rule for _, made in played.moves if made.kind is TransitionKind.OPENED)
    assert sum(opened.values()) >= 34, opened
    for second, shown, rules in rows(played):
        flood = [row for row in shown if rules[row] != ["fire.alarm"]]
        assert len(flood) <= ROWS_MAX, (second, rules)
    alone = max(sum(shown.values()) for _, shown, _ in rows(played))
    assert alone > 4 * ROWS_MAX, "ungrouped, the room would have them all"


def test_the_fire_in_another_ward_is_a_row_of_its_own_from_its_first_moment():
    seen = [rules for second, _, rules in rows(night()) if second >= FIRE_SECOND]
    fires = [[row for row, of in rules.items() if "fire.alarm" in of] for rules in seen]
    assert all(len(each) == 1 for each in fires)
    assert all(rules[each[0]] == ["fire.alarm"] for rules, each in zip(seen, fires, strict=True))


def test_the_five_situations_are_told_apart():
    played, book = night(), IncidentBook()
    fold_incidents(PACK.incidents, book, [made for _, made in played.moves])
    largest = Counter({incident.family: len(incident.members) for incident in book if len(incident.members) > 1})
    assert set(largest) == {"storm", "release", "river-flood", "flooded-road", "blackout"}
    assert largest["storm"] >= 10
    of = {made.alert_id: made.rule for _, made in played.moves}
    release = next(incident for incident in book if incident.family == "release")
    assert {"reservoir.gates", "reservoir.outlets", "reservoir.inflow", "reservoir.outflow", "river.hoa-binh"} <= {
        of[alert] for alert in release.members
    }


def test_without_families_every_alert_is_a_row():
    """The control: what the test counts comes of the grouping."""
    book = IncidentBook()
    assert fold_incidents((), book, [made for _, made in night().moves]) == []
    assert len(set(chain(made.alert_id for _, made in night().moves))) >= 34
