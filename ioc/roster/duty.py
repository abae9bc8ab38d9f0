"""Who is on duty at a moment, and the stretches in which a unit that keeps a roster has nobody.

A unit keeps a roster from its first known shift on, until a week after its last one: one that has merely run out is
missed, one that was given up is not. It needs somebody whenever it is there by its own hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.domain.roster.shift import Duty, OnDuty, Shift

KEPT_AFTER = timedelta(days=7)
"""How long after its last shift a unit still keeps a roster."""
Stretches = Sequence[tuple[datetime, datetime]]
OpenAt = Callable[[str, datetime], bool]
"""Whether a unit is there at a moment, by its hours."""
OpenIn = Callable[[str, datetime, datetime], Stretches]
"""When a unit is there between two moments, in the order of time."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which a unit that keeps a roster has nobody on duty."""

    unit: str
    starts_at: datetime
    ends_at: datetime


def by_unit(shifts: Iterable[Shift]) -> Mapping[str, Sequence[Shift]]:
    """Return the shifts of each unit, by their beginning."""
    found: dict[str, list[Shift]] = {}
    for one in sorted(shifts, key=lambda shift: (shift.starts_at, shift.id)):
        found.setdefault(one.unit, []).append(one)
    return found


def on_duty(shifts: Iterable[Shift], at: datetime) -> tuple[OnDuty, ...]:
    """Return who is on duty of these shifts, nobody twice; of two shifts of one contact the later end counts."""
    found: dict[str, OnDuty] = {}
    for shift in sorted(shifts, key=lambda one: (one.starts_at, one.id)):
        for spell in shift.spells():
            if not spell.starts_at <= at < spell.ends_at:
                continue
            known = found.get(spell.contact)
            if known is None or known.until < spell.ends_at:
                found[spell.contact] = OnDuty(spell.contact, spell.ends_at, spell.stands_for, shift)
    return tuple(found.values())


def duty_at(shifts: Iterable[Shift], at: datetime, *, is_open: OpenAt) -> Duty:
    """Return who is on duty, and which units that keep a roster have nobody although they are there."""
    now, unstaffed = dict[str, tuple[OnDuty, ...]](), set[str]()
    for unit, own in by_unit(shifts).items():
        found = on_duty(own, at)
        if found:
            now[unit] = found
        elif own[0].starts_at <= at < _kept_until(own, at) and is_open(unit, at):
            unstaffed.add(unit)
    return Duty(now, frozenset(unstaffed))


def gaps(shifts: Iterable[Shift], start: datetime, end: datetime, *, open_in: OpenIn) -> list[Gap]:
    """Return where units that keep a roster have nobody between two moments, by unit and time."""
    found: list[Gap] = []
    for unit, own in by_unit(shifts).items():
        first, last = max(start, own[0].starts_at), end
        covered = first
        bare: list[tuple[datetime, datetime]] = []
        for shift in own:
            if shift.starts_at > covered:
                bare.append((covered, min(shift.starts_at, last)))
            covered = max(covered, shift.ends_at)
        if covered < last:
            bare.append((covered, min(last, _kept_until(own, covered))))
        for from_, until in bare:
            if from_ < until:
                found += [Gap(unit, *stretch) for stretch in open_in(unit, from_, until)]
    return found


def _kept_until(own: Sequence[Shift], at: datetime) -> datetime:
    """Return until when a unit keeps its roster, as seen from ``at``; a hole between two shifts is kept whole."""
    later = any(shift.starts_at > at for shift in own)
    return datetime.max.replace(tzinfo=at.tzinfo) if later else max(one.ends_at for one in own) + KEPT_AFTER
