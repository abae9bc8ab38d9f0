"""Who is to be called: the contacts for a domain, a place, a severity and an hour, nearest first, each with why.

Who is on duty by the roster comes first of their unit; a unit that keeps a roster and has nobody on duty hands over to
its next level at once. A unit that serves another domain or another place is never among them, not as somebody's next
level either. Where nobody can be called the choice says why; it is never silently empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest

from ioc.domain.contacts.directory import Contact, Hours, Unit
from ioc.domain.roster.shift import NO_ROSTER, Duty
from ioc.domain.severity import Severity

CANDIDATES_MAX = 3
NEXT_LEVELS_MAX = 8
"""How far up it is asked; a chain that comes back to itself ends there too."""
IsOpen = Callable[[Hours | None], bool]
"""Whether hours hold the moment that is asked about; None is around the clock."""


class CandidateReason(StrEnum):
    """Why it is this one of those that serve the place and the domain."""

    ON_DUTY = "on_duty"
    """It is on duty now by the roster."""
    IN_HOURS = "in_hours"
    """Its hours hold now."""
    DEPUTY = "deputy"
    """It stands in for a contact of its unit that is out of its hours."""
    NEXT_LEVEL = "next_level"
    """Nobody of a nearer unit can be called now, and this is its next level."""


class ContactGap(StrEnum):
    """Why there is nobody to call."""

    NO_UNIT = "no_unit"
    """No unit serves this domain here."""
    NO_NUMBER = "no_number"
    """Units serve it; none has a contact with a number."""
    NOBODY_NOW = "nobody_now"
    """There are contacts, and none is for this severity at this hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is to be called about."""

    domain: str
    severity: Severity
    area: str | None
    zone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody to call, and why it is this one."""

    unit: Unit
    contact: Contact
    reason: CandidateReason
    place: str | None
    """The area or zone of the unit that the alert lies in; None: the unit acts everywhere."""
    domain: str | None
    """None: the unit is for every domain."""
    stands_for: str | None = None
    """The contact that a deputy or who is on duty stands in for, or the unit whose next level this is."""
    until: datetime | None = None
    """Until when it is on duty."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom to call, in order; which units there are without a number; where nobody is to be called, why."""

    candidates: tuple[Candidate, ...]
    without_number: tuple[Unit, ...]
    gap: ContactGap | None
    unstaffed: tuple[Unit, ...] = ()
    """Units that keep a roster and have nobody on duty now, the nearest first."""


@dataclass(frozen=True, slots=True)
class _Directory:
    units: Mapping[str, Unit]
    contacts: Mapping[str, Sequence[Contact]]
    """Of each unit, in the order in which they are called; only those with a way to reach them."""
    situation: Situation
    is_open: IsOpen
    duty: Duty

    def serves(self, unit: Unit) -> bool:
        asked = self.situation
        return (not unit.domains or asked.domain in unit.domains) and (
            not unit.areas or asked.area in unit.areas or asked.zone in unit.areas
        )

    def nearness(self, unit: Unit) -> tuple[int, int, int, str]:
        """Return what sorts units: the commune before the zone before everywhere, the domain's own before general."""
        asked = self.situation
        place = 2 if not unit.areas else 0 if asked.area in unit.areas else 1
        return place, 0 if unit.domains else 1, unit.rank, unit.id

    def candidate(
        self, unit: Unit, contact: Contact, reason: CandidateReason, stands_for: str | None = None
    ) -> Candidate:
        asked = self.situation
        place = None if not unit.areas else asked.area if asked.area in unit.areas else asked.zone
        domain = asked.domain if unit.domains else None
        return Candidate(unit=unit, contact=contact, reason=reason, place=place, domain=domain, stands_for=stands_for)

    def holds(self, unit: Unit, contact: Contact) -> bool:
        """Tell whether a contact is for this severity and in its hours."""
        if contact.severity_from.rank > self.situation.severity.rank:
            return False
        return self.is_open(unit.hours if contact.hours is None else contact.hours)

    def on_duty(self, unit: Unit) -> dict[str, Candidate]:
        """Return who of a unit is on duty by the roster, and is called for this severity."""
        known = {one.id: one for one in self.contacts.get(unit.id, ())}
        found: dict[str, Candidate] = {}
        for one in self.duty.on_duty.get(unit.id, ()):
            contact = known.get(one.contact)
            if contact is None or contact.severity_from.rank > self.situation.severity.rank:
                continue
            made = self.candidate(unit, contact, CandidateReason.ON_DUTY, one.stands_for)
            found[contact.id] = replace(made, until=one.until)
        return dict(sorted(found.items(), key=lambda item: (item[1].contact.rank, item[0])))

    def called(self, unit: Unit) -> list[Candidate]:
        """Return whom to call for a unit: its own, else its next level; that first where nobody is on duty."""
        if unit.id in self.duty.unstaffed:
            return [*self.above(unit), *self.own(unit)]
        return self.own(unit) or self.above(unit)

    def own(self, unit: Unit) -> list[Candidate]:
        """Return whom of a unit to call: who is on duty, who is in hours, and the deputy of who is not."""
        contacts = self.contacts.get(unit.id, ())
        found = self.on_duty(unit)
        for contact in contacts:
            if contact.severity_from.rank > self.situation.severity.rank:
                continue
            if self.holds(unit, contact):
                found.setdefault(contact.id, self.candidate(unit, contact, CandidateReason.IN_HOURS))
                continue
            deputy = next((one for one in contacts if one.id == contact.deputy), None)
            if deputy is not None and self.holds(unit, deputy):
                found.setdefault(deputy.id, self.candidate(unit, deputy, CandidateReason.DEPUTY, contact.id))
        return list(found.values())

    def above(self, unit: Unit) -> list[Candidate]:
        """Return whom to call of the next level that somebody can be called of."""
        seen, above = {unit.id}, unit.next_level
        for _ in range(NEXT_LEVELS_MAX):
            if above is None or above in seen or above not in self.units:
                return []
            seen.add(above)
            higher = self.units[above]
            found = self.own(higher) if self.serves(higher) else []
            if found:
                return [replace(one, reason=CandidateReason.NEXT_LEVEL, stands_for=unit.id) for one in found]
            above = higher.next_level
        return []


def choose(
    units: Iterable[Unit],
    contacts: Iterable[Contact],
    situation: Situation,
    *,
    is_open: IsOpen,
    duty: Duty = NO_ROSTER,
) -> Choice:
    """Return whom to call, at most three: first one of each unit, the nearest unit first, then their others."""
    known = {unit.id: unit for unit in units}
    by_unit: dict[str, list[Contact]] = {}
    for contact in sorted(contacts, key=lambda one: (one.rank, one.id)):
        if contact.methods:
            by_unit.setdefault(contact.unit, []).append(contact)
    directory = _Directory(known, by_unit, situation, is_open, duty)
    serving = sorted(filter(directory.serves, known.values()), key=directory.nearness)
    found: dict[str, Candidate] = {}
    for one in _in_turns(directory, serving):
        found.setdefault(one.contact.id, one)
    candidates = tuple(found.values())[:CANDIDATES_MAX]
    without = tuple(unit for unit in serving if unit.id not in by_unit)
    unstaffed = tuple(unit for unit in serving if unit.id in duty.unstaffed)
    return Choice(candidates, without, _gap(serving, without) if not candidates else None, unstaffed)


def _in_turns(directory: _Directory, serving: Sequence[Unit]) -> Iterator[Candidate]:
    """Yield one of each unit, then the second of each, and so on."""
    for turn in zip_longest(*[directory.called(unit) for unit in serving]):
        yield from (one for one in turn if one is not None)


def _gap(serving: Sequence[Unit], without: Sequence[Unit]) -> ContactGap:
    if not serving:
        return ContactGap.NO_UNIT
    return ContactGap.NO_NUMBER if len(without) == len(serving) else ContactGap.NOBODY_NOW
