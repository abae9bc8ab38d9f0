"""An alert's sentence in both languages: what, where, value and unit, times the limit or how long.

At most 120 characters. Vietnamese writes 1.502 and 20,3; English 1,502 and 20.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ioc.domain.feed import FieldType, Label
from ioc.domain.moment import parse_time
from ioc.domain.units import display_amount
from ioc.rules.fold.headline import fitting, peak_text, shorten
from ioc.rules.language.amounts import (
    amount_text,
    decimals,
    difference_text,
    duration_text,
    is_difference,
    number_text,
    unit_of,
)
from ioc.rules.language.phrases import telling
from ioc.rules.language.placeholders import placeholders
from ioc.rules.language.rule import SECOND_US, Level, Rule, Worse, from_us
from ioc.rules.state.alert_state import Now

WITH_UNIT = re.compile(r"\{(?P<name>\w*)\}(?P<unit> (?:\{unit\}|cm\b|mm\b))?")
NO_DATA = "–"
PLACES = ("device", "area", "zone")


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """The names that a summary may use, in both languages; a code stands in where there is no name."""

    device: Label | None = None
    area: Label | None = None
    zone: Label | None = None
    words: Mapping[str, Label] = field(default_factory=dict)
    """owner, parent: as registered, a parent by its own name."""


def summarise(
    rule: Rule, *, level: Level, values: Mapping[str, Any], place: PlaceNames, held_us: int, at_us: int = 0
) -> Label:
    """Return the sentence of an alert that fires; it has held for ``held_us`` at ``at_us``."""

    def text(template: str, *, vi: bool) -> str:
        fill = Filling(rule=rule, level=level, values=values, place=place, held_us=held_us, at_us=at_us, vi=vi)
        return shorten(fill.sentence(template))

    return Label(vi=text(rule.summary.vi, vi=True), en=text(rule.summary.en, vi=False))


def summarise_cleared(
    rule: Rule,
    *,
    level: Level,
    values: Mapping[str, Any],
    place: PlaceNames,
    held_us: int,
    at_us: int = 0,
    now: Now | None = None,
) -> Label:
    """Return the sentence of an alert that is over: what, where, after how long, its peak, and the value now."""

    def text(title: str, *, vi: bool) -> str:
        fill = Filling(rule=rule, level=level, values=values, place=place, held_us=held_us, at_us=at_us, vi=vi)
        where = fill.where()
        lead = "Đã hết sau" if vi else "Over after"
        parts = [f"{lead} {duration_text(held_us, vi=vi)}: {title}", where]
        peak = "" if now is None else peak_text(rule, level, now, beside_us=at_us, vi=vi, over=True)
        value = values.get(level.measure or "")
        if level.measure is not None and value is not None and not isinstance(value, bool | str):
            unit = unit_of(rule, level, level.measure, at_us)
            last = amount_text(rule, level.measure, value, unit, vi=vi)
            told = f"{'hiện' if vi else 'now'} {last}"
        else:
            told = ""
        return fitting([*parts, peak, told], [*parts, peak], [parts[0], peak], joint=", ")

    return Label(vi=text(rule.title.vi, vi=True), en=text(rule.title.en, vi=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What fills the braces, in one language."""

    rule: Rule
    level: Level
    values: Mapping[str, Any]
    place: PlaceNames
    held_us: int
    vi: bool
    at_us: int = 0

    def sentence(self, template: str) -> str:
        """Return the sentence of a template: its placeholders filled, phrases that have nothing to say left out."""
        names = ("device", "area", "zone", "place", "owner", "parent")
        text = telling(
            template, vi=self.vi, ratio=self.ratio(), held_seconds=self.held_us / SECOND_US,
            named={name: self.text_of(name) != NO_DATA for name in names}, inside=self.inside(),
        )  # fmt: skip
        return WITH_UNIT.sub(self._filled, text)

    def _filled(self, match: re.Match[str]) -> str:
        """Return what stands for a placeholder, with the unit after it where people are told another."""
        name, unit = match["name"], match["unit"] or ""
        measure = self.level.measure if name in ("value", "limit") else name
        spec = self.rule.fields.get(measure or "")
        if unit and spec is not None and spec.display_unit:
            value = self.bound() if name == "limit" else self.values.get(spec.name)
            raw = unit_of(self.rule, self.level, spec.name, self.at_us)
            shown = display_amount(value, raw, spec.display_unit) if isinstance(value, int | float) else None
            if shown is not None and unit.strip() in (raw, "{unit}"):
                return f"{number_text(shown[0], digits=shown[1], vi=self.vi)} {spec.display_unit}"
        told = self.text_of(name)
        return told + (f" {self.text_of('unit')}" if unit.strip() == "{unit}" else unit)

    def bound(self) -> float | None:
        """Return the number that the level's measure is held against."""
        limit = self.rule.limit_of(self.level, self.at_us)
        return limit.value if limit is not None else self.level.threshold

    def ratio(self) -> float | None:
        """Return how many times the limit the value is; None where that cannot be said."""
        value, bound = self.values.get(self.level.measure or ""), self.bound()
        if bound is None or bound <= 0 or not isinstance(value, int | float):
            return None
        return value / bound

    def inside(self) -> Worse | None:
        """Return which way the measure gets worse where its value is no longer beyond the limit; None where it is."""
        value, bound, main = self.values.get(self.level.measure or ""), self.bound(), self.rule.main
        if main is None or not main.limited or main.name != self.level.measure or bound is None:
            return None
        if not isinstance(value, int | float) or not main.is_worse(bound, value):
            return None
        return main.worse

    def text_of(self, name: str) -> str:
        """Return the words for one placeholder."""
        if name in self.rule.fields:
            return self.field_text(name)
        if name in ("device", "area", "zone", "owner", "parent"):
            label: Label | None = getattr(self.place, name, None) or self.place.words.get(name)
            return NO_DATA if label is None else (label.vi if self.vi else label.en)
        if name == "place":
            return next((word for word in map(self.text_of, ("device", "area", "zone")) if word != NO_DATA), NO_DATA)
        if name == "severity":
            return self.level.severity.label_vi if self.vi else self.level.severity.value
        if name in ("duration", "since"):
            return duration_text(self.held_us, vi=self.vi) if name == "duration" else self.since_text()
        return self.measure_text(name)

    def where(self) -> str:
        """Return where: the device, else the area, else the zone, and what the rule's own sentence names of its key."""
        said = set(placeholders(self.rule.summary.vi if self.vi else self.rule.summary.en))
        others = [name for name in self.rule.by if name in said and name not in (*PLACES, "place", "event")]
        words = [word for name in others if (word := self.text_of(name)) != NO_DATA]
        # Where a key is no place, the device is only who sent the newest reading.
        places = PLACES[1:] if words and "device" not in self.rule.by else PLACES
        return ", ".join(words + [self.placed(name) for name in places if self.text_of(name) != NO_DATA][:1])

    def placed(self, name: str) -> str:
        """Return a place by its name; a zone is said to be one, as a ward, a lake and a station may have its name."""
        text = self.text_of(name)
        if name != "zone":
            return text
        return f"Khu vực {text}" if self.vi else f"{text} zone"

    def since_text(self) -> str:
        """Return when it began, in the city's time."""
        return from_us(self.at_us - self.held_us).astimezone(self.rule.zone).strftime("%H:%M %d/%m")

    def measure_text(self, name: str) -> str:
        """Return value, unit, limit or ratio of the level's main measure."""
        measure = self.level.measure
        bound = self.bound()
        digits = self.rule.fields[measure].digits if measure is not None else 1
        if name == "unit":
            limit = self.rule.limit_of(self.level, self.at_us)
            return (limit.unit if limit is not None else "") or (self.rule.fields[measure].unit if measure else "")
        if name == "limit" and bound is not None:
            digits = max(digits, decimals(bound))
            if measure is not None and is_difference(self.rule, measure):
                return difference_text(self.rule, measure, bound, digits=digits, vi=self.vi)
            return number_text(bound, digits=digits, vi=self.vi)
        if measure is None:
            return NO_DATA
        if name == "value":
            return self.field_text(measure)
        ratio = self.ratio()
        return NO_DATA if ratio is None else number_text(ratio, digits=1, vi=self.vi)

    def field_text(self, name: str) -> str:
        """Return a field's value with the decimals that the feed asks for."""
        value, spec = self.values.get(name), self.rule.fields[name]
        if value is None:
            return NO_DATA
        if isinstance(value, bool):
            return ("có" if value else "không") if self.vi else ("yes" if value else "no")
        if isinstance(value, int | float) and is_difference(self.rule, name):
            return difference_text(self.rule, name, value, digits=spec.digits, vi=self.vi)
        if isinstance(value, int | float):
            return number_text(value, digits=0 if isinstance(value, int) else spec.digits, vi=self.vi)
        return self.moment_text(value) if spec.type is FieldType.TIME else spec.display_text(str(value), vi=self.vi)

    def moment_text(self, value: object) -> str:
        """Return a moment in the city's time; what cannot be read as one stands as it is."""
        try:
            return parse_time(str(value)).astimezone(self.rule.zone).strftime("%H:%M %d/%m")
        except ValueError:
            return str(value)
