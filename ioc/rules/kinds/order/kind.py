"""The kind `order`: its feeds, its words, and its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.rules.kinds.order.evaluator import OrderEvaluator, spec_of
from ioc.rules.kinds.order.reader import order
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.words.clauses import duration_words, inner, pick
from ioc.rules.words.evidence import Details, EvidenceReader
from ioc.rules.words.rule_words import KindWords, RuleWords


def feeds(body: Mapping[str, Any]) -> list[Any] | None:
    """Return the measured feed and that of the orders; None where either is missing."""
    parts = body.get("measured"), body.get("orders")
    named = [part.get("feed") for part in parts if isinstance(part, Mapping)]
    return named if len(named) == len(parts) else None


class OrderWords(KindWords):
    """What it holds against what."""

    def what(self, told: RuleWords, *, vi: bool) -> str:
        """Return the measure, the orders, and the grace."""
        spec = spec_of(told.rule)
        feed, orders = told.feeds.get(spec.feed), told.feeds.get(spec.orders)
        field = None if feed is None else feed.fields.get(spec.field)
        measure = inner(pick(field.label, vi=vi)) if field is not None else spec.field
        by = inner(pick(orders.label, vi=vi)) if orders is not None else spec.orders
        grace = duration_words(spec.grace_us, vi=vi)
        if vi:
            return f"đối chiếu {measure} với {by} đến giờ đo" + (f", cho phép chậm {grace}" if grace else "")
        return f"{measure} is held against {by} for the hour of the reading" + (
            f", {grace} late at most" if grace else ""
        )


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return when it was measured and the orders in force then, each as people call it."""
    spec = None if told is None else spec_of(told.rule)
    feed = None if spec is None else reader.feeds.get(spec.orders)
    label = None if feed is None or spec is None else feed.fields[spec.of].label
    return {
        "measured": found.get("measured"),
        "grace_seconds": found.get("grace_s"),
        "of_label": None if label is None else {"vi": label.vi, "en": label.en},
        "orders": list(found.get("orders") or ()),
    }


ORDER = RuleKind("order", ("measured", "orders"), order, OrderEvaluator(), OrderWords(), evidence=evidence, feeds=feeds)
