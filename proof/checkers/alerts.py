"""The alerts of a run against those that its log leads to: folded in one go, and by the independent evaluator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

from ioc.domain.event import Entry
from ioc.domain.feed import FeedSpec
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from proof.evaluator.evaluation import evaluate

Moves = list[tuple[str, str, int]]
"""(kind, severity, position) of an alert's transitions, in order."""


def refold(
    entries: Sequence[Entry], feeds: Mapping[str, FeedSpec], zone: tzinfo = UTC
) -> dict[tuple[str, str, int], Moves]:
    """Return the moves by (rule, key, opened position) that the stored log leads to, folded in one go, uncut."""
    rules, memory = RuleSet(feeds, timezone=zone), Memory()
    moves: dict[tuple[str, str, int], Moves] = defaultdict(list)
    for entry in entries:
        for made in step(rules, memory, entry):
            moves[made.rule, made.key, made.opened_position].append((str(made.kind), str(made.severity), made.position))
    return dict(moves)


def work_out(
    entries: Sequence[Entry], feeds: Mapping[str, FeedSpec], zone: tzinfo = UTC
) -> dict[tuple[str, str, int], Moves]:
    """Return the same as the independent evaluator has it: for a stored log of some thousand entries, it is slow."""
    moves: dict[tuple[str, str, int], Moves] = defaultdict(list)
    for made in evaluate(entries, feeds, zone):
        moves[made.rule, made.key, made.opened].append((made.kind, made.severity, made.position))
    return dict(moves)


def alert_mismatches(
    expected: Mapping[tuple[str, str, int], Moves], found: Mapping[tuple[str, str, int], Moves]
) -> int:
    """Count the alerts that are missing, surplus or have other moves."""
    return sum(expected.get(key) != found.get(key) for key in expected.keys() | found.keys())
