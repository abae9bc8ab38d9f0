"""The short ways of the intake give what the long ways give: whatever a body holds, there is one verdict.

Each law also catches a short way that looks less closely.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from ioc.domain import event
from ioc.domain.event import Flag, canonical
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.moment import parse_time
from ioc.ingest.pipeline import decoder as decode
from ioc.ingest.pipeline.validation import FeedCheck
from ioc.runtime.metrics import LAG_BUCKETS, observe_all

NUMBERS = st.one_of(
    st.integers(-(1 << 70), 1 << 70), st.floats(), st.sampled_from(["-0", "-0.0", "1e400", "1E5", "0.10", "1e-400"]),
    st.integers((1 << 63) - 2, (1 << 63) + 2), st.integers(-(1 << 63) - 2, -(1 << 63) + 2),
)  # fmt: skip
NAMES = st.text(alphabet='ab"\\é:', max_size=2)
VALUES = st.one_of(
    NUMBERS.map(str), NAMES.map(lambda text: json.dumps(text, ensure_ascii=False)), st.just("true"), st.just("null"),
    st.just("[1]"), st.just('{"a":1}'), st.just('"\\u0000"'), st.just('"\\ud800"'), st.just("NaN"), st.just('"\x01"'),
)  # fmt: skip
MEMBERS = st.lists(
    st.tuples(NAMES.map(lambda text: json.dumps(text, ensure_ascii=False)), VALUES).map(":".join), max_size=4
)
OBJECTS = st.tuples(st.sampled_from(["", " ", "\n", "\ufeff"]), MEMBERS.map(",".join)).map(
    lambda parts: f"{parts[0]}{{{parts[1]}}}".encode(errors="surrogatepass")
)
BODIES = st.one_of(OBJECTS, st.binary(max_size=12), OBJECTS.map(lambda body: body[:-1]))


def exactly(value: object) -> str:
    """Return a text that differs whenever two values do: 1 and 1.0, 0.0 and -0.0, True and 1."""
    return repr(value)


def agrees(body: bytes) -> None:
    short = decode.flat(body)
    if short is None:
        return
    long = decode.parse(body)
    assert decode.check(long, escapes=b"\\u" in body) is None
    assert exactly(short) == exactly(long)
    assert canonical(short) == canonical(long)


@settings(max_examples=600, deadline=None)
@given(BODIES)
@example(b'{"a":1,"a":1}')
@example(b'{"a":-0}')
@example(b'{"a":12345678901234567890123}')
@example(b'{"a":18446744073709551615}')
def test_what_is_read_the_short_way_is_what_the_long_way_reads(body):
    agrees(body)


def test_the_usual_body_takes_the_short_way():
    body = b'{"id":"r-1","time":"2026-11-24T03:00:00.123Z","rain_mm":0.4,"ok":true,"note":null}'
    assert decode.flat(body) == json.loads(body)


def without_the_quotes(body):
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return (
        value if isinstance(value, dict) and not any(isinstance(item, dict | list) for item in value.values()) else None
    )


@pytest.mark.parametrize("body", [b'{"a":1,"a":2}', b'{"a":12345678901234567890123}', b'{"a":"\\u0000"}'])
def test_a_short_way_that_only_asks_orjson_is_caught(body, monkeypatch):
    monkeypatch.setattr(decode, "flat", without_the_quotes)
    with pytest.raises(AssertionError):
        agrees(body)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7)), UTC])))
def test_an_identity_is_hashed_over_the_iso_form_of_its_time(time):
    assert event._instant(time) == time.isoformat().encode()


@given(st.datetimes(min_value=datetime(1990, 1, 1)), st.sampled_from(["Z", "+00:00", "+07:00", "-03:30"]))  # noqa: DTZ001
def test_a_time_is_read_as_what_it_says_in_utc(naive, offset):
    text = naive.isoformat() + offset
    read = parse_time(text)
    assert read == datetime.fromisoformat(text)
    assert read.tzinfo is UTC


FEED = FeedSpec(
    "f", Label("f", "f"), "d",
    {
        "n": FieldSpec("n", Label("n", "n"), possible_min=-5, possible_max=50, plausible_min=0, plausible_max=20),
        "i": FieldSpec("i", Label("i", "i"), type=FieldType.INTEGER, required=True, plausible_max=3),
        "b": FieldSpec("b", Label("b", "b"), type=FieldType.BOOLEAN),
        "t": FieldSpec("t", Label("t", "t"), type=FieldType.TEXT, values=("x",)),
    },
)  # fmt: skip
READINGS = st.dictionaries(
    st.sampled_from(["n", "i", "b", "t", "else"]),
    st.one_of(st.integers(-8, 60), st.floats(-8, 60), st.booleans(), st.none(), st.sampled_from(["x", "y"])),
)


@settings(max_examples=400)
@given(READINGS)
@example({"n": True, "i": 1})
@example({"i": True})
def test_a_usual_reading_is_checked_as_closely_as_any(members):
    check = FeedCheck(FEED)
    assert exactly(check.check(dict(members))) == exactly(check._closely(dict(members)))


def test_the_edge_of_a_range_is_inside():
    check = FeedCheck(FEED)
    assert check.check({"i": 3}).flags == ()  # type: ignore[union-attr]
    assert check.check({"i": 4}).flags == (Flag.SUSPECT,)  # type: ignore[union-attr]


@given(st.lists(st.one_of(st.floats(0, 1e6), st.sampled_from([*LAG_BUCKETS, math.inf]))))
def test_many_values_are_observed_as_one_by_one(values):
    at_once = Histogram("a", "a", buckets=LAG_BUCKETS, registry=CollectorRegistry())
    singly = Histogram("a", "a", buckets=LAG_BUCKETS, registry=CollectorRegistry())
    observe_all(at_once, values)
    for value in values:
        singly.observe(value)
    for one, other in zip(at_once.collect(), singly.collect(), strict=True):
        found, wanted = ([sample.value for sample in family.samples if not sample.name.endswith("_created")]
                         for family in (one, other))  # fmt: skip
        assert found == pytest.approx(wanted)
