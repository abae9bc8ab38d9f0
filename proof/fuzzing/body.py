"""The bodies of both doors under any bytes: each ends as messages and dead letters that the log can take.

What PostgreSQL cannot hold (NUL, lone surrogates, numbers beyond its own) must not get so far; what a dead letter
keeps must be the bytes that came.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ioc.domain.device import Device
from ioc.domain.event import DeadLetter, Message
from ioc.domain.feed import Label
from ioc.domain.registry import RegistrySnapshot
from ioc.ingest.adapters.cloudevents.adapter import BATCH, EVENT
from ioc.ingest.adapters.registry import ADAPTERS
from ioc.ingest.pipeline.decoder import DecodeError, inflate
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.ready import ReadyItem, RefusedItem, read_lines
from ioc.packs.loader import load_pack

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
EVENTS_MAX = 50
UNPACKED_BYTES_MAX = 20_000
WORDS = (
    b'{"id":"1","time":"2026-11-23T12:00:00Z","rain_mm":1.5}', b'"time"', b'"id"', b'"lat"', b'"lon"', b'"device"',
    b"null", b"true", b"NaN", b"Infinity", b"-0", b"1e400", b"9223372036854775808", b"1" * 30, b'"\\u0000"',
    b'"\\ud800"', b"\\u", b"[" * 33, b"{", b"}", b"[", b"]", b",", b":", b'"', b"\n", b"\xef\xbb\xbf", b"\xff",
    b"\xc0\x80", b"\xed\xa0\x80", b"2026-02-30T25:61:61Z", b"+99:99", b"1e3", b'"specversion":"1.0"', b'"type"',
    b'"source"', b'"data"', b"\x1f\x8b\x08",
)  # fmt: skip
DEVICE = "rain-1"
FEED = "rainfall"


class OneGaugeRegistry:
    """One rain gauge and no area."""

    def __init__(self) -> None:
        device = Device(DEVICE, FEED, Label("Trạm mưa", "Gauge"), NOON)
        self._snapshot = RegistrySnapshot(version=1, devices={DEVICE: device}, keys={}, areas=())

    def device(self, device_id: str) -> Device | None:
        """Return the gauge by its name."""
        return self._snapshot.devices.get(device_id)

    def key(self, secret: str) -> None:
        """Know no key."""
        del secret

    def areas_of_today(self) -> Sequence[Any]:
        """Return none."""
        return self._snapshot.areas

    async def refresh(self) -> None:
        """Stay as it is."""


class BodyTarget:
    """The first byte chooses the way in: MQTT, NDJSON, a feed key's array, CloudEvents, gzip."""

    name = "body"
    words: Sequence[bytes] = WORDS
    files: Sequence[str] = (
        "ioc/ingest/pipeline/decoder.py", "ioc/ingest/pipeline/preparation.py", "ioc/ingest/pipeline/validation.py",
        "ioc/ingest/pipeline/location.py", "ioc/ingest/adapters/cloudevents/adapter.py", "ioc/domain/moment.py",
        "ioc/domain/event.py",
    )  # fmt: skip

    def __init__(self) -> None:
        self._feeds = load_pack("hoabinh", shapes=False).feeds
        self._preparer = Preparer(feeds=self._feeds, registry=OneGaugeRegistry(), events_max=EVENTS_MAX)

    def close(self) -> None:
        """Hold nothing."""

    def seeds(self) -> list[bytes]:
        """Return a good body for each way, and some bad ones."""
        one = b'{"id":"1","time":"2026-11-23T12:00:00+07:00","rain_mm":1.5,"rain_1h_mm":3,"lat":20.8,"lon":105.3}'
        cloud = (
            b'{"specversion":"1.0","id":"7","source":"/feeds/rainfall/rain-1","type":"vn.ioc.rainfall",'
            b'"time":"2026-11-23T12:00:00Z","data":{"rain_mm":2}}'
        )
        bodies = [one, b"[" + one + b"," + one + b"]", one + b"\n" + one, cloud, b"[" + cloud + b"]", *WORDS]
        return [bytes([way]) + body for way in range(6) for body in bodies[:5]] + [b"\0" + body for body in bodies[5:]]

    def split(self, data: bytes) -> list[bytes]:
        """Return the members of objects and arrays, roughly."""
        return [data[:1], *data[1:].split(b",")]

    def join(self, parts: Sequence[bytes]) -> bytes:
        """Put the commas back."""
        return parts[0][:1] + b",".join(parts[1:])

    def run(self, data: bytes) -> Hashable:
        """Prepare a body; look at all that would go into the log."""
        way, body = (data[0] % 6 if data else 0), bytes(data[1:])
        if way == 5:
            try:
                body = inflate(body, bytes_max=UNPACKED_BYTES_MAX)
            except DecodeError as error:
                return ("gzip", error.refusal.reason)
            assert len(body) <= UNPACKED_BYTES_MAX, "it unpacks more than it may"
        if way in (3, 4):
            return self._envelope(body, batch=way == 4)
        delivery = Delivery(
            feed=FEED, device=None if way == 2 else DEVICE, body=body, received_at=NOON, door="mqtt", nonce=b"n" * 20,
            ready=_lines(body) if way == 1 else None, retained=way == 0 and body[:1] == b"[",
        )  # fmt: skip
        prepared = self._preparer.prepare(delivery)
        assert prepared, "a body vanished"
        assert self._preparer.prepare(delivery) == prepared, "the same body is judged differently"
        return tuple(sorted({self._kind(item, body) for item in prepared}))

    def _envelope(self, body: bytes, *, batch: bool) -> Hashable:
        try:
            found = ADAPTERS["cloudevents"].read(body, content_type=BATCH if batch else EVENT, feeds=self._feeds)
        except DecodeError as error:
            return ("cloudevents", error.refusal.reason)
        delivery = Delivery(
            feed="unknown", device=None, body=body, received_at=NOON, door="http", nonce=b"n" * 20, ready=found
        )
        prepared = self._preparer.prepare(delivery)
        assert len(prepared) == len(found), "an event vanished"
        assert self._preparer.prepare(delivery) == prepared, "the same body is judged differently"
        return ("cloudevents", *sorted({self._kind(one, body) for one in prepared}))

    def _kind(self, item: Message | DeadLetter, body: bytes) -> str:
        if isinstance(item, DeadLetter):
            assert item.raw in body or len(body) > len(item.raw) or json.loads(item.raw) is not None, "other bytes"
            assert item.detail, "no reason is given"
            assert item.reason, "no reason is given"
            return item.reason
        assert len(item.key) == 16, "an identity has 16 bytes"
        assert len(item.content) == 16, "a content has 16 bytes"
        _storable(item.data)
        for text in (item.id or "", item.device):
            assert "\0" not in text, "NUL in a text column"
            text.encode()
        return ",".join(item.flags) or "clean"


def _lines(body: bytes) -> list[ReadyItem | RefusedItem]:
    """Return the lines as the HTTP door reads them."""
    try:
        return read_lines(body, events_max=EVENTS_MAX)
    except DecodeError as error:
        return [RefusedItem(error.refusal, body)]


def _storable(data: Mapping[str, Any]) -> None:
    """Fail on what jsonb refuses."""
    written = json.dumps(data, allow_nan=False, ensure_ascii=False)
    written.encode()  # a lone surrogate fails here
    assert "\\u0000" not in written, "NUL in jsonb"
    assert json.loads(written) == dict(data), "it reads differently"
