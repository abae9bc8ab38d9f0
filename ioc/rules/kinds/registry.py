"""The kinds of rules by name: one line each, all else is in the kind's folder."""

from __future__ import annotations

from ioc.rules.kinds.absence.kind import ABSENCE
from ioc.rules.kinds.change.kind import CHANGE
from ioc.rules.kinds.correlate.kind import CORRELATE
from ioc.rules.kinds.near.kind import NEAR
from ioc.rules.kinds.order.kind import ORDER
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.kinds.sequence.kind import SEQUENCE
from ioc.rules.kinds.threshold.kind import THRESHOLD
from ioc.rules.kinds.window.kind import WINDOW
from ioc.rules.kinds.zone.kind import ZONE
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator
from ioc.rules.state.memory import KeyState, PackedState

KINDS: dict[str, RuleKind] = {
    kind.name: kind for kind in (THRESHOLD, WINDOW, CHANGE, ABSENCE, SEQUENCE, NEAR, ORDER, ZONE, CORRELATE)
}
OF_NO_MEMBERS, OF_ALERTS = THRESHOLD, CORRELATE
"""What a rule is that no member makes another kind: of readings, and over alerts."""


def kind_evaluator(kind: str) -> KindEvaluator:
    """Return what the fold does with a kind that is no threshold."""
    found = KINDS[kind].evaluator
    assert found is not None, f"{kind} takes its readings as they are"
    return found


def evaluator_of(rule: Rule, state: KeyState) -> KindEvaluator | None:
    """Return what the fold does with a rule's kind, whose state of the key is unpacked now; None: a threshold."""
    evaluator = KINDS[rule.kind].evaluator
    if evaluator is not None and type(state.kind_state) is PackedState:
        state.kind_state = evaluator.unpack(rule, state.kind_state.data)
    return evaluator
