"""The kind `change`: which members make it, and its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.rules.kinds.change.evaluator import ChangeEvaluator
from ioc.rules.kinds.change.reader import change
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.words.clauses import DisplayLabel
from ioc.rules.words.measures import measure_label
from ioc.rules.words.rule_words import KindWords, RuleWords

MEMBERS = ("delta", "rate")


def claims(body: Mapping[str, Any]) -> Sequence[str]:
    """Return `delta` and `rate`; without them a measure that is over no time."""
    own = [name for name in body if name in MEMBERS]
    return own or [name for name in body if name == "measure" and "over" not in body]


class ChangeWords(KindWords):
    """What a change says: its measures, each against the reading before."""

    def names(self, told: RuleWords) -> Mapping[str, DisplayLabel]:
        """Return its measures."""
        return {
            measure.name: measure_label(measure, over_us=None, names=told.events, specs=told.specs)
            for measure in told.rule.spec.own_measures
        }


CHANGE = RuleKind("change", MEMBERS, change, ChangeEvaluator(), ChangeWords(), claims=claims)
