"""A wrong field is dropped, a wrong required one refuses the reading, an implausible one is kept and marked."""

from __future__ import annotations

from typing import Any

import pytest

from ioc.domain.event import Flag
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.ingest.pipeline.decoder import Refusal
from ioc.ingest.pipeline.validation import DROPPED, ValidatedFields, validate

LABEL = Label("x", "x")


def feed_of(*fields: FieldSpec) -> FeedSpec:
    return FeedSpec(id="f", label=LABEL, domain="disaster", fields={field.name: field for field in fields})


def field(name: str = "v", **others) -> FieldSpec:
    return FieldSpec(name, LABEL, **others)


def stands(feed: FeedSpec, members: dict[str, Any]) -> ValidatedFields:
    checked = validate(feed, members)
    assert isinstance(checked, ValidatedFields), checked
    return checked


def refused(feed: FeedSpec, members: dict[str, Any]) -> str:
    refusal = validate(feed, members)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.detail
    return refusal.reason


LEVEL = field(possible_min=0, possible_max=100, plausible_min=5, plausible_max=50, unit="m")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (FieldType.NUMBER, [0, -1, 1.5, 1e308], [True, "1", [1], {}]),
        (FieldType.INTEGER, [0, 7, 7.0], [7.5, False, "7", []]),
        (FieldType.BOOLEAN, [True, False], [0, 1, "true", [True]]),
        (FieldType.TEXT, ["", "trời mưa"], [1, True, ["x"], {}]),
        (FieldType.OBJECT, [{}, [], {"a": 1}], [1, "x", True]),
    ],
)
def test_each_type_takes_its_own_values_and_no_others(kind, good, bad):
    feed = feed_of(field(type=kind), field("other"))
    for value in good:
        assert stands(feed, {"v": value, "other": 1}).data == {"v": value, "other": 1}
    for value in bad:
        checked = stands(feed, {"v": value, "other": 1})
        assert checked.data == {"other": 1, DROPPED: {"v": value}}, value
        assert checked.flags == (Flag.DROPPED_FIELD,)


@pytest.mark.parametrize(
    ("value", "reason"), [("x", "wrong_type"), (101, "impossible_value"), (-0.1, "impossible_value")]
)
def test_a_wrong_required_field_refuses_the_reading(value, reason):
    feed = feed_of(field(required=True, possible_min=0, possible_max=100), field("other"))
    assert refused(feed, {"v": value, "other": 1}) == reason


@pytest.mark.parametrize("members", [{}, {"v": None}, {"other": 1}])
def test_a_missing_required_field_refuses_the_reading(members):
    assert refused(feed_of(field(required=True), field("other")), members) == "missing_field"


@pytest.mark.parametrize(
    ("value", "kept", "flags"),
    [
        (0, True, (Flag.SUSPECT,)),
        (4.9, True, (Flag.SUSPECT,)),
        (5, True, ()),
        (50, True, ()),
        (50.1, True, (Flag.SUSPECT,)),
        (100, True, (Flag.SUSPECT,)),
        (100.1, False, (Flag.DROPPED_FIELD,)),
        (9_223_372_036_854_775_807, False, (Flag.DROPPED_FIELD,)),
    ],
)
def test_implausible_is_kept_and_marked_impossible_is_dropped(value, kept, flags):
    """The record flood is implausible: a range must not drop it."""
    checked = stands(feed_of(LEVEL, field("other")), {"v": value, "other": 1})
    assert (checked.data.get("v") == value) is kept
    assert checked.flags == flags


def test_unknown_members_are_kept_and_marked():
    checked = stands(feed_of(LEVEL), {"v": 10, "firmware": "1.2", "device": "another"})
    assert checked.data == {"v": 10, "firmware": "1.2", "device": "another"}
    assert checked.flags == (Flag.UNKNOWN_FIELD,)


@pytest.mark.parametrize(
    ("members", "reason"),
    [({}, "no_data"), ({"v": None}, "no_data"), ({"v": "x"}, "wrong_type"), ({"v": -1000}, "impossible_value")],
)
def test_a_reading_of_which_nothing_is_left_is_refused_for_what_is_wrong_with_it(members, reason):
    assert refused(feed_of(LEVEL), members) == reason


def test_a_wrong_type_is_told_with_what_came():
    verdict = validate(feed_of(LEVEL), {"v": "12"})
    assert isinstance(verdict, Refusal)
    assert verdict.detail == "v must be a number, not a text"


def test_a_stored_reading_says_by_name_what_of_it_was_not_understood():
    optional = field("n")
    assert stands(feed_of(LEVEL, optional), {"v": 1}).remark is None
    both = stands(feed_of(LEVEL, optional), {"v": 1, "n": "x", "rain": 2, "y" * 99: 3})
    assert both.remark == f"wrong_type: n must be a number, not a text; unknown_field: rain, {'y' * 60}"
    nothing = stands(feed_of(LEVEL, optional), {"V": 1})
    assert nothing.remark == "unknown_field: V; its fields are v, n"
    many = stands(feed_of(LEVEL), {f"unknown-{number}": number for number in range(400)})
    assert many.remark is not None
    assert many.remark.count("unknown-") == 5


def test_texts_have_a_length_and_may_have_a_list_of_values():
    feed = feed_of(field(type=FieldType.TEXT, values=("cháy", "ngập"), required=True))
    assert stands(feed, {"v": "ngập"}).data == {"v": "ngập"}
    assert refused(feed, {"v": "mưa"}) == "unknown_value"
    short = feed_of(field(type=FieldType.TEXT, length_max=3, required=True))
    assert refused(short, {"v": "bốn!"}) == "too_long"


def test_several_marks_stand_side_by_side():
    checked = stands(feed_of(LEVEL, field("b", type=FieldType.BOOLEAN)), {"v": 99, "b": 1, "x": 1})
    assert set(checked.flags) == {Flag.DROPPED_FIELD, Flag.SUSPECT, Flag.UNKNOWN_FIELD}


def test_other_names_of_a_field_are_read_as_its_own_and_its_own_counts_where_both_come():
    feed = feed_of(field("rain", required=True, aliases=("mua", "R")), field("note", type=FieldType.TEXT))
    assert stands(feed, {"mua": 1.5, "note": "x"}) == ValidatedFields({"rain": 1.5, "note": "x"}, ())
    assert stands(feed, {"R": 2.0}).data == {"rain": 2.0}
    both = stands(feed, {"rain": 1.0, "mua": 9.0})
    assert both.data == {"rain": 1.0, "mua": 9.0}
    assert both.flags == (Flag.UNKNOWN_FIELD,)
    refusal = validate(feed, {"mua": "nhiều"})
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.field) == ("wrong_type", "rain")
