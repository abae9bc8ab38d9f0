"""Every unit with its validities: one way from a filter's, an account's or a key's text to the codes of a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ioc.domain.feed import Label
from ioc.domain.places.area import Area, Zone
from ioc.domain.scope import Scope
from ioc.domain.search import WORDS_MAX, SearchQuery, words_of
from ioc.errors import InvalidInputError, NotFoundError

SUCCESSOR_STEPS_MAX = 16
PLACES_MAX = 16
WIDE = ("province", "district")
"""Levels of units that cover much more than what they were named after."""


@dataclass(frozen=True, slots=True)
class AreaBook:
    """Every unit with its validities and the zones of today, at one version of the registry."""

    areas: tuple[Area, ...]
    zones: tuple[Zone, ...]
    version: int = 0

    def on(self, day: date) -> tuple[Area, ...]:
        """Return the units that stand on ``day``."""
        return tuple(area for area in self.areas if area.valid_on(day))

    def find(self, code: str, day: date) -> Area | None:
        """Return the unit that ``code`` means on ``day``."""
        return next((area for area in self.areas if area.code == code and area.valid_on(day)), None)

    def unit(self, text: str, today: date) -> Area:
        """Return the unit of `04795` (today) or `04795@2025-06-30` (that day).

        Raises:
            NotFoundError: no such unit on that day.
        """
        code, day = split_code(text, today)
        area = self.find(code, day)
        if area is None:
            raise NotFoundError(f"no unit {code} on {day}")
        return area

    def resolve(self, text: str, today: date) -> frozenset[str]:
        """Return the codes of today that cover what ``text`` names: the one place where a filter gets its meaning.

        ``text`` is a code of today, a zone (`hoa-binh`), a former district (`148`) or a unit of a day
        (`04795@2025-06-30`).

        Raises:
            InvalidInputError: it names nothing; a code that ended is told to come with its day.
        """
        for zone in self.zones:
            if text in (zone.code, zone.former_code):
                return frozenset(zone.areas)
        code, day = split_code(text, today)
        area = self.find(code, day)
        if area is None:
            ended = any(unit.code == code for unit in self.areas)
            hint = f"; it is not a unit of {day}: write code@date for a day when it was" if ended else ""
            raise InvalidInputError(f"no area {text!r:.40}{hint}", field="area")
        return frozenset(self._today(area, today))

    def scope_of(self, text: str | None, today: date) -> Scope:
        """Return the wall around an account or key that is bound to ``text``; None is bound to nothing.

        One whose area is gone sees and changes nothing, rather than everything.
        """
        if text is None:
            return Scope(zones=self.whole_zones(None))
        try:
            codes = self.resolve(text, today)
        except InvalidInputError:
            codes = frozenset()
        return Scope(areas=codes, zones=self.whole_zones(codes))

    def _today(self, area: Area, today: date) -> Iterable[str]:
        """Follow successors to the units of today."""
        waiting, found, steps = [area], set[str](), 0
        while waiting and steps < SUCCESSOR_STEPS_MAX:
            steps += 1
            unit = waiting.pop()
            if unit.valid_on(today):
                found.add(unit.code)
            elif unit.valid_to is not None:
                heirs = (self.find(code, unit.valid_to) for code in unit.successors)
                waiting.extend(heir for heir in heirs if heir is not None)
        return found

    def asked(self, question: str | None, today: date) -> SearchQuery | None:
        """Return the question's words, and the areas whose names, of today or of before, have some of them."""
        if question is None:
            return None
        words = words_of(question)[:WORDS_MAX]
        places: dict[tuple[str, ...], frozenset[str]] = {}
        for unit in self.areas:
            for name in map(words_of, names_of(unit)):
                # `hòa bình` is a ward and much else: what was the city is meant by its whole name only.
                if unit.level in WIDE and name != words:
                    continue
                rest = tuple(word for word in words if not any(part.startswith(word) for part in name))
                if rest != words:
                    places[rest] = places.get(rest, frozenset()) | frozenset(self._today(unit, today))
        nearest = sorted(places.items(), key=lambda item: len(item[0]))[:PLACES_MAX]
        return SearchQuery(words, tuple(nearest))

    def whole_zones(self, areas: frozenset[str] | None) -> frozenset[str]:
        """Return the zones that lie inside ``areas`` with all their units."""
        return frozenset(zone.code for zone in self.zones if areas is None or areas.issuperset(zone.areas))

    def zone_of(self, code: str | None) -> str | None:
        """Return the zone of a unit of today."""
        return next((zone.code for zone in self.zones if code in zone.areas), None)

    def name_of(self, code: str | None, day: date) -> Label | None:
        """Return the name of a unit; a code that stands no more keeps its newest name."""
        if code is None:
            return None
        found = self.find(code, day)
        if found is None:
            known = [area for area in self.areas if area.code == code]
            found = max(known, key=lambda area: area.valid_from) if known else None
        return found.name if found else None


def names_of(unit: Area) -> list[str]:
    """Return every name that people have for a unit."""
    short = [] if unit.short is None else [unit.short.vi]
    return [unit.name.vi, unit.name.en, *short, *unit.aliases]


def split_code(text: str, today: date) -> tuple[str, date]:
    """Return (code, day) of `code` or `code@date`.

    Raises:
        InvalidInputError: the date is none.
    """
    code, at, day = text.partition("@")
    if not at:
        return code, today
    try:
        return code, date.fromisoformat(day)
    except ValueError as error:
        raise InvalidInputError("after @ comes a date such as 2025-06-30", field="area") from error
