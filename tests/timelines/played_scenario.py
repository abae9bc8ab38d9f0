"""A scenario of the pack folded in process: readings through the doors' checks, timers as the conductor has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.device import Device
from ioc.domain.event import Entry, EntryKind, Event, Message
from ioc.domain.event_time import event_time
from ioc.domain.feed import Label
from ioc.domain.people.account import KeyRecord
from ioc.domain.places.area import Area
from ioc.drills.instance import DrillPlan, pack_of_drill, station_area
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.location import Gazetteer
from ioc.ingest.pipeline.preparation import Preparer
from ioc.packs.loader import pack_folder
from ioc.packs.pack import Pack, plain
from ioc.replay.scenario import LeftOutRows, Scenario, Turn, load_scenario, turns
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory

DRILLS = pack_folder("hoabinh") / "drills"
TODAY = datetime(2026, 11, 28, tzinfo=UTC).date()
"""The units of a drill are those of the day on which it is played."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlayedScenario:
    """What a scenario leads to: the ``events`` that came in, the ``moves`` that the rules made of them."""

    def __init__(self, pack: Pack, path: Path) -> None:
        self.scenario: Scenario = load_scenario(path)
        plan = DrillPlan(self.scenario.first, 0.0, self.scenario, path.parent)
        self.pack = pack_of_drill(pack, plan.mark())
        self.areas: Sequence[Area] = pack.areas_on(TODAY)
        self.devices = {device.id: device for device in self._registered()}
        self.preparer = Preparer(feeds=pack.feeds, registry=self, events_max=10, marks=("drill",))
        self.rules = RuleSet(pack.feeds, {zone.code: zone.name for zone in pack.zones}, timezone=pack.zone)
        self.memory = Memory()
        self.now = self.scenario.first
        self.position = 0
        self.events: list[Event] = []
        self.moves: list[Transition] = []
        self.severity: dict[str, tuple[int, str, str]] = {}
        """By alert: rank and name of its highest severity, and its rule."""
        self._said: dict[bytes, tuple[bytes, int]] = {}
        self._begin()
        for turn in turns(self.scenario, path.parent, LeftOutRows()):
            self._pass_until(turn.moment)
            self._take(turn)
        self._pass_until(self.scenario.last)

    def device(self, device_id: str) -> Device | None:
        return self.devices.get(device_id)

    def key(self, secret: str) -> KeyRecord | None:
        del secret
        return None

    def areas_of_today(self) -> Sequence[Area]:
        return self.areas

    async def refresh(self) -> None:
        """Nothing to read."""

    @property
    def raised(self) -> Counter[tuple[str, str]]:
        """Return how many alerts of each rule there were, with the highest severity that each reached."""
        return Counter((rule, severity) for _, severity, rule in self.severity.values())

    def _registered(self) -> list[Device]:
        gazetteer = Gazetteer(self.areas)
        found = [
            Device(
                id=one.id, feed=one.feed, name=one.name, registered_at=self.scenario.first, area=one.area,
                zone=one.zone, lat=one.lat, lon=one.lon, parent=one.parent, critical=one.critical,
                expected_period_seconds=one.expected_period_seconds,
            )
            for one in self.pack.devices
        ]  # fmt: skip
        for station in self.scenario.stations:
            code = station_area(station, self.pack, gazetteer)
            found.append(Device(
                id=station.id, feed=station.feed, name=Label(station.name.vi, station.name.en),
                registered_at=self.scenario.first, area=code, zone=gazetteer.zone_of(code), lat=station.lat,
                lon=station.lon, parent=station.parent, expected_period_seconds=station.expected_period_seconds,
            ))  # fmt: skip
        return found

    def _begin(self) -> None:
        for area in self.areas:
            self._enter(EntryKind.AREA, subject=f"{area.code}@{area.valid_from}", value=plain(area))
        for device in self.devices.values():
            self._enter(EntryKind.DEVICE, subject=device.id, value=plain(device))
        self._enter(EntryKind.CALENDAR, subject="", value=self.pack.calendar())
        for rule in self.pack.rules:
            value = {"body": rule.body, "hash": rule.hash, "version": 1}
            self._enter(EntryKind.RULE, subject=rule.id, value=value)
        assert self.rules.refused == {}

    def _enter(self, kind: EntryKind, **members: Any) -> None:
        self.position += 1
        made = list(step(self.rules, self.memory, Entry(self.position, self.now, kind, **members)))
        assert not self.memory.failed
        self.moves += made
        for move in made:
            if move.kind in (TransitionKind.OPENED, TransitionKind.REOPENED, TransitionKind.RAISED):
                rank = (move.severity.rank, move.severity.value, move.rule)
                self.severity[move.alert_id] = max(self.severity.get(move.alert_id, rank), rank)

    def _pass_until(self, moment: datetime) -> None:
        """Let time pass, with a tick at each timer that is due on the way."""
        while (due := self.memory.next_due_log_us()) is not None:
            at = EPOCH + timedelta(microseconds=due)
            if at > moment:
                break
            self.now = max(self.now, at)
            self._enter(EntryKind.TICK)
        self.now = max(self.now, moment)

    def _take(self, turn: Turn) -> None:
        """Take one reading as the MQTT door would, and fold it."""
        body = orjson.dumps(turn.body)
        [message] = self.preparer.prepare(Delivery(turn.feed, turn.device, body, self.now, "mqtt", b"n"))
        assert isinstance(message, Message), f"{turn.id}: {message}"
        assert message.remark is None, f"{turn.id}: {message.remark}"
        content, revision = self._said.get(message.key, (b"", -1))
        assert content != message.content, f"{turn.id} says the same again"
        assert revision < 0 or message.revise, f"{turn.id} says something else of the same"
        self._said[message.key] = (message.content, revision + 1)
        effective, flags = event_time(message, self.now)
        event = Event(
            feed=message.feed, device=message.device, key=message.key, effective=effective, received_at=self.now,
            data=message.data, time=message.time, id=message.id, lat=message.lat, lon=message.lon, area=message.area,
            zone=message.zone, flags=flags, revision=revision + 1, door="mqtt",
        )  # fmt: skip
        self.events.append(event)
        self._enter(EntryKind.EVENT, event=event)
