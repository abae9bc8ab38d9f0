"""A series once made stays for the life of its process: nothing that somebody sends makes one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ioc.api.http.headers import SecurityHeaders
from ioc.domain.event import DeadLetter, Outcome
from ioc.ingest.pipeline.batcher import Bounds, Pipeline
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock
from ioc.runtime.metrics import METHODS, OTHER, SERIES_MAX, Metrics
from tests.integration.ingest.mqtt_house import FEEDS, HeldSink, MemoryRegistryStore, device

HOSTILE = st.one_of(st.text(max_size=40), st.sampled_from(["", "GET ", "get", "\u202e", "rainfall\n", "A" * 10_000]))
APP = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


@APP.get("/devices/{device}")
async def one_device(device: str) -> dict[str, str]:
    return {"device": device}


def labels_of(registry: CollectorRegistry) -> Iterator[tuple[str, str, str]]:
    """Every (metric, label, value), the buckets of histograms left out."""
    for family in registry.collect():
        for sample in family.samples:
            yield from ((family.name, name, value) for name, value in sample.labels.items() if name != "le")


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_no_method_and_no_path_makes_a_series(requests: list[tuple[str, str]]):
    metrics = Metrics(CollectorRegistry())
    app = SecurityHeaders(APP, metrics=metrics)

    async def ask(method: str, path: str) -> None:
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": b"/", "scheme": "http", "headers": [],
            "query_string": b"", "root_path": "", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
            "http_version": "1.1", "asgi": {"version": "3.0"},
        }  # fmt: skip

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            del message

        await app(scope, receive, send)

    async def ask_all() -> None:
        for method, path in [*requests, *((method, "/devices/x") for method, _ in requests)]:
            await ask(method, path)

    asyncio.run(ask_all())
    found = {(label, value) for name, label, value in labels_of(metrics.registry) if name == "ioc_http_requests"}
    assert {value for label, value in found if label == "method"} <= METHODS | {OTHER}
    assert {value for label, value in found if label == "route"} <= {"/devices/{device}", "other"}
    assert {value for label, value in found if label == "status"} <= {"200", "404", "405"}


@given(st.lists(st.tuples(HOSTILE, HOSTILE, st.binary(max_size=60)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_no_feed_device_topic_or_body_makes_a_series(sent: list[tuple[str, str, bytes]]):
    metrics, clock = Metrics(CollectorRegistry()), AnchoredLogClock()

    async def send_all() -> None:
        store = MemoryRegistryStore()
        store.change(devices=[device("rain-1")])
        registry = CachedRegistry(store, clock)
        await registry.refresh()
        pipeline = Pipeline(
            preparer=Preparer(feeds=FEEDS, registry=registry, events_max=100), sink=HeldSink(), log_clock=clock,
            io_clock=MonotonicIOClock(), metrics=metrics,
            bounds=Bounds(batch_rows=100, batch_seconds=0.0, queue_rows_max=10_000, queue_bytes_max=1 << 30),
        )  # fmt: skip
        work = asyncio.create_task(pipeline.run())
        for feed, name, body in sent:
            for given_feed in (feed, "rainfall"):
                pipeline.submit(
                    Delivery(
                        feed=given_feed, device=name, body=body, received_at=clock.now(), door="mqtt", nonce=b"n",
                        topic=feed, content_type=name,
                    )
                )  # fmt: skip
            pipeline.submit_letter(
                DeadLetter(
                    door="http", feed=feed, device=name, reason="too_large", detail=name, raw=body,
                    received_at=clock.now(), topic=feed, content_type=name,
                )
            )  # fmt: skip
        await pipeline.stop(5.0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(send_all())
    found = set(labels_of(metrics.registry))
    assert {value for _, label, value in found if label == "feed"} <= {*FEEDS, "unknown"}
    assert {value for _, label, value in found if label == "door"} <= {"mqtt", "http"}
    assert {value for _, label, value in found if label == "outcome"} <= {*map(str, Outcome)}
    assert all(value.isidentifier() for _, label, value in found if label == "reason")


def test_a_metric_has_a_bound_on_its_series_and_what_is_beyond_is_counted_all_the_same():
    metrics = Metrics(CollectorRegistry())
    for number in range(SERIES_MAX + 500):
        metrics.rules_evaluated.labels(f"rule-{number}").inc()
    metrics.rules_evaluated.labels("rule-1").inc()
    samples = {
        sample.labels["rule"]: sample.value
        for sample in next(iter(metrics.rules_evaluated.collect())).samples
        if sample.name.endswith("_total")
    }
    assert len(samples) == SERIES_MAX + 1
    assert (samples[OTHER], samples["rule-1"]) == (500, 2)
