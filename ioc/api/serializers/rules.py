"""Rules as JSON, in plain words and as YAML."""

from collections.abc import Mapping
from typing import Any

import yaml

from ioc.api.plain_language.rules import join_sentences, own_names, sentences, words_of
from ioc.api.serializers.nouns import JSONObject, Row
from ioc.domain.feed import FeedSpec, Label
from ioc.domain.severity import Severity
from ioc.packs.pack import Pack
from ioc.rules.language.members import DURATION, DURATION_US
from ioc.rules.language.rule import SECOND_US, Rule
from ioc.rules.loading.kinds import feeds_of
from ioc.rules.words.clauses import Codes


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


def rule(
    row: Row,
    known: Rule | None,
    *,
    feeds: Mapping[str, FeedSpec],
    open_alerts: int,
    text: str | None,
    codes: Codes,
) -> JSONObject:
    """Return a Rule; ``text`` is the YAML as written, made from the body where that is not at hand.

    ``known`` is the rule of the body, None where nobody accepts that: it has no words then. ``codes`` are what codes in
    its clauses stand for.
    """
    body = row["body"]
    names = feeds_of(body)
    told = None if known is None else words_of(known, feeds, codes)
    words = [] if told is None else sentences(told)
    return {
        "id": row["id"],
        "title": body.get("title") or {"vi": row["id"], "en": row["id"]},
        "domain": body.get("domain"),
        "feed": names[0] if len(names) == 1 else names,
        "version": row["version"],
        "hash": row["hash"],
        "enabled": row["enabled"],
        "kind": "threshold" if known is None else known.kind,
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
        "text": join_sentences(words),
        "words": words,
        "names": {} if told is None else own_names(told),
        "yaml": text if text is not None else yaml.safe_dump(dict(body), allow_unicode=True, sort_keys=False),
        "open_alerts": open_alerts,
    }


def _clear(value: Mapping[str, Any] | None) -> JSONObject | None:
    return {"when": value.get("when"), "for_seconds": seconds_of(value.get("for"))} if value else None
