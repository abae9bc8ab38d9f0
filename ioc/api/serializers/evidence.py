"""Why an alert fired, as JSON: the rule in words, each measure by its label, a chart, and what the rule's kind adds.

Four nouns are put together: the rule that it was, the values and readings that this reader is shown, the chart, and the
details of the rule's kind. An example, of a rule `level_cm > 30` for two gauges of which `b` lies outside the wall:

    stored with the move    clause `level_cm > 30`, values level_cm 41 and phone 0912..., readings of a (41) and b (38)
    who may see all         both values if `phone` is no field of a person, both readings
    a reader of the ward    the reading of a alone; device, chart and details say nothing of b
    a masked display        level_cm 41, and of each reading its numbers: a plate, a name and a phone are text
    the rule, unchanged     kind, sentences and the level's time of the form in force
    the rule, changed       the clause in words (`mực nước trên 30`), no sentences: what is in force now did not fire
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ioc.api.plain_language.rules import join_sentences, rule_of, sentences, words_of
from ioc.api.serializers.chart_limit import limit_on_chart
from ioc.api.serializers.evidence_details import DetailNames, details
from ioc.api.serializers.nouns import JSONObject, Row, moment, numbers_only
from ioc.api.serializers.nouns import label as label_of
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.rules.language.rule import SECOND_US, Rule
from ioc.rules.words.clauses import Codes, DisplayLabel, clause_words, display_labels
from ioc.rules.words.rule_words import RuleWords

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SERIES_POINTS_MAX = 500
DIGITS = 1
"""Decimals of a measure whose feed asks for none."""


def field_to_chart(evidence: Mapping[str, Any], spec: FeedSpec | None, rule: Rule | None) -> str:
    """Return the field to chart: the first that the clause looks at, itself or by a measure, else the main one."""
    named = evidence.get("field")
    if isinstance(named, str) and named:
        return named
    if spec is None:
        return ""
    measures = {} if rule is None else {one.name: one.field for one in rule.spec.own_measures}
    asked = [measures.get(name) or name for name in NAME.findall(str(evidence.get("clause", "")))]
    return next((name for name in asked if name in spec.fields), spec.main_field)


def device_to_chart(alert: Row, evidence: Mapping[str, Any]) -> str | None:
    """Return the device to chart: the alert's own, else the one that decided, else that of the newest reading."""
    if alert["device"] is not None:
        return str(alert["device"])
    found = evidence.get("details") or {}
    if found.get("per") == "device" and found.get("part"):
        return str(found["part"])
    readings = evidence.get("readings") or ()
    return str(readings[-1]["device"]) if readings else None


def thin(points: Sequence[JSONObject], limit: int = SERIES_POINTS_MAX) -> list[JSONObject]:
    """Return at most ``limit`` points: the extremes of equal slices, so that the peak that fired is never lost."""
    if len(points) <= limit:
        return list(points)
    slices = limit // 2
    kept: list[JSONObject] = []
    for number in range(slices):
        part = points[number * len(points) // slices : (number + 1) * len(points) // slices]
        low = min(range(len(part)), key=lambda index: part[index]["v"])
        high = max(range(len(part)), key=lambda index: part[index]["v"])
        kept.extend(part[index] for index in sorted({low, high}))
    return kept


def point(row: Row) -> JSONObject | None:
    """Return one point of a chart, null for what is no number; true and false are 1 and 0."""
    value = row["v"]
    if not isinstance(value, int | float):
        return None
    return {"t": moment(row["t"]), "v": int(value) if isinstance(value, bool) else value, "position": row["position"]}


def form_that_fired(alert: Row, item: Row | None, feeds: Mapping[str, FeedSpec]) -> Rule | None:
    """Return the rule in the alert's version, None where that is no longer kept."""
    if item is None or item["version"] != alert["rule_version"]:
        return None
    return rule_of(item["body"], feeds, version=item["version"])


def measures(
    values: Mapping[str, Any], *, names: Mapping[str, DisplayLabel], fields: Mapping[str, FieldSpec]
) -> list[JSONObject]:
    """Return each value that the rule looked at with its label, unit and decimals."""
    found: list[JSONObject] = []
    for name, value in values.items():
        if isinstance(value, Mapping | list):
            continue
        told, field = names.get(name), fields.get(name)
        label = label_of(told.label if told else Label(name, name))
        digits = field.digits if field else 0 if isinstance(value, int) else DIGITS
        found.append(
            {
                "name": name,
                "label": label,
                "unit": told.unit if told else "",
                "digits": digits,
                "value": value,
            }
        )
    return found


@dataclass(frozen=True, slots=True)
class ShownValues:
    """Which values of a reading a reader is shown: never those of a person, numbers only where names are masked."""

    personal: frozenset[str]
    masked: bool

    @classmethod
    def to_reader(cls, feeds: Mapping[str, FeedSpec], *, masked: bool) -> Self:
        """Return what is shown of the readings of these feeds."""
        fields = (field for feed in feeds.values() for field in feed.fields.items())
        return cls(frozenset(name for name, field in fields if field.personal), masked)

    def of(self, values: Mapping[str, Any]) -> JSONObject:
        """Return those of ``values`` that are shown."""
        shown = {name: value for name, value in values.items() if name not in self.personal}
        return numbers_only(shown) if self.masked else shown


def evidence(
    alert: Row,
    tip: Row | None,
    moves: Sequence[Row],
    *,
    rule: Rule | None,
    feeds: Mapping[str, FeedSpec],
    codes: Codes,
    series: Sequence[Row],
    known: DetailNames,
    masked: bool,
) -> JSONObject:
    """Return an alert's Evidence; ``rule`` is the form that fired, None where that is no longer kept.

    ``tip`` is the move whose evidence it is, ``moves`` are those of the condition, for the chart. ``known`` names the
    devices and alerts of its details that the reader may see.
    """
    found: Mapping[str, Any] = tip["evidence"] if tip is not None else {}
    spec = feeds.get(alert["feed"])
    severity = tip["severity"] if tip is not None and tip["severity"] else alert["severity"]
    clause = str(found.get("clause", ""))
    told = None if rule is None else words_of(rule, feeds, codes)
    names = display_labels([spec] if spec else []) if told is None else told.names
    clause_text = _clause_text(clause, names, codes if told is None else told.codes)
    shown = ShownValues.to_reader(feeds, masked=masked)
    device = device_to_chart(alert, found)
    field = field_to_chart(found, spec, rule)
    values = shown.of(found.get("values") or {})
    return {
        "alert": alert["id"],
        "rule": _rule(alert, severity, rule=rule, told=told, clause=clause_text),
        "clause": clause,
        "values": values,
        "measures": measures(values, names=names, fields=spec.fields if spec else {}),
        "limit": found.get("limit"),
        "chart_limit": limit_on_chart(found, rule=rule, field=field, series=series),
        "field": field,
        "feed": alert["feed"],
        "device": device if known.sees({"device": device}) else None,
        "held_since": found.get("held_since"),
        "held_seconds": found.get("held_seconds", 0.0),
        "position": found.get("position", alert["opened_position"]),
        "readings": _readings(found, shown, known),
        "details": details(found.get("details") or {}, told=told, known=known),
        "series": thin([made for made in (point(row) for row in series) if made is not None]),
        "transitions": [{"at": moment(row["at"]), "kind": row["kind"], "severity": row["severity"]} for row in moves],
    }


def _clause_text(clause: str, names: Mapping[str, DisplayLabel], codes: Codes) -> JSONObject:
    return {language: clause_words(clause, names, vi=language == "vi", codes=codes) for language in ("vi", "en")}


def _readings(found: Mapping[str, Any], shown: ShownValues, known: DetailNames) -> list[JSONObject]:
    """Return the readings of devices inside the wall, each with the values that the reader is shown."""
    return [
        {**reading, "values": shown.of(reading.get("values") or {})}
        for reading in found.get("readings") or ()
        if known.sees({"device": reading["device"]})
    ]


def _rule(alert: Row, severity: str, *, rule: Rule | None, told: RuleWords | None, clause: JSONObject) -> JSONObject:
    """Return the rule as it was: in its sentences while it is still in force, else by the words of its clause."""
    level = None if rule is None else next((part for part in rule.levels if part.severity == severity), None)
    words = [] if told is None else sentences(told)
    return {
        "id": alert["rule"],
        "version": alert["rule_version"],
        "hash": alert["rule_hash"],
        "title": alert["title"] if rule is None else label_of(rule.title),
        "kind": None if rule is None else rule.kind,
        "text": clause if told is None else join_sentences(words),
        "words": words,
        "for_seconds": level.for_us / SECOND_US if level else None,
        "severity": severity,
    }
