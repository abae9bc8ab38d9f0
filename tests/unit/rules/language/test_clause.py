"""Conditions: CEL with three answers, and a short way that never disagrees with it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.feed import FieldType
from ioc.rules.language.clause import ClauseError, EvaluationError, Vocabulary, bind
from tests.unit.rules.builders import FIELDS

VOCABULARY = Vocabulary(FIELDS)


@pytest.mark.parametrize(
    ("text", "values", "truth"),
    [
        ("value > 35", {"value": 36.0}, True),
        ("value > 35", {"value": 35.0}, False),
        ("value > 35", {}, None),
        ("value > 35", {"value": None}, None),
        ("value > 35 && count > 3", {"value": 1.0}, False),
        ("value > 35 || count > 3", {"value": 1.0}, None),
        ("value > 35 || count > 3", {"count": 4}, True),
        ("count > 3 && value / 2 > 1", {"count": 4, "value": 3.0}, True),
        ("up == false", {"up": False}, True),
        ("!up", {"up": True}, False),
        ('word == "x" && -1 < count', {"word": "x", "count": 0}, True),
        ("value > extra.limit", {"value": 2.0, "extra": {"limit": 1}}, True),
        ("value > extra.limit", {"value": 2.0, "extra": {}}, None),
        ('"suspect" in flags', {"flags": ["suspect"]}, True),
        ('device.startsWith("rain") && value > 1', {"device": "rain-1", "value": 2.0}, True),
    ],
)
def test_a_condition_is_true_false_or_without_data(text, values, truth):
    condition = VOCABULARY.compile(text)
    assert condition(values) is truth
    assert condition.by_cel(values) is truth


def test_a_failing_evaluation_is_raised_and_never_true():
    """The library hands a failure back as a text, which Python takes for true."""
    with pytest.raises(EvaluationError, match="divide by zero"):
        VOCABULARY.compile("10 / count > 1")({"count": 0})


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("valeu > 3", "undeclared reference to 'valeu'", "did you mean 'value'?"),
        ("qqq > 3", "undeclared reference", "the feed has count, other"),
        ("value >", "column 8: Syntax error", ""),
        ("value", "gives DOUBLE", "compare it"),
        ("count > 3.5", "column 7: found no matching overload", "the two sides differ in type: int and double"),
        ("word > 3", "no matching overload", "the two sides differ in type: string and int"),
        (" ", "a clause is a text", ""),
        ("value > 1 || " * 300 + "value > 1", "longer than 2000", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_hint(text, said, hint):
    with pytest.raises(ClauseError) as caught:
        VOCABULARY.compile(text)
    assert said in str(caught.value)
    assert hint in caught.value.hint


def test_only_the_integers_that_need_it_become_doubles():
    condition = VOCABULARY.compile("count > 3 && value > 3 && other < 10 && count != 7")
    assert condition({"count": 4, "value": 4.0, "other": 1.0}) is True


def test_binding_keeps_declared_types_and_names_what_has_another():
    types = {**FIELDS, "integer": FieldType.INTEGER}
    data = {"value": 3, "count": 2.0, "up": 1, "word": "x", "other": None, "thing": [1], "stray": 1, "integer": True}
    values, wrong = bind(data, types)
    assert values == {"value": 3.0, "word": "x", "thing": [1]}
    assert type(values["value"]) is float
    assert wrong == ("count", "up", "integer")


numbers = st.sampled_from([-1.5, 0.0, 1.0, 2.0, 35.0, 1e300, float("inf"), float("nan")])
constants = st.sampled_from(["0", "1", "2.0", "-1.5", "35", "1.0e3"])
comparisons = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["value", "other"]),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        constants,
    ),
    st.builds("{} {} {}".format, constants, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.just("value")),
    st.builds("count {} {}".format, st.sampled_from(["<", ">", "==", "!="]), st.sampled_from(["0", "1", "-2"])),
    st.builds("up {} {}".format, st.sampled_from(["==", "!="]), st.sampled_from(["true", "false"])),
    st.builds("word {} {}".format, st.sampled_from(["==", "!="]), st.sampled_from(['"a"', "'b'", '"1 > 2"'])),
)
expressions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["&&", "||"]), inner)
    ),
    max_leaves=5,
)
readings = st.fixed_dictionaries(
    {},
    optional={
        "value": numbers,
        "other": numbers,
        "count": st.sampled_from([-2, 0, 1, 2**62]),
        "up": st.booleans(),
        "word": st.sampled_from(["a", "b", ""]),
    },
)


@settings(max_examples=400, deadline=None)
@given(expressions, readings)
def test_the_short_way_agrees_with_cel(text, values):
    condition = VOCABULARY.compile(text)
    assert condition.simple
    assert condition(values) is condition.by_cel(values)
