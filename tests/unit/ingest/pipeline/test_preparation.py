"""One delivery to messages and dead letters: identity, time, place, and who may say what.

Past 400 lines: a list of cases of one function, on the same registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from ioc.domain.device import Device, DeviceState
from ioc.domain.event import UNTIMED, DeadLetter, Flag, Message
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label, OnConflict
from ioc.domain.people.account import KeyRecord
from ioc.domain.places.area import Area
from ioc.domain.scope import Scope
from ioc.domain.untimed import LIFETIME, earlier_identities
from ioc.ingest.adapters.registry import reader_of
from ioc.ingest.pipeline.decoder import Refusal
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.ready import ReadyItem, RefusedItem, read_lines
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


@pytest.mark.parametrize("name", ["", "A", "x y", "x" * 65, "-x"])
def test_who_need_not_be_registered_has_the_name_of_a_device(name):
    """A CloudEvent may name its sender as it likes: what is no device's id does not become one."""
    refused = letter('{"v":1}', feed="report", device=name)
    assert refused.reason == "no_device"
    assert refused.device == name[:64]
    assert message('{"v":1}', feed="report", device="x" * 64).device == "x" * 64


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
        ('"time":-1700000000', "bad_time"),
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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1795438800", "2026-11-23T13:00:00Z"),
        ("1795438800.25", "2026-11-23T13:00:00.25Z"),
        ("1795438800123", "2026-11-23T13:00:00.123Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("99999999999", "5138-11-16T09:46:39Z"),
        ("100000000000", "1973-03-03T09:46:40Z"),
    ],
)
def test_unix_times_in_seconds_and_milliseconds_are_the_moment_that_they_mean(written, meant):
    one, other = message(f'{{"id":"1","v":1,"time":{written}}}'), message(f'{{"id":"1","v":1,"time":"{meant}"}}')
    assert (one.time, one.key) == (other.time, other.key)


@pytest.mark.parametrize("written", ["-1", "-0.5", "1e18", "true", "[]", '"1795438800"'])
def test_what_is_no_time_is_refused(written):
    [refused] = prepare(f'{{"id":"1","v":1,"time":{written}}}')
    assert isinstance(refused, DeadLetter)
    assert refused.reason == "bad_time"


def test_an_id_without_a_time_is_an_identity_of_its_day_only():
    first, again = message('{"id":"1","v":1}'), message('{"id":"1","v":1}', received_at=NOON + timedelta(hours=18))
    later = message('{"id":"1","v":1}', received_at=NOON + timedelta(hours=25))
    assert first.key == again.key
    assert len({first.key, later.key, *(key for key, _ in earlier_identities(later))}) == 3
    assert (first.key, first.key_time) == earlier_identities(later)[0], "the log is asked for the day before, too"
    assert later.key_time - first.key_time == LIFETIME


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


@pytest.mark.parametrize(
    ("said", "area"),
    [
        ('"lat":20.5,"lon":105.5', "04795"), ('"lat":30,"lon":105.5', None), ('"lat":"20.5","lon":105.5', None),
        ('"lat":20.5', None), ('"v":1', None),
    ],
)  # fmt: skip
def test_a_dead_letter_of_an_unknown_device_lies_where_it_says_it_is(said: str, area: str | None):
    unknown = letter(f'{{{said},"t":"x"}}', device="nobody")
    assert (unknown.reason, unknown.area) == ("unknown_device", area)
    known = letter('{"lat":20.5,"lon":105.5,"v":"no number"}', device="r1")
    assert known.area is None, "the registry knows where it is"


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
    assert (bad.reason, bad.raw) == ("impossible_value", b'{"id":"2","v":-1}')


def test_lines_and_unreadable_bodies_keep_what_came():
    body = b'{"v":1}\n{"v":'
    good, bad = prepare(body, ready=read_lines(body, events_max=10))
    assert isinstance(good, Message)
    assert isinstance(bad, DeadLetter)
    assert bad.raw == b'{"v":', "its own line, not the whole body again for each"
    assert letter(b"\xff\x00").raw == b"\xff\x00"
    assert letter("[" + "{}," * 10 + "{}]").reason == "too_many_events"
    assert letter("").reason == "empty"


def test_the_events_own_members_only_are_data():
    item = message(f'{{"id":"7",{TIMED},"lat":20.5,"lon":105.5,"v":1}}')
    assert item.data == {"v": 1}
    assert (item.id, item.received_at, item.door, item.registered_at) == ("7", NOON, "test", LONG_AGO)


HOA_BINH = Scope(areas=frozenset({"04795"}), zones=frozenset({"hoa-binh"}))
LUONG_SON = Scope(areas=frozenset({"04800"}), zones=frozenset({"luong-son"}))


@pytest.mark.parametrize("body", ['{"id":"1","time":"2026-11-24T03:00:00Z","v":4.5}', '{"v":4.5,"t":"x"}'])
def test_a_key_with_an_area_speaks_for_devices_inside_it_and_for_no_other(body: str):
    """The device beyond is told as one that nobody knows, by the short way and by the long one."""
    assert message(body, wall=LUONG_SON)
    for device in ("r1", "nobody"):
        refused = letter(body, wall=HOA_BINH, device=device)
        assert (refused.reason, refused.detail) == (
            "unknown_device", f"{device} is not registered in this key's area",
        )  # fmt: skip
    assert message(body)


def test_a_key_with_an_area_learns_nothing_of_a_foreign_device_by_how_it_is_refused():
    """Retired, of another feed, without a place: all are told as unknown."""
    body = '{"v":4.5}'
    for device in ("old", "w1", "r2", "fix"):
        refused = letter(body, wall=HOA_BINH, device=device)
        assert refused.reason == "unknown_device"


def test_what_no_device_has_sent_must_lie_in_the_area_of_its_key():
    """A citizen's report is where it says; a key with an area cannot file it beyond, nor nowhere."""
    inside = '{"device":"app","lat":20.5,"lon":105.5,"v":1}'
    assert message(inside, feed="report", device=None, wall=HOA_BINH).area == "04795"
    for body in (inside, '{"device":"app","v":1}'):
        refused = letter(body, feed="report", device=None, wall=LUONG_SON)
        assert refused.reason == "outside_area"


def test_ready_items_stand_beside_what_their_adapter_refused():
    """In order; an item's feed and device go before those of its delivery, and what is refused keeps its own bytes."""
    first = ReadyItem({"id": "1", "v": 1})
    ready = [
        first,
        RefusedItem(Refusal("not_a_cloudevent", "it lacks a type"), b"{}"),
        ReadyItem({"id": "2", "v": 2}, feed="river", device="w1"),
        ReadyItem({"id": "3", "v": 3}, feed="nowhere", device="w1"),
        ReadyItem({"id": "4", "v": "x"}, device="r2"),
    ]
    prepared = prepare(b"as it came", ready=ready)
    assert [item.feed for item in prepared] == ["rain", "rain", "river", "nowhere", "rain"]
    assert [item.device for item in prepared] == ["r1", "r1", "w1", "w1", "r2"]
    told = [item.reason if isinstance(item, DeadLetter) else item.id for item in prepared]
    assert told == ["1", "not_a_cloudevent", "2", "unknown_feed", "wrong_type"]
    assert [item.raw for item in prepared][1:] == [
        b"{}", b'{"id":"2","v":2}', b'{"id":"3","v":3}', b'{"id":"4","v":"x"}'
    ]  # fmt: skip
    assert prepared[0] == message(b'{"v":1,"id":"1"}'), "the same reading, however it came"
    assert first.members == {"id": "1", "v": 1}, "items are not changed"


def test_a_delivery_of_ready_items_is_bounded_and_never_empty():
    assert letter(b"x", ready=[ReadyItem({"v": 1})] * 11).reason == "too_many_events"
    assert letter(b"x", ready=[]).reason == "empty"


ENVELOPE = {"specversion": "1.0", "type": "v", "source": "/rain/r1", "id": "7", "data": {"v": 3}}
CLOUD = "application/cloudevents+json"


def prepare_foreign(envelope: dict[str, Any], **others: Any) -> Message | DeadLetter:
    """Prepare a CloudEvent for the feed `rain`, or for `cloud`, whose adapter reads whatever comes."""
    feeds = {**FEEDS, "cloud": feed("cloud", adapter="cloudevents", device_required=False)}
    preparer = Preparer(feeds=feeds, registry=REGISTRY, events_max=10, reader_of=reader_of)
    [item] = preparer.prepare(delivery(orjson.dumps(envelope), **others))
    return item


@pytest.mark.parametrize("kind", [CLOUD, "Application/CloudEvents+JSON; charset=utf-8"])
def test_a_content_type_names_the_format(kind):
    """The same reading as in the feed's own form; as own form it would be one with unknown members only."""
    item = prepare_foreign(ENVELOPE, content_type=kind)
    assert isinstance(item, Message), item
    own = message('{"id":"7","v":3}')
    assert (item.key, item.content, item.data, item.id, item.flags) == (own.key, own.content, {"v": 3}, "7", ())
    refused = prepare_foreign({"v": 3}, content_type=kind)
    assert isinstance(refused, DeadLetter)
    assert (refused.reason, refused.raw) == ("not_a_cloudevent", b'{"v":3}')


def test_a_feed_names_the_adapter_of_its_bodies():
    """Whatever the content type; a body of the feed's own form is then none, also where it is a usual reading."""
    envelope = ENVELOPE | {"source": "c1"}
    item = prepare_foreign(envelope, feed="cloud", device="c1")
    assert isinstance(item, Message), item
    assert (item.feed, item.device, item.id, item.data) == ("cloud", "c1", "7", {"v": 3})
    plain = prepare_foreign({"id": "7", "time": "2026-11-23T12:00:00Z", "v": 3}, feed="cloud", device="c1")
    assert isinstance(plain, DeadLetter)
    assert plain.reason == "not_a_cloudevent"


@pytest.mark.parametrize(
    ("source", "device", "reason"),
    [("/rain/r1", "r1", None), ("r1", "r1", None), ("/rain/r2", "r1", "wrong_device"),
     ("/river/r1", "r1", "wrong_feed"), ("/rain/r2", None, None), ("", "r1", None)],
)  # fmt: skip
def test_a_foreign_body_claims_no_other_feed_or_device_than_its_topic(source, device, reason):
    """Where its route leaves the device open, it names it."""
    item = prepare_foreign(ENVELOPE | {"source": source or "/"}, content_type=CLOUD, device=device)
    if reason is None:
        assert isinstance(item, Message), item
        assert item.device == (source.rpartition("/")[2] or "r1")
    else:
        assert isinstance(item, DeadLetter)
        assert (item.reason, item.feed, item.device, item.raw) == (reason, "rain", device, b'{"id":"7","v":3}')
