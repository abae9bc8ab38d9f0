"""The HTTP door of a running instance, by the table of the contract: what is taken, what is refused, and how."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.acceptance.instance import Device, Instance, items

PATH = "/api/v1/feeds/rainfall/events"


@pytest.fixture(scope="module")
def gauge(instance: Instance) -> Device:
    """A rain gauge with its own key."""
    return instance.device("door-rain", "rainfall", "04924")


@pytest.fixture(scope="module")
def device_door(gauge: Device) -> Iterator[httpx2.Client]:
    """A client with the gauge's key."""
    with gauge.instance.client(key=gauge.key) as client:
        yield client


@pytest.fixture(scope="module")
def feed_door(instance: Instance, gauge: Device) -> Iterator[httpx2.Client]:
    """A client with a feed key for rainfall."""
    with instance.client(key=instance.key("feed", feed="rainfall")) as client:
        yield client


def post(client: httpx2.Client, body: object, path: str = PATH, **headers: str) -> httpx2.Response:
    """Post bytes as they are, anything else as JSON; a header's underscore is a hyphen."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, content=content, headers=named)


def counts(answer: httpx2.Response) -> tuple[int, int, list[tuple[int, str]]]:
    """Return (accepted, duplicate, [(index, reason)]) of a 202."""
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert set(body) - {"duplicates", "marked"} == {"accepted", "duplicate", "rejected"}
    assert len(body.get("duplicates", [])) == body["duplicate"]
    assert all(set(refused) == {"index", "reason", "detail"} for refused in body["rejected"])
    return body["accepted"], body["duplicate"], [(refused["index"], refused["reason"]) for refused in body["rejected"]]


def test_one_object_an_array_and_lines_are_taken(device_door: httpx2.Client, operator: httpx2.Client) -> None:
    """202 comes after the commit: the events are there at once."""
    assert counts(post(device_door, {"id": "a", "rain_mm": 1})) == (1, 0, [])
    assert counts(post(device_door, [{"id": "b", "rain_mm": 1}, {"id": "c", "rain_mm": 2}])) == (2, 0, [])
    lines = b'{"id": "d", "rain_mm": 1}\n\n{"id": "e", "rain_mm": 2}\n'
    assert counts(post(device_door, lines, content_type="application/x-ndjson")) == (2, 0, [])
    there = {event["id"]: event for event in items(operator, "/api/v1/events", device="door-rain")}
    assert {"a", "b", "c", "d", "e"} <= set(there)
    assert all(event["door"] == "http" for event in there.values())


def test_a_part_that_cannot_stand_does_not_stop_the_rest(device_door: httpx2.Client) -> None:
    """Each refused event is named by its place and reason; the others are stored."""
    batch: list[Any] = [
        {"id": "p1", "rain_mm": 1}, {"id": "p2", "rain_mm": "wet"}, 7, {"id": "p3", "rain_mm": 2},
        {"id": "p4", "rain_mm": 1, "time": "yesterday"}, {"id": "p5", "rain_mm": 1, "lat": 20.8},
    ]  # fmt: skip
    accepted, duplicate, rejected = counts(post(device_door, batch))
    assert (accepted, duplicate) == (2, 0)
    assert rejected == [(1, "wrong_type"), (2, "not_an_object"), (4, "bad_time"), (5, "bad_place")]
    lines = b'{"id": "p6", "rain_mm": 1}\n{"id": \n{"id": "p7", "rain_mm": 1}'
    assert counts(post(device_door, lines, content_type="application/x-ndjson")) == (2, 0, [(1, "not_json")])


def test_a_duplicate_is_told_and_a_conflict_is_refused(device_door: httpx2.Client) -> None:
    """The same id and time with other content is a conflict; a counter that starts anew, without a time, is none."""
    first = {"id": "once", "time": "2026-01-02T03:04:05Z", "rain_mm": 1}
    assert counts(post(device_door, first)) == (1, 0, [])
    assert counts(post(device_door, [first, {**first, "rain_mm": 9}])) == (0, 1, [(1, "conflict")])
    assert counts(post(device_door, [{"id": "1", "rain_mm": 1}, {"id": "1", "rain_mm": 2}])) == (2, 0, [])


def test_gzip_is_unpacked_and_a_bomb_is_refused(device_door: httpx2.Client) -> None:
    """One megabyte that unpacks to a gigabyte costs four: 413. What is no gzip is 400."""
    packed = gzip.compress(json.dumps([{"id": f"g{number}", "rain_mm": 1} for number in range(50)]).encode())
    assert counts(post(device_door, packed, content_encoding="gzip")) == (50, 0, [])
    bomb = gzip.compress(b"[" + b" " * (64 << 20) + b"]")
    assert post(device_door, bomb, content_encoding="gzip").status_code == 413
    assert post(device_door, b"no gzip at all", content_encoding="gzip").status_code == 400
    assert post(device_door, packed[:-9], content_encoding="gzip").status_code == 400
    assert post(device_door, packed, content_encoding="br").status_code == 415


def test_who_may_send(instance: Instance, device_door: httpx2.Client, feed_door: httpx2.Client) -> None:
    """401 without a key, 403 for another device or feed, 404 for no feed; a metrics key sends nothing."""
    reading = {"rain_mm": 1}
    with instance.client() as nobody:
        assert post(nobody, reading).status_code == 401
    with instance.client(key="ioc_device_" + "x" * 36) as stranger:
        assert post(stranger, reading).status_code == 401
    with instance.client(key=instance.key("metrics")) as scraper:
        assert post(scraper, reading).status_code == 403
    assert post(device_door, reading, f"{PATH}?device=rain-luong-son").status_code == 403
    assert post(device_door, reading, "/api/v1/feeds/no_such_feed/events").status_code == 404
    assert post(feed_door, {"level_cm": 1}, "/api/v1/feeds/river_level/events").status_code == 403
    assert counts(post(feed_door, {"device": "rain-lam-son", "rain_mm": 1})) == (1, 0, [])
    assert counts(post(feed_door, reading, f"{PATH}?device=rain-lam-son")) == (1, 0, [])
    assert counts(post(feed_door, reading)) == (0, 0, [(0, "no_device")])
    assert counts(post(feed_door, reading, f"{PATH}?device=nobody")) == (0, 0, [(0, "unknown_device")])
    assert counts(post(feed_door, reading, f"{PATH}?device=aq-hb-01")) == (0, 0, [(0, "wrong_feed")])


def test_what_the_door_does_not_take_as_a_whole(device_door: httpx2.Client) -> None:
    """400 when nothing can be read, 413 past the bound, 415 for another kind, 422 for a wrong parameter."""
    assert post(device_door, b"{").status_code == 400
    assert post(device_door, b"").status_code == 400
    assert post(device_door, b"[]").status_code == 400
    assert post(device_door, b"\xff\xfe{}").status_code == 400
    assert post(device_door, [{"rain_mm": 1}] * 1_001).status_code == 400
    assert post(device_door, b"[" + b" " * (5 << 20) + b"]").status_code == 413
    assert post(device_door, b"rain_mm=1", content_type="application/x-www-form-urlencoded").status_code == 415
    assert post(device_door, {"rain_mm": 1}, f"{PATH}?history=perhaps").status_code == 422
    for answer in (post(device_door, b"x", content_type="text/plain"), post(device_door, {}, "/api/v1/feeds/x/events")):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status"} <= set(answer.json())


DEEP = b'{"rain_mm": 1, "x": ' + b"[" * 60 + b"]" * 60 + b"}"
STRICT = {
    "the same member twice": b'{"rain_mm": 1, "rain_mm": 2}',
    "the same member twice, inside": b'{"rain_mm": 1, "x": {"y": 1, "y": 2}}',
    "NaN": b'{"rain_mm": NaN}',
    "infinity": b'{"rain_mm": -Infinity}',
    "a number past a double": b'{"rain_mm": 1e999}',
    "a whole number past 64 bits": b'{"rain_mm": 9223372036854775808}',
    "a number of five thousand digits": b'{"rain_mm": ' + b"9" * 5_000 + b"}",
    "NUL in a text": b'{"rain_mm": 1, "note": "a\\u0000b"}',
    "NUL in a name": b'{"rain_mm": 1, "a\\u0000": 1}',
    "half a surrogate pair": b'{"rain_mm": 1, "note": "\\ud800"}',
    "half a surrogate pair in a name": b'{"rain_mm": 1, "\\udc00": 1}',
    "depth": DEEP,
    "an abyss": b"[" * 100_000,
    "too many members": b'{"rain_mm": 1' + b"".join(b', "k%d": 1' % number for number in range(1_001)) + b"}",
    "a text past 64 kB": b'{"rain_mm": 1, "note": "' + b"a" * 70_000 + b'"}',
    "a comma too many": b'{"rain_mm": 1,}',
    "a single quote": b"{'rain_mm': 1}",
    "a comment": b'{"rain_mm": 1} // rain',
    "two values": b'{"rain_mm": 1}{"rain_mm": 2}',
    "a raw control character": b'{"rain_mm": 1, "note": "a\x01"}',
    "two byte order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"rain_mm": 1}',
    "UTF-16": '{"rain_mm": 1}'.encode("utf-16"),
    "a lone byte": b'{"rain_mm": 1, "note": "\xe9"}',
    "a text": b'"rain"',
    "null": b"null",
    "a number": b"1",
    "a leading zero": b'{"rain_mm": 01}',
    "an id that is an object": b'{"id": {"$gt": ""}, "rain_mm": 1}',
    "an empty id": b'{"id": "", "rain_mm": 1}',
    "a time past the calendar": b'{"time": "9999-12-31T23:59:59-12:00", "rain_mm": 1}',
    "a time of year zero": b'{"time": "0000-01-01T00:00:00Z", "rain_mm": 1}',
    "a thirteenth month": b'{"time": "2026-13-01T00:00:00Z", "rain_mm": 1}',
}


@pytest.mark.parametrize("body", STRICT.values(), ids=STRICT)
def test_json_is_read_strictly(device_door: httpx2.Client, body: bytes) -> None:
    """Each is refused with a reason, none is stored, none is an error of the server."""
    answer = post(device_door, body)
    assert answer.status_code in (202, 400), answer.text
    found = answer.json()
    assert (found["accepted"], found["duplicate"]) == (0, 0)
    (refused,) = found["rejected"]
    assert refused["reason"]
    assert refused["detail"]


def test_every_refusal_is_kept_as_a_dead_letter(device_door: httpx2.Client, operator: httpx2.Client) -> None:
    """The bytes are the sender's own, also those that are no text."""
    body = b'{"rain_mm": 1, "note": "\xe9 unlike any other"}'
    post(device_door, body)
    letters = items(operator, "/api/v1/dead-letters", device="door-rain", reason="not_utf8")
    assert letters[0]["raw_text"] is None
    assert letters[0]["raw_base64"] == "eyJyYWluX21tIjogMSwgIm5vdGUiOiAi6SB1bmxpa2UgYW55IG90aGVyIn0="


@pytest.mark.parametrize(
    ("reason", "status", "content", "headers"),
    [
        ("too_large", 413, b"[" + b" " * (5 << 20) + b"]", {}),
        ("too_large", 413, gzip.compress(b"[" + b" " * (64 << 20) + b"]"), {"content-encoding": "gzip"}),
        ("not_gzip", 400, b"no gzip at all, and nobody else's", {"content-encoding": "gzip"}),
        ("unsupported_type", 415, b"rain_mm=1&unlike=others", {"content-type": "application/x-www-form-urlencoded"}),
        ("unsupported_encoding", 415, b"\x0b\x02\x80{}\x03", {"content-encoding": "br"}),
        ("not_a_cloudevent", 400, b'{"unlike": "any envelope"}', {"content-type": "application/cloudevents+json"}),
    ],
)
def test_a_body_that_the_door_does_not_take_is_kept_too(
    device_door: httpx2.Client,
    operator: httpx2.Client,
    reason: str,
    status: int,
    content: bytes,
    headers: dict[str, str],
) -> None:
    """Its first bytes, with the reason, from whoever has a key: as at the MQTT door."""
    path = "/api/v1/cloudevents" if reason == "not_a_cloudevent" else PATH
    before = len(items(operator, "/api/v1/dead-letters", device="door-rain", reason=reason))
    answer = device_door.post(path, content=content, headers={"content-type": "application/json"} | headers)
    assert answer.status_code == status, answer.text
    letters = items(operator, "/api/v1/dead-letters", device="door-rain", reason=reason)
    assert len(letters) == before + 1
    assert letters[0]["door"] == "http"


def cloudevent(number: str, **members: Any) -> dict[str, Any]:
    """Return a CloudEvent 1.0 of the gauge."""
    return {
        "specversion": "1.0", "id": number, "type": "vn.hoabinh.rainfall.reading",
        "source": "/stations/rainfall/door-rain", "time": "2026-01-02T03:04:05Z", "data": {"rain_mm": 1}, **members,
    }  # fmt: skip


def test_cloudevents_single_and_batch(device_door: httpx2.Client, operator: httpx2.Client) -> None:
    """Their id and time are the reading's; what came as a CloudEvent is a duplicate of itself as plain JSON."""
    path, single, batch = "/api/v1/cloudevents", "application/cloudevents+json", "application/cloudevents-batch+json"
    assert counts(post(device_door, cloudevent("ce1"), path, content_type=single)) == (1, 0, [])
    sent = [cloudevent("ce1"), cloudevent("ce2"), cloudevent("ce3", specversion="0.3")]
    assert counts(post(device_door, sent, path, content_type=batch)) == (1, 1, [(2, "not_a_cloudevent")])
    plain = {"id": "ce2", "time": "2026-01-02T03:04:05Z", "rain_mm": 1}
    assert counts(post(device_door, plain)) == (0, 1, [])
    (event,) = [one for one in items(operator, "/api/v1/events", device="door-rain") if one["id"] == "ce2"]
    assert event["data"] == {"rain_mm": 1}
    assert event["time"] == "2026-01-02T03:04:05.000Z"
    foreign = cloudevent("ce4", source="/stations/rainfall/rain-lam-son")
    assert post(device_door, foreign, path, content_type=single).status_code == 403
    assert post(device_door, {"id": "no envelope"}, path, content_type=single).status_code == 400
    assert post(device_door, cloudevent("ce5"), path).status_code == 415


def test_an_adapter_has_a_route_by_its_name(device_door: httpx2.Client, feed_door: httpx2.Client) -> None:
    """What a body does not say of an event, its key says or the device's registration; a foreign one is refused."""
    path, single = "/api/v1/adapters/cloudevents", "application/cloudevents+json"
    assert counts(post(device_door, cloudevent("ad1"), path, content_type=single)) == (1, 0, [])
    assert counts(post(device_door, cloudevent("ad1"), "/api/v1/cloudevents", content_type=single)) == (0, 1, [])
    nameless = cloudevent("ad2", type="measured", source="door-rain")
    assert counts(post(device_door, nameless, path, content_type=single)) == (1, 0, [])
    assert counts(post(feed_door, nameless, path, content_type=single)) == (0, 1, [])
    endless = cloudevent("ad3", source="/rainfall/" + "x" * 5_000)
    assert counts(post(feed_door, endless, path, content_type=single)) == (0, 0, [(0, "unknown_device")])
    unlike = cloudevent("ad4", type="measured", source="/nowhere/door-rain")
    assert counts(post(device_door, unlike, path, content_type=single)) == (0, 0, [(0, "unknown_feed")])
    assert post(device_door, {"id": "no envelope"}, path, content_type=single).status_code == 400
    assert post(device_door, cloudevent("ad5"), path).status_code == 415
    assert post(device_door, cloudevent("ad6"), "/api/v1/adapters/nothing", content_type=single).status_code == 404


def test_recorded_history_needs_a_feed_key(device_door: httpx2.Client, feed_door: httpx2.Client) -> None:
    """A device cannot mark its own readings as history and so hide them from the rules."""
    reading = {"id": "old", "time": "2020-01-01T00:00:00Z", "rain_mm": 1}
    assert post(device_door, reading, f"{PATH}?history=true").status_code == 403
    assert counts(post(feed_door, reading, f"{PATH}?history=true&device=door-rain")) == (1, 0, [])


def test_the_description_names_what_the_door_can_answer(operator: httpx2.Client) -> None:
    """Keys only, the feeds of the pack, the receipt, and each refusal that the tests above have seen."""
    document = operator.get("/api/v1/openapi.json").json()
    for path in ("/api/v1/feeds/{feed}/events", "/api/v1/cloudevents", "/api/v1/adapters/{adapter}"):
        door = document["paths"][path]["post"]
        assert door["security"] == [{"key": []}]
        assert set(door["responses"]) == {"202", "400", "401", "403", "404", "413", "415", "422", "429", "503"}
        schema = door["responses"]["202"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Accepted"}
    parameters = {
        item["name"]: item for item in document["paths"][PATH.replace("rainfall", "{feed}")]["post"]["parameters"]
    }
    assert "rainfall" in parameters["feed"]["schema"]["enum"]
