"""The kind `window`: which members make it, its words, and its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.kinds.window.evaluator import WindowEvaluator
from ioc.rules.kinds.window.reader import window
from ioc.rules.language.kinds import Window
from ioc.rules.words.clauses import DisplayLabel
from ioc.rules.words.evidence import Details, EvidenceReader
from ioc.rules.words.measures import measure_label
from ioc.rules.words.rule_words import KindWords, RuleWords

OF_CHANGE = ("delta", "rate")


def claims(body: Mapping[str, Any]) -> Sequence[str]:
    """Return `over` and `measure`; a measure alone is a change."""
    if "over" not in body and not any(name in body for name in OF_CHANGE):
        return ()
    return [name for name in body if name in ("over", "measure")]


class WindowWords(KindWords):
    """What a window says: its measures, each over its length."""

    def names(self, told: RuleWords) -> Mapping[str, DisplayLabel]:
        """Return its measures."""
        spec = told.rule.spec
        assert isinstance(spec, Window), "a window rule has its window"
        return {
            measure.name: measure_label(measure, over_us=spec.over_us, names=told.events, specs=told.specs)
            for measure in spec.measures
        }


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    """Return the window's ends, its panes, and the parts that it was taken apart into."""
    label = None if told is None else told.names.get(str(found.get("measure")))
    per = found.get("per")
    by_device, shown = per == "device", reader.sees_part(per)
    parts = [
        part
        for part in found.get("parts") or ()
        if shown and reader.sees({"device": part["part"]} if by_device else {})
    ]
    own_shown = shown and reader.sees({"device": found.get("part")} if by_device else {})
    return {
        "from": found.get("from"),
        "to": found.get("to"),
        "over_seconds": found.get("over_s"),
        "pane_seconds": found.get("pane_s"),
        "measure": found.get("measure"),
        "measure_label": None if label is None else {"vi": label.label.vi, "en": label.label.en},
        "unit": label.unit if label else "",
        "pane_of": found.get("pane_of"),
        "panes": list(found.get("panes") or ()) if own_shown or found.get("part") is None else [],
        "per": per,
        "part": found.get("part") if own_shown else None,
        "parts": [{**part, "name": reader.name(part["part"]) if by_device else None} for part in parts],
    }


WINDOW = RuleKind(
    "window", ("over", "measure"), window, WindowEvaluator(), WindowWords(), evidence=evidence, claims=claims
)
