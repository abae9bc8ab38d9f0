"""A calm day of the whole city is quiet: the fleet that the centre is sized for, through every rule of the pack.

About 2,200 devices and the offices and citizens beside them, made from the pack's kinds by a seed, play a calm day; the
live engine folds their six million readings in this process, with its timers at the second at which they end. An
operator may get six new rows an hour, and none of them critical. The control lets the same fleet play the flood night,
which must break that bound. In short half an hour of the evening's traffic, with half the rows.

Its busiest hour is played as a drill too: the same fleet through the MQTT door, the log and the rules of a running
instance, on the drill's clock. In short half a minute of it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.alert import TransitionKind
from ioc.domain.event import Entry, EntryKind, Event
from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack, plain
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from ioc.runtime import compiled
from proof.harness.report import Profile, Report
from proof.scenarios.rules.calm_drill import SaidReading, Standing, drilled
from simulators.city_fleet import city_fleet
from simulators.feeds import Generator, make_generator
from simulators.feeds.citizen_report import CitizenReport
from simulators.roster import Device, Roster
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, Moment, World

PROMISE = "a calm day of the whole fleet gives an operator six rows an hour at most, and no critical one"
ROWS_AN_HOUR_MAX = 6
DAY = datetime(2026, 11, 22, 17, tzinfo=UTC)
"""A Monday's first minute in Hòa Bình."""
FEED_SECONDS_MAX = 3_600.0
"""What comes once a day is said by the hour."""
CITIZENS, APP, UNIT = "citizen_report", "app-cong-dan", "04795"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN_MAX = 20
DRILL_SECONDS_MAX = 5_400.0
"""An hour's readings are acknowledged one by one, as any drill's."""


@dataclass(frozen=True, slots=True)
class CalmSize:
    """From which local hour, for how long, how long the control plays the flood, and how much of an hour is a drill.

    No minutes: no drill.
    """

    from_hour: int
    hours: float
    flood_minutes: float
    drill_minutes: float


SIZES = {
    Profile.QUICK: CalmSize(from_hour=17, hours=0.5, flood_minutes=6, drill_minutes=0.5),
    Profile.FULL: CalmSize(from_hour=0, hours=24, flood_minutes=30, drill_minutes=60),
}


@dataclass(slots=True)
class Speaker:
    """One device or source, and how it is played."""

    id: str
    feed: str
    generator: Generator
    every_seconds: float
    place: dict[str, Any]


class FleetDay:
    """A stretch of a day of the fleet, folded entry by entry."""

    def __init__(self, pack: Pack, *, seed: int, scenario: str) -> None:
        self.pack, self.seed = pack, seed
        self.rules = RuleSet(pack.feeds, {zone.code: zone.name for zone in pack.zones}, timezone=pack.zone)
        self.memory = Memory()
        self.position, self.events = 0, 0
        self.rows: list[tuple[datetime, str, str]] = []
        """When each row came, of which rule, how severe."""
        self.by_hour: Counter[int] = Counter()
        """Readings by the hour since the start."""
        self.said: list[SaidReading] | None = None
        """Each reading, where somebody wants to play them again."""
        models = [Device(id=one.id, feed=one.feed, key="k", lat=one.lat, lon=one.lon) for one in pack.devices]
        self.fleet = city_fleet(models, seed=seed)
        devices = [one.device for one in self.fleet]
        self.world = World(scenario=read_scenario(scenario), devices=devices, seed=seed)
        self.citizens = CitizenReport(devices, self.world)
        self.speakers = list(self._speakers(devices))

    def _speakers(self, devices: list[Device]) -> Iterator[Speaker]:
        known = {one.id: one for one in self.pack.devices}
        for one in self.fleet:
            model, generator = known[one.model], make_generator(one.device, self.world, self.pack.plays)
            if generator is not None:
                place = {"area": model.area, "zone": model.zone, "lat": one.device.lat, "lon": one.device.lon}
                pause = one.every_seconds or self._expected_seconds(one.device.feed, generator)
                yield Speaker(one.device.id, one.device.feed, generator, pause, place)
        keys = dict.fromkeys(self.pack.plays, "k")
        plays = {name: dict(play) for name, play in self.pack.plays.items()}
        for source in Roster(devices=tuple(devices), feed_keys=keys, plays=plays).sources():
            generator = make_generator(source, self.world, self.pack.plays)
            assert generator is not None, source.feed
            yield Speaker(source.id, source.feed, generator, self._expected_seconds(source.feed, generator), {})

    def _expected_seconds(self, feed: str, generator: Generator) -> float:
        expected = min(self.pack.feeds[feed].expected_period.total_seconds(), FEED_SECONDS_MAX)
        return max(expected, generator.pause_seconds())

    def enter(self, kind: EntryKind, at: datetime, **members: Any) -> None:
        """Fold one entry, and count the rows that it gives an operator."""
        self.position += 1
        for move in step(self.rules, self.memory, Entry(self.position, at, kind, **members)):
            if move.kind in (TransitionKind.OPENED, TransitionKind.REOPENED):
                self.rows.append((at, move.rule, move.severity.value))

    def begin(self, at: datetime) -> None:
        """Enter the registry, the calendar and the rules."""
        known = {one.id: one for one in self.pack.devices}
        for one in self.fleet:
            registered = replace(known[one.model], id=one.device.id, lat=one.device.lat, lon=one.device.lon)
            self.enter(EntryKind.DEVICE, at, subject=registered.id, value=plain(registered))
        self.enter(EntryKind.CALENDAR, at, subject="", value=self.pack.calendar())
        for rule in self.pack.rules:
            value = {"body": rule.body, "hash": rule.hash, "version": 1}
            self.enter(EntryKind.RULE, at, subject=rule.id, value=value)
        assert self.rules.refused == {}, self.rules.refused

    def play(self, start: datetime, seconds: float) -> None:
        """Let everybody speak in turn, first within their own period, and the timers end when they are due."""
        self.begin(start)
        spread = self.world.random_for("first words of the fleet")
        due = [(spread.uniform(0, one.every_seconds), number) for number, one in enumerate(self.speakers)]
        heapq.heapify(due)
        for second in range(int(seconds)):
            now = start + timedelta(seconds=second)
            moment = Moment(seconds=float(second), now=now.astimezone(LOCAL_OFFSET))
            self._end_timers(now)
            self._citizen(moment, now)
            while due[0][0] <= second:
                at, number = due[0]
                heapq.heapreplace(due, (at + self.speakers[number].every_seconds, number))
                self._speak(self.speakers[number], moment, now)
            assert not self.memory.failed, self.memory.failed

    def _end_timers(self, now: datetime) -> None:
        while (end := self.memory.next_due_log_us()) is not None and EPOCH + timedelta(microseconds=end) <= now:
            self.enter(EntryKind.TICK, now)

    def _speak(self, one: Speaker, moment: Moment, now: datetime) -> None:
        reading = one.generator.reading(moment)
        if reading is not None:
            moved: dict[str, Any] = {part: reading.pop(part) for part in ("lat", "lon") if part in reading}
            self._say(one.feed, one.id, reading, now, {**one.place, **moved}, {**reading, **moved})

    def _citizen(self, moment: Moment, now: datetime) -> None:
        report = self.citizens.reading(moment)
        if report is not None:
            said = dict(report)
            place = {"area": UNIT, "zone": "hoa-binh", "lat": report.pop("lat"), "lon": report.pop("lon")}
            self._say(CITIZENS, APP, report, now, place, said)

    def _say(
        self, feed: str, device: str, data: dict[str, Any], now: datetime, place: dict[str, Any], said: dict[str, Any]
    ) -> None:
        """Let one speak: ``said`` is what it sends, ``data`` and ``place`` what the intake makes of it."""
        if self.said is not None:
            self.said.append(SaidReading(now, feed, device, said))
        key = self.position.to_bytes(16, "big")
        event = Event(feed=feed, device=device, key=key, effective=now, received_at=now, data=data, **place)
        self.enter(EntryKind.EVENT, now, event=event)
        self.events += 1
        self.by_hour[int(moment_hour(now))] += 1

    def standings(self) -> Iterator[Standing]:
        """Yield where everybody stands; sources without a place stand with the first device."""
        first = self.fleet[0].device
        for one in self.speakers:
            yield Standing(one.id, one.feed, one.place.get("lat") or first.lat, one.place.get("lon") or first.lon)
        yield Standing(APP, CITIZENS, first.lat, first.lon)

    def rows_an_hour(self) -> Counter[int]:
        """Return how many rows came in each hour."""
        return Counter(int(moment_hour(at)) for at, _, _ in self.rows)

    def critical(self) -> int:
        """Return how many of them were critical."""
        return sum(severity == "critical" for _, _, severity in self.rows)


def moment_hour(at: datetime) -> float:
    """Return the hours since the day's first minute."""
    return (at - DAY).total_seconds() / 3_600


def play_calm(seed: int, size: CalmSize) -> FleetDay:
    """Return the calm stretch, played."""
    day = FleetDay(load_pack("hoabinh", shapes=False), seed=seed, scenario="calm")
    day.play(DAY + timedelta(hours=size.from_hour), size.hours * 3_600)
    return day


def play_flood(seed: int, size: CalmSize) -> FleetDay:
    """Return the control: the same fleet in the flood night."""
    day = FleetDay(load_pack("hoabinh", shapes=False), seed=seed, scenario="flood")
    day.play(DAY + timedelta(hours=size.from_hour), size.flood_minutes * 60)
    return day


async def drill_of(seed: int, size: CalmSize, hour: int) -> dict[str, Any]:
    """Play an hour of the day, or its first minutes, through a running instance."""
    day = FleetDay(load_pack("hoabinh", shapes=False), seed=seed, scenario="calm")
    day.said = []
    await asyncio.to_thread(day.play, DAY + timedelta(hours=hour), size.drill_minutes * 60)
    return await drilled(day.said, day.standings(), seconds=DRILL_SECONDS_MAX)


async def prove(*, seed: int, size: CalmSize) -> Report:
    """Play the calm stretch and the control."""
    report = Report("calm", seed, PROMISE)
    day = await asyncio.to_thread(play_calm, seed, size)
    hours = day.rows_an_hour()
    report.facts = {
        "devices": len(day.fleet), "sources": len(day.speakers) - len(day.fleet), "events": day.events,
        "hours": size.hours, "busiest_hour": max(day.by_hour, key=lambda hour: day.by_hour[hour], default=None),
        "busiest_hour_events": max(day.by_hour.values(), default=0), "rows": len(day.rows),
        "rows_an_hour_max": max(hours.values(), default=0), "critical": day.critical(),
        "rows_by_rule": dict(Counter(rule for _, rule, _ in day.rows).most_common(SHOWN_MAX)),
        "compiled": not compiled.look()[1],
    }  # fmt: skip
    flood = await asyncio.to_thread(play_flood, seed, size)
    played = held_in_drill = True
    if size.drill_minutes:
        drill = await drill_of(seed, size, report.facts["busiest_hour"])
        report.facts |= {f"drill_{name}": value for name, value in drill.items()}
        played = drill["acknowledged"] == drill["readings"] > 0
        held_in_drill = drill["rows"] <= ROWS_AN_HOUR_MAX and drill["critical"] == drill["refused"] == 0
    report.control = {"rows": len(flood.rows), "critical": flood.critical(), "minutes": size.flood_minutes}
    allowed = ROWS_AN_HOUR_MAX * min(1.0, size.hours)
    held = report.facts["rows_an_hour_max"] <= allowed and report.facts["critical"] == 0
    too_loud = len(flood.rows) > ROWS_AN_HOUR_MAX or flood.critical() > 0
    report.judge(held=held and held_in_drill, evidence=day.events > 0 and played, control_failed=too_loud)
    return report
