"""What each stage of the door costs an event, measured one by one in this process on the bench's own messages.

CPU microseconds, the best of several passes. What a round of the door uses beside their sum is the event loop, sockets,
futures, asyncpg's encoding and acknowledgements.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench.bare import KnownGauges, deliveries
from bench.readings import FEEDS, Gauge
from ioc.domain.event import Message, canonical, hash16, identity
from ioc.domain.event_time import event_times
from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.packets import LEVEL_311
from ioc.ingest.pipeline.decoder import items
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.validation import FeedCheck
from ioc.packs.loader import load_pack
from ioc.store.log.copy_rows import rows
from ioc.store.log.outcomes import NewEvents
from mqtt_client.packets import publish

EVENTS = 10_000
PASSES = 5
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Stages:
    """CPU microseconds an event. ``prepare`` is everything from body to message and holds those before it."""

    framing: float
    decode: float
    canonical_and_content_hash: float
    validate: float
    identity: float
    prepare: float
    prepare_fully: float
    """The same without the fast path."""
    rows: float


def stages() -> Stages:
    """Measure every stage."""
    now = datetime.now(UTC)
    gauges = [Gauge(f"stage-{number}", FEEDS[number % len(FEEDS)]) for number in range(50)]
    given = deliveries(gauges, EVENTS, tag="stage", now=now)
    pack = load_pack("hoabinh", shapes=False)
    checks = {name: FeedCheck(feed) for name, feed in pack.feeds.items()}
    preparer = Preparer(feeds=pack.feeds, registry=KnownGauges(gauges, now), events_max=1_000)
    wire = b"".join(
        publish(delivery.topic or "", number % 65_535 + 1, delivery.body) for number, delivery in enumerate(given)
    )
    read = [items(delivery.body, newline_delimited=False, events_max=1)[0] for delivery in given]
    made = [item for delivery in given for item in preparer.prepare(delivery) if isinstance(item, Message)]
    zeros = [0] * len(made)
    return Stages(
        framing=_best(lambda: _frame(wire)),
        decode=_best(lambda: [items(d.body, newline_delimited=False, events_max=1) for d in given]),
        canonical_and_content_hash=_best(lambda: [hash16(canonical(item)) for item in read]),
        validate=_best(lambda: [checks[message.feed].check(message.data) for message in made]),
        identity=_best(lambda: [identity(m.source, m.id, m.time, m.content) for m in made]),
        prepare=_best(lambda: [preparer.prepare(delivery) for delivery in given]),
        prepare_fully=_best(lambda: [preparer.prepare_fully(d, pack.feeds[d.feed]) for d in given]),
        rows=_best(lambda: rows(NewEvents(made, range(len(made)), zeros, *event_times(made, now)), now)),
    )


def _best(work: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(PASSES):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return round(best / EVENTS * 1e6, 2)


def _frame(wire: bytes) -> int:
    decoder, count = Decoder(1 << 20, protocol_level=LEVEL_311), 0
    for begin in range(0, len(wire), CHUNK_BYTES):
        decoder.feed(wire[begin : begin + CHUNK_BYTES])
        count += sum(1 for _ in decoder)
    return count
