"""What every kind's reader is handed of a rule's body, and what it gives back (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.rules.language.clause import Vocabulary
from ioc.rules.language.kinds import KindSpec
from ioc.rules.language.members import DURATION_US

DAY_US = DURATION_US["d"]
SECOND_US = DURATION_US["s"]


@dataclass(frozen=True, slots=True)
class RuleSource:
    """A rule's body, and what its kind's members may name."""

    body: Mapping[str, Any]
    specs: Sequence[FeedSpec]
    """The feeds that it listens to."""
    fields: Mapping[str, FieldSpec]
    """Theirs."""
    vocabulary: Vocabulary
    """That of its events."""
    feeds: Mapping[str, FeedSpec]
    """All of the pack's."""
    compiles: bool = True
    """Whether clauses are compiled; else they are only read, for a rule that is told and not evaluated."""


@dataclass(frozen=True, slots=True)
class KindParts:
    """What a kind is made of: its spec, the names that clauses may use, and which fields it looks at."""

    spec: KindSpec
    names: Mapping[str, FieldSpec] = field(default_factory=dict)
    """What clauses and summaries may name beside the place, with what people call it; for a threshold the feed's own
    fields."""
    inputs: tuple[str, ...] = ()
    default_when: str | None = None
    """What a level says that has no `when`."""
    when_allowed: bool = True
    hold_allowed: bool = True


def number(name: str, vi: str, en: str, *, unit: str = "", digits: int = 0, whole: bool = True) -> FieldSpec:
    """Return the spec of something that a kind finds out."""
    kind = FieldType.INTEGER if whole else FieldType.NUMBER
    return FieldSpec(name, Label(vi, en), kind, unit=unit, digits=digits)
