"""What the engine remembers between entries: bounded, versioned, and the same bytes for the same log.

Mutable for speed, touched only by the fold. A snapshot is taken with its position; after a crash the engine folds the
entries since then again, and arrives at the same memory.
"""

from __future__ import annotations

import heapq
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, NamedTuple, Protocol

import orjson

from ioc.domain.alert import Limit
from ioc.errors import IOCError
from ioc.rules.language.rule import SECOND_US
from ioc.rules.state.alert_state import AlertState, plain, unpacked_alert
from ioc.rules.state.limit_book import LimitBook, packed_limit, unpacked_limit
from ioc.rules.state.tally import Tally

VERSION = 6
READINGS_MAX = 20
KEYS_MAX = 10_000
"""Keys of one rule. At the bound the idle ones make room; if none is idle a new key is not evaluated, and counted."""
IDLE_US = 24 * 3_600 * SECOND_US
PRUNE_EVERY_US = 60 * SECOND_US
DEVICES_MAX = 500_000
TIMERS_SPARE = 1_024
"""Outdated timers are swept once they outnumber the running ones by more than this."""


class MemoryVersionError(IOCError):
    """A snapshot was written by another version of the engine; fold the log again instead."""


class Reading(NamedTuple):
    """One reading kept as evidence, with the values that the rule looks at; None where it had none.

    A tuple with the names beside the values: twenty of these a key are most of what the engine holds.
    """

    position: int
    device: str
    effective_us: int
    names: tuple[str, ...]
    values: tuple[Any, ...]

    def known(self) -> dict[str, Any]:
        """Return the values by name."""
        return {name: value for name, value in zip(self.names, self.values, strict=True) if value is not None}


@dataclass(slots=True)
class LevelState:
    """One level of one key: what its clause said last and since when, and whether it lives."""

    truth: bool | None = None
    since_us: int = 0
    live: bool = False
    raw: bool | None = None
    """What the readings say, also outside of the rule's hours."""


class KindState(Protocol):
    """What a kind of rule remembers of one key, beside levels and alert."""

    def pack(self) -> Any:
        """Return it for a snapshot: lists, dicts, texts and numbers of 64 bits."""
        ...


@dataclass(frozen=True, slots=True)
class PackedState:
    """A kind's memory as a snapshot had it; the fold unpacks it when it first needs it."""

    data: Any

    def pack(self) -> Any:
        """Return it as it is."""
        return self.data


@dataclass(slots=True)
class KeyState:
    """Everything about one (rule, key)."""

    time_us: int
    """The highest effective time seen; it never goes back."""
    log_us: int
    """The log_time of the entry that brought it."""
    feed: str
    device: str
    levels: list[LevelState]
    clear: LevelState = field(default_factory=LevelState)
    """The recovery band's own clause; unused where the rule has none."""
    area: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    floor_us: int = 0
    """The last instant at which a timer ended: no transition is dated before another."""
    told_us: int = 0
    """When the newest reading that answered one of the rule's clauses was made: what `hold` counts from."""
    over: bool = False
    """Whether the hold of that reading has passed, so that every clause counts as false."""
    alert: AlertState | None = None
    values: dict[str, Any] = field(default_factory=dict)
    """The newest known value of each measure: what the clauses stand on."""
    readings: deque[Reading] = field(default_factory=lambda: deque(maxlen=READINGS_MAX))
    errors: int = 0
    no_data: int = 0
    due_log_us: int | None = None
    """When, on the log's clock, its next timer ends."""
    woken_us: int | None = None
    """When the heap of timers looks at it next: at that instant or before; no part of a snapshot."""
    head_us: int = 0
    """The highest instant at which it was evaluated."""
    season_us: int = 0
    """The last instant at which the rule's hours were asked."""
    failed: int = 0
    """Which of its last twenty readings failed, one bit each, the newest lowest."""
    pinned: bool = False
    """It stands for something registered: never forgotten for being idle."""
    kind_state: KindState | None = None
    """What its kind remembers."""
    context: dict[str, Any] = field(default_factory=dict)
    """What its clauses ask of the place, as the newest event had it."""
    limits: list[Limit | None] = field(default_factory=list)
    """Of a rule with tables: what each level was held against at its newest evaluation that had data."""

    def at_log(self, log_us: int) -> int:
        """Return the key's time when the log's is ``log_us`` (RULES: last effective, plus what has passed since)."""
        return self.time_us + max(log_us - self.log_us, 0)

    def move_to(self, feed: str, device: str, values: Mapping[str, Any]) -> None:
        """Let it be where its newest event is."""
        self.feed, self.device = feed, device
        self.area, self.zone = values.get("area"), values.get("zone")
        self.lat, self.lon = values.get("lat"), values.get("lon")

    def has(self, device: str, effective_us: int, values: tuple[Any, ...]) -> bool:
        """Tell whether it has seen this very reading; among readings of one instant the last new one counts."""
        return any(
            item.effective_us == effective_us and item.device == device and item.values == values
            for item in self.readings
        )

    @property
    def idle(self) -> bool:
        """Tell whether forgetting it changes nothing but what an older event would do."""
        return (
            not self.pinned
            and (self.alert is None or not self.alert.firing)
            and not any(level.live or level.truth for level in self.levels)
        )


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """A rule as the log gave it."""

    body: Mapping[str, Any]
    hash: str
    version: int


class Memory:
    """The engine's memory at one position of the log."""

    def __init__(self) -> None:
        self.position = 0
        self.log_us = 0
        self.tick_us = 0
        """The log_time of the last tick; a gap is measured from it."""
        self.rules: dict[str, RuleRecord] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, str] = {}
        """Why a rule was put out of force: it broke in our own code. Its next form gets another try."""
        self.engine: dict[str, Any] | None = None
        """What the log's last `engine` entry says."""
        self.told: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        """(registry's value, what absence rules know of it) by device: worked out once, no part of a snapshot."""
        self.areas: dict[str, dict[str, Any]] = {}
        self.limits = LimitBook(self.devices)
        """Limits by device, class and area."""
        self.keys: dict[str, dict[str, KeyState]] = {}
        self.holidays: frozenset[date] = frozenset()
        self.put_off: list[list[str]] = []
        """(rule, key) of silences that fell due while a gap was open."""
        self.clusters: dict[str, int] = {}
        """How many clusters a rule has begun."""
        self.placed: dict[str, dict[str, str]] = {}
        """Per rule over alerts: where each condition (rule and key) is; derived from the keys."""
        self.pruned_us: dict[str, int] = {}
        self.tally = Tally()
        self.renewed: dict[tuple[str, str], None] | None = None
        """(rule, key) of alerts that tell something new since somebody looked; None: nobody looks. No part of a
        snapshot."""
        self._heap: list[tuple[int, str, str]] = []
        self._heap_max = TIMERS_SPARE

    def schedule(self, rule: str, key: str, state: KeyState, due_log_us: int | None) -> None:
        """Set when the next timer of a key ends; None: none runs.

        A timer that is put off, as a silence is by every reading, stays in the heap where it is: it is put where it
        belongs when its old place comes up.
        """
        state.due_log_us = due_log_us
        if due_log_us is not None and (state.woken_us is None or due_log_us < state.woken_us):
            state.woken_us = due_log_us
            heapq.heappush(self._heap, (due_log_us, rule, key))
            if len(self._heap) > self._heap_max:
                self._sweep()

    def _sweep(self) -> None:
        """Drop places in the heap that have been left for earlier ones."""
        kept = {place for place in self._heap if self._stands(place)}
        self._heap = list(kept)
        heapq.heapify(self._heap)
        self._heap_max = 2 * len(self._heap) + TIMERS_SPARE

    def _stands(self, place: tuple[int, str, str]) -> bool:
        """Tell whether a place in the heap is its key's present one."""
        woken_us, rule, key = place
        state = self.keys.get(rule, {}).get(key)
        return state is not None and state.woken_us == woken_us

    def next_due_log_us(self) -> int | None:
        """Return when the next timer ends on the log's clock, None while none runs."""
        while self._heap:
            woken_us, rule, key = self._heap[0]
            state = self.keys.get(rule, {}).get(key)
            if state is None or state.woken_us != woken_us:
                heapq.heappop(self._heap)
            elif state.due_log_us == woken_us:
                return woken_us
            elif state.due_log_us is None:
                state.woken_us = None
                heapq.heappop(self._heap)
            else:
                state.woken_us = state.due_log_us
                heapq.heapreplace(self._heap, (state.due_log_us, rule, key))
        return None

    def take_due(self, log_us: int) -> Iterator[tuple[int, str, str]]:
        """Yield (due, rule, key) whose timer has ended by ``log_us``, in that order; new ones on the way too."""
        while (due_log_us := self.next_due_log_us()) is not None and due_log_us <= log_us:
            _, rule, key = heapq.heappop(self._heap)
            state = self.keys[rule][key]
            state.due_log_us = state.woken_us = None
            yield due_log_us, rule, key

    def room(self, rule: str, log_us: int, *, idle_us: int = IDLE_US) -> bool:
        """Tell whether a rule may have one more key; forgets keys idle for ``idle_us`` first, at most once a minute."""
        states = self.keys.setdefault(rule, {})
        if len(states) < KEYS_MAX:
            return True
        if log_us - self.pruned_us.get(rule, -PRUNE_EVERY_US) >= PRUNE_EVERY_US:
            self.pruned_us[rule] = log_us
            for key in [key for key, state in states.items() if state.idle and log_us - state.log_us > idle_us]:
                del states[key]
        return len(states) < KEYS_MAX

    def forget_rule(self, rule: str) -> None:
        """Drop everything known under a rule."""
        self.keys.pop(rule, None)
        self.placed.pop(rule, None)
        self.clusters.pop(rule, None)
        self.pruned_us.pop(rule, None)

    def open_alerts(self) -> dict[tuple[str, str], str]:
        """Return the id of every firing alert by (rule, key)."""
        return {
            (rule, key): state.alert.id
            for rule, states in self.keys.items()
            for key, state in states.items()
            if state.alert is not None and state.alert.firing
        }

    def snapshot(self) -> bytes:
        """Return the whole memory; equal memories give equal bytes."""
        body = {
            "version": VERSION,
            "position": self.position,
            "log_us": self.log_us,
            "tick_us": self.tick_us,
            "rules": {name: plain(record) for name, record in self.rules.items()},
            "devices": self.devices,
            "areas": self.areas,
            "limits": self.limits.rows,
            "keys": {
                rule: {key: _packed(state) for key, state in states.items()} for rule, states in self.keys.items()
            },
            "pruned_us": self.pruned_us,
            "holidays": sorted(day.isoformat() for day in self.holidays),
            "put_off": self.put_off,
            "clusters": self.clusters,
            "placed": self.placed,
            "failed": self.failed,
            "engine": self.engine,
        }
        return zlib.compress(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), level=1)

    @classmethod
    def restore(cls, data: bytes) -> Memory:
        """Return the memory of a snapshot.

        Raises:
            MemoryVersionError: another version wrote it, or it cannot be read.
        """
        try:
            body = orjson.loads(zlib.decompress(data))
        except (zlib.error, orjson.JSONDecodeError) as error:
            raise MemoryVersionError(f"the snapshot cannot be read: {error}") from error
        if body.get("version") != VERSION:
            raise MemoryVersionError(f"snapshot version {body.get('version')}, this engine reads {VERSION}")
        try:
            return cls._of(body)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # If this stopped the engine it would stop it at every start; the log can be folded again instead.
            raise MemoryVersionError(f"the snapshot is not as version {VERSION} writes it: {error!r}") from error

    @classmethod
    def _of(cls, body: Mapping[str, Any]) -> Memory:
        memory = cls()
        memory.position, memory.log_us, memory.tick_us = body["position"], body["log_us"], body["tick_us"]
        memory.rules = {name: RuleRecord(**record) for name, record in body["rules"].items()}
        memory.devices, memory.areas, memory.pruned_us = body["devices"], body["areas"], body["pruned_us"]
        memory.holidays = frozenset(map(date.fromisoformat, body["holidays"]))
        memory.put_off, memory.clusters, memory.placed = body["put_off"], body["clusters"], body["placed"]
        memory.failed = body["failed"]
        memory.engine = body.get("engine")  # snapshots from before the log had such entries know none
        memory.limits = LimitBook(memory.devices, body.get("limits", {}))
        for rule, states in body["keys"].items():
            memory.keys[rule] = {key: _unpacked(packed) for key, packed in states.items()}
            for key, state in memory.keys[rule].items():
                if state.due_log_us is not None:
                    state.woken_us = state.due_log_us
                    memory._heap.append((state.due_log_us, rule, key))
        heapq.heapify(memory._heap)
        return memory


KEPT = tuple(each.name for each in fields(KeyState) if each.name not in ("woken_us", "kind_state"))
"""What a snapshot has of a key by these names; its kind's state is packed as `own`."""


def _packed(state: KeyState) -> dict[str, Any]:
    packed = {name: getattr(state, name) for name in KEPT}
    packed["levels"], packed["clear"] = [plain(level) for level in state.levels], plain(state.clear)
    if state.alert is not None:
        packed["alert"] = plain(state.alert)
        packed["alert"]["now"] = None if state.alert.now is None else plain(state.alert.now)
    packed["own"] = None if state.kind_state is None else state.kind_state.pack()
    packed["readings"] = [list(item) for item in state.readings]
    packed["limits"] = [None if limit is None else packed_limit(limit) for limit in state.limits]
    return packed


def _unpacked(packed: dict[str, Any]) -> KeyState:
    alert, own = packed["alert"], packed.pop("own")
    return KeyState(
        **{
            **packed,
            "levels": [LevelState(**level) for level in packed["levels"]],
            "clear": LevelState(**packed["clear"]),
            "alert": None if alert is None else unpacked_alert(alert),
            "kind_state": None if own is None else PackedState(own),
            "readings": deque(map(_reading, packed["readings"]), maxlen=READINGS_MAX),
            "limits": [None if limit is None else unpacked_limit(limit) for limit in packed.get("limits", ())],
        }
    )


def _reading(packed: list[Any]) -> Reading:
    position, device, effective_us, names, values = packed
    return Reading(position, device, effective_us, tuple(names), tuple(values))
