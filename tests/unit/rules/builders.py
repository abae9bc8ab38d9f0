"""Rules, feeds and folds that name only what matters to the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.event import Entry, EntryKind, canonical, hash16
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.rules.loading.loader import load_rule

START = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
FIELDS = {
    "value": FieldType.NUMBER,
    "other": FieldType.NUMBER,
    "count": FieldType.INTEGER,
    "up": FieldType.BOOLEAN,
    "word": FieldType.TEXT,
    "thing": FieldType.OBJECT,
}


def meter(name: str = "meter", **changes: Any) -> FeedSpec:
    fields = {item: FieldSpec(item, Label(item, item), kind, unit="cm") for item, kind in FIELDS.items()}
    return FeedSpec(name, Label(name, name), "test", fields, **changes)


FEEDS = {"meter": meter(), "gauge": meter("gauge", restricted=True)}


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rule_body(**changes: Any) -> dict[str, Any]:
    body = {
        "rule": "meter.level",
        "title": {"vi": "Mức cao", "en": "High level"},
        "domain": "test",
        "feed": "meter",
        "levels": [{"severity": "medium", "when": "value > 10"}],
        "summary": {"vi": "Mức {value}", "en": "Level {value}"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def rule(**changes: Any):
    return load_rule(rule_body(**changes), feeds=FEEDS, hash="h", version=1)


def rule_value(**changes: Any) -> dict[str, Any]:
    body = rule_body(**changes)
    return {"body": body, "hash": hash16(canonical(body)).hex(), "version": 1}


def rule_entry(position: int, now: datetime, **changes: Any) -> Entry:
    value = rule_value(**changes)
    return Entry(position, now, EntryKind.RULE, subject=value["body"]["rule"], value=value)
