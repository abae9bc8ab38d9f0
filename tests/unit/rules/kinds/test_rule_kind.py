"""A kind that nobody has written yet: all of it is in this file, and its one line in the registry.

`burst: {min: 3, within: 10m}`: so many readings of a key within a time. Each that is as old leaves by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import pytest

from ioc.api.plain_language.rules import join_sentences, own_names, rule_of, sentences, words_of
from ioc.api.serializers.evidence_details import DetailNames, details
from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind, Event
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.kinds.reading import KindParts, RuleSource, number
from ioc.rules.kinds.registry import KINDS
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.language.kinds import KindSpec
from ioc.rules.language.members import duration_at, members_of
from ioc.rules.language.rule import Rule
from ioc.rules.loading.check import CheckResult, Surroundings, check_rule
from ioc.rules.state.evaluator import KindEvaluator
from ioc.rules.state.memory import KeyState, Memory
from ioc.rules.state.observation import Facts, Observation
from ioc.rules.state.tally import Tally
from ioc.rules.words.clauses import duration_words
from ioc.rules.words.evidence import Details, EvidenceReader
from ioc.rules.words.rule_words import KindWords, RuleWords
from tests.unit.rules.builders import FEEDS, after, rule_body

pytestmark = pytest.mark.breaks_rules

TEXT = """
rule: meter.burst
title: {vi: "Dồn dập", en: "Burst"}
domain: test
feed: meter
where: value > 10.0
burst: {min: 3, within: 10m}
levels: [{severity: high, for: 1m}]
summary: {vi: "{n} tin dồn dập", en: "{n} readings at once"}
"""


@dataclass(frozen=True, slots=True)
class Burst(KindSpec):
    """How many, and within what time."""

    minimum: int
    within_us: int

    @property
    def look_back_us(self) -> int:
        """Return how long a reading stays."""
        return self.within_us


def read(source: RuleSource) -> KindParts:
    found = members_of(source.body["burst"], "burst", needed={"min", "within"}, allowed=set())
    names = {"n": number("n", "số tin dồn dập", "readings at once")}
    within_us = duration_at(found["within"], "burst.within", default_us=0)
    return KindParts(Burst(found["min"], within_us), names, default_when=f"n >= {found['min']}")


class Recent:
    """When each reading of a key was made that counts, oldest first."""

    def __init__(self, at_us: list[int]) -> None:
        self.at_us = at_us

    def pack(self) -> list[int]:
        return self.at_us


def spec_of(rule: Rule) -> Burst:
    assert isinstance(rule.spec, Burst)
    return rule.spec


def recent_of(state: KeyState) -> Recent:
    assert isinstance(state.kind_state, Recent)
    return state.kind_state


class BurstEvaluator(KindEvaluator):
    """What a key remembers and when something of its own is due."""

    def begin(self, rule: Rule, at_us: int) -> Recent:
        del rule, at_us
        return Recent([])

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:
        del tally
        recent_of(state).at_us.append(observation.at_us)
        return self.facts(rule, state, observation.at_us)

    def due(self, rule: Rule, state: KeyState) -> int | None:
        at_us = recent_of(state).at_us
        return at_us[0] + spec_of(rule).within_us if at_us else None

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        return self.facts(rule, state, at_us)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        state.head_us, own = max(state.head_us, at_us), recent_of(state)
        own.at_us = [one for one in own.at_us if one > state.head_us - spec_of(rule).within_us]
        return {"n": len(own.at_us)}

    def unpack(self, rule: Rule, packed: Any) -> Recent:
        del rule
        return Recent(packed)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        own = recent_of(state)
        return {
            "kind": "burst",
            "since_us": own.at_us[0],
            "device": state.device,
            "over_s": spec_of(rule).within_us / 1e6,
        }


class BurstWords(KindWords):
    """What it looks at, in words."""

    def what(self, told: RuleWords, *, vi: bool) -> str:
        within = duration_words(spec_of(told.rule).within_us, vi=vi)
        return f"đếm số tin trong {within}" if vi else f"readings are counted over {within}"


def evidence(found: Details, told: RuleWords | None, reader: EvidenceReader) -> dict[str, Any]:
    assert told is not None, "the rule is as it was"
    return {"since": found["since"], "who": reader.name(found["device"]), "of": told.names["n"].label.en}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        KINDS, "burst", RuleKind("burst", ("burst",), read, BurstEvaluator(), BurstWords(), evidence=evidence)
    )


def checked(text: str) -> CheckResult:
    return check_rule(text, Surroundings(FEEDS, {"test"}, UTC))


def entries(body: Any) -> Iterator[Entry]:
    """A rule, four readings a minute apart of which one does not count, and ticks until all is over."""
    yield Entry(1, after(0), EntryKind.RULE, subject="meter.burst", value={"body": body, "hash": "h", "version": 1})
    for position, (minute, value) in enumerate(((1, 11.0), (2, 5.0), (3, 12.0), (4, 13.0)), start=2):
        at = after(60 * minute)
        event = Event(key=bytes([position]) * 16, feed="meter", device="m-1", time=at, effective=at, received_at=at,
                      data={"value": value})  # fmt: skip
        yield Entry(position, at, EntryKind.EVENT, event=event)
    for minute in range(5, 17):
        yield Entry(minute + 1, after(60 * minute), EntryKind.TICK)


def folded(body: Any, *, restored: bool) -> list[Transition]:
    """What it makes; ``restored``: with a snapshot between any two entries."""
    rules, memory, made = RuleSet(FEEDS), Memory(), list[Transition]()
    for entry in entries(body):
        made.extend(step(rules, memory, entry))
        if restored:
            memory = Memory.restore(memory.snapshot())
            rules = RuleSet(FEEDS)
            rules.load(memory.rules)
    return made


@pytest.mark.parametrize("restored", [False, True])
def test_a_new_kind_is_read_evaluated_remembered_and_ends_by_its_own_timers(restored: bool):
    found = checked(TEXT)
    assert found.faults == ()
    assert found.rule is not None
    assert (found.rule.kind, found.rule.spec) == ("burst", Burst(3, 600_000_000))
    opened, cleared = folded(found.body, restored=restored)
    assert [opened.at, cleared.at] == [after(60 * 5), after(60 * 11)], (
        "a minute after the third, and as the first leaves"
    )
    assert opened.summary.vi == "3 tin dồn dập"
    assert opened.evidence.clause == "n >= 3"
    assert opened.evidence.details == {
        "kind": "burst", "since": after(60).isoformat(), "device": "m-1", "over_s": 600.0
    }  # fmt: skip


def test_its_words_and_its_evidence_are_told_where_all_others_are():
    rule = rule_of(checked(TEXT).body or {}, FEEDS)
    assert rule is not None
    told = words_of(rule, FEEDS)
    text = join_sentences(sentences(told))
    assert text["vi"].split(". ") == [
        "Đếm số tin trong 10 phút", "Cao: Số tin dồn dập từ 3 trở lên, kéo dài 1 phút", "Chỉ tính khi value trên 10 cm",
    ]  # fmt: skip
    assert text["en"].split(". ") == [
        "Readings are counted over 10 min",
        "High: Readings at once at least 3 for 1 min",
        "Only where value above 10 cm",
    ]  # fmt: skip
    assert own_names(told) == {"n": {"label": {"vi": "số tin dồn dập", "en": "readings at once"}, "unit": ""}}
    found = {"kind": "burst", "since": "2026-11-23T05:01:00+00:00", "device": "m-1"}
    known = DetailNames(
        {"m-1": {"name_vi": "Đồng hồ", "name_en": "Meter", "area": None, "zone": None, "feed": "meter"}}
    )
    assert details(found, told=told, known=known) == {
        "kind": "burst", "since": found["since"], "who": {"vi": "Đồng hồ", "en": "Meter"}, "of": "readings at once"
    }  # fmt: skip


def test_its_members_are_known_by_name_and_make_no_second_kind():
    wrong = checked(TEXT.replace("min: 3, ", ""))
    assert "min is missing" in wrong.faults[0].detail
    both = checked(TEXT.replace("burst:", "absent: 5m\nburst:"))
    assert "absent and burst make two kinds of rule" in both.faults[0].detail
    assert rule_of({**rule_body(), "burst": {"min": 3, "within": "10m"}}, FEEDS) is not None
