"""What the kinds of rules are made of, once read: frozen values. Durations are whole microseconds (docs/rules.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ioc.rules.condition import Condition

ALERTS = "alert"
"""The feed of rules over alerts."""


class Kind(StrEnum):
    """How a rule looks at the log; it follows from the members that the rule has."""

    THRESHOLD = "threshold"
    """The reading itself."""
    WINDOW = "window"
    """Aggregates over a stretch of time."""
    CHANGE = "change"
    """A reading against the one before it."""
    ABSENCE = "absence"
    """Nothing came."""
    SEQUENCE = "sequence"
    """One thing after another."""
    NEAR = "near"
    """Several close to each other."""
    ZONE = "zone"
    """Inside or outside of a place on the map."""
    CORRELATE = "correlate"
    """Conditions of other rules."""


class Take(StrEnum):
    """How the values of `per` become one."""

    MAX = "max"
    """The largest."""
    MIN = "min"
    """The smallest."""
    AVG = "avg"
    """Their mean."""
    SUM = "sum"
    """Their sum."""
    COUNT = "count"
    """How many have one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: an aggregate of a field, perhaps for each value of another field apart."""

    name: str
    aggregate: str
    """`avg`, `p95`, `nowcast` ...; a percentile's number stands in ``percentile``."""
    field: str | None = None
    where: Condition | None = None
    per: str | None = None
    take: Take | None = None
    percentile: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A window of ``panes`` panes, each ``pane_us`` long."""

    over_us: int
    pane_us: int
    panes: int
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Differences to the reading before."""

    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """Silence of a key, or of one field of it, for longer than ``absent_us``."""

    absent_us: int
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence."""

    feed: str
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps that follow each other within ``within_us`` of the first."""

    steps: tuple[Step, ...]
    within_us: int


@dataclass(frozen=True, slots=True)
class Near:
    """Clusters of points: each within ``radius_m`` and ``over_us`` of another of its cluster."""

    radius_m: float
    over_us: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A place on the map: a polygon of (lon, lat), or a circle. ``margin_m``: how far outside is outside."""

    leave: bool
    margin_m: float
    polygon: tuple[tuple[float, float], ...] = ()
    centre: tuple[float, float] | None = None
    radius_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Correlate:
    """Conditions of other rules that fire together."""


Shape = Window | Change | Absence | Sequence | Near | Zone | Correlate | None
"""What a rule has beside its levels; None for a threshold."""
