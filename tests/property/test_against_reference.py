"""The rule engine against the independent evaluator, and both against what must change nothing.

Random histories of all kinds of rules (proof/histories/random_history.py), a few per property; `python -m proof
rules_reference` runs thousands, and breaks the engine on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from ioc.domain.event import TAKEN_BACK, Entry, Flag
from proof.evaluator.evaluation import evaluate
from proof.evaluator.log_state import ExpectedTransition
from proof.histories.history import FEEDS, ZONE, Item, entries_of, lawful, rule_body, shrunk, text_of
from proof.histories.random_history import random_history
from proof.histories.table_limits import with_limits
from proof.mutants.fold import broken
from proof.scenarios.rules.rules_reference import HIDDEN, comparable, compare, differ, engine_transitions, first_caught

SEEDS = range(40)
FOUND = (78, 315, 5_060, 5_113, 5_161, 31_042, 31_286, 7_000_078, 7_000_315)
"""Seeds that once told the two apart."""


def histories(*, without: tuple[str, ...] = ()) -> Iterator[list[Item]]:
    """Histories none of whose rules has one of some members."""
    for seed in SEEDS:
        history = with_limits(random_history(seed), seed)
        bodies = [item.data[1] for item in history if item.what == "rule"]
        if not any(name in body for body in bodies for name in without):
            yield history


def said(history: list[Item]) -> list[ExpectedTransition]:
    """What the evaluator says, once the engine has said the same."""
    told = evaluate(entries_of(history), FEEDS, ZONE)
    assert comparable(engine_transitions(history)) == comparable(told), text_of(history)
    return told


def story(told: list[ExpectedTransition]) -> list[tuple[object, ...]]:
    """The moves key by key, without what depends on when they were noticed."""
    return sorted((one.rule, one.key, one.at, one.kind, one.severity, one.reason, one.flaps)
                  for one in told if one.reason != "still_holds")  # fmt: skip


def test_engine_and_evaluator_agree():
    counts, problems = compare([*SEEDS, *FOUND])
    assert problems == []
    assert counts["transitions"] > counts["rules"], "histories in which nothing happens prove nothing"


@pytest.mark.breaks_rules
@pytest.mark.parametrize(
    "mutant", ["for_is_strict", "late_is_current", "gap_is_no_gap", "reasons_are_lost", "withdrawn_stays"]
)
def test_an_engine_that_is_broken_does_not_agree(mutant):
    assert first_caught(mutant, range(150)) is not None


def reading(at: float, value: float, **more: Any) -> Item:
    return Item(at, "send", {"feed": "meter", "device": "d1", "value": value, **more})


LEVELS = [{"severity": "low", "when": "value > 10"}, {"severity": "high", "when": "value > 20"}]
WRITTEN = {
    "chattering_hides_a_rise": [
        Item(0, "rule", ("c.0", {"feed": "meter", "levels": LEVELS})),
        *(reading(1 + 5 * number, 5 if number % 2 else 15) for number in range(16)),
        reading(90, 25),
    ],
    "hours_come_first": [
        Item(0, "rule", ("h.0", {"feed": "air", "over": "12h", "measure": {"m": {"nowcast": "pm2_5"}},
                                 "levels": [{"severity": "low", "when": "m > 60.0", "for": "1h"}]})),
        *(Item(3_600 * hour, "send", {"feed": "air", "device": "d1", "pm2_5": value})
          for hour, value in enumerate((100, 100, 10, 10))),
        Item(14_500, "tick"),
    ],
    "snapshot_forgets_the_floor": [
        Item(0, "rule", ("f.0", {"feed": "meter", "levels": LEVELS, "clear": {"for": "60s"}})),
        reading(1, 15), reading(10, 5), Item(75, "tick"), Item(80, "restart"), reading(100, 15, time=-60),
    ],
}  # fmt: skip


@pytest.mark.breaks_rules
@pytest.mark.parametrize("mutant", HIDDEN)
def test_mutants_that_chance_does_not_show_are_shown_by_a_written_history(mutant):
    assert not differ(WRITTEN[mutant])
    with broken(mutant):
        assert differ(WRITTEN[mutant])


@pytest.mark.breaks_rules
def test_a_history_that_tells_them_apart_shrinks_to_what_matters():
    with broken("reasons_are_lost"):
        seed = next(seed for seed in range(100) if differ(random_history(seed)))
        small = shrunk(random_history(seed), differ, tries=400)
        assert differ(small)
    assert len(small) < len(random_history(seed))
    assert all(line.startswith("  - {at: ") for line in text_of(small).splitlines())
    assert not differ(small)


def test_a_restart_after_every_entry_changes_nothing():
    """Nothing that the engine knows is lost in a snapshot, whatever the kind of rule."""
    for history in islice(histories(), 12):
        crashing = [part for item in history if item.what not in ("restart", "crash")
                    for part in (item, Item(item.at, "restart"))]  # fmt: skip
        assert comparable(engine_transitions(crashing)) == comparable(evaluate(entries_of(history), FEEDS, ZONE))


def test_a_prefix_of_the_log_gives_a_prefix_of_the_transitions():
    """Nothing that was said is ever taken back."""
    for history in histories():
        entries = entries_of(history)
        whole, part = (evaluate(some, FEEDS, ZONE) for some in (entries, entries[: len(entries) // 2]))
        assert whole[: len(part)] == part


def renumbered(entries: list[Entry]) -> list[Entry]:
    """Return entries with positions in a row; a withdrawal names those of the readings that it takes back."""
    numbers: dict[int, int] = {}
    for number, entry in enumerate(entries, start=1):
        numbers.setdefault(entry.position, number)  # a copy comes after what it is of
    found = []
    for number, entry in enumerate(entries, start=1):
        event = entry.event
        if event is not None and Flag.WITHDRAWN in event.flags:
            event = event._replace(data={TAKEN_BACK: [numbers[position] for position in event.data[TAKEN_BACK]]})
        found.append(entry._replace(position=number, event=event))
    return found


def test_imported_history_changes_nothing():
    """It is stored and charted, and never evaluated."""
    for history in histories():
        entries = entries_of(history)
        doubled = [part for entry in entries for part in (entry, *imported(entry))]
        numbered = renumbered(doubled)
        bodies = [item.data[1] for item in history if item.what == "rule"]
        if not any("near" in body for body in bodies):  # the keys of clusters are positions
            assert story(evaluate(numbered, FEEDS, ZONE)) == story(evaluate(entries, FEEDS, ZONE))


def imported(entry):
    """The same event once more, as an import brings it."""
    if entry.event is None:
        return ()
    return (entry._replace(event=entry.event._replace(flags=(*entry.event.flags, Flag.HISTORY))),)


def test_tick_spacing_changes_nothing():
    """Ticks only decide how soon a move is seen. (They do tell silences from gaps, so no rule is one of absence.)"""
    for history in histories(without=("absent", "near")):
        if any(item.what == "rule" and item.data[1].get("by") == ["event"] for item in history):
            continue  # keys made of positions, which ticks move
        until = max(item.at for item in history) + 400
        plain = [item for item in history if item.what not in ("tick", "gap")]
        sparse = lawful([*plain, Item(until, "tick")])
        dense = lawful([*plain, *(Item(number * until / 300, "tick") for number in range(1, 301))])
        assert story(said(sparse)) == story(said(dense)), text_of(sparse)


def test_another_source_changes_nothing():
    """A device whose clock is as mad as it likes changes no alert of the others."""
    others = ("near", "absent")
    for number, history in enumerate(histories(without=others)):
        bodies = [item.data[1] for item in history if item.what == "rule"]
        if any(body.get("by", ["device"]) != ["device"] or body.get("feed") == "alert" for body in bodies):
            continue
        mad = [Item(item.at, "send", {**item.data, "device": "mad", "time": (-1) ** index * 10 ** (index % 9)})
               for index, item in enumerate(random_history(1_000 + number)) if item.what == "send"]  # fmt: skip
        alone = story(said(history))
        together = [one for one in story(said([*history, *mad])) if one[1] != "mad"]
        assert together == alone


@pytest.mark.parametrize(
    "seed",
    [266533001162, 266533005014, 266533006827, 266533015865, 266533016096, 266533018514, 20261127008172, 2017001961],
)
def test_histories_that_were_once_told_in_two_ways(seed):
    """A repeat that moved a place, a floor set too late, a merge that ended timers not yet due, an edit behind a
    period's end, an edit behind the head, a repeated word of rules over alerts that was due when it was due, hours
    taken off by an edit behind the window's head."""
    assert not differ(random_history(seed))


def test_an_edit_judges_the_hours_also_while_a_passed_hold_stands():
    """What a reading of before the edit turns then is so since the edit, and its level has still to wait."""
    body = {"feed": "meter", "leave": {"circle": [105.3, 20.8], "radius": "250m"}, "hold": "90s", "live_within": "60s",
            "active": {"hours": "12:02-12:01", "days": ["mon", "tue"]}}  # fmt: skip
    history = [
        Item(0, "device", ("d1", {"feed": "meter", "zone": "z1", "lon": 105.3028, "lat": 20.8})),
        Item(0, "rule", ("c.0", rule_body("c.0", {**body, "levels": [{"severity": "high"}]}))),
        Item(60, "send", {"feed": "meter", "device": "d1", "time": 30, "value": 1}),
        Item(361, "rule", ("c.0", rule_body("c.0", {**body, "levels": [{"severity": "high", "for": "30s"}]}))),
        Item(421, "send", {"feed": "meter", "device": "d1", "time": -60, "value": 1}),
        Item(451, "gap"),
    ]
    assert [one.kind for one in said(history)] == ["opened", "cleared"]
    assert [one.kind for one in said([*history, Item(482, "tick")])] == ["opened", "cleared", "reopened"]


@pytest.mark.parametrize("seed", [2017000001, 2017001220, 2017001467])
def test_a_withdrawal_once_ended_a_hold_before_its_own_instant(seed: int):
    """The hold counts from an older reading then, and had ended: its end was dated before the withdrawal."""
    assert not differ(with_limits(random_history(seed), seed))


def test_limits_of_one_day_were_once_told_apart_in_two_ways():
    """Two limits of one area from the same day on: the page did not say which, and each evaluator took its own."""
    seed = 2017000748
    assert not differ(with_limits(random_history(seed), seed))
