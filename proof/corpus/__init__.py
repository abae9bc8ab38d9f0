"""The poison: bodies that have broken parsers, databases and brokers, each with the verdict that it must end in.

A verdict is `stored` or the reason of its dead letter, the same at every door. `@ID@` stands for an id of its own.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

STORED = "stored"
ID = b"@ID@"


def _event(members: bytes) -> bytes:
    return b'{"id":"' + ID + b'","rain_mm":1,' + members + b"}"


def _timed(time: str) -> bytes:
    return _event(b'"time":' + json.dumps(time).encode())


def _placed(lat: str, lon: str) -> bytes:
    return _event(f'"lat":{lat},"lon":{lon}'.encode())


def _valued(value: bytes) -> bytes:
    return b'{"id":"' + ID + b'","rain_mm":1,"rain_1h_mm":' + value + b"}"


def _noted(text: bytes) -> bytes:
    return _event(b'"note":"' + text + b'"')


BODIES: Mapping[str, tuple[bytes, str]] = {
    # Not JSON, or not a JSON that carries an event.
    "nothing": (b"", "empty"),
    "blank": (b" \r\n\t ", "empty"),
    "an empty array": (b"[]", "empty"),
    "truncated": (b'{"id":"' + ID + b'","rain_mm":', "not_json"),
    "truncated in a text": (b'{"id":"' + ID, "not_json"),
    "a comma too many": (_event(b""), "not_json"),
    "single quotes": (b"{'id':'" + ID + b"','rain_mm':1}", "not_json"),
    "a comment": (_event(b'"a":1') + b" // rain", "not_json"),
    "two values": (_event(b'"a":1') + b"{}", "not_json"),
    "a text": (b'"rain ' + ID + b'"', "not_an_object"),
    "null": (b"null", "not_an_object"),
    "a number": (b"42", "not_an_object"),
    "arrays of arrays": (b"[[1,2],[3]]", "not_an_object"),
    "XML": (b"<rain>1</rain>", "not_json"),
    "a pickle": (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94.", "not_utf8"),
    "a raw control character": (_noted(b"a\x01b"), "not_json"),
    "a raw NUL": (_noted(b"a\x00b"), "not_json"),
    "a raw line break": (_noted(b"a\nb"), "not_json"),
    # Bytes that are no UTF-8, or too much of it.
    "bad UTF-8": (_noted(b"\xe9t\xe9"), "not_utf8"),
    "overlong UTF-8": (_noted(b"\xc0\xaf"), "not_utf8"),
    "a surrogate in UTF-8": (_noted(b"\xed\xa0\x80"), "not_utf8"),
    "past the last code point": (_noted(b"\xf4\x90\x80\x80"), "not_utf8"),
    "a byte order mark": (b"\xef\xbb\xbf" + _event(b'"a":1'), STORED),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + _event(b'"a":1'), "not_json"),
    "a C string with its end": (_event(b'"a":1') + b"\x00", STORED),
    "a C buffer with what is left of it": (_event(b'"a":1') + b"\x00" * 200, STORED),
    "rests of another text after the end": (_event(b'"a":1') + b"\x00}", "not_json"),
    "UTF-16": (_event(b'"a":1').decode().encode("utf-16"), "not_utf8"),
    "UTF-32": (_event(b'"a":1').decode().encode("utf-32"), "not_utf8"),
    "gzip without saying so": (gzip.compress(b'{"rain_mm":1}', mtime=0), "not_utf8"),
    "deflate without saying so": (zlib.compress(b'{"rain_mm":1}'), "not_utf8"),
    # What PostgreSQL or a second parser would choke on.
    "NUL": (_noted(rb"a\u0000b"), "nul"),
    "NUL in a name": (_event(rb'"a\u0000b":1'), "nul"),
    "half a pair": (_noted(rb"\ud800"), "lone_surrogate"),
    "the other half": (_noted(rb"\udfff x"), "lone_surrogate"),
    "half a pair in a name": (_event(rb'"\ud800":1'), "lone_surrogate"),
    "pairs the wrong way round": (_noted(rb"\udc00\ud800"), "lone_surrogate"),
    "a whole pair": (_noted(rb"\ud83c\udf27"), STORED),
    "control characters": (_noted(rb"\u0001\u001b[31m\u007f\r\n"), STORED),
    "right to left": (_noted("\u202egnar\u202c\ufeff".encode()), STORED),
    "a script": (_noted(b"<script>alert(1)</script>' OR 1=1; --"), STORED),
    "NaN": (_valued(b"NaN"), "not_finite"),
    "Infinity": (_valued(b"Infinity"), "not_finite"),
    "minus Infinity in an unknown field": (_event(b'"x":[-Infinity]'), "not_finite"),
    "1e400000": (_valued(b"1e400000"), "not_finite"),
    "minus 1e400000": (_valued(b"-1e400000"), "not_finite"),
    "1e-400000": (_valued(b"1e-400000"), STORED),
    "minus zero": (_valued(b"-0"), STORED),
    "minus zero point zero": (_valued(b"-0.0"), STORED),
    "four thousand digits after the point": (_valued(b"0." + b"3" * 4_000), STORED),
    "past 64 bits": (_event(b'"x":9223372036854775808'), "number_too_large"),
    "5,000 digits": (_event(b'"x":' + b"9" * 5_000), "number_too_large"),
    "a leading zero": (_valued(b"01"), "not_json"),
    "a plus sign": (_valued(b"+1"), "not_json"),
    "hexadecimal": (_valued(b"0x1F"), "not_json"),
    # Too much of something.
    "a member twice": (_event(b'"x":1,"x":2'), "duplicate_key"),
    "the id twice": (_event(b'"id":"another"'), "duplicate_key"),
    "a value twice": (_event(b'"rain_mm":2'), "duplicate_key"),
    "twice by an escape": (_event(rb'"rain\u005fmm":2'), "duplicate_key"),
    "twice, far inside": (_event(b'"x":[{"y":{"z":1,"z":1}}]'), "duplicate_key"),
    "twice among 15,000": (_event(b",".join(b'"k%d":1' % n for n in range(15_000)) + b',"k14999":1'), "duplicate_key"),
    "too many members": (_event(b",".join(b'"k%d":1' % n for n in range(1_001))), "too_many_members"),
    "20,000 members": (_event(b",".join(b'"k%d":1' % n for n in range(20_000))), "too_many_members"),
    "deep": (_event(b'"x":' + b"[" * 60 + b"]" * 60), "too_deep"),
    "an abyss": (b"[" * 100_000, "too_deep"),
    "an abyss of objects": (b'{"a":' * 40_000, "too_deep"),
    "a huge text": (_noted(b"a" * 70_000), "string_too_long"),
    "a huge name": (_event(b'"' + b"a" * 70_000 + b'":1'), "string_too_long"),
    "a large text": (_noted(b"a" * 60_000), STORED),
    # Reserved members.
    "an id that is an object": (b'{"id":{"$gt":""},"rain_mm":1}', "bad_id"),
    "an empty id": (b'{"id":"","rain_mm":1}', "bad_id"),
    "an endless id": (b'{"id":"' + b"x" * 300 + b'","rain_mm":1}', "bad_id"),
    "an id that is true": (b'{"id":true,"rain_mm":1}', "bad_id"),
    "year 0": (_timed("0000-01-01T00:00:00Z"), "bad_time"),
    "year 1, east": (_timed("0001-01-01T00:00:00+14:00"), "bad_time"),
    "year 1": (_timed("0001-01-01T00:00:00Z"), STORED),
    "year 9999": (_timed("9999-12-31T23:59:59Z"), STORED),
    "year 9999, west": (_timed("9999-12-31T23:59:59-12:00"), "bad_time"),
    "a leap second": (_timed("2016-12-31T23:59:60Z"), "bad_time"),
    "30 February": (_timed("2026-02-30T00:00:00Z"), "bad_time"),
    "an American time": (_timed("11/23/2026 8:00 PM"), "bad_time"),
    "a time in words": (_timed("hôm nay"), "bad_time"),
    "a time that is a number": (_event(b'"time":1795438800'), STORED),
    "a time in milliseconds": (_event(b'"time":1795438800123'), STORED),
    "a time with a fraction": (_event(b'"time":1795438800.5'), STORED),
    "a time before 1970": (_event(b'"time":-1'), "bad_time"),
    "a time past all years": (_event(b'"time":1e18'), "bad_time"),
    "a time that is true": (_event(b'"time":true'), "bad_time"),
    "an offset of 25 hours": (_timed("2026-01-01T00:00:00+25:00"), "bad_time"),
    "a naive time": (_timed("2026-01-01T00:00:00"), STORED),
    "nanoseconds": (_timed("2026-01-01T00:00:00.123456789Z"), STORED),
    "latitude 91": (_placed("91", "105"), "bad_place"),
    "longitude 181": (_placed("20", "181"), "bad_place"),
    "latitude alone": (_event(b'"lat":20'), "bad_place"),
    "a place in words": (_placed('"20"', '"105"'), "bad_place"),
    "a place that is true": (_placed("true", "false"), "bad_place"),
    "the pole": (_placed("-90", "180"), STORED),
    # Fields.
    "no field": (b'{"id":"' + ID + b'"}', "no_data"),
    "a wrong type": (_valued(b'"much"'), STORED),
    "an impossible value": (_valued(b"-5"), STORED),
    "a value that is null": (_valued(b"null"), STORED),
    "unknown fields": (_event(b'"__proto__":{"a":1},"constructor":{"prototype":1}'), STORED),
    "a member that only the door sets": (_event(b'"_dropped":{"rain_mm":2}'), STORED),
}


@dataclass(frozen=True, slots=True)
class Post:
    """A body that only HTTP can carry: with its headers, the status and the reason that it ends in."""

    content: bytes
    headers: Mapping[str, str]
    status: int
    reason: str
    path: str = "/api/v1/feeds/rainfall/events"


def posts() -> Mapping[str, Post]:
    """Return the bodies that only HTTP can carry; they take a second to make."""
    json_kind = {"content-type": "application/json"}
    zipped = json_kind | {"content-encoding": "gzip"}
    event = {"content-type": "application/cloudevents+json"}
    lines = {"content-type": "application/x-ndjson"}
    return {
        "a gzip bomb": Post(gzip.compress(b"\0" * 200_000_000, 9), zipped, 413, "too_large"),
        "a broken gzip": Post(gzip.compress(b'{"rain_mm":1}')[:-5], zipped, 400, "not_gzip"),
        "brotli": Post(b"\x0b\x02\x80{}\x03", json_kind | {"content-encoding": "br"}, 415, "unsupported_encoding"),
        "a form": Post(b"rain_mm=1", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_type"),
        "a wrong type": Post(b'{"rain_mm":1}', {"content-type": "text/plain"}, 415, "unsupported_type"),
        "five megabytes": Post(b"[" + b" " * (5 << 20) + b"]", json_kind, 413, "too_large"),
        "no envelope": Post(b'{"rain_mm":1}', event, 400, "not_a_cloudevent", "/api/v1/cloudevents"),
        "an envelope of NaN": Post(b'{"specversion":"1.0","id":"1","source":"/x","type":"rainfall","data":NaN}', event,
                                   400, "not_finite", "/api/v1/cloudevents"),
        "no line is JSON": Post(b"x\n" * 500, lines, 400, "not_json"),
        "a million lines": Post(b"1\n" * 1_000_000, lines, 400, "too_many_events"),
        "1,001 events": Post(b"[" + b",".join([b"{}"] * 1_001) + b"]", json_kind, 400, "too_many_events"),
    }  # fmt: skip


PACKETS: Mapping[str, bytes] = {
    "a topic of bad UTF-8": b"\x32\x0c\x00\x06ioc/\xff\xfe\x00\x01{}",
    "a topic of overlong UTF-8": b"\x32\x0c\x00\x06ioc/\xc0\xaf\x00\x01{}",
    "a topic with NUL": b"\x32\x0c\x00\x06ioc/\x00x\x00\x01{}",
    "a topic with a wildcard": b"\x32\x0c\x00\x06ioc/#x\x00\x01{}",
    "no topic": b"\x32\x06\x00\x00\x00\x01{}",
    "a topic longer than its packet": b"\x32\x06\xff\xff\x00\x01{}",
    "256 MB announced": b"\x32\xff\xff\xff\x7f\x00\x06ioc/v1",
    "a length of five bytes": b"\x32\xff\xff\xff\xff\x7f",
    "packet id 0": b"\x32\x0c\x00\x06ioc/v1\x00\x00{}",
    "QoS 3": b"\x36\x0c\x00\x06ioc/v1\x00\x01{}",
    "a packet type that is none": b"\x00\x00",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}
"""Sent on a live connection of its own: the door may close it, and nothing else may happen."""
