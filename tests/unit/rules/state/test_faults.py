"""A rule that breaks in our own code ends alone, says so, and gets another try with its next form."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind, Event
from ioc.rules.fold import announce
from ioc.rules.fold import announcement as announcing
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.kinds.correlate.evaluator import CorrelateEvaluator
from ioc.rules.kinds.window.evaluator import WindowEvaluator
from ioc.rules.language.rule import Rule
from ioc.rules.recompute.timeline import TimelineError, TimelinePack, run_timelines
from ioc.rules.state.memory import Memory
from tests.unit.rules.builders import FEEDS, after, rule_entry

WINDOW = {
    "rule": "meter.mean", "over": "1m", "measure": {"m": {"max": "value"}},
    "levels": [{"severity": "medium", "when": "m > 10"}], "summary": {"vi": "Mức {m}", "en": "Level {m}"},
}  # fmt: skip
OVER = {
    "rule": "over", "feed": "alert", "by": ["device"], "levels": [{"severity": "high", "when": "firing >= 1"}],
    "summary": {"vi": "Nhiều", "en": "Many"},
}  # fmt: skip


class World:
    """Folds what it is told, one entry a second."""

    def __init__(self) -> None:
        self.rules, self.memory = RuleSet(FEEDS), Memory()
        self.position = 0
        self.told: list[Transition] = []

    @property
    def now(self) -> datetime:
        return after(self.position)

    def rule(self, **changes: Any) -> None:
        self.position += 1
        self.enter(rule_entry(self.position, self.now, **changes))

    def send(self, value: float) -> None:
        self.position += 1
        key = self.position.to_bytes(16)
        event = Event("meter", "m-1", key, self.now, self.now, {"value": value})
        self.enter(Entry(self.position, self.now, EntryKind.EVENT, event=event))

    def enter(self, entry: Entry) -> None:
        self.told += step(self.rules, self.memory, entry)

    def restart(self) -> None:
        self.memory = Memory.restore(self.memory.snapshot())
        self.rules = RuleSet(FEEDS)
        self.rules.load(self.memory.rules, self.memory.failed)

    def kinds(self, rule: str) -> list[tuple[str, str]]:
        return [(str(made.kind), made.reason) for made in self.told if made.rule == rule]


@pytest.fixture
def world() -> World:
    made = World()
    made.rule()
    made.rule(**WINDOW)
    made.send(20)
    assert made.kinds("meter.mean") == [("opened", "")]
    return made


def broken(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError("nobody foresaw it")


@pytest.mark.breaks_rules
def test_the_broken_rule_ends_its_alert_and_the_others_go_on(world, monkeypatch):
    monkeypatch.setattr(WindowEvaluator, "take", broken)
    world.send(5)
    assert world.kinds("meter.mean") == [("opened", ""), ("cleared", "rule_failed")]
    assert world.kinds("meter.level") == [("opened", ""), ("cleared", "")]
    assert world.memory.failed["meter.mean"] == "failed at entry 4: ZeroDivisionError: nobody foresaw it"
    assert world.rules.refused == world.memory.failed
    assert world.memory.tally.errors["meter.mean"] == 1
    world.send(20)
    assert world.kinds("meter.level")[-1] == ("reopened", "")
    assert len(world.kinds("meter.mean")) == 2


@pytest.mark.breaks_rules
def test_it_stays_out_across_a_restart_and_its_next_form_gets_another_try(world, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(WindowEvaluator, "take", broken)
        world.send(21)
    world.restart()
    assert "meter.mean" in world.rules.refused
    world.send(22)
    assert world.kinds("meter.mean")[-1] == ("cleared", "rule_failed")
    world.rule(**WINDOW, refire="1m")
    assert world.rules.refused == world.memory.failed == {}
    world.send(23)
    assert world.kinds("meter.mean")[-1] == ("opened", "")


@pytest.mark.breaks_rules
def test_a_timer_that_breaks_ends_its_rule_alone(world, monkeypatch):
    monkeypatch.setattr(WindowEvaluator, "end", broken)
    world.position += 200
    world.enter(Entry(world.position, world.now, EntryKind.TICK))
    assert world.kinds("meter.mean")[-1] == ("cleared", "rule_failed")
    world.send(5)
    assert world.kinds("meter.level")[-1] == ("cleared", "")


@pytest.mark.breaks_rules
def test_a_rule_over_alerts_that_breaks_leaves_what_it_listened_to(monkeypatch):
    world = World()
    world.rule(**OVER)
    world.rule()
    monkeypatch.setattr(CorrelateEvaluator, "take", broken)
    world.send(20)
    assert world.kinds("meter.level") == [("opened", "")]
    assert set(world.memory.failed) == {"over"}


@pytest.mark.breaks_rules
def test_an_alert_whose_sentence_breaks_ends_with_its_title(world, monkeypatch):
    honest = announcing.transition_of

    def transition_of(*given: Any, rule: Rule, **more: Any) -> Transition:
        if rule.id == "meter.mean":
            raise KeyError("place")
        return honest(*given, rule=rule, **more)

    monkeypatch.setattr(announce, "transition_of", transition_of)
    monkeypatch.setattr(WindowEvaluator, "take", broken)
    world.send(5)
    [_, ended] = [made for made in world.told if made.rule == "meter.mean"]
    assert (str(ended.kind), ended.reason, ended.summary) == ("cleared", "rule_failed", ended.title)


@pytest.mark.breaks_rules
def test_a_timeline_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.setattr(WindowEvaluator, "take", broken)
    (tmp_path / "one.yaml").write_text(
        "timeline: breaks\nfeeds: {meter: {value: number}}\nrules:\n"
        "  - {rule: meter.mean, title: {vi: a, en: a}, domain: test, feed: meter, over: 1m, \n"
        "     measure: {m: {max: value}}, levels: [{severity: low, when: 'm > 1.0'}], summary: {vi: a, en: a}}\n"
        "steps:\n  - {at: 0s, send: {feed: meter, device: d, value: 1}}\n  - {at: 1s, expect: none}\n"
    )
    with pytest.raises(TimelineError, match="nobody foresaw it"):
        list(run_timelines(tmp_path, TimelinePack()))
