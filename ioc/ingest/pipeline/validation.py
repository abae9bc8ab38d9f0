"""What a feed's field may hold, as the pack says.

A wrong type or an impossible value drops that field, or the reading when the field is required. An implausible value
is kept and flagged: a range must not drop the record flood.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from ioc.domain.event import Flag
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType
from ioc.ingest.pipeline.decoder import Refusal

DROPPED = "_dropped"
"""Dropped values stay in the event under this member, so that nothing is lost."""


NAMES_MAX = 5
"""So many fields are named to the sender of a reading."""
NAME_CHARS_MAX = 60
FIELDS_CHARS_MAX = 300
REMARK_CHARS_MAX = 500
MOMENT_CHARS_MAX = 40


class ValidatedFields(NamedTuple):
    """A reading that stands, with its marks."""

    data: dict[str, Any]
    flags: tuple[str, ...]
    remark: str | None = None
    """What its sender should know: fields that are unknown or were dropped, by name."""


def _is_number(value: object) -> bool:
    return type(value) is float or type(value) is int


def _is_integer(value: object) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _is_moment(value: object) -> bool:
    """Tell whether it is a moment that means the same everywhere: a text of RFC 3339 with its zone."""
    if type(value) is not str or len(value) > MOMENT_CHARS_MAX:
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


TYPES: dict[FieldType, tuple[Callable[[object], bool], str]] = {
    FieldType.NUMBER: (_is_number, "a number"),
    FieldType.INTEGER: (_is_integer, "a whole number"),
    FieldType.BOOLEAN: (lambda value: type(value) is bool, "true or false"),
    FieldType.TEXT: (lambda value: type(value) is str, "a text"),
    FieldType.OBJECT: (lambda value: type(value) in (dict, list), "an object or array"),
    FieldType.TIME: (_is_moment, "a time as RFC 3339 with its zone"),
}


class QuickCheck(NamedTuple):
    """The first look at a field: a value of these types within both ranges is good; any other needs the full checks."""

    kinds: tuple[type, ...]
    low: float
    high: float


UNKNOWN = QuickCheck((), 0, 0)


class FeedCheck:
    """Checks the readings of one feed. Most fields need the first look alone: 2 us a reading instead of 5."""

    def __init__(self, feed: FeedSpec) -> None:
        self._fields = feed.fields
        self.quick_checks = {name: _quick_check(spec) for name, spec in feed.fields.items()}
        self.has_sums = bool(feed.sums)
        self._aliases = {alias: name for name, spec in feed.fields.items() for alias in spec.aliases}
        self.required = tuple(name for name, spec in feed.fields.items() if spec.required)

    def check(self, members: dict[str, Any]) -> ValidatedFields | Refusal:
        """Check the feed's own members of one event (reserved ones are gone already)."""
        quick = self.quick_checks
        for name, value in members.items():
            kinds, low, high = quick.get(name, UNKNOWN)
            if type(value) not in kinds or not low <= value <= high:
                return self._closely(members)
        for name in self.required:
            if name not in members:
                return Refusal("missing_field", f"{name} is required", name)
        return ValidatedFields(members, ()) if members else self._closely(members)

    def _closely(self, members: dict[str, Any]) -> ValidatedFields | Refusal:
        data: dict[str, Any] = {}
        unknown: dict[str, Any] = {}
        problems: dict[str, Refusal] = {}
        suspect = False
        if self._aliases:
            members = self._own_names(members)
        for name, value in members.items():
            spec = self._fields.get(name)
            if spec is None:
                data[name] = unknown[name] = value
                continue
            if value is None:
                continue
            problem = _problem(spec, value)
            if problem is not None:
                if spec.required:
                    return problem
                problems[name] = problem
                continue
            data[name] = value
            suspect = suspect or _implausible(spec, value)
        for name in self.required:
            if name not in data:
                return Refusal("missing_field", f"{name} is required", name)
        if not data:
            # A reading of which nothing is left is refused for the first thing that is wrong with it.
            return next(iter(problems.values()), Refusal("no_data", f"no member of the feed is in it: {self._names}"))
        remark = self._remark(unknown, problems, is_nothing_known=len(unknown) == len(data))
        flags = []
        if problems:
            data[DROPPED] = {name: members[name] for name in problems}
            flags.append(Flag.DROPPED_FIELD)
        if suspect:
            flags.append(Flag.SUSPECT)
        if unknown:
            flags.append(Flag.UNKNOWN_FIELD)
        return ValidatedFields(data, tuple(flags), remark)

    def _own_names(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return members under their fields' own names; where a reading has both, its own name counts."""
        own = {name: self._aliases.get(name, name) for name in members}
        return {(name if own[name] in members else own[name]): value for name, value in members.items()}

    def _remark(
        self, unknown: Mapping[str, Any], problems: Mapping[str, Refusal], *, is_nothing_known: bool
    ) -> str | None:  # fmt: skip
        """Return what the sender of a stored reading should know: what of it was not understood, by name."""
        said = [f"{problem.reason}: {problem.detail}" for problem in problems.values()][:NAMES_MAX]
        if unknown:
            names = ", ".join(name[:NAME_CHARS_MAX] for name in islice(unknown, NAMES_MAX))
            said.append(f"unknown_field: {names}")
        if is_nothing_known:
            said.append(self._names)
        return "; ".join(said)[:REMARK_CHARS_MAX] or None

    @property
    def _names(self) -> str:
        return f"its fields are {', '.join(self._fields)}"[:FIELDS_CHARS_MAX]


def field_faults(feed: FeedSpec, members: Mapping[str, Any]) -> dict[str, Refusal]:
    """Return what is wrong with each field of a reading that a person enters: nothing of it is dropped silently."""
    found: dict[str, Refusal] = {}
    for name, value in members.items():
        spec = feed.fields.get(name)
        if spec is not None and (problem := _problem(spec, value)) is not None:
            found[name] = problem
    for name, spec in feed.fields.items():
        if spec.required and name not in members:
            found[name] = Refusal("missing_field", f"{name} is required", name)
    return found


def validate(feed: FeedSpec, members: dict[str, Any]) -> ValidatedFields | Refusal:
    """Check one event of a feed that is met once."""
    return FeedCheck(feed).check(members)


def _quick_check(spec: FieldSpec) -> QuickCheck:
    if spec.type is FieldType.BOOLEAN:
        return QuickCheck((bool,), 0, 1)
    kinds = {FieldType.NUMBER: (float, int), FieldType.INTEGER: (int,)}.get(spec.type, ())
    lows = [low for low in (spec.possible_min, spec.plausible_min) if low is not None]
    highs = [high for high in (spec.possible_max, spec.plausible_max) if high is not None]
    return QuickCheck(kinds, max(lows, default=-math.inf), min(highs, default=math.inf))


def _problem(spec: FieldSpec, value: object) -> Refusal | None:
    fits, words = TYPES[spec.type]
    if not fits(value):
        return Refusal("wrong_type", f"{spec.name} must be {words}, not {_kind(value)}", spec.name)
    if isinstance(value, str):
        if len(value) > spec.length_max:
            return Refusal("too_long", f"{spec.name} is longer than {spec.length_max} letters", spec.name)
        if spec.values and value not in spec.values:
            return Refusal("unknown_value", f"{spec.name} must be one of {', '.join(spec.values)}", spec.name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low, high = spec.possible_min, spec.possible_max
        if (low is not None and value < low) or (high is not None and value > high):
            return Refusal(
                "impossible_value", f"{spec.name} = {value:g} is outside {low} to {high} {spec.unit}".strip(), spec.name
            )
    return None


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    return "a number" if isinstance(value, int | float) else "an object or array"


def _implausible(spec: FieldSpec, value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    low, high = spec.plausible_min, spec.plausible_max
    return (low is not None and value < low) or (high is not None and value > high)
