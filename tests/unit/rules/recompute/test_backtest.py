"""A backtest gives, over a log that the engine folded live, the very alerts that it made; and stays bounded."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, Flag, hash16
from ioc.domain.event_time import effective_time
from ioc.domain.feed import Label
from ioc.errors import PackError
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.rule import SECOND_US, to_us
from ioc.rules.recompute.backtest import Backtest, BacktestForm, City, Outage, plan, sheet_of
from ioc.rules.state.memory import Memory
from tests.unit.rules.builders import FEEDS, START, after, rule_value

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CITY = City(FEEDS, {"z-0": Label("Vùng 0", "Zone 0")}, ZONE)
PLACES = {"m-0": (20.80, 105.30), "m-1": (20.801, 105.301), "m-2": (20.90, 105.40)}
NEAR = {"near": {"radius": "500m", "over": "3m", "min": 2}, "levels": [{"severity": "low"}], "where": "value > 5"}
CORRELATE = {
    "feed": "alert", "by": ["zone"], "levels": [{"severity": "high", "when": "firing >= 2"}],
    "where": 'rule != "t.other"',
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "threshold": {"levels": [{"severity": "low", "when": "value > 10"}, {"severity": "high", "when": "value > 18"}]},
    "for": {"levels": [{"severity": "medium", "when": "value > 10", "for": "45s"}], "clear": {"for": "30s"}},
    "hold": {"hold": "2m", "levels": [{"severity": "medium", "when": "value > 10"}]},
    "window": {"over": "5m", "measure": {"mean": {"avg": "value"}, "n": {"count": True}},
               "levels": [{"severity": "low", "when": "mean > 9"}, {"severity": "high", "when": "mean > 12"}],
               "clear": {"when": "mean < 8", "for": "20s"}},
    "zone window": {"by": ["zone"], "over": "10m", "measure": {"top": {"max": "value", "per": "device", "take": "avg"}},
                    "levels": [{"severity": "low", "when": "top > 15"}]},
    "change": {"delta": "value", "levels": [{"severity": "low", "when": "delta > 4"}]},
    "absence": {"absent": "90s", "levels": [{"severity": "low"}, {"severity": "medium", "for": "2m"}]},
    "absence of a zone": {"absent": "40s", "by": ["zone"], "levels": [{"severity": "low"}]},
    "sequence": {"feed": None, "within": "3m", "levels": [{"severity": "high"}],
                 "sequence": [{"feed": "meter", "where": "value > 12"}, {"feed": "meter", "where": "value < 6"}]},
    "near": NEAR,
    "zone": {"enter": {"circle": [105.30, 20.80], "radius": "300m"}, "levels": [{"severity": "low"}]},
    "schedule": {"active": {"hours": "12:02-12:07"}, "levels": [{"severity": "low", "when": "value > 10"}]},
    "correlate": CORRELATE,
    "an alert each event": {"by": ["event"], "hold": "1m", "levels": [{"severity": "low", "when": "value > 15"}]},
}  # fmt: skip
BASE = {"rule": "a.base", "levels": [{"severity": "low", "when": "value > 11"}], "hold": "3m"}


def form_of(body: dict[str, Any]) -> BacktestForm:
    value = rule_value(**body)
    return BacktestForm(value["body"], value["hash"], 1)


class Live:
    """The engine over a made log: a tick a second while a timer runs, none while it is down, then a gap."""

    def __init__(self, *forms: BacktestForm, sheet: BacktestForm | None = None) -> None:
        self.entries: list[Entry] = []
        self.rules, self.memory = RuleSet(FEEDS, CITY.zones, timezone=ZONE), Memory()
        self.tick_us: int | None = None
        self.form = sheet or forms[-1]
        self.sheet = sheet_of(CITY, self.form, to_us(START), to_us(after(86_400)))
        self.transitions: list[Transition] = []
        for number, name in enumerate(PLACES):
            self.device(START, name, number)
        for form in forms:
            value = {"body": form.body, "hash": form.hash, "version": 1}
            self.enter(START, EntryKind.RULE, subject=form.id, value=value)

    def enter(self, now, kind, **members):
        entry = Entry(len(self.entries) + 1, now, kind, **members)
        self.entries.append(entry)
        for transition in step(self.rules, self.memory, entry):
            if transition.rule == self.form.id:
                self.transitions.append(transition)
                self.sheet.note(transition)

    def device(self, now, name, number, **changes):
        lat, lon = PLACES[name]
        value = {"id": name, "feed": "meter", "state": "active", "zone": f"z-{number % 2}", "lat": lat, "lon": lon,
                 "name": {"vi": f"Trạm {number}", "en": f"Station {number}"}, **changes}  # fmt: skip
        self.enter(now, EntryKind.DEVICE, subject=name, value=value)

    def send(self, now, name, value, *, late=0.0, flags=()):
        effective, _ = effective_time(now - timedelta(seconds=late), now)
        key = hash16(f"{name} {len(self.entries)}".encode())
        event = Event(feed="meter", device=name, key=key, effective=effective, received_at=now,
                      data={"value": value}, flags=flags)  # fmt: skip
        self.enter(now, EntryKind.EVENT, event=event)

    def tick(self, now):
        if self.memory.next_due_log_us() is None:
            return
        now_us = to_us(now)
        gap = self.tick_us is None or now_us - self.tick_us > 10 * SECOND_US
        self.enter(now, EntryKind.GAP if gap else EntryKind.TICK)
        self.tick_us = now_us


def live(dice: random.Random, *forms: BacktestForm, seconds: int = 900, lull: float = 0.3) -> Live:
    """Readings of three devices, some late, some of the past; lulls; the engine is down for a while, twice."""
    run = Live(*forms)
    down = [(dice.randint(60, 300), dice.randint(20, 200)), (dice.randint(500, 700), dice.randint(5, 60))]
    for second in range(1, seconds):
        now = after(second)
        quiet = (second // 150) % 3 == 2
        for name in PLACES:
            if dice.random() < (0.02 if quiet else lull):
                late = dice.choice((0.0, 0.0, 0.0, 0.4, 7.0, 40.0, 300.0))
                run.send(now + timedelta(seconds=0.3), name, round(dice.uniform(0, 20), 1), late=late)
        if second == 333:
            run.device(now + timedelta(seconds=0.5), "m-1", 1, state="maintenance")
        if second == 480:
            run.device(now + timedelta(seconds=0.5), "m-1", 0)
        if not any(start <= second < start + length for start, length in down):
            run.tick(now + timedelta(seconds=0.7))
    return run


def outages(entries: list[Entry]) -> list[Outage]:
    found: list[Outage] = []
    last: int | None = None
    for entry in entries:
        if entry.kind is EntryKind.GAP:
            found.append(Outage(last))
        if entry.kind in (EntryKind.TICK, EntryKind.GAP):
            last = to_us(entry.log_time)
    return found


def backtest(
    entries: list[Entry],
    form: BacktestForm,
    *base: BacktestForm,
    present: BacktestForm | None = None,
    start=START,
    end=None,
):
    """What the store would hand over: no ticks, no rules; until the end of the log."""
    end = end or entries[-1].log_time + timedelta(microseconds=1)
    needed = plan(CITY, [form], list(base))
    run = Backtest(CITY, candidate=form, present=present, base=needed.base, from_us=to_us(start), to_us=to_us(end),
                   outages=outages(entries))  # fmt: skip
    run.begin(0, to_us(entries[0].log_time))
    for entry in entries:
        if entry.kind not in (EntryKind.TICK, EntryKind.RULE) and entry.log_time < end:
            run.take(entry)
    run.end()
    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_the_present_form_over_a_stored_log_gives_the_live_alerts(kind: str, seed: int):
    form, base = form_of({"rule": "t.rule", **KINDS[kind]}), form_of(BASE)
    run = live(random.Random(seed * 1_000 + len(kind)), base, form)
    run.sheet.to_us = to_us(run.entries[-1].log_time) + 1
    run.sheet.close()
    found = backtest(run.entries, form, base)
    wanted, got = run.sheet.result(), found.sheets["candidate"].result()
    assert got == wanted
    assert run.transitions or kind == "absence of a zone", "a log without a move proves nothing"


def readings(*found: tuple[float, str, float]) -> list[Entry]:
    """A log of readings (second, device, value) and no ticks: nothing had a timer."""
    run = Live(form_of({"rule": "t.none", "levels": [{"severity": "low", "when": "value > 1000"}]}))
    for second, name, value in found:
        run.send(after(second), name, value)
    return run.entries


SLOW = form_of({"rule": "t.rule", "levels": [{"severity": "high", "when": "value > 10", "for": "10m"}]})


def test_a_new_rule_has_its_timers_where_the_log_has_no_tick():
    entries = readings((0, "m-0", 20.0), (3_600, "m-1", 1.0))
    sheet = backtest(entries, SLOW).sheets["candidate"].result()
    assert [(alert["key"], alert["opened_at"]) for alert in sheet["alerts"]] == [("m-0", "2026-11-23T05:10:00.000Z")]
    assert sheet["firing_seconds"] == 3_000.0
    assert not sheet["alerts"][0]["retrospective"], "it would have been told when it was due"


def test_a_timer_that_is_due_after_the_last_reading_ends_by_the_end_of_the_span():
    sheet = backtest(readings((0, "m-0", 20.0)), SLOW, end=after(601)).sheets["candidate"].result()
    assert sheet["opened"] == 1
    assert backtest(readings((0, "m-0", 20.0)), SLOW, end=after(599)).sheets["candidate"].result()["opened"] == 0


def test_silence_in_our_own_outage_is_none_and_is_one_after_it():
    """Nothing came for ten minutes, but for five of them we did not listen: `absent` counts anew from the gap on."""
    form = form_of({"rule": "t.rule", **KINDS["absence"]})
    run = Live(form)
    for second in (1, 20):
        for name in PLACES:
            run.send(after(second), name, 1.0)
        run.tick(after(second))
    for second in (320, *range(321, 600)):
        run.tick(after(second))
    sheet = backtest(run.entries, form).sheets["candidate"].result()
    assert {alert["opened_at"] for alert in sheet["alerts"]} == {"2026-11-23T05:06:50.000Z"}
    assert sheet["opened"] == 3


def test_what_was_so_before_the_span_counts_its_time_and_no_opening():
    entries = readings((0, "m-0", 20.0), (100, "m-1", 20.0), (200, "m-0", 1.0), (300, "m-2", 1.0))
    plain = form_of({"rule": "t.rule", "levels": [{"severity": "low", "when": "value > 10"}]})
    run = backtest(entries, plain, start=after(50), end=after(300))
    sheet = run.sheets["candidate"].result()
    assert (sheet["opened"], sheet["firing_seconds"], sheet["severities"]) == (1, 350.0, {"low": 1})
    assert [alert["key"] for alert in sheet["alerts"]] == ["m-1", "m-0"]
    assert (run.result()["events"], run.result()["entries"]) == (2, 6)


def test_figures_fall_to_the_local_day():
    """Midnight of the city is 17:00 UTC."""
    entries = readings((0, "m-0", 20.0), (13 * 3_600, "m-0", 1.0), (14 * 3_600, "m-0", 1.0))
    plain = form_of({"rule": "t.rule", "levels": [{"severity": "low", "when": "value > 10"}]})
    sheet = backtest(entries, plain, end=after(37 * 3_600)).sheets["candidate"].result()
    assert sheet["days"] == [
        {"day": "2026-11-23", "opened": 1, "firing_seconds": 43_200.0},
        {"day": "2026-11-24", "opened": 0, "firing_seconds": 3_600.0},
        {"day": "2026-11-25", "opened": 0, "firing_seconds": 0.0},
    ]


def test_candidate_and_present_form_stand_side_by_side():
    entries = readings((0, "m-0", 12.0), (60, "m-0", 20.0), (120, "m-0", 1.0), (180, "m-0", 12.0), (240, "m-0", 1.0))
    lower, higher = (
        form_of({"rule": "t.rule", "levels": [{"severity": "low", "when": f"value > {limit}"}]}) for limit in (10, 15)
    )
    result = backtest(entries, higher, present=lower).result()
    assert (result["candidate"]["opened"], result["candidate"]["firing_seconds"]) == (1, 60.0)
    assert (result["present"]["opened"], result["present"]["reopened"]) == (1, 1)
    assert result["candidate"]["hash"] == higher.hash != result["present"]["hash"]


@pytest.mark.parametrize("change", [{"mode": "monitor"}, {"enabled": False}])
def test_a_form_that_would_say_nothing_is_tried_all_the_same(change: dict[str, Any]):
    form = form_of({"rule": "t.rule", "levels": [{"severity": "low", "when": "value > 10"}], **change})
    run = backtest(readings((0, "m-0", 20.0)), form)
    assert run.result()["candidate"]["opened"] == 1
    assert run.result()["candidate"]["hash"] == form.hash


def test_the_newest_alerts_are_listed_and_all_are_counted():
    found = [(float(second), "m-0", 20.0 if second % 2 else 1.0) for second in range(2_000)]
    form = form_of({"rule": "t.rule", "refire": "1s", "levels": [{"severity": "low", "when": "value > 10"}],
                    "clear": {"for": "0s"}, "by": ["event"], "hold": "1m"})  # fmt: skip
    run = backtest(readings(*found), form)
    result = run.result()
    assert (result["candidate"]["opened"], len(result["candidate"]["alerts"]), result["truncated"]) == (
        1_000,
        500,
        True,
    )
    assert result["candidate"]["alerts"][0]["opened_at"] == "2026-11-23T05:33:19.000Z"


def test_a_key_for_each_event_does_not_gather_without_end(monkeypatch):
    monkeypatch.setattr("ioc.rules.recompute.backtest_sheet.NEWEST_SPARE", 50)
    found = [(200.0 * number, "m-0", 20.0) for number in range(400)]
    form = form_of({"rule": "t.rule", "levels": [{"severity": "low", "when": "value > 10"}], "by": ["event"],
                    "hold": "1m"})  # fmt: skip
    run = backtest(readings(*found), form)
    assert len(run.sheets["candidate"]._newest) < 200
    assert run.sheets["candidate"].opened == 400


def test_a_rule_that_cannot_be_loaded_is_refused_with_its_member():
    form = form_of({"rule": "t.rule", "levels": [{"severity": "low", "when": "vaule > 10"}]})
    with pytest.raises(PackError, match=r"levels\[0\].when.*did you mean 'value'"):
        plan(CITY, [form], [])


def test_the_plan_says_what_to_read():
    """One device's events where the rule asks for it by name; the look-back covers all that its state is made of."""
    asked = form_of({"rule": "t.rule", "where": 'device == "m-1"', "over": "3d", "clear": {"for": "1h"},
                     "measure": {"n": {"count": True}},
                     "levels": [{"severity": "low", "when": "n > 1", "for": "2h"}]})  # fmt: skip
    needed = plan(CITY, [asked], [form_of(BASE)])
    assert (set(needed.feeds), set(needed.devices or ()), needed.base) == ({"meter"}, {"m-1"}, ())
    assert needed.look_back_us == (3 * 86_400 + 3 * 3_600 + 300) * SECOND_US
    over = form_of({"rule": "t.rule", **CORRELATE})
    assert [form.id for form in plan(CITY, [over], [form_of(BASE)]).base] == ["a.base"]
    narrow = form_of({"rule": "t.rule", **CORRELATE, "where": 'domain == "fire"'})
    assert plan(CITY, [narrow], [form_of(BASE)]).base == ()
    assert plan(CITY, [form_of({"rule": "t.rule", **KINDS["absence"], "where": 'device == "m-1"'})], []).devices is None


def test_imported_history_takes_part_only_when_it_is_asked_in():
    """The store takes the flag away; with it the fold passes by."""
    run = Live(SLOW)
    run.send(after(0), "m-0", 20.0, flags=(Flag.HISTORY,))
    assert backtest(run.entries, SLOW, end=after(3_600)).result()["candidate"]["opened"] == 0
    assert TransitionKind.OPENED not in {transition.kind for transition in run.transitions}
