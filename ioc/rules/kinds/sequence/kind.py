"""The kind `sequence`: which feeds its steps name, its words, and its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.kinds.sequence.evaluator import SequenceEvaluator, spec_of
from ioc.rules.kinds.sequence.reader import sequence
from ioc.rules.kinds.sequence.spec import Step
from ioc.rules.words.clauses import duration_words, inner, pick
from ioc.rules.words.evidence import Details, EvidenceReader
from ioc.rules.words.rule_words import KindWords, RuleWords


def feeds(body: Mapping[str, Any]) -> list[Any] | None:
    """Return the feeds of the steps; None where there are no steps."""
    steps = body.get("sequence")
    return [step.get("feed") for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else None


class SequenceWords(KindWords):
    """What a sequence says: its steps, and within what time."""

    def what(self, told: RuleWords, *, vi: bool) -> str:
        """Return the steps in their order."""
        spec = spec_of(told.rule)
        within = duration_words(spec.within_us, vi=vi)
        lead = f"lần lượt trong vòng {within}: " if vi else f"one after another within {within}: "
        return lead + ("; rồi " if vi else "; then ").join(step_words(told, step, vi=vi) for step in spec.steps)


def step_words(told: RuleWords, step: Step, *, vi: bool) -> str:
    """Return one step."""
    spec = told.feeds.get(step.feed)
    feed = inner(pick(spec.label, vi=vi) if spec else step.feed)
    if step.where is None:
        return f"có tin {feed}" if vi else f"any {feed} reading"
    return f"{feed}: {inner(told.event_clause(step.where, vi=vi, feed=step.feed))}"


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return the steps of the chain, each with what its rule says of it."""
    steps = list(found.get("steps") or ())
    written = () if told is None else spec_of(told.rule).steps
    return {
        "steps": [
            _of_step(step, told, written[number] if len(written) == len(steps) else None, reader)
            for number, step in enumerate(steps)
        ],
        "took_seconds": found.get("took_s"),
    }


def _of_step(found: Details, told: RuleWords | None, step: Step | None, reader: EvidenceReader) -> dict[str, Any]:
    spec = reader.feeds.get(str(found.get("feed")))
    text = None
    if told is not None and step is not None:
        text = {"vi": step_words(told, step, vi=True), "en": step_words(told, step, vi=False)}
    seen = reader.sees(found)
    return {
        "at": found.get("at"),
        "feed": found.get("feed"),
        "feed_label": None if spec is None else {"vi": spec.label.vi, "en": spec.label.en},
        "text": text,
        "device": found.get("device") if seen else None,
        "device_name": reader.name(found.get("device")) if seen else None,
        "position": found.get("position"),
    }


SEQUENCE = RuleKind(
    "sequence", ("sequence", "within"), sequence, SequenceEvaluator(), SequenceWords(), evidence=evidence, feeds=feeds
)
