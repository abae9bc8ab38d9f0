"""The HTTP door over a real pipeline, with the log in memory: which format a route and a feed take."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from ioc.domain.device import Device
from ioc.domain.event import DeadLetter, Message
from ioc.domain.people.account import KeyKind
from ioc.errors import UnreadableBodyError
from ioc.ingest.adapters.registry import reader_of
from ioc.ingest.http.routes import HTTPBounds, HTTPDoor
from ioc.ingest.pipeline.batcher import Bounds, Pipeline
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock
from ioc.runtime.metrics import Metrics
from ioc.runtime.request_quota import Headers
from tests.integration.ingest.mqtt_house import HeldSink, MemoryRegistryStore
from tests.unit.ingest.pipeline.test_preparation import LABEL, LONG_AGO, feed

SINGLE = "application/cloudevents+json"
EVENT = {"specversion": "1.0", "type": "measured", "source": "c1", "id": "7", "data": {"v": 3}}
FEEDS = {"rain": feed("rain"), "cloud": feed("cloud", adapter="cloudevents")}


class NoQuota:
    """Everybody may ask."""

    async def take(self, name: str) -> Headers:
        del name
        return ()


class Bench:
    """A door, a client with a device's key, and what the log got."""

    def __init__(self, client: httpx2.AsyncClient, sink: HeldSink) -> None:
        self.client, self.sink = client, sink

    async def post(self, path: str, body: Any, kind: str, **params: str) -> httpx2.Response:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.client.post(path, content=content, headers={"content-type": kind}, params=params)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    metrics, store, clock = Metrics(CollectorRegistry()), MemoryRegistryStore(), AnchoredLogClock()
    devices = [Device("c1", "cloud", LABEL, LONG_AGO), Device("r1", "rain", LABEL, LONG_AGO)]
    key = store.change(devices=devices, kind=KeyKind.FEED)
    registry, sink = CachedRegistry(store, clock), HeldSink()
    await registry.refresh()
    pipeline = Pipeline(
        preparer=Preparer(feeds=FEEDS, registry=registry, events_max=10, reader_of=reader_of), sink=sink,
        log_clock=clock, io_clock=MonotonicIOClock(), metrics=metrics,
        bounds=Bounds(batch_rows=100, batch_seconds=0.001, queue_rows_max=100, queue_bytes_max=1 << 20),
    )  # fmt: skip
    door = HTTPDoor(
        pipeline=pipeline, registry=registry, feeds=FEEDS, log_clock=clock, metrics=metrics, quota=NoQuota(),
        bounds=HTTPBounds(events_max=10, body_bytes_max=10_000, gathered_bytes_max=1 << 20, answer_seconds_max=5.0),
    )  # fmt: skip
    app = FastAPI()
    app.include_router(door.router())
    running = asyncio.create_task(pipeline.run())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://door", headers={"authorization": f"Bearer {key}"}
    ) as client:
        yield Bench(client, sink)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_feed_with_an_adapter_takes_its_format_at_its_own_route(bench: Bench):
    """And no other; its device is what the route says, or the body where that leaves it open."""
    for number, params in enumerate(({}, {"device": "c1"})):
        event = EVENT | {"id": str(number)}
        answer = await bench.post("/feeds/cloud/events", event, SINGLE, **params)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert [(item.feed, item.device, item.id) for item in bench.sink.items if isinstance(item, Message)] == [
        ("cloud", "c1", "0"), ("cloud", "c1", "1"),
    ]  # fmt: skip
    other = await bench.post("/feeds/cloud/events", EVENT, SINGLE, device="c2")
    assert [one["reason"] for one in other.json()["rejected"]] == ["wrong_device"]


async def test_an_adapters_route_finds_the_feed_of_a_registered_device(bench: Bench):
    """Where neither body nor key names one. One delivery holds all: each answered in its place."""
    batch = [EVENT | {"source": "r1"}, EVENT | {"specversion": "0.3"}, EVENT, EVENT | {"source": "nobody"}]
    answer = await bench.post("/adapters/cloudevents", batch, "application/cloudevents-batch+json")
    assert answer.status_code == 202
    assert [(one["index"], one["reason"]) for one in answer.json()["rejected"]] == [
        (1, "not_a_cloudevent"), (3, "unknown_feed"),
    ]  # fmt: skip
    assert [item.feed for item in bench.sink.items if isinstance(item, Message)] == ["rain", "cloud"]
    assert [item.raw for item in bench.sink.items if isinstance(item, DeadLetter)][1] == b'{"id":"7","v":3}'


async def test_lines_are_refused_each_with_its_own_bytes(bench: Bench):
    body = b'{"id":"1","v":1}\n{"v":\n{"id":"2","v":2}'
    answer = await bench.post("/feeds/rain/events", body, "application/x-ndjson", device="r1")
    assert (answer.json()["accepted"], [one["index"] for one in answer.json()["rejected"]]) == (2, [1])
    assert [item.raw for item in bench.sink.items if isinstance(item, DeadLetter)] == [b'{"v":']


async def test_what_no_adapter_reads_is_kept_and_told(bench: Bench):
    with pytest.raises(UnreadableBodyError):
        await bench.post("/adapters/cloudevents", b"{}", SINGLE)
    assert [item.reason for item in bench.sink.items if isinstance(item, DeadLetter)] == ["not_a_cloudevent"]
