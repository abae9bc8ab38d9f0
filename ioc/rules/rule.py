"""What a rule is, once it has been read: frozen, compiled, complete. Durations are whole microseconds.

Microseconds, not datetimes, because timers compare and add them for every event; they are exact and they pack small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ioc.domain.alert import Limit
from ioc.domain.feed import FieldSpec, Label
from ioc.domain.severity import Severity
from ioc.rules.condition import Condition

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
REFIRE_US = 5 * 60 * SECOND_US
"""A condition that returns within this time reopens the same alert."""


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970 of an aware moment."""
    return (moment - EPOCH) // MICROSECOND


def from_us(moment_us: int) -> datetime:
    """Return the aware moment, in UTC."""
    return EPOCH + timedelta(microseconds=moment_us)


EVENT = "event"
"""In `by`: the event itself, by the hex of its identity, so that each one has its own alert."""


class Mode(StrEnum):
    """Whether a rule speaks up."""

    ALERT = "alert"
    """It raises alerts."""
    MONITOR = "monitor"
    """Theo dõi, không báo: it evaluates and counts, and raises nothing."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a rule, lowest first."""

    severity: Severity
    when: Condition
    for_us: int = 0
    limit: Limit | None = None
    """Its own threshold, where it is not the rule's."""
    measure: str | None = None
    """The numeric field that its summary speaks of."""
    threshold: float | None = None
    """The constant that ``measure`` is compared with, where there is no limit."""


@dataclass(frozen=True, slots=True)
class ClearBand:
    """When an alert is over. Without ``when``: as soon as no level's condition holds, for ``for_us``."""

    when: Condition | None = None
    for_us: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One threshold rule in force."""

    id: str
    version: int
    hash: str
    title: Label
    domain: str
    feeds: tuple[str, ...]
    levels: tuple[Level, ...]
    summary: Label
    by: tuple[str, ...] = ("device",)
    where: Condition | None = None
    clear: ClearBand = ClearBand()
    limit: Limit | None = None
    mode: Mode = Mode.ALERT
    refire_us: int = REFIRE_US
    hold_us: int | None = None
    """How long a reading stands at most; None: until the next one."""
    live_within_us: Mapping[str, int] = field(default_factory=dict)
    """Per feed: a transition older than this is retrospective."""
    restricted: bool = False
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    """Of its feeds: types, units and decimals."""
    measures: tuple[str, ...] = ()
    """The fields that its conditions and its summary look at: what evidence keeps."""

    def limit_of(self, level: Level) -> Limit | None:
        """Return the limit that a level is held against."""
        return level.limit or self.limit

    @property
    def conditions(self) -> int:
        """Return how many conditions a reading is held against."""
        return len(self.levels) + (self.clear.when is not None)

    @property
    def per_event(self) -> bool:
        """Tell whether each event has a key of its own, which no other event will ever have."""
        return EVENT in self.by

    def similar(self, other: Rule) -> bool:
        """Tell whether keys and alerts of ``other`` still mean the same under this rule."""
        return self.feeds == other.feeds and self.by == other.by
