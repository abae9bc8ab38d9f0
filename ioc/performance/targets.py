"""What the standards of alarm management ask of one operating position, and how a figure stands to it. Pure.

The values are those that ANSI/ISA-18.2 gives, with EEMUA 191, as examples for one operator in steady operation. They
were taken from descriptions of the standards, not read in the texts themselves: ``VERIFIED`` says so on every screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ioc.domain.severity import Severity
from ioc.performance.figures import Handling, RoomLoad

SOURCE = "ANSI/ISA-18.2, EEMUA 191"
VERIFIED = False


class FigureName(StrEnum):
    """The figures that have a target."""

    MEAN = "mean"
    """Announcements in ten minutes."""
    MOST = "most"
    """The most announcements in ten minutes."""
    FLOOD_SHARE = "flood_share"
    """Which part of the time was a flood: more than ten announcements in ten minutes."""
    TOP_SHARE = "top_share"
    """Which part of all announcements the ten busiest rules made."""
    CHATTERING = "chattering"
    """Alerts announced three times within ten minutes."""
    STALE = "stale"
    """Alerts that fired for more than a day."""
    CRITICAL_SHARE = "critical_share"
    """Which part of the alerts was critical."""


class TargetVerdict(StrEnum):
    """How a figure stands to its target."""

    GOOD = "good"
    """At most the target."""
    FAIR = "fair"
    """Above it, and at most what a room can manage."""
    POOR = "poor"
    """More than a room can manage."""
    UNKNOWN = "unknown"
    """There was nothing to measure."""


@dataclass(frozen=True, slots=True)
class PerformanceTarget:
    """What is asked of a figure: at most ``good``, and at worst ``manageable``."""

    good: float
    manageable: float


TARGETS = {
    FigureName.MEAN: PerformanceTarget(1.0, 2.0),
    FigureName.MOST: PerformanceTarget(10, 10),
    FigureName.FLOOD_SHARE: PerformanceTarget(0.01, 0.01),
    FigureName.TOP_SHARE: PerformanceTarget(0.05, 0.05),
    FigureName.CHATTERING: PerformanceTarget(0, 0),
    FigureName.STALE: PerformanceTarget(4, 4),
    FigureName.CRITICAL_SHARE: PerformanceTarget(0.05, 0.05),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure beside its target."""

    name: FigureName
    value: float | None
    target: PerformanceTarget
    verdict: TargetVerdict


def measured(load: RoomLoad, handling: Handling) -> list[Measured]:
    """Return each figure beside its target."""
    values: dict[FigureName, float | None] = {
        FigureName.MEAN: load.mean,
        FigureName.MOST: load.most,
        FigureName.FLOOD_SHARE: load.flood_share,
        FigureName.TOP_SHARE: load.top_share,
        FigureName.CHATTERING: handling.chattering,
        FigureName.STALE: handling.stale,
        FigureName.CRITICAL_SHARE: load.severity_shares.get(Severity.CRITICAL),
    }
    return [Measured(name, value, TARGETS[name], verdict(value, TARGETS[name])) for name, value in values.items()]


def verdict(value: float | None, target: PerformanceTarget) -> TargetVerdict:
    """Return how a value stands to its target."""
    if value is None:
        return TargetVerdict.UNKNOWN
    if value <= target.good:
        return TargetVerdict.GOOD
    return TargetVerdict.FAIR if value <= target.manageable else TargetVerdict.POOR
