"""Reads `delta`, `rate`, and `measure` without `over`."""

from __future__ import annotations

from ioc.rules.kinds.change.spec import Change
from ioc.rules.kinds.measures import measure_at, measures_at, shown_as
from ioc.rules.kinds.reading import KindParts, RuleSource
from ioc.rules.language.members import RuleError


def change(source: RuleSource) -> KindParts:
    """Return differences to the reading before; `delta: F` is short for `measure: {delta: {delta: F}}`."""
    body, fields = source.body, source.fields
    if "measure" in body:
        measures = measures_at(source, None)
    else:
        measures = tuple(
            measure_at(name, {name: body[name]}, name, fields, None) for name in ("delta", "rate") if name in body
        )
    for measure in measures:
        if measure.aggregate not in ("delta", "rate") or measure.per is not None or measure.where is not None:
            raise RuleError(
                "without `over` a measure is a delta or a rate", path=f"measure.{measure.name}", hint="add over: 1h"
            )
    return KindParts(
        Change(measures),
        {measure.name: shown_as(measure, fields) for measure in measures},
        inputs=tuple(dict.fromkeys(measure.field for measure in measures if measure.field)),
    )
