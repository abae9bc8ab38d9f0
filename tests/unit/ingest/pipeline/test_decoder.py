"""Any bytes end as events or as a refusal with its reason, the same at every door."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.ingest.pipeline.decoder import DecodeError, Refusal, check, inflate, items

EVENTS_MAX = 5


def decode(body: bytes, *, lines: bool = False):
    return items(body, newline_delimited=lines, events_max=EVENTS_MAX)


def reason_of(item):
    return item.reason if isinstance(item, Refusal) else item


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"[]", "empty"),
        (b"{", "not_json"),
        (b"{'a':1}", "not_json"),
        (b'{"a":1}x', "not_json"),
        (b'{"a":1}{"a":2}', "not_json"),
        (b'{"a":01}', "not_json"),
        (b'{"a":"raw \x00 inside"}', "not_json"),
        (b'{"a":"\n"}', "not_json"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not_json"),
        ('{"a":1}'.encode("utf-16"), "not_utf8"),
        (b'{"a":"\xff"}', "not_utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not_utf8"),
        (b'{"a":"\xc0\xaf"}', "not_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 50_000, "too_deep"),
        (b'{"a":' + b"9" * 5_000 + b"}", "number_too_large"),
        (b"[1,2,3,4,5,6]", "too_many_events"),
        (b"\x1f\x8b\x08\x00", "not_utf8"),
    ],
)
def test_a_body_in_which_nothing_can_be_read_is_refused_whole(body, reason):
    with pytest.raises(DecodeError) as caught:
        decode(body)
    assert caught.value.refusal.reason == reason
    assert caught.value.refusal.detail


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        (b'{"a":{"b":1,"b":1}}', "duplicate_key"),
        (b'{"a":[{"b":1,"b":1}]}', "duplicate_key"),
        (b'{"a":NaN}', "not_finite"),
        (b'{"a":-Infinity}', "not_finite"),
        (b'{"a":[Infinity]}', "not_finite"),
        (b'{"a":1e400}', "not_finite"),
        (b'{"a":-1e400000}', "not_finite"),
        (b'{"a":9223372036854775808}', "number_too_large"),
        (b'{"a":-9223372036854775809}', "number_too_large"),
        (b'{"a":"\\u0000"}', "nul"),
        (b'{"\\u0000":1}', "nul"),
        (b'{"a":["x\\u0000"]}', "nul"),
        (b'{"a":"\\ud800"}', "lone_surrogate"),
        (b'{"\\udfff":1}', "lone_surrogate"),
        (b'{"a":"' + b"x" * 65_537 + b'"}', "string_too_long"),
        (b'{"a":"' + "ă".encode() * 32_769 + b'"}', "string_too_long"),
        (b'{"' + b"x" * 65_537 + b'":1}', "string_too_long"),
        (nested(33), "too_deep"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "too_deep"),
        (json.dumps({str(n): n for n in range(1_001)}).encode(), "too_many_members"),
        (json.dumps({"a": list(range(1_001))}).encode(), "too_many_members"),
        (b"7", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"NaN", "not_finite"),
    ],
)
def test_an_event_that_may_not_be_is_refused_alone(body, reason):
    assert [reason_of(item) for item in decode(body)] == [reason]
    neighbours = decode(b'[{"good":1},' + body + b',{"good":2}]')
    assert [reason_of(item) for item in neighbours] == [{"good": 1}, reason, {"good": 2}]


@pytest.mark.parametrize(
    "event",
    [
        {"a": 9223372036854775807, "b": -9223372036854775807, "c": 1e308, "d": 5e-324, "e": -0.0},
        {"a": True, "b": False, "c": None, "d": [], "e": {}, "f": [True, None]},
        {
            "tên": "Hòa Bình – Lương Sơn 🌧",
            "escaped": "\u2028\ud83c\udf27".encode("utf-16", "surrogatepass").decode("utf-16"),
        },
        {"a": "x" * 65_536},
        {},
    ],
)
def test_what_json_allows_and_64_bits_hold_comes_through_unchanged(event):
    for body in (
        json.dumps(event).encode(),
        json.dumps(event, ensure_ascii=False).encode(),
        json.dumps([event]).encode(),
    ):
        assert decode(body) == [event]


def test_depth_32_is_allowed():
    [event] = decode(nested(32))
    assert isinstance(event, dict)


def test_lines_stand_or_fall_one_by_one():
    body = b'{"a":1}\n\n{"a":\r\n  {"a":3}  \n[1]\n\xff'
    assert [reason_of(item) for item in decode(body, lines=True)] == [
        {"a": 1}, "not_json", {"a": 3}, "not_an_object", "not_utf8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"\n \n", "empty"), (b"x\ny", "not_json"), (b'{"a":1}\n' * 6, "too_many_events")],
)
def test_lines_of_which_none_is_an_event_are_refused_whole(body, reason):
    with pytest.raises(DecodeError) as caught:
        decode(body, lines=True)
    assert caught.value.refusal.reason == reason


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"{" + b",".join(b'"k%d":1' % number for number in range(30_000)) + b',"k29999":1}', False),
        (b"x\n" * 2_000_000, True),
        (b"1\n" * 2_000_000, True),
        (b"[" * 4_000_000, False),
        (b'{"a":0.' + b"1" * 4_000_000 + b"}", False),
    ],
    ids=["twice_at_the_end", "junk_lines", "lines", "abyss", "digits"],
)
def test_no_body_stops_a_door_for_long(body, lines):
    """The first two took 13 s and 15 s of a door that reads for everybody."""
    began = time.process_time()
    with contextlib.suppress(DecodeError):
        items(body, newline_delimited=lines, events_max=1_000)
    assert time.process_time() - began < 1.0


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_as_events_or_refusals_and_never_as_another_error(body, lines):
    found = []
    with contextlib.suppress(DecodeError):
        found = decode(body, lines=lines)
    assert all(isinstance(item, Refusal | dict) for item in found)
    assert all(check(item, escapes=True) is None for item in found if isinstance(item, dict))


def test_gzip_is_unpacked_up_to_the_bound():
    assert inflate(gzip.compress(b"x" * 100), bytes_max=100) == b"x" * 100


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b"\0" * 200_000_000, 9), "too_large"),
        (gzip.compress(b"x" * 101), "too_large"),
        (gzip.compress(b"x" * 100)[:-5], "not_gzip"),
        (b"", "not_gzip"),
        (b"plain", "not_gzip"),
        (zlib.compress(b"x"), "not_gzip"),
    ],
    ids=["bomb", "one_more", "cut", "nothing", "plain", "zlib"],
)
def test_a_bomb_or_a_broken_stream_is_refused(body, reason):
    with pytest.raises(DecodeError) as caught:
        inflate(body, bytes_max=100)
    assert caught.value.refusal.reason == reason


@pytest.mark.parametrize("wrapped", [b"\xef\xbb\xbf%b", b"%b\0", b"%b\0\0\0\0", b"\xef\xbb\xbf%b\0"])
@pytest.mark.parametrize("body", [b'{"a":1}', b'[{"a":1},{"a":1}]', b'{"a":"\\u00e9"}'])
def test_a_mark_before_a_body_and_nuls_after_it_are_passed_over(wrapped, body):
    found = items(wrapped % body, newline_delimited=False, events_max=10)
    assert found == items(body, newline_delimited=False, events_max=10)


@pytest.mark.parametrize("body", [b'\0{"a":1}', b'{"a":1}\0 ', b'{"a":"x\0"}', b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}'])
def test_nuls_and_marks_elsewhere_are_as_wrong_as_before(body):
    with pytest.raises(DecodeError):
        items(body, newline_delimited=False, events_max=10)


def test_lines_end_with_nuls_too():
    assert items(b'{"a":1}\n{"a":2}\n\0\0', newline_delimited=True, events_max=10) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("body", [b"\0", b"\0" * 200, b"\xef\xbb\xbf", b"\xef\xbb\xbf\0"])
def test_of_a_body_of_nothing_else_nothing_is_left(body):
    with pytest.raises(DecodeError) as refused:
        items(body, newline_delimited=False, events_max=10)
    assert refused.value.refusal.reason == "empty"
