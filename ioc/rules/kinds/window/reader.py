"""Reads `over` and `measure`."""

from __future__ import annotations

from ioc.rules.aggregates.windows import (
    DAILY,
    HOURLY,
    HOURS_BACK,
    PANES_DISTINCT_MAX,
    PANES_MAX,
    PANES_PERCENTILE_MAX,
    pane_width_us,
)
from ioc.rules.kinds.measures import OF_FEED, measures_at, shown_as
from ioc.rules.kinds.reading import DAY_US, SECOND_US, KindParts, RuleSource
from ioc.rules.language.kinds import Window
from ioc.rules.language.members import RuleError, some_duration_at


def window(source: RuleSource) -> KindParts:
    """Return a window and its measures."""
    body, fields = source.body, source.fields
    measures = measures_at(source, source.vocabulary)
    aggregates = frozenset(measure.aggregate for measure in measures)
    percentile = any(measure.percentile for measure in measures)
    over_us = some_duration_at(body.get("over"), "over", least_us=SECOND_US, most_us=72 * DAY_US, says="from 1s to 72d")
    pane_us = pane_width_us(over_us, aggregates, percentile=percentile)
    if pane_us is None:
        most = PANES_PERCENTILE_MAX if percentile else PANES_DISTINCT_MAX if "distinct" in aggregates else PANES_MAX
        hint = "write over: 12h" if aggregates & HOURLY else (
            "a whole number of days, at most 72" if aggregates & DAILY else
            f"a window has at most {most} panes of equal width: take a rounder time, such as 10m, 1h or 24h"
        )  # fmt: skip
        raise RuleError(f"{body['over']!r} cannot be divided into panes", path="over", hint=hint)
    inputs = [name for measure in measures for name in (measure.field, *OF_FEED.get(measure.aggregate, ())) if name]
    return KindParts(
        Window(over_us, pane_us, over_us // pane_us, measures, back=HOURS_BACK if aggregates & HOURLY else 0),
        {measure.name: shown_as(measure, fields) for measure in measures},
        inputs=tuple(dict.fromkeys(name for name in inputs if name in fields)),
    )
