"""Evidence of every kind: measures by their labels, and the details with the names of what they mention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ioc.api.plain_language.rules import rule_of, words_of
from ioc.api.serializers import evidence as evidence_json
from ioc.api.serializers import evidence_details as details_json
from ioc.api.serializers.chart_limit import limit_on_chart
from ioc.api.serializers.evidence_details import DetailNames
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.rules.language.rule import Rule
from ioc.store.postgres.scope import Scope

RIVER = FeedSpec("river", Label("Mực nước sông", "River level"), "disaster", {
    "level_cm": FieldSpec("level_cm", Label("Mực nước", "Water level"), unit="cm", digits=0)},
    main_field="level_cm")  # fmt: skip
FEEDS = {"river": RIVER}
FRAME = {"rule": "r", "title": {"vi": "Q", "en": "Q"}, "domain": "d", "summary": {"vi": "Q", "en": "Q"}}
T1, T2 = "2026-11-23T05:00:00+00:00", "2026-11-23T05:10:00+00:00"


def device(name: str, area: str = "A") -> dict[str, Any]:
    return {"id": name, "name_vi": name.upper(), "name_en": None, "area": area, "zone": "z", "feed": "river",
            "last_effective": None}  # fmt: skip


def alert(name: str, area: str = "A") -> dict[str, Any]:
    title = {"vi": "Lũ", "en": "Flood"}
    return {"id": name, "number": f"CB-{name}", "condition": "firing", "title": title, "area": area, "zone": "z",
             "restricted": False, "feed": "river"}  # fmt: skip


def written(body: dict[str, Any] | None) -> Rule | None:
    """The rule of a body, whose frame and level are of no interest here; None where it has another form since."""
    if body is None:
        return None
    rule = rule_of({**FRAME, "levels": [{"severity": "high"}], **body}, FEEDS)
    assert rule is not None, "a rule that the loader takes"
    return rule


def made(found: dict[str, Any], body: dict[str, Any] | None = None, **known: Any) -> Any:
    rule = written(body)
    told = None if rule is None else words_of(rule, FEEDS)
    return details_json.details(found, told=told, known=DetailNames(feeds=FEEDS, **known))


BODY = {"feed": "river", "by": ["zone"], "over": "1h", "levels": [{"severity": "high", "when": "top > 9", "for": "5m"}],
        "measure": {"top": {"max": "level_cm", "per": "device", "take": "max"}}}  # fmt: skip
DETAILS = {"kind": "window", "from": T1, "to": T2, "over_s": 3600.0, "pane_s": 60.0, "measures": {"top": 12.0},
           "measure": "top", "per": "device", "part": "b", "parts": [{"part": "b", "v": 12.0}, {"part": "a", "v": 3.0}],
           "pane_of": "mean", "panes": [{"at": T1, "v": 11.5}]}  # fmt: skip


def evidence(body: dict[str, Any] | None, *, masked: bool = False) -> dict[str, Any]:
    reading = {"position": 7, "device": "a", "effective": T1, "values": {"level_cm": 12.0, "name": "x"}}
    found = {"clause": "top > 9", "values": {"top": 12.0, "device": "b"}, "position": 7, "details": DETAILS,
             "readings": [reading]}  # fmt: skip
    row = {"id": "al_1", "rule": "r", "rule_version": 2, "rule_hash": "h", "title": {}, "feed": "river",
           "severity": "high", "device": None, "opened_position": 7}  # fmt: skip
    tip = {"evidence": found, "kind": "opened", "severity": "high", "at": None}
    assert evidence_json.device_to_chart(row, found) == "b", "the part that decided, not the newest reading"
    return evidence_json.evidence(row, tip, [tip], rule=written(body), feeds=FEEDS, codes={}, series=[],
                                  known=DetailNames({"b": device("b")}, masked=masked), masked=masked)  # fmt: skip


def test_measures_are_told_by_label_unit_and_value_and_the_rule_by_its_sentences():
    told = evidence(BODY)
    assert told["measures"][0] == {
        "name": "top", "label": {"vi": "mực nước cao nhất trong 1 giờ", "en": "highest water level in 1 h"},
        "unit": "cm", "digits": 1, "value": 12.0,
    }  # fmt: skip
    assert told["field"] == "level_cm", "the chart shows what the measure is of"
    assert (told["rule"]["kind"], told["rule"]["for_seconds"]) == ("window", 300.0)
    assert told["rule"]["words"][0]["severity"] == "high"


def test_a_rule_that_has_changed_since_is_told_by_its_clause_alone():
    told = evidence(None)
    assert told["rule"]["text"]["vi"] == "top trên 9"
    assert told["rule"]["words"] == []
    assert (told["field"], told["measures"][0]["label"]["vi"]) == ("level_cm", "top")


def test_a_masked_reader_gets_numbers_only():
    told = evidence(BODY, masked=True)
    assert [item["name"] for item in told["measures"]] == ["top"]
    assert told["readings"][0]["values"] == {"level_cm": 12.0}


def test_a_window_has_its_ends_its_panes_and_the_parts_by_name():
    told = made(DETAILS, BODY, devices={"a": device("a"), "b": device("b")})
    assert (told["from"], told["to"], told["pane_seconds"], told["pane_of"]) == (T1, T2, 60.0, "mean")
    assert told["measure_label"] == {"vi": "mực nước cao nhất trong 1 giờ", "en": "highest water level in 1 h"}
    assert [(part["part"], part["name"]["vi"]) for part in told["parts"]] == [("b", "B"), ("a", "A")]
    walled = made(DETAILS, BODY, devices={"a": device("a"), "b": device("b", "B")}, scope=Scope(frozenset({"A"})))
    assert ([part["part"] for part in walled["parts"]], walled["part"], walled["panes"]) == (["a"], None, [])
    plates = made({**DETAILS, "per": "plate"}, BODY, masked=True)
    assert (plates["parts"], plates["part"]) == ([], None)


def test_a_silence_says_since_when_and_who_is_silent():
    told = made({"kind": "absence", "last_heard": T1, "absent_s": 900.0}, silent=[device("a")])
    assert told == {"kind": "absence", "last_heard": T1, "absent_seconds": 900.0,
                    "silent": [{"device": "a", "name": {"vi": "A", "en": "A"}, "last_heard": None}]}  # fmt: skip


def test_a_chain_says_each_step_in_the_words_of_its_rule():
    body = {"sequence": [{"feed": "river", "where": "level_cm > 5"}, {"feed": "river"}], "within": "1h"}
    steps = [{"at": T1, "position": 1, "feed": "river", "device": "a"},
             {"at": T2, "position": 2, "feed": "river", "device": "b"}]  # fmt: skip
    known = {"devices": {"a": device("a"), "b": device("b", "B")}, "scope": Scope(frozenset({"A"}))}
    told = made({"kind": "sequence", "steps": steps, "took_s": 600.0}, body, **known)
    assert told["took_seconds"] == 600.0
    assert [step["text"]["vi"] for step in told["steps"]] == [
        "mực nước sông: mực nước trên 5 cm", "có tin mực nước sông",
    ]  # fmt: skip
    assert [(step["device"], step["device_name"]) for step in told["steps"]] == [
        ("a", {"vi": "A", "en": "A"}), (None, None),
    ]  # fmt: skip


def test_a_cluster_says_its_members_and_how_far_they_are_from_its_middle():
    members = [{"at": T1, "position": number, "lat": 20.0 + number / 1000, "lon": 105.0, "device": name}
               for number, name in enumerate("ab")]  # fmt: skip
    found = {"kind": "near", "members": members, "radius_m": 300.0, "over_s": 7200.0}
    told = made(found, devices={"a": device("a")})
    assert [(member["device"], member["distance_m"]) for member in told["members"]] == [("a", 56), ("b", 56)]
    assert (told["hidden"], told["centre"]) == (0, {"lon": 105.0, "lat": 20.0005})
    walled = made(found, devices={"a": device("a", "B")}, scope=Scope(frozenset({"A"})))
    assert ([member["device"] for member in walled["members"]], walled["hidden"], walled["centre"]) == (["b"], 1, None)


def test_alerts_together_are_told_by_number_and_title_and_foreign_ones_only_counted():
    members = [{"rule": f"r.{name}", "key": "K", "alert": name, "severity": "high", "domain": "disaster",
                "device": None, "at": T1} for name in ("al_1", "al_2", "al_3")]  # fmt: skip
    told = made({"kind": "correlate", "members": members}, alerts={"al_1": alert("al_1"), "al_2": alert("al_2", "B")},
                rules={"r.al_3": {"vi": "Theo dõi", "en": "Watched"}}, scope=Scope(frozenset({"A"})))  # fmt: skip
    assert [(member["alert"], member["number"], member["title"]["vi"]) for member in told["members"]] == [
        ("al_1", "CB-al_1", "Lũ"), (None, None, "Theo dõi"),
    ]  # fmt: skip
    assert told["hidden"] == 1
    assert "key" not in told["members"][0], "a key may be a plate"


def test_a_place_has_its_outline_and_a_threshold_adds_nothing():
    body = {"feed": "river", "enter": {"circle": [105.0, 20.0], "radius": "5m"}}
    told = made({"kind": "zone", "inside": True, "margin_m": 50.0}, body)
    assert (told["inside"], told["margin_m"], told["radius_m"]) == (True, 50.0, 5.0)
    assert (told["circle"], told["polygon"]) == ([105.0, 20.0], None)
    assert made({}) is None


def test_what_details_mention_is_asked_for_once():
    members = [{"device": "b", "alert": "x"}, {"device": "a"}, {"device": "b", "alert": "x"}, {"device": None}]
    assert details_json.mentioned_ids({"members": members}) == (["a", "b"], ["x"])
    assert details_json.mentioned_ids(DETAILS) == (["a", "b"], [])


def test_thinning_keeps_the_peak_and_the_order():
    points = [{"t": number, "v": 1000.0 if number == 3_333 else number % 7} for number in range(5_000)]
    kept = evidence_json.thin(points)
    assert len(kept) <= 500
    assert 1000.0 in [point["v"] for point in kept]
    assert [point["t"] for point in kept] == sorted(point["t"] for point in kept)


def on_chart(
    clause: str, body: dict[str, Any], *, value: float, series: Sequence[tuple[int, float]] = (), **found: Any
) -> Any:
    """Where the limit lies; ``series`` are (minutes after five o'clock, value)."""
    name = clause.split(maxsplit=1)[0]
    rows = [{"t": datetime(2026, 11, 23, 5, minutes, tzinfo=UTC), "v": v, "position": 100 + minutes}
            for minutes, v in series]  # fmt: skip
    told = {"clause": clause, "values": {name: value}, **found}
    rule = written({"feed": "river", "levels": [{"severity": "high", "when": clause}], **body})
    return limit_on_chart(told, rule=rule, field="level_cm", series=rows)


SPAN = {"kind": "window", "from": "2026-11-23T05:10:00+00:00", "to": "2026-11-23T05:40:00+00:00"}
RIVER_SERIES = [(5, 1190.0), (15, 1215.0), (20, 1210.0), (30, 1250.0), (40, 1264.0), (50, 1300.0)]


def test_a_limit_on_a_rise_is_drawn_above_the_lowest_of_its_window_and_not_on_the_axis_of_levels():
    rise = {"over": "1h", "measure": {"rise": {"rise": "level_cm"}}}
    told = on_chart("rise > 50.0", rise, value=54.0, series=RIVER_SERIES, details=SPAN, limit={"value": 50})
    assert told == {"value": 1260.0, "base": 1210.0, "base_at": "2026-11-23T05:20:00.000Z"}
    fall = {"over": "1h", "measure": {"fall": {"fall": "level_cm"}}}
    assert on_chart("fall > 20.0", fall, value=25.0, series=RIVER_SERIES, details=SPAN)["value"] == 1244.0
    assert on_chart("rise > 50.0", rise, value=54.0, details=SPAN) is None, "without a reading there is no base"


def test_a_limit_on_a_change_is_drawn_from_the_reading_before():
    body = {"delta": "level_cm"}
    told = on_chart("delta < -40.0", body, value=-45.0, position=150, limit={"value": -40},
                    series=[(30, 1300.0), (40, 1345.0), (50, 1300.0)])  # fmt: skip
    assert told == {"value": 1305.0, "base": 1345.0, "base_at": "2026-11-23T05:40:00.000Z"}
    assert on_chart("delta < -40.0", body, value=-45.0, position=130, series=[(30, 1300.0)]) is None
    assert on_chart("rate > 40.0", {"rate": "level_cm"}, value=45.0, position=150, series=[(50, 9.0)]) is None


def test_a_limit_is_drawn_where_readings_may_be_held_against_it_and_nowhere_else():
    plain = {"value": 1900.0, "base": None, "base_at": None}
    assert on_chart("level_cm > 1900.0", {}, value=1960.0) == plain
    assert on_chart("level_cm > 1800.0", {}, value=1960.0, limit={"value": 1900}) == plain
    mean = {"over": "1h", "measure": {"top": {"max": "level_cm"}}}
    assert on_chart("top >= 1900.0", mean, value=1900.0, limit={"value": 7}) == plain
    for aggregate in ("sum", "count", "distinct", "rate", "antecedent_rain"):
        body = {"over": "7d" if aggregate == "antecedent_rain" else "1h", "measure": {"m": {aggregate: "level_cm"}}}
        assert on_chart("m > 50.0", body, value=60.0, series=RIVER_SERIES, details=SPAN, limit={"value": 50}) is None
    two_sided = on_chart("level_cm > 1900.0 || level_cm < 500.0", {}, value=480.0)
    assert two_sided["value"] == 500.0, "the side that held"
