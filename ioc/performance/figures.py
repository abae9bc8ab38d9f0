"""The figures of alert performance: how soon alerts are received and handled, and how noisy their rules are. Pure.

An *announcement* is a move that an operator hears: an alert opens, rises or returns. Times count from when the room
could see an alert, by the log; of one that was opened from a backlog (retrospective) none is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Any

from ioc.domain.severity import Severity

SLOT = timedelta(minutes=10)
"""Over how long the standards count announcements."""
FLOOD = 10
"""More announcements than this in one slot are a flood."""
TOP = 10
"""How many of the busiest rules the standards look at."""
TOP_OF_MIN = 100
"""Of fewer announcements the busiest rules made a large part in any case."""
STALE = timedelta(hours=24)
"""An alert that fires longer than this is stale."""
FLEETING = timedelta(minutes=1)
"""An alert that is over within this, before anybody has received it, is fleeting."""
PERCENTILE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFact:
    """What the figures need of one alert."""

    rule: str
    domain: str
    area: str | None
    severity: Severity
    """The highest that it reached."""
    title: Mapping[str, str]
    seen_at: datetime
    """When the room could see it first."""
    received_at: datetime | None
    """When somebody first received or ended it."""
    handled_at: datetime | None
    """When people last said what came of it; None: they have not, or it has come back since."""
    over_at: datetime | None
    """When its condition was over; None: it still fires."""
    announcements: int
    chattering: bool
    """Announced three times within ten minutes."""
    is_false: bool
    """People said that it was none."""
    retrospective: bool


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds; None: it was never done."""

    count: int
    mean: float | None = None
    median: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How the alerts of one rule, domain, area or severity were handled, and how noisy they were."""

    alerts: int
    announcements: int
    retrospective: int
    received: Times
    handled: Times
    waiting: int
    """Fire, and nobody has received them."""
    returned_unreceived: int
    """Were over before anybody had received them."""
    ended: int
    """People have said what came of them."""
    false_alarms: int
    returned: int
    """Were announced more than once."""
    chattering: int
    fleeting: int
    stale: int

    @property
    def false_share(self) -> float | None:
        """Which part of those that people ended was none, 0 to 1; None: they ended none."""
        return self.false_alarms / self.ended if self.ended else None


def handling(facts: Sequence[AlertFact], now: datetime) -> Handling:
    """Return the figures of some alerts."""
    live = [one for one in facts if not one.retrospective]
    return Handling(
        alerts=len(facts),
        announcements=sum(one.announcements for one in facts),
        retrospective=len(facts) - len(live),
        received=times(one.received_at - one.seen_at for one in live if one.received_at is not None),
        handled=times(one.handled_at - one.seen_at for one in live if one.handled_at is not None),
        waiting=sum(one.received_at is None and one.over_at is None for one in facts),
        returned_unreceived=sum(one.received_at is None and one.over_at is not None for one in facts),
        ended=sum(one.handled_at is not None for one in facts),
        false_alarms=sum(one.is_false for one in facts),
        returned=sum(one.announcements > 1 for one in facts),
        chattering=sum(one.chattering for one in facts),
        fleeting=sum(_is_fleeting(one) for one in live),
        stale=sum((one.over_at or now) - one.seen_at > STALE for one in live),
    )


def _is_fleeting(fact: AlertFact) -> bool:
    over_at, received_at = fact.over_at, fact.received_at
    if over_at is None or over_at - fact.seen_at > FLEETING:
        return False
    return received_at is None or received_at > over_at


def times(lasted: Iterable[timedelta]) -> Times:
    """Return mean, median and 95th percentile of some durations; one below zero (two clocks) counts as none."""
    seconds = sorted(max(0.0, one.total_seconds()) for one in lasted)
    if not seconds:
        return Times(0)
    nearest = min(len(seconds) - 1, int(PERCENTILE * len(seconds)))
    return Times(len(seconds), fmean(seconds), median(seconds), seconds[nearest])


def grouped(facts: Iterable[AlertFact], by: str) -> dict[str | None, list[AlertFact]]:
    """Return the alerts of each rule, domain, area or severity, those with the most announcements first."""
    found: defaultdict[str | None, list[AlertFact]] = defaultdict(list)
    for one in facts:
        value: Any = getattr(one, by)
        found[None if value is None else str(value)].append(one)
    return dict(sorted(found.items(), key=lambda item: (-sum(one.announcements for one in item[1]), str(item[0]))))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomLoad:
    """How much one operating position was asked of, by the slots of the standards; shares 0 to 1, None: of nothing."""

    announcements: int
    mean: float
    """Announcements in ten minutes, over the whole time."""
    most: int
    most_at: datetime | None
    """When the ten minutes with the most began."""
    flood_share: float
    """Which part of the time was a flood."""
    top_share: float | None
    """Which part of the announcements the ten busiest rules made; None of fewer than a hundred."""
    severity_shares: Mapping[Severity, float]


def load(
    facts: Sequence[AlertFact], slots: Mapping[datetime, int], since: datetime, until: datetime
) -> RoomLoad:  # fmt: skip
    """Return the load from the announcements in each slot of ten minutes; slots without any may be absent."""
    total, count = sum(slots.values()), max(1.0, (until - since) / SLOT)
    most_at = max(slots, key=lambda start: (slots[start], -start.timestamp()), default=None)
    by_rule = Counter[str]()
    by_severity = Counter[Severity]()
    for one in facts:
        by_rule[one.rule] += one.announcements
        by_severity[one.severity] += 1
    announced = sum(by_rule.values())
    busiest = sum(number for _, number in by_rule.most_common(TOP))
    return RoomLoad(
        announcements=total,
        mean=total / count,
        most=0 if most_at is None else slots[most_at],
        most_at=most_at,
        flood_share=min(1.0, sum(number > FLOOD for number in slots.values()) / count),
        top_share=busiest / announced if announced >= TOP_OF_MIN else None,
        severity_shares={one: by_severity[one] / len(facts) for one in Severity} if facts else {},
    )
