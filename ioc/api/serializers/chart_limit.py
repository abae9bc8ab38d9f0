"""Where a rule's limit lies on the chart of the readings: on their own axis, or as far from where a change began.

A rise of 50 cm is no level of 50 cm: on the axis of levels its limit stands 50 cm above the lowest of the window. A sum
or a number of readings has no place there at all.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ioc.api.serializers.nouns import JSONObject, Row, moment
from ioc.rules.language.kinds import Measure
from ioc.rules.language.rule import Rule

COMPARED = re.compile(r"\b([A-Za-z_][A-Za-z0-9_]*)\s*([<>])=?\s*(-?\d+(?:\.\d+)?)")
LIMIT = re.compile(r"(?<![\w.])limit\b")
SAME_AXIS = frozenset({"avg", "min", "max", "first", "last", "nowcast"})
"""Aggregates whose value is one of the field's own."""


def limit_on_chart(
    found: Mapping[str, Any], *, rule: Rule | None, field: str, series: Sequence[Row]
) -> JSONObject | None:
    """Return the limit's value on the axis of ``field``, and what it is measured from (null: from nothing).

    ``found`` is a transition's evidence, ``series`` the raw readings on the chart, oldest first.
    """
    measures = {} if rule is None else {measure.name: measure for measure in rule.spec.own_measures}
    values = found.get("values") or {}
    cited = (found.get("limit") or {}).get("value")
    clause = str(found.get("clause", ""))
    clause = clause if cited is None else LIMIT.sub(str(cited), clause)  # the clause compared with just that
    asked = [(name, sign, float(number)) for name, sign, number in COMPARED.findall(clause)]
    asked.sort(key=lambda one: not _holds(values.get(one[0]), one[1], one[2]))
    for name, _, number in asked:
        if name == field and name not in measures:
            return _limit_json(_limit_as_cited(found, number))
        if name in measures:
            of_field = measures[name].field == field
            return _of_measure(measures[name], number, found, rule=rule, series=series) if of_field else None
    # A clause without a number of its own, such as a yes or no, is drawn at the limit that its rule cites.
    plain = not measures and (found.get("details") or {}).get("kind") is None
    return _limit_json(float(cited)) if plain and field and cited is not None else None


def _holds(value: object, sign: str, number: float) -> bool:
    """Tell whether a comparison is the one that held; false where that cannot be told."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value >= number if sign == ">" else value <= number


def _limit_as_cited(found: Mapping[str, Any], number: float) -> float:
    limit = (found.get("limit") or {}).get("value")
    return number if limit is None else float(limit)


def _of_measure(
    measure: Measure, number: float, found: Mapping[str, Any], *, rule: Rule | None, series: Sequence[Row]
) -> JSONObject | None:
    aggregate = measure.aggregate
    if aggregate in SAME_AXIS or measure.percentile:
        return _limit_json(number)
    if aggregate not in ("delta", "rise", "fall"):
        return None
    base = _base(aggregate, found, series, windowed=rule is not None and rule.spec.look_back_us > 0)
    if base is None:
        return None
    return _limit_json(base[1] - number if aggregate == "fall" else base[1] + number, base)


def _base(
    aggregate: str, found: Mapping[str, Any], series: Sequence[Row], *, windowed: bool
) -> tuple[datetime, float] | None:
    """Return the reading that a change is measured from: the window's lowest, highest or first, else the one before."""
    points = [(row["t"], float(row["v"]), row["position"]) for row in series if _number(row["v"])]
    if not windowed:
        tipped = next((number for number, one in enumerate(points) if one[2] == found.get("position")), None)
        return None if not tipped else points[tipped - 1][:2]
    details = found.get("details") or {}
    if not details.get("from") or not details.get("to"):
        return None
    since, until = datetime.fromisoformat(details["from"]), datetime.fromisoformat(details["to"])
    inside = [one[:2] for one in points if since <= one[0] <= until]
    if not inside:
        return None
    if aggregate == "delta":
        return inside[0]
    return (min if aggregate == "rise" else max)(inside, key=lambda one: one[1])


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limit_json(value: float, base: tuple[datetime, float] | None = None) -> JSONObject:
    return {
        "value": round(value, 6),
        "base": None if base is None else base[1],
        "base_at": None if base is None else moment(base[0]),
    }
