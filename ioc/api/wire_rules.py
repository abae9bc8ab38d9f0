"""Rules as JSON, in plain words and as YAML."""

from collections.abc import Mapping
from typing import Any

import yaml

from ioc.api.condition_words import Codes
from ioc.api.rule_words import Words, feeds_of, joined, kind_in, own_names, sentences
from ioc.api.wire import JSONObject, Row
from ioc.domain.feed import FeedSpec, Label
from ioc.domain.severity import Severity
from ioc.packs.pack import Pack
from ioc.rules.load_parts import DURATION, DURATION_US
from ioc.rules.rule import SECOND_US


def codes_of(pack: Pack) -> Codes:
    """Return what codes in a pack's rules stand for."""
    return {
        "zone": {zone.code: zone.name for zone in pack.zones},
        "domain": {domain.id: domain.label for domain in pack.domains},
        "rule": {rule.id: Label(**rule.body["title"]) for rule in pack.rules},
        "severity": {severity.value: Label(severity.label_vi, severity.value) for severity in Severity},
    }


def seconds_of(value: Any) -> float:
    """Return the seconds of a duration as a rule writes it (`3h`), a number, or 0 for none."""
    if isinstance(value, int | float):
        return float(value)
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * DURATION_US[match[2]] / SECOND_US if match else 0.0


def rule(row: Row, *, feeds: Mapping[str, FeedSpec], open_alerts: int, text: str | None, codes: Codes) -> JSONObject:
    """Return a Rule; ``text`` is the YAML as written, made from the body where that is not at hand.

    ``codes`` are what codes in its conditions stand for.
    """
    body = row["body"]
    names = feeds_of(body)
    words = sentences(body, feeds, codes)
    return {
        "id": row["id"],
        "title": body.get("title"),
        "domain": body.get("domain"),
        "feed": names[0] if len(names) == 1 else names,
        "version": row["version"],
        "hash": row["hash"],
        "enabled": row["enabled"],
        "kind": kind_in(body).value,
        "mode": body.get("mode") or "alert",
        "levels": [
            {
                "severity": level["severity"],
                "when": level.get("when"),
                "for_seconds": seconds_of(level.get("for")),
                "limit": level.get("limit"),
            }
            for level in body.get("levels") or ()
        ],
        "clear": _clear(body.get("clear")),
        "limit": body.get("limit")
        or next((part["limit"] for part in body.get("levels") or () if part.get("limit")), None),
        "text": joined(words),
        "words": words,
        "names": own_names(Words(body, feeds, codes)),
        "yaml": text if text is not None else yaml.safe_dump(dict(body), allow_unicode=True, sort_keys=False),
        "open_alerts": open_alerts,
    }


def _clear(value: Mapping[str, Any] | None) -> JSONObject | None:
    return {"when": value.get("when"), "for_seconds": seconds_of(value.get("for"))} if value else None
