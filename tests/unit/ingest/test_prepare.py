"""One delivery to messages and dead letters: identity, time, place, and who may say what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ioc.domain.account import KeyRecord
from ioc.domain.area import Area
from ioc.domain.device import Device, DeviceState
from ioc.domain.event import UNTIMED, DeadLetter, Flag, Message
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label, OnConflict
from ioc.ingest.door import Delivery
from ioc.ingest.prepare import Preparer
from tests.builders import NOON

LABEL = Label("x", "x")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def feed(feed_id: str, **others: Any) -> FeedSpec:
    field = FieldSpec("v", LABEL, possible_min=0, plausible_max=50)
    text = FieldSpec("t", LABEL, type=FieldType.TEXT)
    return FeedSpec(id=feed_id, label=LABEL, domain="disaster", fields={"v": field, "t": text}, **others)


FEEDS = {
    "rain": feed("rain"),
    "river": feed("river", on_conflict=OnConflict.REVISE),
    "report": feed("report", device_required=False),
}
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[105.0, 20.0], [106.0, 20.0], [106.0, 21.0], [105.0, 21.0], [105.0, 20.0]]],
}


class Registry:
    """The registry's memory, in a test's hands."""

    def __init__(self, *devices: Device) -> None:
        self.devices = {device.id: device for device in devices}
        self.areas: Sequence[Area] = (
            Area(code="04795", valid_from=date(2025, 7, 1), name=LABEL, level="ward", zone="hoa-binh", shape=SQUARE),
        )

    def device(self, device_id: str) -> Device | None:
        return self.devices.get(device_id)

    def key(self, secret: str) -> KeyRecord | None:
        del secret
        return None

    def areas_of_today(self) -> Sequence[Area]:
        return self.areas

    async def refresh(self) -> None:
        """Nothing to read."""


RAIN = Device("r1", "rain", LABEL, LONG_AGO, area="04800", zone="luong-son", lat=20.9, lon=105.4)
REGISTRY = Registry(
    RAIN,
    Device("r2", "rain", LABEL, LONG_AGO),
    Device("old", "rain", LABEL, LONG_AGO, state=DeviceState.RETIRED),
    Device("fix", "rain", LABEL, LONG_AGO, state=DeviceState.MAINTENANCE),
    Device("w1", "river", LABEL, LONG_AGO),
)


def delivery(body: str | bytes, **others: Any) -> Delivery:
    raw = body.encode() if isinstance(body, str) else body
    built = Delivery(feed="rain", device="r1", body=raw, received_at=NOON, door="test", nonce=b"n", topic="t/x")
    return built._replace(**others)


def prepare(body: str | bytes, **others: Any) -> list[Message | DeadLetter]:
    return Preparer(feeds=FEEDS, registry=REGISTRY, events_max=10).prepare(delivery(body, **others))


def message(body: str | bytes, **others: Any) -> Message:
    [item] = prepare(body, **others)
    assert isinstance(item, Message), item
    return item


def letter(body: str | bytes, **others: Any) -> DeadLetter:
    [item] = prepare(body, **others)
    assert isinstance(item, DeadLetter), item
    return item


@pytest.mark.parametrize(
    ("told", "utc"),
    [
        ("2026-11-23T12:00:00Z", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T19:00:00+07:00", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T19:00:00", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23 19:00:00", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T19:00:00.123456", datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_without_offset_means_vietnam(told, utc):
    assert message(f'{{"time":"{told}","v":1}}').time == utc


@pytest.mark.parametrize(
    ("reserved", "reason"),
    [
        ('"time":"yesterday"', "bad_time"),
        ('"time":""', "bad_time"),
        ('"time":1700000000', "bad_time"),
        ('"time":true', "bad_time"),
        ('"time":"2026-13-01T00:00:00Z"', "bad_time"),
        ('"time":"2026-02-29T00:00:00Z"', "bad_time"),
        ('"time":"2026-11-23T25:00:00Z"', "bad_time"),
        ('"time":"0001-01-01T00:00:00+14:00"', "bad_time"),
        ('"time":"9999-12-31T23:59:59-14:00"', "bad_time"),
        ('"time":"２０２６-11-23T00:00:00Z"', "bad_time"),
        ('"time":["2026-11-23T00:00:00Z"]', "bad_time"),
        ('"lat":20.8', "bad_place"),
        ('"lon":105.3', "bad_place"),
        ('"lat":20.8,"lon":null', "bad_place"),
        ('"lat":91,"lon":105', "bad_place"),
        ('"lat":20,"lon":-180.1', "bad_place"),
        ('"lat":"20","lon":105', "bad_place"),
        ('"lat":true,"lon":105', "bad_place"),
        ('"id":""', "bad_id"),
        ('"id":true', "bad_id"),
        ('"id":1.5', "bad_id"),
        ('"id":["1"]', "bad_id"),
        ('"id":"' + "x" * 201 + '"', "bad_id"),
    ],
)
def test_a_wrong_reserved_member_refuses_the_event(reserved, reason):
    body = f'{{{reserved},"v":1}}'
    refused = letter(body)
    assert (refused.reason, refused.raw, refused.device, refused.topic) == (reason, body.encode(), "r1", "t/x")
    assert refused.detail


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"feed": "nothing"}, "unknown_feed"),
        ({"feed": "river"}, "wrong_feed"),
        ({"device": "nobody"}, "unknown_device"),
        ({"device": "old"}, "retired_device"),
        ({"device": None}, "no_device"),
    ],
)
def test_who_may_not_speak_here_is_refused(others, reason):
    assert letter('{"v":1}', **others).reason == reason


def test_a_device_in_maintenance_still_speaks_and_a_report_needs_no_device():
    assert message('{"v":1}', device="fix").device == "fix"
    assert message('{"v":1}', feed="report", device="app-7").device == "app-7"


@pytest.mark.parametrize("name", ["R1", "../r1", "r1 ", "", 7, None, ["r1"], "x" * 65])
def test_a_device_named_in_the_body_needs_a_proper_name(name):
    import json

    assert letter(json.dumps({"device": name, "v": 1}), device=None).reason == "no_device"


def test_a_device_named_in_the_body_counts_only_where_the_door_proved_none():
    assert message('{"device":"r2","v":1}', device=None).device == "r2"
    proved = message('{"device":"r2","v":1}')
    assert proved.device == "r1"
    assert Flag.UNKNOWN_FIELD in proved.flags


def key_of(body: str, **others: Any) -> bytes:
    return message(body, **others).key


TIMED = '"time":"2026-11-23T12:00:00Z"'


def test_with_id_and_time_the_content_is_not_part_of_the_identity():
    body = f'{{"id":"1",{TIMED},"v":1}}'
    assert key_of(body) == key_of(f'{{"id":1,{TIMED},"v":2}}'), "a number and its text are one id"
    assert key_of(body) == key_of('{"id":"1","time":"2026-11-23T19:00:00","v":1}'), "one moment, two spellings"
    assert key_of(body) != key_of('{"id":"1","time":"2026-11-23T12:00:01Z","v":1}'), "a counter that restarts"
    assert key_of(body) != key_of(body, device="r2")


@pytest.mark.parametrize("one", [f'{{{TIMED},"v":1,"t":"x"}}', '{"id":"1","v":1,"t":"x"}'])
def test_without_id_or_without_time_the_content_decides_whatever_its_spelling(one):
    spelt = one.replace(',"v":1,"t":"x"', ' , "t": "x", "v":1')
    assert key_of(one) == key_of(spelt)
    assert key_of(one) != key_of(one.replace('"v":1', '"v":2'))
    assert key_of(one) == key_of(one, nonce=b"another connection")


def test_without_id_and_time_only_the_connection_tells_a_repeat_and_the_event_says_so():
    first, other = message('{"v":1}'), message('{"v":1}', nonce=b"m")
    assert first.flags == (Flag.ANONYMOUS,)
    assert first.key_time == UNTIMED
    assert first.key == key_of('{"v":1}')
    assert first.key != other.key
    one, two = prepare('[{"v":1},{"v":1}]')
    assert isinstance(one, Message)
    assert isinstance(two, Message)
    assert one.key != two.key, "equal elements of one array are two readings"


def test_a_null_member_is_no_member():
    assert message('{"id":null,"time":null,"lat":null,"lon":null,"v":1}').flags == (Flag.ANONYMOUS,)


def test_the_device_says_where_it_is_and_the_event_may_move():
    still = message('{"v":1}')
    assert (still.area, still.zone, still.lat, still.lon) == ("04800", "luong-son", 20.9, 105.4)
    moved = message('{"lat":20.5,"lon":105.5,"v":1}')
    assert (moved.area, moved.lat) == ("04800", 20.5), "a registered area stands"


@pytest.mark.parametrize(("lat", "lon", "area"), [(20.5, 105.5, "04795"), (30, 105.5, None)])
def test_without_a_registered_area_the_point_finds_it(lat, lon, area):
    found = message(f'{{"lat":{lat},"lon":{lon},"v":1}}', device="r2")
    assert (found.area, found.zone) == (area, "hoa-binh" if area else None)
    assert message('{"v":1}', device="r2").area is None


def test_new_shapes_are_used_as_soon_as_the_registry_has_them():
    registry = Registry(Device("r2", "rain", LABEL, LONG_AGO))
    preparer = Preparer(feeds=FEEDS, registry=registry, events_max=10)
    body = delivery('{"lat":20.5,"lon":105.5,"v":1}', device="r2")
    [before] = preparer.prepare(body)
    registry.areas = (replace(registry.areas[0], code="04999"),)
    [after] = preparer.prepare(body)
    assert isinstance(before, Message)
    assert isinstance(after, Message)
    assert (before.area, after.area) == ("04795", "04999")


def test_marks_of_history_suspicion_and_revision():
    assert Flag.HISTORY in message('{"v":1}', history=True).flags
    assert Flag.SUSPECT in message('{"v":51}').flags
    assert message('{"v":1}', feed="river", device="w1").revise
    assert not message('{"v":1}').revise


def test_neighbours_of_a_bad_element_stand_and_it_keeps_its_own_bytes_only():
    first, bad, last = prepare('[{"v":1},{"v":-1,"id":"2"},{"v":3}]')
    assert isinstance(first, Message)
    assert isinstance(last, Message)
    assert isinstance(bad, DeadLetter)
    assert (bad.reason, bad.raw) == ("no_data", b'{"id":"2","v":-1}')


def test_lines_and_unreadable_bodies_keep_what_came():
    good, bad = prepare('{"v":1}\n{"v":', newline_delimited=True)
    assert isinstance(good, Message)
    assert isinstance(bad, DeadLetter)
    assert letter(b"\xff\x00").raw == b"\xff\x00"
    assert letter("[" + "{}," * 10 + "{}]").reason == "too_many_events"
    assert letter("").reason == "empty"


def test_the_events_own_members_only_are_data():
    item = message(f'{{"id":"7",{TIMED},"lat":20.5,"lon":105.5,"v":1}}')
    assert item.data == {"v": 1}
    assert (item.id, item.received_at, item.door, item.registered_at) == ("7", NOON, "test", LONG_AGO)
