"""Reads what makes a rule's kind: a window and its measures, an absence, a sequence, a distance, a place on the map."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.rules import kinds
from ioc.rules.condition import CONTEXT, IDENTIFIER, RESERVED, Vocabulary
from ioc.rules.kinds import Kind, Measure, Shape, Take
from ioc.rules.load_parts import (
    DURATION_US,
    RuleError,
    compiled,
    duration_at,
    members_of,
    metres_at,
    some_duration_at,
)
from ioc.rules.windows import DAILY, HOURLY, PANES_DISTINCT_MAX, PANES_MAX, PANES_PERCENTILE_MAX, pane_width_us

KIND_MEMBERS: Mapping[str, Kind] = {
    "over": Kind.WINDOW, "measure": Kind.WINDOW, "delta": Kind.CHANGE, "rate": Kind.CHANGE, "absent": Kind.ABSENCE,
    "sequence": Kind.SEQUENCE, "within": Kind.SEQUENCE, "near": Kind.NEAR, "enter": Kind.ZONE, "leave": Kind.ZONE,
}  # fmt: skip
"""The members that make a kind."""
NUMERIC = (FieldType.NUMBER, FieldType.INTEGER)
OF_NUMBERS = frozenset({
    "sum", "avg", "min", "max", "first", "last", "delta", "rate", "rise", "fall", "nowcast", "laeq", "antecedent_rain",
})  # fmt: skip
OF_ANY = frozenset({"count", "distinct"})
OF_FEED: Mapping[str, tuple[str, ...]] = {
    "vn_aqi": ("pm2_5", "pm10", "no2", "so2", "o3", "co"),
    "nesterov": ("temperature_c", "humidity_pct", "rain_mm"),
}
"""Measures of several fields, by name: they are written `vn_aqi: true`."""
PERCENTILE = re.compile(r"p([1-9]\d?)")
MEASURES_MAX, STEPS_MAX, POINTS_MAX = 8, 5, 200
DAY_US = DURATION_US["d"]
SECOND_US, MINUTE_US = DURATION_US["s"], DURATION_US["m"]
RADIUS_MAX_M = 50_000.0


@dataclass(frozen=True, slots=True)
class Made:
    """What a kind is made of: its shape, the names that conditions may use, and which fields it looks at."""

    kind: Kind
    shape: Shape
    names: Mapping[str, FieldSpec] = field(default_factory=dict)
    """What conditions and summaries may name beside the place; for a threshold the feed's own fields."""
    inputs: tuple[str, ...] = ()
    default_when: str | None = None
    """What a level says that has no `when`."""
    when_allowed: bool = True


def kind_of(body: Mapping[str, Any], feeds: Sequence[str]) -> Kind:
    """Return the kind that a rule's members make."""
    if kinds.ALERTS in feeds and "near" not in body:
        others = sorted(set(body) & set(KIND_MEMBERS))
        if others:
            raise RuleError("a rule over alerts is a correlation or `near`", path=others[0], hint="leave it out")
        return Kind.CORRELATE
    found = {KIND_MEMBERS[name]: name for name in body if name in KIND_MEMBERS}
    if Kind.WINDOW in found and "over" not in body and Kind.CHANGE not in found:
        found = {**{kind: name for kind, name in found.items() if kind is not Kind.WINDOW}, Kind.CHANGE: "measure"}
    if len(found) > 1:
        raise RuleError(
            f"{' and '.join(sorted(found.values()))} make two kinds of rule", path=sorted(found.values())[1]
        )
    return next(iter(found), Kind.THRESHOLD)


def made_of(body: Mapping[str, Any], *, specs: Sequence[FeedSpec], fields: Mapping[str, FieldSpec],
            vocabulary: Vocabulary, feeds: Mapping[str, FeedSpec]) -> Made:  # fmt: skip
    """Return what a rule's kind is made of; ``vocabulary`` is that of its events."""
    kind = kind_of(body, [spec.id for spec in specs])
    if kind in (Kind.WINDOW, Kind.CHANGE):
        return window(body, fields, vocabulary) if kind is Kind.WINDOW else change(body, fields)
    if kind in (Kind.ABSENCE, Kind.SEQUENCE):
        return absence(body, fields) if kind is Kind.ABSENCE else sequence(body, feeds)
    if kind in (Kind.NEAR, Kind.ZONE):
        return near(body) if kind is Kind.NEAR else zone(body)
    if kind is Kind.CORRELATE:
        return Made(kind, kinds.Correlate(), {name: number(name, vi, en) for name, vi, en in CORRELATED})
    return Made(kind, None, fields, inputs=tuple(fields))


CORRELATED = (
    ("firing", "số điều kiện đang báo", "conditions firing"),
    ("rules", "số luật", "rules"),
    ("domains", "số lĩnh vực", "domains"),
    ("devices", "số thiết bị", "devices"),
    ("rank", "mức cao nhất", "highest level"),
)


def number(name: str, vi: str, en: str, *, unit: str = "", digits: int = 0, whole: bool = True) -> FieldSpec:
    """Return the spec of something that a kind finds out."""
    kind = FieldType.INTEGER if whole else FieldType.NUMBER
    return FieldSpec(name, Label(vi, en), kind, unit=unit, digits=digits)


def window(body: Mapping[str, Any], fields: Mapping[str, FieldSpec], vocabulary: Vocabulary) -> Made:
    """Return a window and its measures."""
    measures = measures_at(body, fields, vocabulary)
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
    return Made(
        Kind.WINDOW,
        kinds.Window(over_us, pane_us, over_us // pane_us, measures),
        {measure.name: spec_of(measure, fields) for measure in measures},
        inputs=tuple(dict.fromkeys(name for name in inputs if name in fields)),
    )


def change(body: Mapping[str, Any], fields: Mapping[str, FieldSpec]) -> Made:
    """Return differences to the reading before; `delta: F` is short for `measure: {delta: {delta: F}}`."""
    if "measure" in body:
        measures = measures_at(body, fields, None)
    else:
        measures = tuple(
            measure_at(name, {name: body[name]}, name, fields, None) for name in ("delta", "rate") if name in body
        )
    for measure in measures:
        if measure.aggregate not in ("delta", "rate") or measure.per is not None or measure.where is not None:
            raise RuleError(
                "without `over` a measure is a delta or a rate", path=f"measure.{measure.name}", hint="add over: 1h"
            )
    return Made(
        Kind.CHANGE,
        kinds.Change(measures),
        {measure.name: spec_of(measure, fields) for measure in measures},
        inputs=tuple(dict.fromkeys(measure.field for measure in measures if measure.field)),
    )


def measures_at(
    body: Mapping[str, Any], fields: Mapping[str, FieldSpec], vocabulary: Vocabulary | None
) -> tuple[Measure, ...]:
    """Return the measures of a rule."""
    found = body.get("measure")
    if not isinstance(found, Mapping) or not 0 < len(found) <= MEASURES_MAX:
        raise RuleError(f"one to {MEASURES_MAX} measures are required", path="measure", hint="{mean: {avg: level_cm}}")
    return tuple(measure_at(name, value, f"measure.{name}", fields, vocabulary) for name, value in found.items())


def measure_at(
    name: object, value: object, path: str, fields: Mapping[str, FieldSpec], vocabulary: Vocabulary | None
) -> Measure:
    """Return one measure."""
    if not isinstance(name, str) or not IDENTIFIER.fullmatch(name) or name in RESERVED or name in CONTEXT:
        raise RuleError(f"{name!r} is no name for a measure", path=path, hint="letters, digits and _, no word of CEL")
    if not isinstance(value, Mapping):
        raise RuleError("a measure has an aggregate", path=path, hint="{avg: level_cm}")
    known = [*sorted(OF_NUMBERS | OF_ANY | set(OF_FEED)), "p1 … p99"]
    extras = {"where", "per", "take"}
    named = [one for one in value if one not in extras]
    if len(named) != 1:
        raise RuleError("a measure has one aggregate", path=path, hint=f"one of {', '.join(known)}")
    aggregate, of = named[0], value[named[0]]
    percentile = PERCENTILE.fullmatch(str(aggregate))
    if aggregate not in OF_NUMBERS | OF_ANY | set(OF_FEED) and percentile is None:
        raise RuleError(f"no aggregate {aggregate!r}", path=path, hint=f"one of {', '.join(known)}")
    looked_at = field_at(str(aggregate), of, f"{path}.{aggregate}", fields)
    where = None
    if value.get("where") is not None and vocabulary is not None:
        where = compiled(vocabulary, value["where"], f"{path}.where")
    per, take = value.get("per"), value.get("take")
    if (per is None) != (take is None):
        raise RuleError("per and take come together", path=path, hint="{avg: pm2_5, per: device, take: max}")
    if per is not None and (not isinstance(per, str) or (per not in fields and per not in ("device", "area"))):
        raise RuleError(f"no field {per!r}", path=f"{path}.per", hint="device, area or a field of the feed")
    if take is not None and take not in tuple(Take):
        raise RuleError(f"no {take!r}", path=f"{path}.take", hint=f"one of {', '.join(Take)}")
    return Measure(
        name, str(aggregate), looked_at, where, per, None if take is None else Take(take),
        int(percentile[1]) if percentile else 0,
    )  # fmt: skip


def field_at(aggregate: str, of: object, path: str, fields: Mapping[str, FieldSpec]) -> str | None:
    """Return the field that an aggregate looks at; None for those of all events or of several fields."""
    if aggregate in OF_FEED:
        missing = [name for name in OF_FEED[aggregate] if name not in fields]
        if of is not True or (missing and aggregate == "nesterov") or len(missing) == len(OF_FEED[aggregate]):
            raise RuleError(
                f"{aggregate} needs the feed's {', '.join(OF_FEED[aggregate])}", path=path, hint=f"{aggregate}: true"
            )
        return None
    if aggregate == "count" and of is True:
        return None
    if not isinstance(of, str) or of not in fields:
        raise RuleError(f"no field {of!r}", path=path, hint=f"the feed has {', '.join(sorted(fields))}")
    if aggregate not in OF_ANY and fields[of].type not in NUMERIC:
        raise RuleError(f"{of} is no number", path=path, hint="count and distinct take any field")
    return of


def spec_of(measure: Measure, fields: Mapping[str, FieldSpec]) -> FieldSpec:
    """Return how a measure is shown: with its field's unit and decimals."""
    whole = measure.take is Take.COUNT or measure.aggregate in ("count", "distinct", "vn_aqi")
    if measure.take is Take.AVG:
        whole = False
    base = fields.get(measure.field or "")
    label = Label(measure.name, measure.name) if base is None else base.label
    if whole or base is None:
        return FieldSpec(measure.name, label, FieldType.INTEGER if whole else FieldType.NUMBER, digits=0)
    unit = f"{base.unit}/h" if measure.aggregate == "rate" and base.unit else base.unit
    digits = max(base.digits, 1) if measure.aggregate in ("rate", "laeq", "nowcast") else base.digits
    return replace(base, name=measure.name, type=FieldType.NUMBER, unit=unit, digits=digits, required=False)


def absence(body: Mapping[str, Any], fields: Mapping[str, FieldSpec]) -> Made:
    """Return how long and of what the silence is."""
    value = body["absent"]
    if isinstance(value, str):
        value = {"for": value}
    found = members_of(value, "absent", needed={"for"}, allowed={"field"})
    absent_us = some_duration_at(found["for"], "absent", least_us=SECOND_US, most_us=30 * DAY_US, says="from 1s to 30d")
    looked_at = found.get("field")
    if looked_at is not None and looked_at not in fields:
        raise RuleError(
            f"no field {looked_at!r}", path="absent.field", hint=f"the feed has {', '.join(sorted(fields))}"
        )
    names = {"silent": FieldSpec("silent", Label("im lặng", "silent"), FieldType.BOOLEAN)}
    return Made(Kind.ABSENCE, kinds.Absence(absent_us, looked_at), names,
                inputs=(looked_at,) if looked_at else (), default_when="silent", when_allowed=False)  # fmt: skip


def sequence(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec]) -> Made:
    """Return the steps of a sequence, each with the vocabulary of its own feed."""
    found = body.get("sequence")
    if not isinstance(found, Sequence) or isinstance(found, str) or not 2 <= len(found) <= STEPS_MAX:  # noqa: PLR2004
        raise RuleError(
            f"two to {STEPS_MAX} steps are required", path="sequence", hint="[{feed, where}, {feed, where}]"
        )
    within_us = some_duration_at(
        body.get("within"), "within", least_us=SECOND_US, most_us=DAY_US, says="from 1s to 24h"
    )
    steps = []
    for number_, step in enumerate(found):
        path = f"sequence[{number_}]"
        known = members_of(step, path, needed={"feed"}, allowed={"where"})
        if known["feed"] not in feeds:
            raise RuleError(
                f"no feed {known['feed']!r}", path=f"{path}.feed", hint=f"there are {', '.join(sorted(feeds))}"
            )
        vocabulary = Vocabulary({name: spec.type for name, spec in feeds[known["feed"]].fields.items()})
        where = None if known.get("where") is None else compiled(vocabulary, known["where"], f"{path}.where")
        steps.append(kinds.Step(known["feed"], where))
    names = {
        "complete": FieldSpec("complete", Label("đủ chuỗi", "complete"), FieldType.BOOLEAN),
        "took": number("took", "kéo dài", "took", unit="s", whole=False),
    }
    return Made(Kind.SEQUENCE, kinds.Sequence(tuple(steps), within_us), names, default_when="complete")


def near(body: Mapping[str, Any]) -> Made:
    """Return how near and how many."""
    found = members_of(body["near"], "near", needed={"radius", "over", "min"}, allowed=set())
    radius_m = metres_at(found["radius"], "near.radius")
    if not 1.0 <= radius_m <= RADIUS_MAX_M:
        raise RuleError("from 1m to 50km", path="near.radius")
    over_us = some_duration_at(
        found["over"], "near.over", least_us=SECOND_US, most_us=30 * DAY_US, says="from 1s to 30d"
    )
    minimum = found["min"]
    if type(minimum) is not int or not 2 <= minimum <= 1_000:  # noqa: PLR2004
        raise RuleError("a whole number from 2 to 1000", path="near.min")
    names = {"n": number("n", "số lượng", "number"), "devices": number("devices", "số nguồn", "sources")}
    return Made(Kind.NEAR, kinds.Near(radius_m, over_us, minimum), names, default_when=f"n >= {minimum}")


def zone(body: Mapping[str, Any]) -> Made:
    """Return a place on the map."""
    leave = "leave" in body
    if leave and "enter" in body:
        raise RuleError("enter and leave make two kinds of rule", path="leave")
    path = "leave" if leave else "enter"
    allowed = {"polygon", "circle", "radius", "margin"}
    found = members_of(body[path], path, needed=set(), allowed=allowed)
    margin_m = metres_at(found.get("margin"), f"{path}.margin", default_m=0.0)
    names = {"inside": FieldSpec("inside", Label("ở trong", "inside"), FieldType.BOOLEAN)}
    if "circle" in found:
        centre = point_at(found["circle"], f"{path}.circle")
        radius_m = metres_at(found.get("radius"), f"{path}.radius")
        shape = kinds.Zone(leave, margin_m, centre=centre, radius_m=radius_m)
    else:
        points = found.get("polygon")
        if not isinstance(points, Sequence) or isinstance(points, str) or not 3 <= len(points) <= POINTS_MAX:  # noqa: PLR2004
            raise RuleError(f"a polygon of 3 to {POINTS_MAX} points, or a circle, is required", path=path)
        polygon = tuple(point_at(point, f"{path}.polygon[{number_}]") for number_, point in enumerate(points))
        shape = kinds.Zone(leave, margin_m, polygon=polygon)
    return Made(Kind.ZONE, shape, names, default_when="!inside" if leave else "inside")


def point_at(value: object, path: str) -> tuple[float, float]:
    """Return a point as (lon, lat)."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:  # noqa: PLR2004
        lon, lat = value
        if type(lon) in (int, float) and type(lat) in (int, float) and abs(lon) <= 180 and abs(lat) <= 90:  # noqa: PLR2004
            return float(lon), float(lat)
    raise RuleError("no point", path=path, hint="[lon, lat] in degrees, such as [105.34, 20.82]")


__all__ = ["Made", "duration_at", "kind_of", "made_of"]
