"""Why an alert fired, as JSON: the rule in words, each measure by its label, a chart, and what the rule's kind adds."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ioc.api.condition_words import Codes, Told, condition_words
from ioc.api.measure_words import measure_field
from ioc.api.rule_words import Words, describe, sentences
from ioc.api.wire import JSONObject, Row, moment, numbers_only
from ioc.api.wire import label as label_of
from ioc.api.wire_details import Known, details
from ioc.api.wire_rules import seconds_of
from ioc.domain.feed import FeedSpec, FieldSpec, Label

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SERIES_POINTS_MAX = 500
DIGITS = 1
"""Decimals of a measure whose feed asks for none."""


def tipping(rows: Sequence[Row]) -> Row | None:
    """Return the newest move that carries evidence of something holding, else the newest with any."""
    carrying = [row for row in rows if row["evidence"]]
    holding = [row for row in carrying if row["kind"] != "cleared"]
    chosen = holding or carrying
    return chosen[-1] if chosen else None


def charted_field(evidence: Mapping[str, Any], spec: FeedSpec | None, body: Mapping[str, Any]) -> str:
    """Return the field to chart: the first that the clause looks at, itself or by a measure, else the main one."""
    named = evidence.get("field")
    if isinstance(named, str) and named:
        return named
    if spec is None:
        return ""
    asked = [measure_field(body, name) or name for name in NAME.findall(str(evidence.get("clause", "")))]
    return next((name for name in asked if name in spec.fields), spec.main_field)


def charted_device(alert: Row, evidence: Mapping[str, Any]) -> str | None:
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


def body_of(alert: Row, item: Row | None) -> Mapping[str, Any]:
    """Return the rule's body where the rule in force is still the alert's version, else nothing."""
    if item is None or item["version"] != alert["rule_version"]:
        return {}
    body: Mapping[str, Any] = item["body"]
    return body


def measures(
    values: Mapping[str, Any], *, names: Mapping[str, Told], fields: Mapping[str, FieldSpec]
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


def evidence(
    alert: Row,
    moves: Sequence[Row],
    *,
    body: Mapping[str, Any],
    feeds: Mapping[str, FeedSpec],
    codes: Codes,
    series: Sequence[Row],
    known: Known,
    masked: bool,
) -> JSONObject:
    """Return an alert's Evidence; ``body`` is empty unless the rule in force is the alert's version.

    ``known`` names the devices and alerts of its details that the reader may see.
    """
    tip = tipping(moves)
    found: Mapping[str, Any] = tip["evidence"] if tip is not None else {}
    spec = feeds.get(alert["feed"])
    severity = tip["severity"] if tip is not None and tip["severity"] else alert["severity"]
    level = next((part for part in body.get("levels") or () if part["severity"] == severity), None)
    clause = str(found.get("clause", ""))
    words = Words(body or {"feed": alert["feed"]}, feeds, codes)
    keep = numbers_only if masked else dict
    device = charted_device(alert, found)
    values = keep(found.get("values") or {})
    return {
        "alert": alert["id"],
        "rule": {
            "id": alert["rule"],
            "version": alert["rule_version"],
            "hash": alert["rule_hash"],
            "title": body.get("title") or alert["title"],
            "kind": words.kind.value if body else None,
            "text": describe(body, feeds, codes) if body else _clause_text(clause, words),
            "words": sentences(body, feeds, codes) if body else [],
            "for_seconds": seconds_of(level.get("for")) if level else None,
            "severity": severity,
        },
        "clause": clause,
        "values": values,
        "measures": measures(values, names=words.names, fields=spec.fields if spec else {}),
        "limit": found.get("limit"),
        "field": charted_field(found, spec, body),
        "feed": alert["feed"],
        "device": device if known.sees({"device": device}) else None,
        "held_since": found.get("held_since"),
        "held_seconds": found.get("held_seconds", 0.0),
        "position": found.get("position", alert["opened_position"]),
        "readings": [
            {**reading, "values": keep(reading.get("values") or {})}
            for reading in found.get("readings") or ()
            if known.sees({"device": reading["device"]})
        ],
        "details": details(found.get("details") or {}, words=words, known=known),
        "series": thin([made for made in (point(row) for row in series) if made is not None]),
        "transitions": [
            {"at": moment(row["at"]), "kind": row["kind"], "severity": row["severity"]}
            for row in moves
            if row["actor"] is None
        ],
    }


def _clause_text(clause: str, words: Words) -> JSONObject:
    return {
        language: condition_words(clause, words.names, vi=language == "vi", codes=words.codes)
        for language in ("vi", "en")
    }
