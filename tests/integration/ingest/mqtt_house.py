"""A whole MQTT door for tests: registry in memory, any sink, and a raw client that speaks through our own codec."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from prometheus_client import CollectorRegistry

from ioc.domain.batch import BatchToken
from ioc.domain.device import Device
from ioc.domain.event import DeadLetter, Message, Outcome, Receipt
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.domain.people.account import KeyKind, KeyRecord, key_hash, new_key
from ioc.domain.registry import RegistrySnapshot
from ioc.errors import StoreUnavailableError
from ioc.ingest.adapters.registry import reader_of
from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import Connack, Connect, Oversize, Packet, Properties, Publish, Sender
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.server import MQTTDoor
from ioc.ingest.mqtt.sessions.ports import MQTTStores
from ioc.ingest.pipeline.batcher import Bounds, Pipeline
from ioc.ingest.pipeline.delivery import EventSink
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock
from ioc.runtime.metrics import Metrics
from ioc.runtime.waiter import Waiter
from tests.mqtt_memory import MemoryMQTT

ANSWER_SECONDS = 5.0
QUIET_SECONDS = 0.15
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FEEDS = {
    "rainfall": FeedSpec(
        id="rainfall",
        label=Label("Mưa", "Rain"),
        domain="disaster",
        fields={"rain_mm": FieldSpec("rain_mm", Label("Mưa", "Rain"), unit="mm", possible_min=0, possible_max=500)},
    )
}
TOPIC = "ioc/v1/rainfall/rain-1"


def device(device_id: str, **others: Any) -> Device:
    """One registered rain gauge."""
    return replace(Device(device_id, "rainfall", Label(device_id, device_id), LONG_AGO), **others)


class MemoryRegistryStore:
    """A registry that tests change at will; ``reads`` counts how often the doors asked."""

    def __init__(self) -> None:
        self.current = RegistrySnapshot(version=1, devices={}, keys={}, areas=())
        self.reads = 0
        self.available = True

    async def version(self) -> int:
        self.reads += 1
        if not self.available:
            raise StoreUnavailableError("the database does not answer")
        return self.current.version

    async def snapshot(self, now: datetime) -> RegistrySnapshot:
        del now
        return self.current

    def change(self, *, devices: Sequence[Device] = (), without_key: str | None = None, **key: Any) -> str:
        """Add devices; make a key (``device=..``, ``kind=..``) and return it; or revoke one."""
        keys = dict(self.current.keys)
        secret = ""
        if without_key is not None:
            del keys[key_hash(without_key)]
        if key:
            kind = key.pop("kind", KeyKind.DEVICE)
            secret = new_key(kind)
            keys[key_hash(secret)] = KeyRecord(f"key_{len(keys)}", kind, key_hash(secret), **key)
        known = {**self.current.devices, **{one.id: one for one in devices}}
        self.current = RegistrySnapshot(version=self.current.version + 1, devices=known, keys=keys, areas=())
        return secret


class Bell:
    """Wakes the door's session worker when the test rings; without it the worker looks once a second."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout_seconds: float) -> bool:
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class HeldSink:
    """A log in memory whose commits wait until the test lets them through."""

    def __init__(self, *, held: bool = False) -> None:
        self.items: list[Message | DeadLetter] = []
        self.calls = 0
        self.open = asyncio.Event()
        if not held:
            self.open.set()

    async def append(
        self, batch: Sequence[Message | DeadLetter], now: datetime, *, token: BatchToken | None = None
    ) -> list[Receipt]:
        del now, token
        self.calls += 1
        await self.open.wait()
        self.items.extend(batch)
        return [
            Receipt(Outcome.STORED, item.key, 1)
            if isinstance(item, Message)
            else Receipt(Outcome.REFUSED, reason=item.reason, detail=item.detail)
            for item in batch
        ]

    @property
    def letters(self) -> list[DeadLetter]:
        return [item for item in self.items if isinstance(item, DeadLetter)]

    @property
    def messages(self) -> list[Message]:
        return [item for item in self.items if isinstance(item, Message)]


@dataclass
class House:
    """A running door with everything behind it."""

    door: MQTTDoor
    pipeline: Pipeline
    store: MemoryRegistryStore
    registry: CachedRegistry
    metrics: Metrics
    port: int
    key: str
    memory: MemoryMQTT
    bell: Bell
    peers: list[Peer] = field(default_factory=list)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def peer(self) -> Peer:
        """Open a raw connection."""
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        return peer

    async def device(self, level: int = 4, *, key: str | None = None, name: str = "rain-1", **connect: Any) -> Peer:
        """Open a raw connection of a device and have it accepted."""
        peer = await self.peer()
        answer = await peer.connect(level, key or self.key, name=name, **connect)
        assert answer.reason_code == 0, answer
        return peer


@contextlib.asynccontextmanager
async def house_of(
    sink: EventSink,
    *,
    bounds: MQTTBounds | None = None,
    queue_rows_max: int = 20_000,
    batch_rows: int = 1_000,
    batch_seconds: float = 0.002,
    registry: CachedRegistry | None = None,
    stores: MQTTStores | None = None,
    waiter: Waiter | None = None,
) -> AsyncIterator[House]:
    """Run a door over ``sink`` with one device, `rain-1`, whose key is in the house (or over another registry)."""
    metrics, store, io_clock, log_clock = (
        Metrics(CollectorRegistry()), MemoryRegistryStore(), MonotonicIOClock(), AnchoredLogClock(),
    )  # fmt: skip
    memory, bell = MemoryMQTT(), Bell()
    key = store.change(devices=[device("rain-1"), device("rain-2")], device="rain-1")
    registry = registry or CachedRegistry(store, log_clock)
    await registry.refresh()
    pipeline = Pipeline(
        preparer=Preparer(feeds=FEEDS, registry=registry, events_max=1_000, reader_of=reader_of), sink=sink,
        log_clock=log_clock, io_clock=io_clock, metrics=metrics,
        bounds=Bounds(
            batch_rows=batch_rows, batch_seconds=batch_seconds, queue_rows_max=queue_rows_max, queue_bytes_max=64 << 20
        ),
    )  # fmt: skip
    door = MQTTDoor(
        pipeline=pipeline, registry=registry, bounds=bounds or MQTTBounds(sweep_seconds=0.05, linger_seconds=0.5),
        log_clock=log_clock, io_clock=io_clock, metrics=metrics, waiter=waiter or bell,
        stores=stores or MQTTStores(memory, memory, memory, memory, memory, memory),
    )  # fmt: skip
    running = asyncio.create_task(pipeline.run())
    house = House(door, pipeline, store, registry, metrics, await door.start("127.0.0.1", 0), key, memory, bell)
    try:
        yield house
    finally:
        for peer in house.peers:
            peer.writer.close()
        await door.stop(0.2)
        await pipeline.stop(0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Peer:
    """A client made of a socket and our codec: it can do everything wrong that a test needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.level = 4
        self._decoder = Decoder(1 << 20, sender=Sender.SERVER, protocol_level=4)
        self._packets: list[Packet | Oversize] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def connect(self, level: int, key: str | None, *, name: str | None = "rain-1", **others: Any) -> Connack:
        """Send a CONNECT and return its answer."""
        self.level = level
        self._decoder = Decoder(1 << 20, sender=Sender.SERVER, protocol_level=level)
        wish = Connect(
            protocol_level=level, client_id=others.pop("client_id", "x"), username=name,
            password=key.encode() if key is not None else None, **others,
        )  # fmt: skip
        answer = await self.ask(wish)
        assert isinstance(answer, Connack), answer
        return answer

    def send(self, *packets: Packet) -> None:
        """Write packets, all in one chunk."""
        self.writer.write(b"".join(encode(packet, self.level) for packet in packets))

    async def ask(self, packet: Packet) -> Any:
        """Send a packet and return the next that comes."""
        self.send(packet)
        return await self.next()

    async def next(self, seconds: float = ANSWER_SECONDS) -> Any:
        """Return the next packet; ConnectionError when the door hangs up, TimeoutError when nothing comes."""
        async with asyncio.timeout(seconds):
            while not self._packets:
                chunk = await self.reader.read(65_536)
                if not chunk:
                    raise ConnectionError("the door hung up")
                self._decoder.feed(chunk)
                self._packets.extend(self._decoder)
        return self._packets.pop(0)

    async def take(self, count: int) -> list[Any]:
        """Return the next ``count`` packets."""
        return [await self.next() for _ in range(count)]

    async def silent(self, seconds: float = QUIET_SECONDS) -> bool:
        """Tell whether nothing comes for a while."""
        try:
            packet = await self.next(seconds)
        except TimeoutError:
            return True
        self._packets.insert(0, packet)
        return False

    async def hung_up(self, seconds: float = ANSWER_SECONDS) -> bool:
        """Tell whether the door hangs up, whatever it says before."""
        try:
            while True:
                await self.next(seconds)
        except TimeoutError:
            return False
        except OSError:
            return True


def publish(
    number: int = 1, *, topic: str = TOPIC, qos: int = 1, packet_id: int | None = None, **others: Any
) -> Publish:
    """One reading with id ``number``; ``body`` replaces it."""
    body = others.pop("body", None)
    if body is None:
        body = json.dumps({"id": str(number), "time": "2026-11-23T12:00:00Z", "rain_mm": 1.5}).encode()
    where = (packet_id or number) if qos else 0
    return Publish(topic=topic, payload=body, qos=qos, packet_id=where, **others)


NO_PROBLEM_INFORMATION = Properties(request_problem_information=False)
