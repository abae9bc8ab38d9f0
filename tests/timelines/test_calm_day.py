"""A normal day of the whole simulated fleet and its citizens, through every rule of the pack: it must be quiet."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.domain.alert import TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.packs.loader import load_pack
from ioc.packs.pack import plain
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from simulators.feeds import Generator, make_generator
from simulators.feeds.citizen_report import CitizenReport
from simulators.roster import Device, Roster
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, Moment, World

PACK = load_pack("hoabinh", shapes=False)
EVERY_SECONDS = 300
EVERY_SECONDS_MAX = 3_600
"""What comes once a day is said by the hour, as yesterday's line has it."""
ROWS_AN_HOUR_MAX = 6
UNIT_OF_REPORTS = "04795"


class Day:
    """One local day of a calm world, entry by entry."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.rules = RuleSet(PACK.feeds, {zone.code: zone.name for zone in PACK.zones}, timezone=PACK.zone)
        self.memory = Memory()
        self.position = 0
        self.opened: list[tuple[datetime, str, str]] = []
        fleet = [Device(id=one.id, feed=one.feed, key="k", lat=one.lat, lon=one.lon) for one in PACK.devices]
        world = World(scenario=read_scenario("calm"), devices=fleet, seed=2017)
        keys = dict.fromkeys(PACK.plays, "k")
        sources = Roster(
            devices=tuple(fleet), feed_keys=keys, plays={name: dict(play) for name, play in PACK.plays.items()}
        ).sources()
        played = [(one, make_generator(one, world, PACK.plays)) for one in (*fleet, *sources)]
        self.generators: dict[str, tuple[Device, Generator]] = {
            one.id: (one, generator) for one, generator in played if generator is not None
        }
        by_people = {"citizen_report", "gate_order"}
        assert {one.feed for one, _ in self.generators.values()} | by_people == set(PACK.feeds)
        self.due = dict.fromkeys(self.generators, 0.0)
        self.citizens = CitizenReport(fleet, world)
        for device in PACK.devices:
            self.enter(EntryKind.DEVICE, start, subject=device.id, value=plain(device))
        self.enter(EntryKind.CALENDAR, start, subject="", value=PACK.calendar())
        for rule in PACK.rules:
            value = {"body": rule.body, "hash": rule.hash, "version": 1}
            self.enter(EntryKind.RULE, start, subject=rule.id, value=value)
        assert self.rules.refused == {}

    def enter(self, kind: EntryKind, at: datetime, **members: Any) -> None:
        self.position += 1
        for transition in step(self.rules, self.memory, Entry(self.position, at, kind, **members)):
            if transition.kind in (TransitionKind.OPENED, TransitionKind.REOPENED):
                self.opened.append((transition.at, transition.rule, transition.severity.value))

    def say(self, at: datetime, feed: str, device: str, data: dict[str, Any], **place: Any) -> None:
        key = hash16(str(self.position).encode())
        event = Event(feed=feed, device=device, key=key, effective=at, received_at=at, data=data, **place)
        self.enter(EntryKind.EVENT, at, event=event)

    def pause_seconds(self, feed: str, generator: Generator) -> float:
        """Return how long a device is quiet: as the pack expects of it, or as it plays where that is longer."""
        expected = min(PACK.feeds[feed].expected_period.total_seconds(), EVERY_SECONDS_MAX)
        return max(expected, generator.pause_seconds())

    def play(self, hours: int) -> None:
        devices = {device.id: device for device in PACK.devices}
        for second in range(hours * 3_600):
            at = self.start + timedelta(seconds=second)
            moment = Moment(seconds=float(second), now=at.astimezone(LOCAL_OFFSET))
            if second % EVERY_SECONDS == 0:
                for name, (one, generator) in self.generators.items():
                    if second < self.due[name]:
                        continue
                    self.due[name] = second + self.pause_seconds(one.feed, generator)
                    device, reading = devices.get(name), generator.reading(moment)
                    place: dict[str, Any] = {"area": device.area, "zone": device.zone} if device else {}
                    if reading is not None:
                        place.update({part: reading.pop(part) for part in ("lat", "lon") if part in reading})
                        self.say(at, one.feed, name, reading, **place)
                self.enter(EntryKind.TICK, at)
            report = self.citizens.reading(moment)
            if report is not None:
                lat, lon = report.pop("lat"), report.pop("lon")
                self.say(at, "citizen_report", "app-cong-dan", report, area=UNIT_OF_REPORTS, lat=lat, lon=lon)


@pytest.mark.parametrize("day", [datetime(2026, 11, 22, 17, tzinfo=UTC), datetime(2026, 6, 14, 17, tzinfo=UTC)],
                         ids=["a Monday in November", "a Monday in June"])  # fmt: skip
def test_a_normal_day_gives_an_operator_six_rows_an_hour_at_most_and_no_critical_one(day):
    """Whoever is woken for nothing does not wake for the flood. All reports come from one unit: the worst case."""
    played = Day(day)
    played.play(24)
    hours = Counter((at - day) // timedelta(hours=1) for at, _, _ in played.opened)
    assert [row for row in played.opened if row[2] == "critical"] == []
    assert max(hours.values(), default=0) <= ROWS_AN_HOUR_MAX, Counter(rule for _, rule, _ in played.opened)
    assert sum(hours.values()) <= 24, Counter(rule for _, rule, _ in played.opened)
