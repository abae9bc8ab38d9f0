"""The stages of an entry: each is entered once, and what waits for its turn is announced where it always was."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ioc.rules.fold
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from tests.unit.rules.builders import FEEDS, after, rule_entry

FOLDER = str(Path(ioc.rules.fold.__file__).parent)
STAGES = ("step", "due", "select", "observe", "levels", "announce")
RULES: dict[str, dict[str, Any]] = {
    "a.level": {}, "b.mean": {"over": "10m", "measure": {"m": {"avg": "value"}}, "levels": [
        {"severity": "low", "when": "m > 10.0"}]},
    "c.silent": {"absent": "15m", "levels": [{"severity": "low"}], "summary": {"vi": "Im", "en": "Silent"}},
    "d.jump": {"delta": "value", "levels": [{"severity": "low", "when": "delta > 5.0"}]},
    "e.waits": {"levels": [{"severity": "low", "when": "value > 10", "for": "1m"}]},
}  # fmt: skip


class World:
    """Rules of most kinds, and one meter."""

    def __init__(self) -> None:
        self.rules, self.memory, self.position = RuleSet(FEEDS), Memory(), 0
        for name, members in RULES.items():
            summary = {"vi": "Q", "en": "Q"}
            self.enter(rule_entry(1, after(0), **{"rule": name, "summary": summary, **members}))
        assert self.rules.refused == {}

    def enter(self, entry: Entry) -> list[tuple[str, str]]:
        self.position += 1
        made = step(self.rules, self.memory, entry._replace(position=self.position))
        return [(move.rule, str(move.kind)) for move in made]

    def send(self, value: float, minute: float) -> list[tuple[str, str]]:
        at = after(60 * minute)
        event = Event(feed="meter", device="m-1", key=hash16(str(self.position).encode()), effective=at,
                      received_at=at, data={"value": value})  # fmt: skip
        return self.enter(Entry(0, at, EntryKind.EVENT, event=event))


def way_of(world: World, value: float, minute: float) -> tuple[list[str], list[tuple[str, str]]]:
    """Return which modules of the fold an entry's way goes through, in their order, and what the alerts did."""
    way: list[str] = []

    def note(frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith(FOLDER):
            frame = frame.f_back
        if frame is not None:
            way.append(Path(frame.f_code.co_filename).stem)

    def profile(frame: FrameType, kind: str, _: Any) -> None:
        if kind in ("call", "return"):
            note(frame if kind == "call" else frame.f_back)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        made = world.send(value, minute)
    finally:
        sys.setprofile(before)
    told = [name for name in way if name in STAGES]
    return [told[0], *(later for earlier, later in pairwise(told) if later != earlier)], made


@pytest.mark.breaks_rules
def test_an_entry_enters_each_stage_once():
    world = World()
    way, made = way_of(world, 5.0, 1)
    assert made == []
    assert way == ["step", "select", "step", "observe", "step", "levels", "step"]


@pytest.mark.breaks_rules
def test_what_an_alert_does_is_announced_from_the_levels_and_nothing_is_observed_after_it():
    world = World()
    world.send(5.0, 1)
    way, made = way_of(world, 100.0, 2)
    assert made == [("a.level", "opened"), ("b.mean", "opened"), ("d.jump", "opened")]
    assert way[:6] == ["step", "select", "step", "observe", "step", "levels"]
    assert set(way[6:]) == {"levels", "announce", "step"}


def test_a_timer_that_ends_with_the_reading_is_announced_in_its_rules_turn():
    """`e.waits` has served its minute as the second reading comes; yet what the rules before it do is told first."""
    world = World()
    world.send(11.0, 1)
    at = after(60 * 3)
    event = Event(feed="meter", device="m-1", key=hash16(b"late"), effective=at, received_at=at, data={"value": 100.0})
    made = world.enter(Entry(0, after(90), EntryKind.EVENT, event=event))
    assert made == [("d.jump", "opened"), ("e.waits", "opened")]
