"""What the language knows of a kind of rules, whichever it is: frozen values, durations in whole microseconds.

What a kind is called and all else that it has is in its folder of :mod:`ioc.rules.kinds`. A window stands here because
aggregates need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ioc.rules.language.clause import Clause

ALERTS = "alert"
"""The feed of rules over alerts."""


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
    where: Clause | None = None
    per: str | None = None
    take: Take | None = None
    percentile: int = 0


@dataclass(frozen=True, slots=True)
class KindSpec:
    """What a rule has beside its levels, once read."""

    # Properties, not class variables: a compiled dataclass takes those of its base for fields.

    @property
    def by_reading(self) -> bool:
        """Tell whether it holds each reading against its clauses by itself, and remembers nothing else of it."""
        return False

    @property
    def own_measures(self) -> tuple[Measure, ...]:
        """Return the measures that it makes of readings."""
        return ()

    @property
    def stands_us(self) -> int | None:
        """Return how long what it found stands where the rule has no `hold`; None: until the next reading."""
        return None

    @property
    def has_value(self) -> bool:
        """Tell whether it has a value that goes on; else it finds out that something happened."""
        return True

    @property
    def has_main(self) -> bool:
        """Tell whether its alerts are about a measure."""
        return True

    @property
    def asks_registry(self) -> bool:
        """Tell whether `where` chooses devices of the registry, whom it then expects to hear of."""
        return False

    @property
    def makes_keys(self) -> bool:
        """Tell whether its keys begin and end by themselves, with places of their own; `by` only keeps them apart."""
        return False

    @property
    def of_several(self) -> bool:
        """Tell whether one key may hold several devices."""
        return False

    @property
    def look_back_us(self) -> int:
        """Return how long ago what a key remembers may have been made."""
        return 0

    @property
    def comes_last(self) -> bool:
        """Tell whether what it has due waits for the other timers of the same instant."""
        return False


@dataclass(frozen=True, slots=True)
class Threshold(KindSpec):
    """The reading itself: a threshold has nothing beside its levels."""

    @property
    def by_reading(self) -> bool:
        """It holds each reading against its clauses."""
        return True


THRESHOLD = Threshold()


@dataclass(frozen=True, slots=True)
class Window(KindSpec):
    """A window of ``panes`` panes, each ``pane_us`` long."""

    over_us: int
    pane_us: int
    panes: int
    measures: tuple[Measure, ...]
    back: int = 0
    """How many panes further back some of its measures look."""

    @property
    def own_measures(self) -> tuple[Measure, ...]:
        """Return its measures."""
        return self.measures

    @property
    def look_back_us(self) -> int:
        """Return the length of the window, and how much further some measures look."""
        return self.over_us + self.back * self.pane_us

    @property
    def comes_last(self) -> bool:
        """Tell whether it has measures of whole hours.

        A whole hour that is over counts like a reading of that instant: what three hours have said is true for three
        hours, whatever the fourth one says.
        """
        return self.back > 0

    @property
    def of_several(self) -> bool:
        """A key may hold several devices."""
        return True
