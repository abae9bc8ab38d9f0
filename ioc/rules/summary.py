"""An alert's sentence in both languages: what, where, value and unit, times the limit or how long.

At most 120 characters. Vietnamese writes 1.502 and 20,3; English 1,502 and 20.3.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ioc.domain.feed import Label
from ioc.rules.rule import SECOND_US, Level, Rule, from_us

LENGTH_MAX = 120
PLACEHOLDER = re.compile(r"\{(\w*)\}")
PLACEHOLDERS = frozenset({
    "value", "unit", "limit", "ratio", "duration", "since", "device", "area", "zone", "place", "severity", "owner",
    "parent",
})  # fmt: skip
NO_DATA = "–"
MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Place:
    """The names that a summary may use, in both languages; a code stands in where there is no name."""

    device: Label | None = None
    area: Label | None = None
    zone: Label | None = None
    words: Mapping[str, Label] = field(default_factory=dict)
    """owner, parent: as registered, a parent by its own name."""


def placeholders(template: str) -> list[str]:
    """Return the names in braces."""
    return PLACEHOLDER.findall(template)


def number_text(value: float, *, digits: int, vi: bool) -> str:
    """Return a number with at most ``digits`` decimals (trailing zeros off) and grouped thousands."""
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text == "-0":
        text = "0"
    return text.translate(str.maketrans(",.", ".,")) if vi else text


def duration_text(held_us: int, *, vi: bool) -> str:
    """Return a duration in its two largest units."""
    seconds = max(held_us // SECOND_US, 0)
    steps = (
        (DAY_SECONDS, "ngày", "d"),
        (HOUR_SECONDS, "giờ", "h"),
        (MINUTE_SECONDS, "phút", "min"),
        (1, "giây", "s"),
    )
    parts: list[str] = []
    for number, (size, word_vi, word_en) in enumerate(steps):
        count, rest = divmod(seconds, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count} {word_vi if vi else word_en}")
            if rest and number + 1 < len(steps):
                size_next, next_vi, next_en = steps[number + 1]
                if rest >= size_next:
                    parts.append(f"{rest // size_next} {next_vi if vi else next_en}")
            break
    return " ".join(parts)


def shorten(text: str) -> str:
    """Return ``text`` within the bound, cut at a word."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(text) <= LENGTH_MAX:
        return text
    head = text[: LENGTH_MAX - 1]
    return f"{head.rsplit(' ', 1)[0].rstrip(' ,;.')}…"


def summarise(
    rule: Rule, *, level: Level, values: Mapping[str, Any], place: Place, held_us: int, at_us: int = 0
) -> Label:
    """Return the sentence of an alert that fires; it has held for ``held_us`` at ``at_us``."""

    def text(template: str, *, vi: bool) -> str:
        fill = Filling(rule=rule, level=level, values=values, place=place, held_us=held_us, at_us=at_us, vi=vi)
        return shorten(PLACEHOLDER.sub(lambda match: fill.text_of(match.group(1)), template))

    return Label(vi=text(rule.summary.vi, vi=True), en=text(rule.summary.en, vi=False))


def summarise_cleared(
    rule: Rule, *, level: Level, values: Mapping[str, Any], place: Place, held_us: int, at_us: int = 0
) -> Label:
    """Return the sentence of an alert that is over: what, where, after how long, and the value now."""

    def text(title: str, *, vi: bool) -> str:
        fill = Filling(rule=rule, level=level, values=values, place=place, held_us=held_us, at_us=at_us, vi=vi)
        where = fill.text_of("place")
        value = f"{fill.text_of('value')} {fill.text_of('unit')}".strip()
        parts = [
            title,
            where if where != NO_DATA else "",
            ("hiện " if vi else "now ") + value if level.measure in values else "",
        ]
        lead = "Đã hết sau" if vi else "Over after"
        return shorten(f"{lead} {duration_text(held_us, vi=vi)}: {', '.join(part for part in parts if part)}")

    return Label(vi=text(rule.title.vi, vi=True), en=text(rule.title.en, vi=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What fills the braces, in one language."""

    rule: Rule
    level: Level
    values: Mapping[str, Any]
    place: Place
    held_us: int
    vi: bool
    at_us: int = 0

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

    def since_text(self) -> str:
        """Return when it began, in the city's time."""
        return from_us(self.at_us - self.held_us).astimezone(self.rule.zone).strftime("%H:%M %d/%m")

    def measure_text(self, name: str) -> str:
        """Return value, unit, limit or ratio of the level's main measure."""
        measure = self.level.measure
        limit = self.rule.limit_of(self.level, self.at_us)
        bound = limit.value if limit is not None else self.level.threshold
        digits = self.rule.fields[measure].digits if measure is not None else 1
        if name == "unit":
            return (limit.unit if limit is not None else "") or (self.rule.fields[measure].unit if measure else "")
        if name == "limit":
            return NO_DATA if bound is None else number_text(bound, digits=max(digits, decimals(bound)), vi=self.vi)
        if measure is None:
            return NO_DATA
        if name == "value":
            return self.field_text(measure)
        value = self.values.get(measure)
        if bound is None or bound <= 0 or not isinstance(value, int | float):
            return NO_DATA
        return number_text(value / bound, digits=1, vi=self.vi)

    def field_text(self, name: str) -> str:
        """Return a field's value with the decimals that the feed asks for."""
        value, spec = self.values.get(name), self.rule.fields[name]
        if value is None:
            return NO_DATA
        if isinstance(value, bool):
            return ("có" if value else "không") if self.vi else ("yes" if value else "no")
        if isinstance(value, int | float):
            return number_text(value, digits=0 if isinstance(value, int) else spec.digits, vi=self.vi)
        return str(value)


def decimals(value: float) -> int:
    """Return how many decimals a threshold is written with, at most three."""
    text = f"{value:.3f}".rstrip("0")
    return len(text) - text.index(".") - 1
