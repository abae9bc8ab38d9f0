"""Reads `measure`: what windows and changes make of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.rules.kinds.reading import RuleSource
from ioc.rules.language.clause import CONTEXT, IDENTIFIER, RESERVED, Vocabulary
from ioc.rules.language.kinds import Measure, Take
from ioc.rules.language.members import RuleError, compiled

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
MEASURES_MAX = 8


def measures_at(source: RuleSource, vocabulary: Vocabulary | None) -> tuple[Measure, ...]:
    """Return the measures of a rule; without a vocabulary none has a `where` of its own."""
    fields, found = source.fields, source.body.get("measure")
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


def shown_as(measure: Measure, fields: Mapping[str, FieldSpec]) -> FieldSpec:
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
    # What a level rises or falls by stays in its own unit: 51 cm an hour, not 0.51 m.
    display_unit = "" if measure.aggregate in ("delta", "rate", "rise", "fall") else base.display_unit
    return replace(
        base, name=measure.name, type=FieldType.NUMBER, unit=unit, digits=digits, required=False,
        display_unit=display_unit,
    )  # fmt: skip
