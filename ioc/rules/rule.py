"""What a rule is, once it has been read: frozen, compiled, complete. Durations are whole microseconds.

Microseconds, not datetimes, because timers compare and add them for every event; they are exact and they pack small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from ioc.domain.alert import Limit
from ioc.domain.feed import FieldSpec, Label
from ioc.domain.severity import Severity
from ioc.rules.condition import Condition
from ioc.rules.kinds import ALERTS, Kind, Shape
from ioc.rules.schedule import Schedule

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
    limits: tuple[Limit, ...] = ()
    """Its own threshold, where it is not the rule's; rising by the day from which each is valid."""
    measure: str | None = None
    """The numeric field or measure that its summary speaks of."""
    threshold: float | None = None
    """The constant that ``measure`` is compared with, where there is no limit."""


@dataclass(frozen=True, slots=True)
class ClearBand:
    """When an alert is over. Without ``when``: as soon as no level's condition holds, for ``for_us``."""

    when: Condition | None = None
    for_us: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule in force."""

    id: str
    version: int
    hash: str
    title: Label
    domain: str
    feeds: tuple[str, ...]
    levels: tuple[Level, ...]
    summary: Label
    by: tuple[str, ...] = ("device",)
    kind: Kind = Kind.THRESHOLD
    shape: Shape = None
    """What it has beside its levels: a window, an absence ..."""
    making: str = ""
    """What the kind is made of, as text: while it stays the same, keys and memory stay."""
    where: Condition | None = None
    clear: ClearBand = ClearBand()
    limits: tuple[Limit, ...] = ()
    mode: Mode = Mode.ALERT
    refire_us: int = REFIRE_US
    hold_us: int | None = None
    """How long a reading stands at most; None: until the next one."""
    schedule: Schedule | None = None
    """When it counts; None: always."""
    live_within_us: Mapping[str, int] = field(default_factory=dict)
    """Per feed: a transition older than this is retrospective."""
    restricted: bool = False
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    """Of its feeds, and of its measures: types, units and decimals."""
    measures: tuple[str, ...] = ()
    """What its conditions and its summary look at: the values that evidence keeps."""
    inputs: tuple[str, ...] = ()
    """The fields of an event that its measures are made of: what evidence keeps of a reading."""
    context: tuple[str, ...] = ()
    """What its conditions ask of the place."""
    asks_limit: bool = False
    """Whether a condition compares with `limit`."""
    zone: tzinfo = UTC
    conditions: tuple[Condition, ...] = field(init=False, repr=False, compare=False)
    """What a reading is held against: its levels', lowest first, then the recovery band's own."""
    per_event: bool = field(init=False, repr=False, compare=False)
    """Whether each event has a key of its own, which no other event will ever have."""

    def __post_init__(self) -> None:
        own = () if self.clear.when is None else (self.clear.when,)
        object.__setattr__(self, "conditions", (*[level.when for level in self.levels], *own))
        object.__setattr__(self, "per_event", EVENT in self.by)

    def limit_of(self, level: Level, at_us: int) -> Limit | None:
        """Return the limit that a level is held against on the local day of ``at_us``; the newest that is valid."""
        limits = level.limits or self.limits
        if len(limits) < 2:  # noqa: PLR2004 - nearly all; one stands whatever its day
            return limits[0] if limits else None
        day = from_us(at_us).astimezone(self.zone).date().isoformat()
        return next((limit for limit in reversed(limits) if (limit.valid_from or "") <= day), limits[0])

    def limit_in_force(self, level: Level, at_us: int) -> float | None:
        """Return the number that the name `limit` stands for; None before the first is valid."""
        limit = self.limit_of(level, at_us)
        if limit is None:
            return None
        day = from_us(at_us).astimezone(self.zone).date().isoformat()
        return limit.value if (limit.valid_from or "") <= day else None

    @property
    def over_alerts(self) -> bool:
        """Tell whether it listens to the alerts of other rules."""
        return ALERTS in self.feeds

    def similar(self, other: Rule) -> bool:
        """Tell whether keys and alerts of ``other`` still mean the same under this rule."""
        return (self.feeds, self.by, self.kind, self.making) == (other.feeds, other.by, other.kind, other.making)
