"""The check of the history: it agrees with what the fold made, and names what was changed, lost or made up."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.domain.alert import OpenAlert, Transition, TransitionKind
from ioc.domain.alert_row import AlertRow, row_after
from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.recorded import NowRow, RecordedMove, as_recorded, now_row
from ioc.rules.fold.alert_now import alert_now
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.recompute.verify import Verdict, Verifier
from ioc.rules.state.memory import Memory
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
@pytest.mark.parametrize(
    "change",
    [{"severity": "low"}, {"at": START}, {"reason": "x"}, {"rule_hash": "x"}, {"summary": {"vi": "a", "en": "b"}},
     {"log_time": START}, {"position": 1}, None],
)  # fmt: skip
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


def changed(value: Any) -> Any:
    """Return something else of the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [changed(each) for each in value] or [1]
    return {name: changed(each) for name, each in value.items()} or {"x": 1}


@pytest.mark.parametrize("member", list(as_recorded(folded()[0]).evidence))
def test_each_member_of_the_evidence_that_was_changed_is_named(member):
    moves = [as_recorded(made) for made in folded()]
    evidence = {**moves[2].evidence, member: changed(moves[2].evidence[member])}
    found = verified([*moves[:2], replace(moves[2], evidence=evidence), *moves[3:]])
    assert f"evidence.{member}" in str(found.differences[0]), "the sentence says what was changed"


def rows() -> list[AlertRow]:
    """Return the row of each alert as it is at the end."""
    made: dict[str, AlertRow] = {}
    for move in folded():
        made[move.alert_id] = row_after(made.get(move.alert_id), move)
    return list(made.values())


def with_rows(found: list[AlertRow]) -> Verdict:
    moves = [as_recorded(made) for made in folded()]
    newest = {move.alert: number for number, move in enumerate(moves)}
    for row in found:
        moves[newest[row.id]] = replace(moves[newest[row.id]], row=row)
    return verified(moves)


def test_the_rows_that_lists_show_agree():
    found = with_rows(rows())
    assert (found.agrees, found.alerts) == (True, 2)


@pytest.mark.parametrize("column", [each.name for each in fields(AlertRow) if each.name != "id"])
def test_each_column_of_an_alerts_row_that_was_changed_is_named(column):
    [first, second] = rows()
    value = getattr(second, column)
    other = {"peak_severity": "critical", "severity": "low"}.get(column) or (
        value + timedelta(seconds=1) if isinstance(value, datetime) else changed(value)
    )
    tampered: Any = replace
    [difference] = with_rows([first, tampered(second, **{column: other})]).differences
    assert (difference.alert, f"the alert's row, {column}" in str(difference)) == (second.id, True)


def numbered(numbers: list[str]) -> Verdict:
    moves, given = [], iter(numbers)
    for made in folded():
        number = next(given) if made.kind is TransitionKind.OPENED else ""
        moves.append(replace(as_recorded(made), number=number))
    return verified(moves)


def test_numbers_count_the_openings_of_each_local_day():
    assert numbered(["HB-261123-0001", "HB-261126-0001"]).agrees
    [difference] = numbered(["HB-261123-0001", "HB-261126-0002"]).differences
    assert "HB-261126-0002, the log gives 0001 of 261126" in str(difference)
    assert not numbered(["HB-261124-0001", "HB-261126-0001"]).agrees


def test_what_a_rule_in_monitor_mode_sees_is_no_alert_that_the_history_lacks():
    verifier = Verifier(FEEDS, {}, UTC)
    verifier.stretch([rule_entry(1, START, mode="monitor"), *LOG[1:2]], [])
    assert verifier.end([]).agrees


def test_what_another_engine_made_is_not_judged_and_what_it_left_open_is_taken_over():
    """An older engine wrote another sentence; ours took over after entry 3, while the alert was open."""
    transitions = folded()
    moves = [replace(as_recorded(transitions[0]), summary={"vi": "cũ", "en": "old"})]
    verifier = Verifier(FEEDS, {}, UTC)
    verifier.stretch(LOG[:3], moves, judged=False)
    verifier.take_over(LOG[3], [opened(transitions[0])])
    verifier.stretch(LOG[3:], [as_recorded(made) for made in transitions[1:]])
    found = verifier.end([])
    assert (found.agrees, found.unjudged) == (True, 4), "within what the rule looks back on nothing is judged"


def how_it_is(entries: int, **changes: Any) -> NowRow:
    """Return the row of the open alert after so many entries, with some columns changed."""
    rules, memory = RuleSet(FEEDS), Memory()
    for entry in LOG[:entries]:
        step(rules, memory, entry)
    [(rule, key)] = memory.open_alerts()
    found = alert_now(rules, memory, rule=rules.rules[rule], key=key, state=memory.keys[rule][key])
    tampered: Any = replace
    row: NowRow = tampered(now_row(found, rule=rule, key=key), **changes)
    return row


def with_now(row: NowRow, *later: Entry) -> Verdict:
    """Hold a row of the alert that is open after three entries against the log."""
    opening = folded()[0]
    verifier = Verifier(FEEDS, {}, UTC, [row])
    verifier.stretch(LOG[:3], [as_recorded(opening)])
    verifier.stretch(later, [])
    return verifier.end([opened(opening)])


def test_how_things_are_now_agrees_at_the_entry_that_it_tells():
    assert with_now(how_it_is(3)).agrees
    assert with_now(how_it_is(2)).agrees, "the fold came further just now"


@pytest.mark.parametrize("column", ["headline", "now", "peak", "trend", "position", "closing"])
def test_each_column_of_how_things_are_that_was_changed_is_named(column):
    other = 1 if column == "position" else changed(getattr(how_it_is(3), column))
    [difference] = with_now(how_it_is(3, **{column: other})).differences
    assert "now, " in str(difference)


def test_a_changed_headline_of_an_alert_that_is_over_is_named():
    transitions = folded()
    told = transitions[-1].now
    assert told is not None
    row = now_row(told, rule=transitions[-1].rule, key=transitions[-1].key)

    def held(row: NowRow) -> Verdict:
        verifier = Verifier(FEEDS, {}, UTC, [row])
        verifier.stretch(LOG, [as_recorded(made) for made in transitions])
        return verifier.end([])

    assert held(row).agrees
    [difference] = held(replace(row, closing=changed(row.closing))).differences
    assert "now, closing" in str(difference)


def test_a_row_that_the_fold_left_behind_for_more_than_a_minute_is_named():
    """That is what a headline that stands still looks like."""
    tick = Entry(4, after(30 * HOUR + 61), EntryKind.TICK)
    [difference] = with_now(how_it_is(2), tick).differences
    assert "newer readings for over a minute" in str(difference)
    assert with_now(how_it_is(3), tick).agrees
