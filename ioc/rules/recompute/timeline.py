"""Rules tested as timelines that an operator can read: `at: 0s send ...; at: 10m expect firing medium`.

A timeline names its rules (written in it, or the pack's by id) and its steps; the runner plays them through the very
fold that runs live, with a tick every second while a timer is pending. One file::

    timeline: Ten minutes above the limit
    pack_rules: [rain.24h]            # or rules: [{rule: ..., ...}] with feeds: {meter: {value: number}}
    steps:
      - {at: 0s, send: {feed: rainfall, device: rain-1, rain_24h_mm: 120}}
      - {at: 0s, expect: firing high, summary: "120 mm"}
      - {at: 1h, expect: none}        # none | cleared | firing LEVEL; with rule, key, count, flaps, opened, ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import yaml

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, canonical, hash16
from ioc.domain.event_time import effective_time
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.moment import parse_time
from ioc.errors import IOCError
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.rule import MICROSECOND, SECOND_US
from ioc.rules.loading.loader import duration_at
from ioc.rules.state.memory import Memory

START = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
PLACE_MEMBERS = ("area", "zone", "lat", "lon")
ACTIONS = frozenset({"send", "expect", "rule", "remove", "device", "calendar", "limit", "gap", "restart"})
CHECKS = frozenset(
    {"rule", "key", "count", "summary", "flaps", "opened", "changed", "retrospective", "chattering", "reason"}
)


class TimelineError(IOCError):
    """A timeline is not written as it must be."""


@dataclass(frozen=True, slots=True)
class TimelineResult:
    """What became of one timeline; ``failures`` are sentences, none when it passed."""

    file: Path
    name: str
    failures: tuple[str, ...]
    expectations: int

    @property
    def passed(self) -> bool:
        """Tell whether every expectation was met."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class TimelinePack:
    """What a timeline may take from the pack."""

    feeds: Mapping[str, FeedSpec] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Bodies by id."""
    zones: Mapping[str, Label] = field(default_factory=dict)
    timezone: tzinfo = UTC
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Registry values by id, as the log's device entries have them."""
    areas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same of the units, by `code@valid_from`."""
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Limits by device, class and area, by id, as the log's entries have them."""
    calendar: Mapping[str, Any] | None = None
    """The pack's holidays, as the log's calendar entry has them; in force where a timeline takes rules of the pack."""


def run_timelines(directory: Path, pack: TimelinePack) -> Iterator[TimelineResult]:
    """Run every `*.yaml` under ``directory``, in order of name; one file holds one or more documents.

    Raises:
        TimelineError: a file is not a timeline, or the folder holds none.
    """
    files = sorted(directory.rglob("*.yaml"))
    if not files:
        raise TimelineError(f"{directory}: no timeline (*.yaml) here")
    for file in files:
        for document in documents(file):
            yield run_timeline(document, pack, file=file)


def documents(file: Path) -> list[Mapping[str, Any]]:
    """Return the timelines of one file."""
    try:
        found = [item for item in yaml.safe_load_all(file.read_text(encoding="utf-8")) if item is not None]
    except yaml.YAMLError as error:
        raise TimelineError(f"{file}: {error}") from error
    for item in found:
        if not isinstance(item, Mapping) or "timeline" not in item or "steps" not in item:
            raise TimelineError(f"{file}: a timeline has `timeline:` (its name) and `steps:`")
    return found


def run_timeline(document: Mapping[str, Any], pack: TimelinePack, *, file: Path) -> TimelineResult:
    """Play one timeline and return what it found."""
    try:
        player = Player(document, pack)
        for number, item in enumerate(document["steps"]):
            player.play(item, f"step {number + 1}")
    except IOCError as error:
        raise TimelineError(f"{file}: {document['timeline']}: {error}") from error
    return TimelineResult(file, str(document["timeline"]), tuple(player.failures), player.expectations)


def read_feed(name: str, fields: Mapping[str, str]) -> FeedSpec:
    """Return the feed that a timeline declares as `{field: type}`."""
    specs = {item: FieldSpec(item, Label(item, item), FieldType(kind)) for item, kind in fields.items()}
    return FeedSpec(name, Label(name, name), "test", specs)


class Player:
    """Plays the steps of one timeline: a small log of its own, and the fold."""

    def __init__(self, document: Mapping[str, Any], pack: TimelinePack) -> None:
        feeds = {**pack.feeds, **{name: read_feed(name, item) for name, item in document.get("feeds", {}).items()}}
        self.rules = RuleSet(feeds, pack.zones, timezone=pack.timezone)
        self.pack = pack
        self.memory = Memory()
        self.start = parse_time(document["start"]) if "start" in document else START
        self.tick = timedelta(microseconds=duration_at(document.get("tick"), "tick", default_us=SECOND_US))
        self.now = self.start
        self.position = 0
        self.sent: Counter[str] = Counter()
        self.transitions: list[Transition] = []
        self.failures: list[str] = []
        self.expectations = 0
        for name, area in pack.areas.items():
            self.enter(EntryKind.AREA, subject=name, value=area)
        kept = document.get("pack_devices", pack.devices)
        if unknown := sorted(set(kept) - set(pack.devices)):
            raise TimelineError(f"the pack has no device {unknown[0]!r}")
        registered = {name: pack.devices[name] for name in kept}
        for name, device in {**registered, **document.get("devices", {})}.items():
            self.enter(EntryKind.DEVICE, subject=name, value={"id": name, **device})
        if pack.calendar is not None and "pack_rules" in document:
            self.enter(EntryKind.CALENDAR, subject="", value=pack.calendar)
        for name, value in {**pack.limits, **document.get("limits", {})}.items():
            self.put_limit(name, value)
        for identifier in document.get("pack_rules", []):
            if identifier not in pack.rules:
                raise TimelineError(f"the pack has no rule {identifier!r}")
            self.put_rule(pack.rules[identifier])
        for body in document.get("rules", []):
            self.put_rule(body)

    def enter(self, kind: EntryKind, **members: Any) -> None:
        """Append an entry to the timeline's log and fold it."""
        self.position += 1
        entry = Entry(self.position, self.now, kind, **members)
        self.transitions.extend(step(self.rules, self.memory, entry))
        if self.memory.failed:
            raise TimelineError(f"a rule broke: {self.memory.failed}")

    def put_rule(self, body: Mapping[str, Any]) -> None:
        """Put a rule in force; one that cannot be loaded fails the timeline."""
        value = {"body": body, "hash": hash16(canonical(body)).hex(), "version": self.position + 1}
        self.enter(EntryKind.RULE, subject=body.get("rule", "?"), value=value)
        if reason := self.rules.refused.get(body.get("rule", "?")):
            raise TimelineError(reason)

    def put_device(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Put a device into the registry, or take it out."""
        self.enter(EntryKind.DEVICE, subject=name, value=value)

    def put_limit(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Put a limit into its table, or take it out; YAML has its days as days."""
        plain = None if value is None else {
            "unit": "", "source": "", "verified": False,
            **{member: str(part) if isinstance(part, date) else part for member, part in value.items()},
        }  # fmt: skip
        self.enter(EntryKind.LIMIT, subject=name, value=plain)

    def advance_to(self, moment: datetime) -> None:
        """Let time pass, with a tick at every second in which a timer is pending."""
        while self.now < moment:
            self.now = moment if self.memory.next_due_log_us() is None else min(self.now + self.tick, moment)
            if self.memory.next_due_log_us() is not None:
                self.enter(EntryKind.TICK)

    def play(self, item: Mapping[str, Any], where: str) -> None:
        """Play one step."""
        if not isinstance(item, Mapping) or "at" not in item:
            raise TimelineError(f"{where}: a step has `at:`")
        action = next((name for name in ("expect", *sorted(ACTIONS)) if name in item), None)
        allowed = {"at", action, *(CHECKS if action == "expect" else ())}
        if action is None or not set(item) <= allowed:
            raise TimelineError(f"{where}: after `at:` comes one of {', '.join(sorted(ACTIONS))}")
        if action == "gap":
            self.now = self.start + self.offset(item["at"])
            self.enter(EntryKind.GAP)
            return
        self.advance_to(self.start + self.offset(item["at"]))
        if action == "send":
            self.send(item["send"])
        elif action == "rule":
            self.put_rule(item["rule"])
        elif action == "remove":
            self.enter(EntryKind.RULE, subject=item["remove"], value=None)
        elif action in ("device", "limit"):
            put = self.put_limit if action == "limit" else self.put_device
            for name, value in item[action].items():
                put(name, value)
        elif action == "calendar":
            days = [{"date": str(day)} for day in item["calendar"]]
            self.enter(EntryKind.CALENDAR, subject="", value={"holidays": days})
        elif action == "restart":
            self.restart()
        else:
            self.expectations += 1
            self.expect(item, f"at {item['at']}: expected {item['expect']}")

    def offset(self, text: str) -> timedelta:
        """Return a duration of the timeline, `0s` and negative ones included."""
        sign = -1 if text.startswith("-") else 1
        return sign * duration_at(text.removeprefix("-"), "at", default_us=0) * MICROSECOND

    def send(self, members: Mapping[str, Any]) -> None:
        """Let a device report; `time: -20m` says how old the reading is, a second one of an `id` is its revision."""
        data = dict(members)
        device, feed = data.pop("device", "device-1"), data.pop("feed", next(iter(self.rules.rules.values())).feeds[0])
        age = data.pop("time", None)
        observed = self.now if age is None else self.now + self.offset(age)
        place = {name: data.pop(name) for name in PLACE_MEMBERS if name in data}
        flags = tuple(data.pop("flags", ()))
        name = str(data.pop("id", self.position))
        self.sent[name] += 1
        effective, fault = effective_time(observed, self.now)
        self.enter(
            EntryKind.EVENT,
            event=Event(
                feed=feed,
                device=device,
                key=hash16(name.encode()),
                effective=effective,
                received_at=self.now,
                data=data,
                time=observed,
                revision=self.sent[name] - 1,
                flags=flags if fault is None else (*flags, fault),
                **place,
            ),
        )

    def restart(self) -> None:
        """Forget everything but the snapshot, as after a crash."""
        self.memory = Memory.restore(self.memory.snapshot())
        self.rules = RuleSet(self.rules.feeds, self.pack.zones, timezone=self.pack.timezone)
        self.rules.load(self.memory.rules, self.memory.failed)

    def expect(self, item: Mapping[str, Any], said: str) -> None:
        """Compare what is expected with the alerts so far."""
        chosen = [
            transition
            for transition in self.transitions
            if transition.rule == item.get("rule", transition.rule)
            and transition.key == item.get("key", transition.key)
        ]
        newest = {transition.alert_id: transition for transition in chosen}
        firing = [last for last in newest.values() if last.kind is not TransitionKind.CLEARED or last.ends_by_person]
        wanted, _, level = str(item["expect"]).partition(" ")
        if wanted == "none":
            if firing:
                self.failures.append(f"{said}, found {describe(firing[-1])}")
            return
        if wanted == "cleared":
            last = chosen[-1] if chosen and not firing else None
        elif wanted == "firing" and level:
            last = next((one for one in firing if one.severity == level), None)
        else:
            raise TimelineError(f"{said}: say none, cleared or firing LEVEL")
        if last is None:
            self.failures.append(f"{said}, found {', '.join(map(describe, newest.values())) or 'no alert'}")
            return
        alike = newest.values() if wanted == "cleared" else [one for one in firing if one.severity == level]
        if item.get("count", len(alike)) != len(alike):
            self.failures.append(f"{said}, {item['count']} of them, found {len(alike)}")
        self.failures.extend(f"{said}, {problem}" for problem in self.problems(item, last))

    def problems(self, item: Mapping[str, Any], last: Transition) -> Iterator[str]:
        """Yield what differs in the further members of an expectation."""
        opened = next(one for one in self.transitions if one.alert_id == last.alert_id)
        found: dict[str, object] = {
            "flaps": last.flap_count,
            "retrospective": last.retrospective,
            "chattering": "chattering" in last.labels,
            "reason": last.reason,
        }
        for name, value in found.items():
            if name in item and item[name] != value:
                yield f"with {name} {item[name]}, found {value}"
        for name, moment in (("opened", opened.at), ("changed", last.at)):
            if name in item and self.start + self.offset(item[name]) != moment:
                yield f"{name} at {item[name]}, found {moment - self.start}"
        if not any(item.get("summary", "") in text for text in (last.summary.vi, last.summary.en)):
            yield f"with {item['summary']!r}, found {last.summary.vi!r} / {last.summary.en!r}"


def describe(transition: Transition) -> str:
    """Return a transition in a few words."""
    return f"{transition.rule}[{transition.key}] {transition.kind} {transition.severity}"
