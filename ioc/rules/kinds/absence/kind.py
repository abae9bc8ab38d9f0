"""The kind `absence`: its words and its evidence."""

from __future__ import annotations

from typing import Any

from ioc.rules.kinds.absence.evaluator import AbsenceEvaluator
from ioc.rules.kinds.absence.reader import absence
from ioc.rules.kinds.absence.silence import spec_of
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.language.rule import Level
from ioc.rules.words.clauses import duration_words, inner, pick
from ioc.rules.words.evidence import Details, EvidenceReader
from ioc.rules.words.rule_words import KindWords, RuleWords


class AbsenceWords(KindWords):
    """What a silence says: of what nothing came, and for how long."""

    def level(self, told: RuleWords, level: Level, *, vi: bool) -> str:
        """Return of what, and for how long nothing came."""
        spec = spec_of(told.rule)
        field = told.events.get(spec.field or "")
        things = [field.label] if field is not None else [feed.label for feed in told.specs]
        of = ", ".join(inner(pick(label, vi=vi)) for label in things)
        quiet, more = duration_words(spec.absent_us, vi=vi), duration_words(level.for_us, vi=vi)
        if vi:
            return f"không nhận được tin {of} nào quá {quiet}" + (f", rồi thêm {more}" if more else "")
        return f"no {of} reading for {quiet}" + (f", and {more} more" if more else "")


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return since when it is silent."""
    del told, reader
    return {"last_heard": found.get("last_heard"), "absent_seconds": found.get("absent_s")}


ABSENCE = RuleKind(
    "absence", ("absent",), absence, AbsenceEvaluator(), AbsenceWords(), evidence=evidence, lists_silent=True
)
