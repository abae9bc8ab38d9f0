"""The check of the history: it agrees with what the fold made, and names what was changed, lost or made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from ioc.domain.alert import OpenAlert, Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.recorded import RecordedMove, as_recorded
from ioc.rules.evaluate import step
from ioc.rules.memory import Memory
from ioc.rules.ruleset import RuleSet
from ioc.rules.verify import Verdict, Verifier
from tests.unit.rules.builders import FEEDS, START, after, rule_entry

HOUR = 3_600


def event(position: int, seconds: float, value: float) -> Entry:
    now = after(seconds)
    made = Event("meter", "m-1", position.to_bytes(16), now, now, {"value": value})
    return Entry(position, now, EntryKind.EVENT, event=made)


LOG = [
    rule_entry(1, START),
    event(2, HOUR, 20),  # opens, and stays open while the next two days begin
    event(3, 30 * HOUR, 21),
    event(4, 60 * HOUR, 5),
    event(5, 61 * HOUR, 20),
    event(6, 62 * HOUR, 5),
]


def folded() -> list[Transition]:
    rules, memory = RuleSet(FEEDS), Memory()
    return [made for entry in LOG for made in step(rules, memory, entry)]


def opened(made: Transition) -> OpenAlert:
    return OpenAlert(
        made.alert_id, made.rule, made.key, made.severity, made.at, made.opened_position, 0, made.retrospective,
        made.feed, made.device or "",
    )  # fmt: skip


def verified(moves: list[RecordedMove], *, first: int = 1, before: list[OpenAlert] | None = None) -> Verdict:
    """Hold moves against the log from entry ``first`` on; the rule's own entry is kept for good."""
    verifier = Verifier(FEEDS, {}, UTC)
    verifier.stretch(LOG[:1], [])
    kept = [entry for entry in LOG[1:] if entry.position >= first]
    if before is not None:
        verifier.take_over(kept[0], before)
    for entry in kept:
        verifier.stretch([entry], [move for move in moves if move.position == entry.position])
    return verifier.end([])


def test_what_the_fold_made_agrees():
    found = verified([as_recorded(made) for made in folded()])
    assert (found.agrees, found.mismatches, found.unjudged, found.alerts, found.moves) == (True, 0, 0, 2, 4)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("change", [{"severity": "low"}, {"at": START}, {"reason": "x"}, {"rule_hash": "x"}, None])
def test_a_move_that_was_changed_or_lost_is_named(number, change):
    moves = [as_recorded(made) for made in folded()]
    alert = moves[number].alert
    moves[number : number + 1] = [] if change is None else [replace(moves[number], **change)]
    found = verified(moves)
    assert (found.agrees, found.mismatches) == (False, 1)
    [difference] = found.differences
    assert difference.alert == alert
    assert alert in str(difference)


def test_a_move_that_was_made_up_is_named():
    moves = [as_recorded(made) for made in folded()]
    made_up = replace(moves[0], alert="al_x", position=3, kind=str(TransitionKind.OPENED))
    found = verified([*moves, made_up])
    assert [difference.alert for difference in found.differences] == ["al_x"]


def test_an_alert_that_is_open_in_one_alone_is_named():
    verifier = Verifier(FEEDS, {}, UTC)
    transitions = folded()
    verifier.stretch(LOG[:2], [as_recorded(transitions[0])])
    assert verifier.end([opened(transitions[0])]).agrees
    found = Verifier(FEEDS, {}, UTC)
    found.stretch(LOG[:2], [as_recorded(transitions[0])])
    assert found.end([]).mismatches == 1


def test_where_the_logs_beginning_is_gone_what_was_open_is_taken_over_and_not_judged():
    """The alert that opened in a dropped entry ends as the history says; the next one, a day later, is judged."""
    transitions = folded()
    moves = [as_recorded(made) for made in transitions]
    found = verified([move for move in moves if move.position >= 3], first=3, before=[opened(transitions[0])])
    assert (found.agrees, found.unjudged, found.alerts, found.moves) == (True, 1, 1, 2)
    lost = verified([move for move in moves if move.position in (4, 6)], first=3, before=[opened(transitions[0])])
    assert [difference.alert for difference in lost.differences] == [transitions[2].alert_id]


def test_what_a_rule_says_before_it_has_seen_what_it_looks_back_on_is_not_judged():
    moves = [as_recorded(made) for made in folded()]
    found = verified([move for move in moves if move.position >= 5], first=5, before=[])
    assert (found.agrees, found.unjudged, found.alerts) == (True, 2, 0)
