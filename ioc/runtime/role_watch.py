"""Who watches the roles: one whose beat stands still for three seconds is missed, for five the data are stale (pure).

No clocks are compared: a beat is a counter, and the watcher's own clock says how long it has not moved. Time in which
the watcher could not look (the database was away, or it slept itself) counts against nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

MISSED_SECONDS = 3.0
STALE_SECONDS = 5.0
LOOK_SECONDS = 0.5
LOOK_SECONDS_MAX = 1.5
"""A longer pause between two looks is the watcher's own; what is beyond counts against nobody."""
RULES, ROLLUP, DOOR, BRIDGE, KEEPER, API = "rules", "rollup", "door", "bridge", "keeper", "api"
KINDS = (RULES, ROLLUP, DOOR, BRIDGE, KEEPER, API)
EACH_COUNTS = frozenset({DOOR, BRIDGE})
"""Kinds of which every process has devices of its own; of the others one that works is enough."""


def kind_of(role: str) -> str:
    """Return what a process does: `door` of `door-2`."""
    return role.partition("-")[0]


@dataclass(frozen=True, slots=True)
class RoleBeat:
    """The beat of one process as the store holds it. ``place`` tells processes of one role apart."""

    role: str
    place: str
    beat: int
    working: bool


@dataclass(frozen=True, slots=True)
class RoleSilence:
    """A kind of role that says nothing: for how long, and since when by the log's clock."""

    seconds: float
    since: datetime

    @property
    def stale(self) -> bool:
        """Tell whether what it makes must be taken as old."""
        return self.seconds >= STALE_SECONDS


@dataclass(frozen=True, slots=True)
class _Sign:
    """The last time that a beat was seen to move."""

    beat: int
    seconds: float
    moment: datetime
    working: bool = True


@dataclass(slots=True)
class RoleWatch:
    """Watches the roles; ``required`` must beat even if nobody has ever seen them."""

    required: frozenset[str]
    _signs: dict[tuple[str, str], _Sign] = field(default_factory=dict)
    _worked: dict[str, _Sign] = field(default_factory=dict)
    """The last sign of each required role at work, kept when its row goes."""
    _began: _Sign | None = None
    _looked: float | None = None
    _slept: float = 0.0
    _silent: dict[str, RoleSilence] = field(default_factory=dict)

    def look(self, beats: Iterable[RoleBeat], seconds: float, now: datetime) -> Mapping[str, RoleSilence]:
        """Return the kinds of role that say nothing for three seconds or longer, at ``seconds`` of our own clock."""
        if self._looked is not None:
            self._slept += max(0.0, seconds - self._looked - LOOK_SECONDS_MAX)
        self._looked = seconds
        awake = seconds - self._slept
        self._began = self._began or _Sign(0, awake, now)
        signs: dict[tuple[str, str], _Sign] = {}
        for beat in beats:
            key = (beat.role, beat.place)
            before = self._signs.get(key)
            if before is not None and before.beat == beat.beat:
                signs[key] = before
                continue
            signs[key] = _Sign(beat.beat, awake, now, beat.working)
            if beat.working and beat.role in self.required:
                self._worked[beat.role] = signs[key]
        self._signs = signs
        last = {kind: self._last(kind, self._began) for kind in self.known}
        self._silent = {
            kind: RoleSilence(awake - sign.seconds, sign.moment)
            for kind, sign in last.items()
            if awake - sign.seconds >= MISSED_SECONDS
        }
        return self._silent

    def _last(self, kind: str, began: _Sign) -> _Sign:
        """Return the last sign of a kind: where each process counts, of the one that was heard longest ago."""
        found = [sign for (role, _), sign in self._signs.items() if kind_of(role) == kind]
        known = {role for role, _ in self._signs}
        absent = [role for role in self.required if kind_of(role) == kind and role not in known]
        if kind in EACH_COUNTS:
            return min([*found, *(self._worked.get(role, began) for role in absent)], key=_seconds_of)
        at_work = [sign for sign in found if sign.working]
        return max(at_work, key=_seconds_of) if at_work else self._worked.get(kind, began)

    @property
    def complete(self) -> bool:
        """Tell whether every required role has been seen and none is missed."""
        return not self._silent and self.required <= {role for role, _ in self._signs}

    @property
    def known(self) -> list[str]:
        """Return the kinds that are watched, in a fixed order."""
        kinds = {kind_of(role) for role, _ in self._signs} | {kind_of(role) for role in self.required}
        return [kind for kind in KINDS if kind in kinds]

    @property
    def silent(self) -> Mapping[str, RoleSilence]:
        """Return what the last look found."""
        return self._silent


def _seconds_of(sign: _Sign) -> float:
    return sign.seconds
