"""What a rule is, once it has been read: frozen, compiled, complete. Durations are whole microseconds.

Microseconds, not datetimes, because timers compare and add them for every event; they are exact and they pack small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from ioc.domain.alert import Limit
from ioc.domain.feed import FieldSpec, Label
from ioc.domain.severity import Severity
from ioc.rules.language.clause import Clause
from ioc.rules.language.kinds import ALERTS, THRESHOLD, KindSpec
from ioc.rules.language.schedule import Schedule

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


class Worse(StrEnum):
    """Which way a measure gets worse, by the comparisons of the lowest level that names it."""

    UP = "up"
    """The higher the worse."""
    DOWN = "down"
    """The lower the worse."""
    OUTSIDE = "outside"
    """The farther outside of two bounds the worse."""
    UNKNOWN = "unknown"
    """No number, or nothing says which way."""


@dataclass(frozen=True, slots=True)
class Main:
    """What an alert of a rule is about: the measure whose newest value it tells."""

    name: str
    worse: Worse = Worse.UNKNOWN
    tolerance: float = 0.0
    """How far a value must move before its trend is another (docs/rules.md, Now, peak and trend)."""
    low: float = 0.0
    high: float = 0.0
    """The two bounds of a measure that is worse outside of them."""
    limited: bool = False
    """Whether the limits of the levels are of this very measure."""

    def is_worse(self, value: float, than: float) -> bool:
        """Tell whether a value is worse than another."""
        if self.worse is Worse.UP:
            return value > than
        if self.worse is Worse.DOWN:
            return value < than
        return self.worse is Worse.OUTSIDE and self._outside(value) > self._outside(than)

    def _outside(self, value: float) -> float:
        return max(self.low - value, value - self.high)


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
    when: Clause
    for_us: int = 0
    limits: tuple[Limit, ...] = ()
    """Its own threshold, where it is not the rule's; rising by the day from which each is valid."""
    own_limit: bool = False
    """Whether it has a `limit` member, so that the rule's own does not count for it."""
    table: str | None = None
    """The table of dated limits by device, class or area in which its limit is looked up first."""
    measure: str | None = None
    """The numeric field or measure that its summary speaks of."""
    threshold: float | None = None
    """The constant that ``measure`` is compared with, where there is no limit."""


@dataclass(frozen=True, slots=True)
class ClearBand:
    """When an alert is over. Without ``when``: as soon as no level's clause holds, for ``for_us``."""

    when: Clause | None = None
    for_us: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """How long people have, from the entry that opened the alert; None: as long as they need."""

    acknowledge_us: int | None = None
    """Until somebody must have it."""
    resolve_us: int | None = None
    """Until its outcome must be told."""


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
    kind: str = "threshold"
    """The name of its kind, under which :mod:`ioc.rules.kinds.registry` has the kind."""
    spec: KindSpec = THRESHOLD
    """What it has beside its levels: a window, an absence ..."""
    signature: str = ""
    """What the kind is made of, as text: while it stays the same, keys and memory stay."""
    where: Clause | None = None
    clear: ClearBand = ClearBand()
    limits: tuple[Limit, ...] = ()
    mode: Mode = Mode.ALERT
    refire_us: int = REFIRE_US
    ends_by_person: bool = False
    """Whether its alerts stay open until somebody tells their outcome, whatever their condition does."""
    due: Due = Due()
    hold_us: int | None = None
    """How long a reading stands at most; None: until the next one."""
    schedule: Schedule | None = None
    """When it counts; None: always."""
    live_age_us_max: Mapping[str, int] = field(default_factory=dict)
    """Per feed: a transition older than this is retrospective."""
    restricted: bool = False
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    """Of its feeds, and of its measures: types, units and decimals."""
    measures: tuple[str, ...] = ()
    """What its clauses and its summary look at: the values that evidence keeps."""
    inputs: tuple[str, ...] = ()
    """The fields of an event that its measures are made of: what evidence keeps of a reading."""
    context: tuple[str, ...] = ()
    """What its clauses ask of the place."""
    asks_limit: bool = False
    """Whether a clause compares with `limit`."""
    main: Main | None = None
    """What its alerts are about; None where that is no number and no yes or no."""
    zone: tzinfo = UTC
    clauses: tuple[Clause, ...] = field(init=False, repr=False, compare=False)
    """What a reading is held against: its levels', lowest first, then the recovery band's own."""
    per_event: bool = field(init=False, repr=False, compare=False)
    """Whether each event has a key of its own, which no other event will ever have."""
    asks_table: bool = field(init=False, repr=False, compare=False)
    """Whether the limit of a level is looked up in a table."""
    event_idle_us: int = field(init=False, repr=False, compare=False)
    """How long such a key must be quiet before it may make room. What people end is remembered as long as there is."""

    def __post_init__(self) -> None:
        own = () if self.clear.when is None else (self.clear.when,)
        object.__setattr__(self, "clauses", (*[level.when for level in self.levels], *own))
        object.__setattr__(self, "per_event", EVENT in self.by)
        object.__setattr__(self, "asks_table", any(level.table is not None for level in self.levels))
        object.__setattr__(self, "event_idle_us", REFIRE_US if self.ends_by_person else self.refire_us)

    def limit_of(self, level: Level, at_us: int) -> Limit | None:
        """Return the rule's own limit for a level on the local day of ``at_us``: the newest that is valid."""
        limits = level.limits if level.own_limit else self.limits
        if not limits or (len(limits) == 1 and limits[0].valid_from is None):  # nearly all
            return limits[0] if limits else None
        day = self.day_of(at_us)
        return next((limit for limit in reversed(limits) if (limit.valid_from or "") <= day), None)

    def day_of(self, at_us: int) -> str:
        """Return the local day of an instant, as `2026-11-23`."""
        return from_us(at_us).astimezone(self.zone).date().isoformat()

    def held_against(self, limits: Sequence[Limit | None]) -> Rule:
        """Return the rule as it is told of a key: the limits that its levels were held against in the place of tables.

        Worked through: plant-2 has its permit of 100 in the table `wastewater.cod`, the rule's own limit is 150. Its
        alert says 100, with the permit as source, also once the table has another value for the days to come.
        """
        if not self.asks_table:
            return self
        found = [*limits, *[None] * (len(self.levels) - len(limits))]
        levels = [
            level if level.table is None else replace(
                level, limits=() if limit is None else (limit,), own_limit=True, table=None
            )
            for level, limit in zip(self.levels, found, strict=True)
        ]  # fmt: skip
        return replace(self, levels=tuple(levels))

    @property
    def over_alerts(self) -> bool:
        """Tell whether it listens to the alerts of other rules."""
        return ALERTS in self.feeds

    def similar(self, other: Rule) -> bool:
        """Tell whether keys and alerts of ``other`` still mean the same under this rule."""
        return (self.feeds, self.by, self.kind, self.signature) == (other.feeds, other.by, other.kind, other.signature)
