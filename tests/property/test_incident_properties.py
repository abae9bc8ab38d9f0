"""The fold of incidents against the independent evaluator of docs/incidents.md; broken folds are told apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

import ioc.incidents.book
import ioc.incidents.fold
from ioc.domain.alert import Transition
from ioc.domain.incidents.family import MEMBERS_MAX, SPREAD_MAX, IncidentFamily
from ioc.incidents.book import IncidentBook, IncidentState
from ioc.incidents.fold import IncidentMoveKind, fold_incidents
from proof.evaluator.incidents import MadeMove, incidents_of
from proof.histories.incident_histories import FAMILIES, PLAIN, START, random_moves

HISTORIES = 5_000
FEW = 400
MEMBERS = 4
"""A bound that random histories reach."""
TURNS = (IncidentMoveKind.OPENED, IncidentMoveKind.CLOSED, IncidentMoveKind.REOPENED)


def told(moves: Iterable[Transition]) -> list[MadeMove]:
    return [
        MadeMove(made.alert_id, str(made.kind), made.rule, made.domain, (made.log_time - START).total_seconds(),
             made.device, made.area, made.zone, made.lat, made.lon)
        for made in moves
    ]  # fmt: skip


def folded(moves: Sequence[Transition]) -> list[tuple[str, list[str], bool]]:
    book = IncidentBook()
    fold_incidents(FAMILIES, book, moves)
    return [(each.family, list(each.members), bool(each.firing)) for each in book]


def differ(seed: int, *, members: int = MEMBERS_MAX) -> bool:
    moves = random_moves(seed)
    return folded(moves) != incidents_of(PLAIN, told(moves), members_max=members, spread=SPREAD_MAX)


def test_the_fold_agrees_with_the_independent_evaluator_over_5000_histories():
    assert [seed for seed in range(HISTORIES) if differ(seed)] == []
    sizes = [len(members) for seed in range(FEW) for _, members, _ in folded(random_moves(seed))]
    assert max(sizes) >= 4
    assert sizes.count(1) < len(sizes) * 0.8, "histories in which nothing joins prove nothing"


def test_the_bound_of_members_begins_the_next_incident(monkeypatch):
    monkeypatch.setattr(ioc.incidents.fold, "MEMBERS_MAX", MEMBERS)
    assert [seed for seed in range(FEW) if differ(seed, members=MEMBERS)] == []
    assert any(differ(seed) for seed in range(FEW)), "none was full"


def never_over(self: IncidentState, family: IncidentFamily, at: Any) -> bool:
    del self, family, at
    return True


def gone_when_over(self: IncidentState, family: IncidentFamily, at: Any) -> bool:
    del family, at
    return bool(self.firing)


def strictly_within(self: IncidentState, family: IncidentFamily, at: Any) -> bool:
    return bool(self.firing) or at - self.changed_at < timedelta(seconds=family.within_seconds)


def right_here(self: IncidentState, point: Any) -> float:
    del self, point
    return 0.0


def nobody(self: IncidentBook, incident: IncidentState) -> None:
    del self, incident


MUTANTS = {
    "never_over": (ioc.incidents.book.IncidentState, "joinable", never_over),
    "gone_when_over": (ioc.incidents.book.IncidentState, "joinable", gone_when_over),
    "strictly_within": (ioc.incidents.book.IncidentState, "joinable", strictly_within),
    "all_are_near": (ioc.incidents.book.IncidentState, "distance_m", right_here),
    "no_spread": (ioc.incidents.fold, "SPREAD_MAX", 1),
    "forgets_who_returns": (ioc.incidents.book.IncidentBook, "revive", nobody),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fold_that_is_broken_does_not_agree(name, monkeypatch):
    monkeypatch.setattr(*MUTANTS[name])
    assert any(differ(seed) for seed in range(1_000))


def test_a_prefix_of_the_moves_gives_a_prefix_of_every_membership():
    """Nobody who has joined is ever taken out by what comes later."""
    for seed in range(FEW):
        moves = random_moves(seed)
        part, whole = folded(moves[: len(moves) // 2]), folded(moves)
        for (family, members, _), (of, all_members, _) in zip(part, whole, strict=False):
            assert (family, members) == (of, all_members[: len(members)])


def test_alerts_in_batches_or_one_by_one_give_the_same_and_moves_alternate():
    for seed in range(FEW):
        moves = random_moves(seed)
        book, found = IncidentBook(), []
        for made in moves:
            found += fold_incidents(FAMILIES, book, [made])
        assert [(each.family, list(each.members), bool(each.firing)) for each in book] == folded(moves)
        for incident in book:
            turns = [each.kind for each in found if each.incident.id == incident.id and each.kind in TURNS]
            assert turns[0] is IncidentMoveKind.OPENED
            closed = IncidentMoveKind.CLOSED
            assert all((one is closed) != (other is closed) for one, other in pairwise(turns))
            assert incident.moves == sum(each.incident.id == incident.id for each in found)
