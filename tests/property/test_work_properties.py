"""Whatever people and the condition do, an alert is where docs/alerts.md says: told a second time here, by hand.

The second telling knows no table: it is written from the page, action by action, and follows 10,000 random histories
beside the record. What is allowed, the state, who has it and who did what must agree after each step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.domain.alert import Condition
from ioc.errors import TransitionError
from ioc.work.record import WorkDeed, WorkRecord
from ioc.work.transitions import BROUGHT_BACK, WORK_TRANSITIONS, Need, WorkAction, WorkState

AT = datetime(2026, 11, 29, 3, tzinfo=UTC)
PEOPLE = ("an", "bình", "chi")
HISTORIES, STEPS, SEED = 10_000, 14, 20261129
ENGINE = ("rise", "clear", "fire again")


@dataclass(slots=True)
class Told:
    """An alert as the page tells it: its state, who has it, and who is named for what."""

    state: str = "new"
    owner: str | None = None
    firing: bool = True
    names: dict[str, str] = field(default_factory=dict)
    """Who took note, began, assigned, resolved, closed, shelved it or called it false; calls and hand-overs apart."""
    kept: dict[str, str] = field(default_factory=dict)
    over: tuple[str, str | None, dict[str, str]] | None = None
    """What stood before a resolved one fired again: it stands again if that passes before anybody has taken it."""

    def anew(self) -> None:
        self.state, self.owner, self.names = "new", None, {}

    def moved(self, what: str) -> None:
        """What the condition does."""
        if what == "clear":
            self.firing = False
            if self.over is not None:
                (self.state, self.owner, self.names) = self.over
                self.over = None
            return
        again = what == "fire again" or self.firing
        self.firing = True
        if not again:
            return
        if self.state in ("false_alarm", "shelved"):
            self.anew()
        elif self.state in ("resolved", "closed"):
            self.over = (self.state, self.owner, self.names)
            self.anew()

    def done(self, action: str, who: str, assignee: str) -> bool:  # noqa: C901, PLR0911, PLR0912 - one branch an action
        """Do what a person does, and tell whether the page has a way for it."""
        state = self.state
        if action == "comment":
            pass
        elif action in ("call", "dispatch"):
            self.kept[action] = who
        elif action == "acknowledge":
            if state not in ("new", "false_alarm", "shelved"):
                return False
            self.leave()
            self.state, self.owner, self.names["acknowledged"] = "acknowledged", who, who
        elif action == "start":
            if state not in ("new", "acknowledged", "shelved"):
                return False
            self.leave()
            self.state, self.owner, self.names["started"] = "in_progress", who, who
            self.names.setdefault("acknowledged", who)
        elif action == "assign":
            if state not in ("new", "acknowledged", "in_progress"):
                return False
            self.state, self.owner, self.names["assigned"] = "new", assignee, who
            self.names.pop("acknowledged", None)
            self.names.pop("started", None)
        elif action == "unassign":
            if state != "new" or self.owner is None:
                return False
            self.owner = None
            self.names.pop("assigned", None)
        elif action == "shelve":
            if state not in ("new", "acknowledged", "in_progress", "shelved"):
                return False
            self.state, self.owner, self.names["shelved"] = "shelved", None, who
        elif action == "unshelve":
            if state != "shelved":
                return False
            self.anew()
        elif action == "resolve":
            if state in ("resolved", "closed") or self.firing:
                return False
            self.leave()
            self.state, self.owner, self.names["resolved"] = "resolved", self.owner or who, who
        elif action == "close":
            if state != "resolved":
                return False
            self.state, self.names["closed"] = "closed", who
        elif action == "false-alarm":
            if state == "closed":
                return False
            self.leave()
            self.state, self.owner, self.names["false_alarm"] = "false_alarm", None, who
        else:
            assert action == "reopen"
            if state in ("new", "shelved"):
                return False
            self.anew()
        self.over = None
        return True

    def leave(self) -> None:
        """What says something only while it is so."""
        self.names.pop("false_alarm", None)
        self.names.pop("shelved", None)
        self.names.pop("closed", None)


@dataclass(slots=True)
class Kept:
    """The same alert as the house keeps it: the record, and what the store finds in the lines after it."""

    record: WorkRecord = field(default_factory=WorkRecord)
    condition: Condition = Condition.FIRING
    lines: list[str] = field(default_factory=list)

    @property
    def returned(self) -> bool:
        """What the lists ask of the history, in Python."""
        state = self.record.state
        over = state in (WorkState.RESOLVED, WorkState.CLOSED) and self.condition is Condition.FIRING
        if not over and state not in (WorkState.FALSE_ALARM, WorkState.SHELVED):
            return False
        last = max(number for number, kind in enumerate(self.lines) if kind in {str(each) for each in BROUGHT_BACK})
        return any(kind in ("raised", "reopened") for kind in self.lines[last + 1 :])

    def moved(self, what: str) -> None:
        if what == "clear":
            self.condition = Condition.CLEARED
            self.lines.append("cleared")
        elif what == "fire again" or self.condition is Condition.FIRING:
            self.condition = Condition.FIRING
            self.lines.append("reopened" if what == "fire again" else "raised")
        else:
            self.condition = Condition.FIRING

    def done(self, action: str, who: str, assignee: str) -> bool:
        row = WORK_TRANSITIONS[WorkAction(action)]
        deed = WorkDeed(
            action=WorkAction(action), actor=who, at=AT, text="lời" if Need.TEXT in row.needs else None,
            assignee=assignee if Need.ASSIGNEE in row.needs else None,
            until=AT + timedelta(hours=1) if Need.UNTIL in row.needs else None,
        )  # fmt: skip
        try:
            made = self.record.after(deed, condition=self.condition, returned=self.returned)
        except TransitionError:
            return False
        assert made.version == self.record.version + 1
        self.record = made
        self.lines.append(action)
        return True

    def seen(self) -> tuple[str, str | None, dict[str, str], dict[str, str]]:
        """What people are shown."""
        if self.returned:
            return "new", None, {}, self._named("call", "dispatch")
        named = self._named("acknowledge", "start", "assign", "resolve", "close", "shelve", "false_alarm")
        return str(self.record.state), self.record.owner, named, self._named("call", "dispatch")

    def _named(self, *actions: str) -> dict[str, str]:
        columns = {"acknowledge": "acknowledged", "start": "started", "assign": "assigned", "resolve": "resolved",
                   "close": "closed", "shelve": "shelved", "call": "called", "dispatch": "dispatched"}  # fmt: skip
        found = {}
        for action in actions:
            name = columns.get(action, action)
            who = getattr(self.record, f"{name}_by")
            if who is not None:
                assert getattr(self.record, f"{name}_at") == AT
                found[action if action in ("call", "dispatch") else name] = who
        return found


def differences(seed: int, histories: int) -> tuple[int, int, set[tuple[str, str]]]:
    """Return how many steps the two tell otherwise, how many were allowed, and every way that was gone."""
    draw = random.Random(seed)
    found = allowed = 0
    ways: set[tuple[str, str]] = set()
    actions = [str(action) for action in WorkAction]
    for _ in range(histories):
        told, kept = Told(), Kept()
        for _ in range(STEPS):
            if draw.random() < 0.3:
                what = draw.choice(ENGINE if told.firing else ("fire again",))
                if what == "fire again" and told.firing:
                    what = "rise"
                told.moved(what)
                kept.moved(what)
            else:
                action, who, assignee = draw.choice(actions), draw.choice(PEOPLE), draw.choice(PEOPLE)
                before = told.state
                mine, theirs = told.done(action, who, assignee), kept.done(action, who, assignee)
                if mine != theirs:
                    found += 1
                    break
                if mine:
                    allowed += 1
                    ways.add((before, action))
            if (told.state, told.owner, told.names, told.kept) != kept.seen():
                found += 1
                break
    return found, allowed, ways


def test_ten_thousand_histories_are_told_alike_and_every_way_of_the_table_was_gone():
    found, allowed, ways = differences(SEED, HISTORIES)
    assert found == 0
    assert allowed > 3 * HISTORIES
    table = {(str(state), str(action)) for action, row in WORK_TRANSITIONS.items() for state in row.sources}
    assert ways == table


@pytest.mark.parametrize(
    ("action", "wrong"),
    [
        (WorkAction.RESOLVE, {"refused_while_firing": None}),
        (WorkAction.CLOSE, {"sources": frozenset(WorkState)}),
        (WorkAction.CLOSE, {"target": WorkState.RESOLVED}),
        (WorkAction.FALSE_ALARM, {"sources": frozenset(WorkState)}),
        (WorkAction.SHELVE, {"sources": frozenset({WorkState.NEW})}),
        (WorkAction.UNSHELVE, {"sets": {}}),
        (WorkAction.UNASSIGN, {"refused_without_owner": None}),
        (WorkAction.ASSIGN, {"target": WorkState.ACKNOWLEDGED}),
        (WorkAction.START, {"sets": WORK_TRANSITIONS[WorkAction.ACKNOWLEDGE].sets}),
        (WorkAction.REOPEN, {"sets": {}}),
    ],
)
def test_a_table_with_one_thing_wrong_is_found(monkeypatch, action: WorkAction, wrong: dict[str, Any]):
    monkeypatch.setitem(WORK_TRANSITIONS, action, replace(WORK_TRANSITIONS[action], **wrong))
    assert differences(SEED, 4_000)[0] > 0
