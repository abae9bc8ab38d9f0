"""The short way of the usual reading gives what the long way gives, whatever the body: one message, or none of its own.

Each law also catches a short way that looks less closely.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ioc.domain.device import Device
from ioc.domain.event import Flag, Message
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label, OnConflict
from ioc.ingest.pipeline import fast_path as usual
from ioc.ingest.pipeline import preparation as prepare
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.fast_path import fast_reading
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.ready import read_lines
from ioc.ingest.pipeline.validation import FeedCheck, QuickCheck

NOW = datetime(2026, 11, 24, 3, 0, 1, tzinfo=UTC)
TIME = "2026-11-24T03:00:00.123Z"
FEED = FeedSpec(
    "f", Label("f", "f"), "d",
    {
        "n": FieldSpec("n", Label("n", "n"), possible_min=-5, possible_max=50, plausible_min=0, plausible_max=20),
        "i": FieldSpec("i", Label("i", "i"), type=FieldType.INTEGER, required=True, plausible_max=3),
        "b": FieldSpec("b", Label("b", "b"), type=FieldType.BOOLEAN),
        "t": FieldSpec("t", Label("t", "t"), type=FieldType.TEXT, values=("x",)),
        "o": FieldSpec("o", Label("o", "o")),
    },
    on_conflict=OnConflict.REVISE,
)  # fmt: skip
FREE = FeedSpec("free", Label("f", "f"), "d", {"n": FieldSpec("n", Label("n", "n"))}, device_required=False)


class OneDevice:
    """A registry that knows `d-1`, which stands somewhere."""

    one = Device("d-1", "f", Label("", ""), NOW - timedelta(days=1), lat=20.8, lon=105.3, area="04795", zone="HB")

    def device(self, device_id: str) -> Device | None:
        return self.one if device_id == "d-1" else None

    def key(self, secret: str) -> None:
        """Know no key."""

    def areas_of_today(self) -> Sequence[Any]:
        return ()

    async def refresh(self) -> None:
        """Have nothing newer."""


def quoted(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return texts.map(lambda text: json.dumps(text, ensure_ascii=False))


DIGITS = "0123456789"
TIMES = st.one_of(
    st.just(TIME),
    st.sampled_from([
        "2026-11-24T03:00:00Z", "2026-11-24T03:00:00.000Z", "2026-11-24T03:00:00.120Z", "2026-11-24 03:00:00.123Z",
        "2026-W48-2T03:00:00.123Z", "2026-W48-2T03:00:00Z", "20261124T030000.123456Z", "2026-11-24T03:00:00,123Z",
        "2026-11-24T03:00:00.123+", "2026-11-24T10:00:00+07", "2026-11-24T24:00:00Z", "2026-02-30T03:00:00Z",
        "2026-11-24T03:00:60.123Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-11-24T03:00:00z",
        "2026-11-24T03:00+00:00Z", "2026-11-24T03:00:00", "2026-11-24", "", "٢٠٢٦-11-24T03:00:00Z",
    ]),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    st.lists(st.sampled_from([*DIGITS, "-", ":", "T", "Z", ".", " ", "+"]), min_size=19, max_size=25).map("".join),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-8, 60).map(str), st.floats(-8, 60).map(str),
    st.sampled_from(["-0", "-0.0", "1e400", "1E5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                     "12345678901234567890123", "3.0", "NaN"]),
)  # fmt: skip
ANY = st.one_of(NUMBERS, st.sampled_from(["true", "false", "null", '"x"', '"y"', "[1]", '{"a":1}', '"\\u0041"', '""']))
IDS = st.one_of(
    quoted(st.text(max_size=4)), st.sampled_from(['"r-1"', "7", "null", '""', f'"{"é" * 200}"', f'"{"i" * 201}"'])
)
NAMES = ('"n"', '"i"', '"b"', '"t"', '"o"', '"else"', '"lat"', '"lon"', '"device"', '"\\u0069"', '""')
MEMBER = st.one_of(
    st.tuples(st.just('"id"'), IDS), st.tuples(st.just('"time"'), quoted(TIMES)), st.tuples(st.just('"i"'), ANY),
    st.tuples(st.sampled_from(NAMES), ANY),
)  # fmt: skip
USUAL = st.tuples(
    st.just(('"id"', '"r-1"')), TIMES.map(lambda text: ('"time"', json.dumps(text, ensure_ascii=False))),
    NUMBERS.map(lambda number: ('"n"', number)), st.integers(-1, 5).map(lambda number: ('"i"', str(number))),
)  # fmt: skip
MEMBERS = st.tuples(st.one_of(st.just(()), USUAL), st.lists(MEMBER, max_size=4)).map(lambda two: [*two[0], *two[1]])


def body_of(members: Sequence[tuple[str, str]], space: str = "") -> bytes:
    inside = f",{space}".join(f"{name}:{space}{value}" for name, value in members)
    return f"{space}{{{inside}}}".encode(errors="surrogatepass")


BODIES = st.builds(body_of, MEMBERS, st.sampled_from(["", " ", "\n"]))


def house(*marks: str) -> Preparer:
    return Preparer(feeds={"f": FEED, "free": FREE}, registry=OneDevice(), events_max=10, marks=marks)


def delivery_of(body: bytes, feed: str = "f", device: str = "d-1", **others: Any) -> Delivery:
    return Delivery(feed, device, body, NOW, "mqtt", b"nonce", **others)


def agrees(delivery: Delivery, *marks: str) -> bool:
    """Hold the short way to the long way; tell whether it was taken at all."""
    preparer = house(*marks)
    feed = preparer._feeds[delivery.feed]
    sender = preparer._sender(feed, delivery.device or "")
    short = fast_reading(delivery, sender.template)
    long = preparer.prepare_fully(delivery, feed)
    if short is None or sender.refusal is not None:
        assert repr(preparer.prepare(delivery)) == repr(long)
        return False
    assert repr([short]) == repr(long), "1 and 1.0, 0.0 and -0.0, True and 1 are different, too"
    assert repr(preparer.prepare(delivery)) == repr(long)
    assert all(type(item) is Message for item in long)
    return True


@settings(max_examples=400, deadline=None)
@given(BODIES, st.sampled_from([(), (Flag.DRILL,)]), st.booleans())
@example(b'{"id":"r-1","time":"2026-11-24T03:00:00.123Z","i":1,"i":2}', (), False)
@example(b'{"id":"r-1","time":"2026-W48-2T03:00:00.123Z","i":1}', (), False)
@example(b'{"id":"r-1","time":"2026-11-24T03:00:00.123Z","i":true}', (), False)
@example(b'{"id":"r-1","time":"2026-11-24T03:00:00.123Z","i":1,"o":9223372036854775808}', (), False)
def test_a_reading_taken_the_short_way_is_what_the_long_way_makes_of_it(body, marks, retained):
    agrees(delivery_of(body, retained=retained), *marks)


@settings(max_examples=200, deadline=None)
@given(BODIES, st.sampled_from([("f", "d-1"), ("f", "d-2"), ("free", "d-1"), ("free", "d-2")]))
def test_whoever_sends_it(body, sender):
    agrees(delivery_of(body, *sender))


@pytest.mark.parametrize("time", [TIME, "2026-11-24T03:00:00Z", "2026-11-24T03:00:00.000Z"])
def test_the_usual_reading_takes_the_short_way(time):
    assert agrees(delivery_of(body_of([('"id"', '"r-1"'), ('"time"', f'"{time}"'), ('"n"', "0.4"), ('"i"', "1")])))


def test_history_and_lines_take_the_long_way(monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("the short way")

    monkeypatch.setattr(prepare, "fast_reading", never)
    body = body_of([('"id"', '"r-1"'), ('"time"', f'"{TIME}"'), ('"i"', "1")])
    [old] = house().prepare(delivery_of(body, history=True))
    assert isinstance(old, Message)
    assert Flag.HISTORY in old.flags
    assert len(house().prepare(delivery_of(body, ready=read_lines(body + b"\n" + body, events_max=2)))) == 2


def test_a_short_way_that_does_not_look_for_repeats_is_caught(monkeypatch):
    monkeypatch.setattr(usual, "QUOTE", b" ")
    body = b'{"id":"r-1","time":"2026-11-24T03:00:00.123Z","i":1,"i":2}' + b" " * 10
    with pytest.raises(AssertionError):
        agrees(delivery_of(body))


def test_a_short_way_that_knows_no_field_is_caught(monkeypatch):
    monkeypatch.setattr(usual, "UNKNOWN", QuickCheck((int, float), -1e9, 1e9))
    with pytest.raises(AssertionError):
        agrees(delivery_of(b'{"id":"r-1","time":"2026-11-24T03:00:00.123Z","i":1,"else":2}'))


def test_a_short_way_that_reads_a_week_as_a_day_is_caught(monkeypatch):
    monkeypatch.setattr(usual, "EVERY_THIRD_MILLISECONDS", "-8T::.")
    with pytest.raises(AssertionError):
        agrees(delivery_of(b'{"id":"r-1","time":"2026-W48-2T03:00:00.123Z","i":1}'))


def test_the_fields_of_the_short_way_are_numbers_that_fit_64_bits():
    fields = usual.fast_fields(FeedCheck(FEED))
    assert set(fields) == {"n", "i", "b", "o"}
    assert fields["o"].high == (1 << 63) - 1
