"""Loading a rule: what is wrong is named by its path, with a hint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ioc.domain.severity import Severity
from ioc.rules.language.rule import SECOND_US, Mode, to_us
from ioc.rules.loading.loader import RuleError, load_rule
from tests.unit.rules.builders import FEEDS, START, rule, rule_body

LIMIT = {"value": 10, "unit": "cm", "source": "QCVN", "verified": True, "valid_from": "2023-09-12"}


def test_a_full_rule_is_read():
    found = rule(
        feed=["meter", "gauge"],
        by=["zone", "word"],
        where="value > 1",
        levels=[
            {"severity": "low", "when": "other > 3 && value > 10", "for": "10m"},
            {"severity": "critical", "when": "value > 20", "limit": {**LIMIT, "value": 20}},
        ],
        clear={"when": "value < 8", "for": "1h"},
        limit=LIMIT,
        mode="monitor",
        refire="1m",
        hold="11m",
        live_within="30m",
        summary={"vi": "{value} {unit} tại {place}, {ratio} lần {limit}, {duration}", "en": "{value}"},
    )
    assert (found.feeds, found.by, found.mode) == (("meter", "gauge"), ("zone", "word"), Mode.MONITOR)
    assert [level.severity for level in found.levels] == [Severity.LOW, Severity.CRITICAL]
    assert found.levels[0].for_us == 600 * SECOND_US
    assert (found.levels[0].measure, found.levels[0].threshold) == ("other", 3.0)
    limits = [found.limit_of(level, to_us(START)) for level in found.levels]
    assert [limit and limit.value for limit in limits] == [10.0, 20.0]
    assert found.limit_of(found.levels[0], 0) is None, "no limit before its day"
    assert (found.refire_us, found.live_age_us_max["meter"]) == (60 * SECOND_US, 1_800 * SECOND_US)
    assert found.hold_us == 660 * SECOND_US
    assert found.measures == ("other", "value")
    assert found.restricted  # one of its feeds is


def test_the_defaults_are_one_alert_per_device_cleared_at_once():
    found = rule()
    assert (found.by, found.mode, found.clear.when, found.clear.for_us) == (("device",), Mode.ALERT, None, 0)
    assert (found.refire_us, found.hold_us) == (300 * SECOND_US, None)
    assert found.live_age_us_max == {"meter": 900 * SECOND_US}


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"over": "12h"}, "measure", "one to 8 measures"),
        ({"over": "12h", "measure": {"m": {"mean": "value"}}}, "measure.m", "no aggregate 'mean'"),
        ({"over": "12h", "measure": {"m": {"avg": "valu"}}}, "measure.m.avg", "no field 'valu'"),
        ({"over": "12h", "measure": {"m": {"avg": "word"}}}, "measure.m.avg", "word is no number"),
        ({"over": "12h", "measure": {"device": {"avg": "value"}}}, "measure.device", "no name for a measure"),
        ({"over": "12h", "measure": {"m": {"avg": "value", "per": "device"}}}, "measure.m", "come together"),
        ({"over": "73s", "measure": {"m": {"avg": "value"}}}, "over", "cannot be divided into panes"),
        ({"over": "7h", "measure": {"m": {"nowcast": "value"}}}, "over", "write over: 12h"),
        ({"over": "10m", "measure": {"m": {"vn_aqi": True}}}, "measure.m.vn_aqi", "needs the feed's pm2_5"),
        ({"over": "10m", "measure": {"m": {"avg": "value"}}}, "levels[0].when", "undeclared reference to 'value'"),
        ({"measure": {"m": {"avg": "value"}}}, "measure.m", "without `over`"),
        ({"absent": "15m"}, "levels[0].when", "while the key is silent"),
        ({"absent": {"for": "15m", "field": "valu"}}, "absent.field", "no field 'valu'"),
        ({"absent": "15m", "by": ["word"], "levels": [{"severity": "low"}]}, "by", "a device, an area or a zone"),
        ({"absent": "15m", "near": {"radius": "300m"}}, "near", "absent and near make two kinds"),
        ({"near": {"radius": "300m"}}, "near", "min is missing"),
        ({"near": {"radius": "far", "over": "2h", "min": 3}}, "near.radius", "no length"),
        ({"near": {"radius": "300m", "over": "2h", "min": 1}}, "near.min", "from 2 to 1000"),
        ({"sequence": [], "within": "5m"}, "feed", "name their feeds"),
        ({"feed": None, "sequence": [{"feed": "meter"}], "within": "5m"}, "sequence", "two to 5 steps"),
        (
            {"feed": None, "sequence": [{"feed": "meter", "where": "valu > 1"}, {"feed": "meter"}], "within": "5m"},
            "sequence[0].where",
            "did you mean 'value'?",
        ),
        ({"enter": {"polygon": [[105, 20], [106, 20]]}}, "enter", "3 to 200 points"),
        ({"leave": {"circle": [205, 20], "radius": "1km"}}, "leave.circle", "no point"),
        ({"ends": "by_hand"}, "ends", "write by_person"),
        ({"due": {}}, "due", "acknowledge, resolve or both"),
        ({"due": {"answer": "5m"}}, "due.answer", "known: acknowledge, resolve"),
        ({"due": {"acknowledge": "5s"}}, "due.acknowledge", "from 1m to 90d"),
        ({"due": {"acknowledge": "2h", "resolve": "1h"}}, "due.resolve", "longer than acknowledge"),
        ({"active": {"days": ["sol"]}}, "active.days", "of mon, tue"),
        ({"active": {"hours": "22-6"}}, "active.hours", "22:00-06:00"),
        ({"active": {"holidays": "never"}}, "active.holidays", "include, exclude, only"),
        ({"feed": "alert"}, "levels[0].when", "undeclared reference to 'value'"),
        ({"feed": ["alert", "meter"]}, "feed", "listens to nothing else"),
        ({"feed": "alert", "over": "5m"}, "over", "a correlation or `near`"),
        ({"limit": [LIMIT, LIMIT]}, "limit", "rise by valid_from"),
        ({"limit": {**LIMIT, "valid_from": "soon"}}, "limit.valid_from", "such as 2026-01-01"),
        ({"feed": "metre"}, "feed", "there are gauge, meter"),
        ({"feed": None}, "feed", "required"),
        ({"colour": "red"}, "colour", "unknown member"),
        ({"rule": "Rain 24"}, "rule", "not a rule id"),
        ({"title": {"vi": "Mức"}}, "title", "both languages"),
        ({"levels": []}, "levels", "one to 5 levels"),
        ({"levels": [{"severity": "loud", "when": "value > 1"}]}, "levels[0].severity", "one of info, low"),
        ({"levels": [{"severity": "low", "when": "valu > 1"}]}, "levels[0].when", "did you mean 'value'?"),
        ({"levels": [{"severity": "low", "when": 3}]}, "levels[0].when", "a clause is a text"),
        ({"levels": [{"severity": "low", "when": "value > 1", "for": "soon"}]}, "levels[0].for", "such as 10m"),
        (
            {"levels": [{"severity": "high", "when": "value > 2"}, {"severity": "low", "when": "value > 1"}]},
            "levels[1]",
            "lowest first",
        ),
        ({"clear": {"when": "word < 3"}}, "clear.when", "no matching overload"),
        ({"clear": {"after": "3m"}}, "clear", "a clear band has"),
        ({"limit": {"value": 3}}, "limit", "a limit has value, unit, source, verified"),
        ({"limit": {**LIMIT, "verified": "yes"}}, "limit.verified", "true or false"),
        ({"by": ["colour"]}, "by", "no field 'colour'"),
        ({"by": ["thing"]}, "by", "an object"),
        ({"hold": "soon"}, "hold", "such as 10m"),
        ({"hold": "59s"}, "hold", "from 1m to 24h"),
        ({"hold": "25h"}, "hold", "from 1m to 24h"),
        (
            {"hold": "10m", "levels": [{"severity": "low", "when": "value > 1", "for": "10m"}]},
            "hold",
            "long enough for levels[0].for (make it longer than every `for`)",
        ),
        ({"by": ["event"]}, "hold", "each event has its own alert"),
        ({"mode": "loud"}, "mode", "alert or monitor"),
        ({"summary": {"vi": "{valeu}", "en": "x"}}, "summary", "nothing fills {valeu}"),
        ({"summary": {"vi": "{limit}", "en": "x"}}, "summary", "{limit} without a limit"),
        ({"where": "zone = 3"}, "where", "Syntax error"),
    ],
)
def test_a_wrong_member_is_named_by_its_path(changes, path, said):
    with pytest.raises(RuleError) as caught:
        load_rule(rule_body(**changes), feeds=FEEDS, hash="h", version=1)
    assert caught.value.path == path
    assert said in str(caught.value)


def test_a_field_named_event_cannot_stand_for_the_event_in_by():
    """Whether the alert is one per event or one per value of that field must not be a guess."""
    feeds = {"meter": replace(FEEDS["meter"], fields={**FEEDS["meter"].fields, "event": FEEDS["meter"].fields["word"]})}
    with pytest.raises(RuleError, match="by: the feed has a field of this name"):
        load_rule(rule_body(by=["event"], hold="1h"), feeds=feeds, hash="h", version=1)
