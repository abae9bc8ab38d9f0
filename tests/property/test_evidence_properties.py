"""Why an alert fired, whatever it rests on: nothing from beyond the wall, nothing of a person, and the peak is drawn.

Each law also catches a serializer that looks less closely.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.api.plain_language.rules import rule_of
from ioc.api.serializers import evidence as evidence_json
from ioc.api.serializers.evidence import SERIES_POINTS_MAX, ShownValues
from ioc.api.serializers.evidence_details import DetailNames
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.store.postgres.scope import Scope
from tests.builders import NOON

LEVEL = FieldSpec("level_cm", Label("Mực nước", "Water level"), unit="cm", digits=0)
PHONE = FieldSpec("phone", Label("Điện thoại", "Phone"), type=FieldType.TEXT, personal=True)
WORD = FieldSpec("word", Label("Chữ", "Word"), type=FieldType.TEXT)
FEEDS = {
    "river": FeedSpec("river", Label("Mực nước sông", "River level"), "disaster",
                      {"level_cm": LEVEL, "phone": PHONE, "word": WORD}, main_field="level_cm"),
}  # fmt: skip
INSIDE, OUTSIDE = "in", "out"
DEVICES = {
    f"{where}-{number}": {"id": f"{where}-{number}", "area": where, "zone": "z", "feed": "river", "name_vi": "Tên",
                          "name_en": None, "last_effective": None}
    for where in (INSIDE, OUTSIDE) for number in range(3)
}  # fmt: skip
WALL = Scope(areas=frozenset({INSIDE}))
VALUES = st.fixed_dictionaries({}, optional={
    "level_cm": st.integers(-50, 900) | st.floats(-50, 900), "wet": st.booleans(), "phone": st.just("phone-0912"),
    "word": st.just("word-51F"),
})  # fmt: skip
READINGS = st.lists(
    st.builds(
        lambda device, values, position: {"device": device, "values": values, "position": position, "effective": "t"},
        st.sampled_from(sorted(DEVICES)), VALUES, st.integers(1, 99),
    ), max_size=8,
)  # fmt: skip
PARTS = st.lists(st.sampled_from(sorted(DEVICES)), unique=True, max_size=6).map(
    lambda names: [{"part": name, "v": float(number)} for number, name in enumerate(names)]
)
WINDOWS = st.builds(
    lambda parts, first: {"kind": "window", "measure": "top", "per": "device", "parts": parts,
                          "part": parts[0]["part"] if parts and first else None, "panes": []},
    PARTS, st.booleans(),
)  # fmt: skip
FOUND = st.fixed_dictionaries({
    "clause": st.just("level_cm > 30"), "values": VALUES, "readings": READINGS,
    "details": st.one_of(st.just({}), WINDOWS),
})  # fmt: skip
SERIES = st.lists(st.integers(-500, 500), max_size=2 * SERIES_POINTS_MAX + 7).map(
    lambda values: [{"t": NOON + timedelta(minutes=at), "v": v, "position": at} for at, v in enumerate(values)]
)
IN_FORCE = rule_of({
    "rule": "r", "title": {"vi": "Lũ", "en": "Flood"}, "domain": "disaster", "feed": "river", "by": ["device"],
    "levels": [{"severity": "high", "when": "level_cm > 30", "for": "5m"}], "summary": {"vi": "Lũ.", "en": "Flood."},
}, FEEDS)  # fmt: skip
RULES = st.sampled_from([None, IN_FORCE])


def told(found: Any, *, rule: Any = None, masked: bool = False, series: Any = (), device: str | None = None) -> Any:
    row = {"id": "al_1", "rule": "r", "rule_version": 2, "rule_hash": "h", "title": {"vi": "Lũ", "en": "Flood"},
           "feed": "river", "severity": "high", "device": device, "opened_position": 7}  # fmt: skip
    tip = {"evidence": found, "kind": "opened", "severity": "high", "at": None}
    known = DetailNames(DEVICES, scope=WALL, masked=masked)
    return evidence_json.evidence(row, tip, [tip], rule=rule, feeds=FEEDS, codes={}, series=list(series),
                                  known=known, masked=masked)  # fmt: skip


@given(found=FOUND, rule=RULES, masked=st.booleans(), device=st.sampled_from([None, *sorted(DEVICES)]))
def test_no_device_beyond_the_wall_is_spoken_of(found: Any, rule: Any, masked: bool, device: str | None):
    text = orjson.dumps(told(found, rule=rule, masked=masked, device=device)).decode()
    assert OUTSIDE + "-" not in text
    inside = [reading for reading in found["readings"] if reading["device"].startswith(INSIDE)]
    assert len(told(found)["readings"]) == len(inside), "and none within it is left out"


@given(found=FOUND, rule=RULES, masked=st.booleans())
def test_what_belongs_to_a_person_is_told_nobody_and_text_to_no_masked_reader(found: Any, rule: Any, masked: bool):
    answer = told(found, rule=rule, masked=masked)
    text = orjson.dumps(answer).decode()
    assert "phone-" not in text
    assert ("word-" in text) <= (not masked)
    kept = {name for name in found["values"] if name != "phone" and not (masked and name == "word")}
    assert set(answer["values"]) == kept == {each["name"] for each in answer["measures"]}


def test_the_rule_in_force_is_one_that_is_told_in_sentences():
    assert IN_FORCE is not None
    assert told({"clause": "level_cm > 30"}, rule=IN_FORCE)["rule"]["words"]


@given(series=SERIES)
def test_the_highest_and_the_lowest_of_a_chart_are_drawn_however_long_it_is(series: Any):
    points = told({}, series=series)["series"]
    assert len(points) <= SERIES_POINTS_MAX
    assert [point["position"] for point in points] == sorted(point["position"] for point in points)
    if series:
        values = [row["v"] for row in series]
        assert {min(values), max(values)} <= {point["v"] for point in points}


READING = {"device": "out-1", "values": {"phone": "phone-0912", "word": "word-51F"}, "position": 1, "effective": "t"}


@pytest.mark.parametrize("less", ["wall", "person", "mask"])
def test_the_laws_see_a_serializer_that_looks_less_closely(less: str, monkeypatch: pytest.MonkeyPatch):
    found = {"clause": "", "values": READING["values"], "readings": [READING], "details": {}}
    masked = less == "mask"
    before = orjson.dumps(told(found, masked=masked)).decode()
    if less == "wall":
        monkeypatch.setattr(DetailNames, "sees", lambda *_: True)
    elif less == "person":
        monkeypatch.setattr(ShownValues, "to_reader", classmethod(lambda cls, _, *, masked: cls(frozenset(), masked)))
    else:
        monkeypatch.setattr(evidence_json, "numbers_only", dict)
    after = orjson.dumps(told(found, masked=masked)).decode()
    leaked = {"wall": "out-1", "person": "phone-", "mask": "word-"}[less]
    assert leaked not in before
    assert leaked in after
