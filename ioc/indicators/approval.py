"""What the approval of an import makes of the figures that stand, and what its undoing brings back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from ioc.domain.event import hash16
from ioc.domain.feed import FieldSpec
from ioc.domain.indicators.indicator import Direction, Figure, Indicator, Period
from ioc.domain.manual_entry import ManualReading
from ioc.indicators.check import FigureRow
from ioc.indicators.standing import standing

Key = tuple[str, str]
"""Indicator and period."""


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure before and after; None: there is none."""

    key: Key
    before: Figure | None
    after: Figure | None


def merged(
    rows: Iterable[FigureRow], standing_figures: Mapping[Key, Figure], *, by: str, now: datetime, zone: ZoneInfo
) -> list[FigureChange]:
    """Return what rows make of the figures that stand, oldest period first; an empty cell leaves what is known.

    A figure with an actual has an event: the one that it had, else one at the end of its period, or now where that
    lies ahead.
    """
    changes = []
    for row in sorted(rows, key=lambda row: (row.period, row.indicator)):
        key = (row.indicator, row.period.code)
        before = standing_figures.get(key)
        after = Figure(
            indicator=row.indicator,
            period=row.period.code,
            plan=row.plan if row.plan is not None or before is None else before.plan,
            actual=row.actual if row.actual is not None or before is None else before.actual,
            extra={**({} if before is None else before.extra), **row.extra},
            changed_by=by,
            changed_at=now,
        )
        if before is not None and before.event is not None:
            after = replace(after, event=before.event, event_id=before.event_id, event_time=before.event_time)
        elif after.actual is not None:
            name = hash16(*(part.encode() for part in (by, *key))).hex()
            end = datetime.combine(row.period.last_day, time(23, 59, 59), zone)
            after = replace(after, event_id=name, event_time=min(end, now))
        changes.append(FigureChange(key, before, after))
    return changes


def taken_out(keys: Iterable[tuple[Key, Figure | None]], standing_figures: Mapping[Key, Figure]) -> list[FigureChange]:
    """Return the changes that bring back what was before, oldest period first."""
    found = [FigureChange(key, standing_figures.get(key), before) for key, before in keys]
    return sorted(found, key=lambda change: (Period.of_code(change.key[1]) or Period.of_code("2000"), change.key[0]))


def after_changes(figures: Mapping[Key, Figure], changes: Sequence[FigureChange]) -> dict[Key, Figure]:
    """Return the figures as they stand after the changes."""
    made = dict(figures)
    for change in changes:
        if change.after is None:
            made.pop(change.key, None)
        else:
            made[change.key] = change.after
    return made


def reading_of(
    indicator: Indicator, figure: Figure, figures: Mapping[str, Figure], today: date, fields: Mapping[str, FieldSpec]
) -> ManualReading:
    """Return what the log is told of a figure: a reading of the indicator's feed, whose device is the indicator.

    ``figures`` are those of the indicator by period, ``fields`` what its feed has: what follows from figures and is
    beyond what the feed takes (a plan of nearly nothing) is left out. Of an indicator of which less is
    better nothing is said of the way to its plan: rules would take reaching little of it for being behind.
    """
    period = Period.of_code(figure.period)
    assert period is not None
    assert figure.event_id is not None
    assert figure.event_time is not None
    stands = standing(indicator, figures, period, today)
    told: dict[str, Any] = {
        "indicator": indicator.code,
        "period": figure.period,
        "agency": indicator.agency.name.vi,
        "plan": figure.plan,
        "actual": figure.actual,
        **figure.extra,
    }
    follows = {"yoy_pct": stands.yoy_pct}
    if indicator.direction is Direction.MORE:
        follows |= {"actual_pct": stands.year_pct, "plan_pct": stands.due_pct}
    told |= {name: value for name, value in follows.items() if name in fields and _takes(fields[name], value)}
    values = {name: value for name, value in told.items() if value is not None and name in fields}
    return ManualReading(indicator.feed, indicator.code, figure.event_id, figure.event_time, None, None, values)


def _takes(spec: FieldSpec, value: float | None) -> bool:
    low, high = spec.possible_min, spec.possible_max
    return value is not None and (low is None or value >= low) and (high is None or value <= high)
