"""Rules and evidence as JSON, and a rule's conditions in plain words of both languages."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ioc.api.wire import JSONObject, Row, moment, numbers_only
from ioc.domain.feed import FeedSpec
from ioc.domain.severity import Severity

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TERM = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\s*(?P<sign>[<>=!]=?)\s*(?P<number>-?[0-9]+(?:\.[0-9]+)?))?")
DURATION = re.compile(r"([0-9]+)\s*(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
UNITS_VI = {"s": "giây", "m": "phút", "h": "giờ", "d": "ngày"}
UNITS_EN = {"s": "s", "m": "min", "h": "h", "d": "days"}
OPERATORS = (("&&", "và", "and"), ("||", "hoặc", "or"), (">=", "≥", "≥"), ("<=", "≤", "≤"), ("==", "là", "is"))
HOLD = {
    "vi": "Mỗi tin có hiệu lực {}, không có tin mới thì cảnh báo tự hết",
    "en": "A reading counts for {}; without a newer one the alert ends by itself",
}
SERIES_POINTS_MAX = 500


def seconds_of(value: Any) -> float:
    """Return the seconds of a duration as a rule writes it (`3h`), a number, or 0 for none."""
    if isinstance(value, int | float):
        return float(value)
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(int(match[1]) * SECONDS[match[2]]) if match else 0.0


def _for(value: Any, language: str) -> str:
    """Return `trong 3 giờ` or `for 3 h`, empty without a duration."""
    seconds = int(seconds_of(value))
    if not seconds:
        return ""
    return f" {'trong' if language == 'vi' else 'for'} {duration_text(seconds, language)}"


def duration_text(seconds: int, language: str) -> str:
    """Return `3 giờ` or `3 h`, in the largest unit that leaves nothing over."""
    unit = next(name for name in ("d", "h", "m", "s") if seconds % SECONDS[name] == 0)
    return f"{seconds // SECONDS[unit]} {(UNITS_VI if language == 'vi' else UNITS_EN)[unit]}"


def feeds_of(body: Mapping[str, Any]) -> list[str]:
    """Return the feeds a rule reads."""
    named = body.get("feed", "")
    return [named] if isinstance(named, str) else list(named)


def number_text(text: str, language: str) -> str:
    """Return a number without an empty fraction, with the decimal comma in Vietnamese."""
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return short.replace(".", ",") if language == "vi" else short


def words(when: str, specs: Sequence[FeedSpec], language: str) -> str:
    """Return a condition with field labels for names, units after limits and signs for operators."""
    fields = {name: field for spec in specs for name, field in spec.fields.items()}

    def told(match: re.Match[str]) -> str:
        """Return one name, with the limit and unit that follow it in a comparison."""
        field = fields.get(match["name"])
        label = None if field is None else (field.label.vi if language == "vi" else field.label.en)
        name = label or match["name"]
        if match["number"] is None:
            return name
        unit = f" {field.unit}" if field is not None and field.unit else ""
        return f"{name} {match['sign']} {number_text(match['number'], language)}{unit}"

    text = TERM.sub(told, when)
    for sign, vi, en in OPERATORS:
        text = text.replace(sign, vi if language == "vi" else en)
    return text


def _severity(name: str, language: str) -> str:
    """Return the decided word for a level."""
    return Severity(name).label_vi if language == "vi" else name.capitalize()


def describe(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec]) -> JSONObject:
    """Return a rule in plain words: one sentence per level, then when it ends, then how long a reading counts."""
    specs = [feeds[name] for name in feeds_of(body) if name in feeds]
    told = {}
    for language, end in (("vi", "Hết khi"), ("en", "Ends when")):
        held = [(f"{_severity(level['severity'], language)}:", level) for level in body.get("levels") or ()]
        clear = body.get("clear") or {}
        held.extend([(end, clear)] if clear.get("when") else [])
        parts = [
            f"{start} {words(str(part['when']), specs, language)}{_for(part.get('for'), language)}"
            for start, part in held
        ]
        if hold := int(seconds_of(body.get("hold"))):
            parts.append(HOLD[language].format(duration_text(hold, language)))
        told[language] = ". ".join(parts)
    return told


def rule(row: Row, *, feeds: Mapping[str, FeedSpec], open_alerts: int, text: str | None) -> JSONObject:
    """Return a Rule; ``text`` is the YAML as written, made from the body where that is not at hand."""
    body = row["body"]
    names = feeds_of(body)
    return {
        "id": row["id"],
        "title": body.get("title"),
        "domain": body.get("domain"),
        "feed": names[0] if len(names) == 1 else names,
        "version": row["version"],
        "hash": row["hash"],
        "enabled": row["enabled"],
        "mode": body.get("mode") or "alert",
        "levels": [
            {
                "severity": level["severity"],
                "when": level["when"],
                "for_seconds": seconds_of(level.get("for")),
                "limit": level.get("limit"),
            }
            for level in body.get("levels") or ()
        ],
        "clear": _clear(body.get("clear")),
        "limit": body.get("limit")
        or next((part["limit"] for part in body.get("levels") or () if part.get("limit")), None),
        "text": describe(body, feeds),
        "yaml": text if text is not None else yaml.safe_dump(dict(body), allow_unicode=True, sort_keys=False),
        "open_alerts": open_alerts,
    }


def _clear(value: Mapping[str, Any] | None) -> JSONObject | None:
    return {"when": value.get("when"), "for_seconds": seconds_of(value.get("for"))} if value else None


def tipping(rows: Sequence[Row]) -> Row | None:
    """Return the newest move that carries evidence of something holding, else the newest with any."""
    carrying = [row for row in rows if row["evidence"]]
    holding = [row for row in carrying if row["kind"] != "cleared"]
    chosen = holding or carrying
    return chosen[-1] if chosen else None


def charted_field(evidence: Mapping[str, Any], spec: FeedSpec | None) -> str:
    """Return the field to chart: the first of the clause that the feed has, else the feed's main one."""
    named = evidence.get("field")
    if isinstance(named, str) and named:
        return named
    if spec is None:
        return ""
    return next(
        (name for name in NAME.findall(str(evidence.get("clause", ""))) if name in spec.fields), spec.main_field
    )


def charted_device(alert: Row, evidence: Mapping[str, Any]) -> str | None:
    """Return the device to chart: the alert's own, else that of the newest reading."""
    if alert["device"] is not None:
        return str(alert["device"])
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


def evidence(
    alert: Row,
    moves: Sequence[Row],
    *,
    item: Row | None,
    feeds: Mapping[str, FeedSpec],
    series: Sequence[Row],
    masked: bool,
) -> JSONObject:
    """Return an alert's Evidence; ``item`` is the rule in force now, which counts only if it is the alert's version."""
    tip = tipping(moves)
    found: Mapping[str, Any] = tip["evidence"] if tip is not None else {}
    spec = feeds.get(alert["feed"])
    same = item is not None and item["version"] == alert["rule_version"]
    body: Mapping[str, Any] = item["body"] if same and item is not None else {}
    severity = tip["severity"] if tip is not None and tip["severity"] else alert["severity"]
    level = next((part for part in body.get("levels") or () if part["severity"] == severity), None)
    clause, specs = str(found.get("clause", "")), [spec] if spec else []
    keep = numbers_only if masked else dict
    return {
        "alert": alert["id"],
        "rule": {
            "id": alert["rule"],
            "version": alert["rule_version"],
            "hash": alert["rule_hash"],
            "title": body.get("title") or alert["title"],
            "text": describe(body, feeds)
            if body.get("levels")
            else {language: words(clause, specs, language) for language in ("vi", "en")},
            "for_seconds": seconds_of(level.get("for")) if level else None,
            "severity": severity,
        },
        "clause": clause,
        "values": keep(found.get("values") or {}),
        "limit": found.get("limit"),
        "field": charted_field(found, spec),
        "feed": alert["feed"],
        "device": charted_device(alert, found),
        "held_since": found.get("held_since"),
        "held_seconds": found.get("held_seconds", 0.0),
        "position": found.get("position", alert["opened_position"]),
        "readings": [
            {**reading, "values": keep(reading.get("values") or {})} for reading in found.get("readings") or ()
        ],
        "series": thin([made for made in (point(row) for row in series) if made is not None]),
        "transitions": [
            {"at": moment(row["at"]), "kind": row["kind"], "severity": row["severity"]}
            for row in moves
            if row["actor"] is None
        ],
    }
