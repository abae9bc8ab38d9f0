"""A real mosquitto on a free port of this test's own, and a bridge to it with the door's pipeline behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from prometheus_client import CollectorRegistry

from ioc.ingest.bridge.inbox import Inbox
from ioc.ingest.bridge.link import BrokerLink, LinkState
from ioc.ingest.bridge.plan import EVERY_DEVICE, BridgePlan, BrokerAddress
from ioc.ingest.bridge.uplink import BridgeUplink
from ioc.ingest.pipeline.batcher import Bounds, Pipeline
from ioc.ingest.pipeline.delivery import EventSink
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock
from ioc.runtime.metrics import Metrics
from tests.databases import free_port
from tests.integration.ingest.mqtt_house import FEEDS, TOPIC, MemoryRegistryStore, device

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
WAIT_SECONDS = 10.0


class Mosquitto:
    """One mosquitto. ``lines`` are further lines of its configuration."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None, listener: str | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        text = [listener or f"listener {self.port} 127.0.0.1\nallow_anonymous true", "persistence true",
                f"persistence_location {folder}/", "sys_interval 1", *lines]  # fmt: skip
        if os.geteuid() == 0:
            text.append("user root")  # else it cannot write into the test's folder
        (folder / "mosquitto.conf").write_text("\n".join(text) + "\n", encoding="utf-8")

    def start(self) -> None:
        assert PROGRAM is not None, "mosquitto is not installed: sh scripts/test-deps.sh"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-c", str(self.folder / "mosquitto.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "mosquitto does not listen"
            time.sleep(0.01)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; SIGTERM saves its sessions, SIGKILL does not."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(number)
            self._process.wait(WAIT_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Stop it in its tracks: its sockets stay open and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """Lose every session, as a broker without persistence does."""
        (self.folder / "mosquitto.db").unlink(missing_ok=True)


@contextlib.contextmanager
def mosquitto(*lines: str, port: int | None = None, listener: str | None = None) -> Iterator[Mosquitto]:
    """Run a broker in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-broker-"))
    broker = Mosquitto(folder, *lines, port=port, listener=listener)
    try:
        broker.start()
        yield broker
    finally:
        broker.end(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Bridge:
    """A running bridge with everything behind it."""

    link: BrokerLink
    uplink: BridgeUplink
    inbox: Inbox
    pipeline: Pipeline
    metrics: Metrics
    states: list[LinkState]
    running: asyncio.Task[None]

    @property
    def connected(self) -> bool:
        return bool(self.states) and self.states[-1].connected

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def wait_connected(self) -> None:
        await until(lambda: self.connected, "connected")


def plan_of(broker: Mosquitto, **others: Any) -> BridgePlan:
    """Return a plan for a bridge to a broker of this test."""
    plan = BridgePlan(
        address=BrokerAddress("127.0.0.1", broker.port, tls=False), client_id="bridge-1", filters=[EVERY_DEVICE]
    )
    return replace(plan, **others)


@contextlib.asynccontextmanager
async def bridge_to(
    plan: BridgePlan, sink: EventSink, *, batch_rows: int = 1_000, queue_rows_max: int = 20_000, receipts: bool = False,
    inbox_max: int = 4_000, devices: tuple[str, ...] = ("rain-1", "rain-2"), connect: bool = True,
    link_of: Callable[..., BrokerLink] = BrokerLink, body_bytes_max: int = 256 << 10,
) -> AsyncIterator[Bridge]:  # fmt: skip
    """Run a bridge over ``sink`` with registered rain gauges."""
    metrics, store, io_clock, log_clock = (
        Metrics(CollectorRegistry()), MemoryRegistryStore(), MonotonicIOClock(), AnchoredLogClock(),
    )  # fmt: skip
    store.change(devices=[device(name) for name in devices])
    registry = CachedRegistry(store, log_clock)
    await registry.refresh()
    pipeline = Pipeline(
        preparer=Preparer(feeds=FEEDS, registry=registry, events_max=1_000), sink=sink, log_clock=log_clock,
        io_clock=io_clock, metrics=metrics,
        bounds=Bounds(
            batch_rows=batch_rows, batch_seconds=0.002, queue_rows_max=queue_rows_max, queue_bytes_max=64 << 20
        ),
    )  # fmt: skip
    states: list[LinkState] = []
    inbox = Inbox(messages_max=inbox_max, bytes_max=64 << 20)
    link = link_of(plan=plan, inbox=inbox, io_clock=io_clock, metrics=metrics, on_change=states.append)
    uplink = BridgeUplink(
        inbox=inbox, link=link, intake=pipeline, log_clock=log_clock, metrics=metrics, body_bytes_max=body_bytes_max,
        inflight_max=plan.inflight_max, receipts=receipts,
    )  # fmt: skip
    committing = asyncio.create_task(pipeline.run())
    running = asyncio.create_task(uplink.run())
    bridge = Bridge(link, uplink, inbox, pipeline, metrics, states, running)
    link.start()
    try:
        if connect:
            await bridge.wait_connected()
        yield bridge
    finally:
        await uplink.stop(0.2)
        await asyncio.to_thread(link.stop)
        await pipeline.stop(0.1)
        for task in (running, committing):
            task.cancel()
        await asyncio.gather(running, committing, return_exceptions=True)


async def until(ask: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)


class Devices:
    """A client that publishes, as any device behind the broker does, and waits for the broker's PUBACK."""

    def __init__(self, broker: Mosquitto, level: int = 4, name: str = "devices") -> None:
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion(level),
            clean_session=True if level == 4 else None,
        )  # fmt: skip
        self.client.max_inflight_messages_set(1_000)
        self.received: list[Any] = []
        self.client.on_message = lambda _c, _u, message: self.received.append(message)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def publish(self, *numbers: int, topic: str = TOPIC, qos: int = 1, retain: bool = False, **others: Any) -> None:
        """Publish readings with these ids (``body`` replaces them) and wait until the broker has them."""
        waiting = [
            self.client.publish(topic, body if (body := others.get("body")) is not None else reading(number),
                                qos=qos, retain=retain, properties=others.get("properties"))
            for number in numbers
        ]  # fmt: skip
        for info in waiting:
            info.wait_for_publish(WAIT_SECONDS)
            assert info.is_published()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextlib.contextmanager
def devices_of(broker: Mosquitto, level: int = 4, name: str = "devices") -> Iterator[Devices]:
    """Lend a publishing client."""
    devices = Devices(broker, level, name)
    try:
        yield devices
    finally:
        devices.close()


def reading(number: int) -> bytes:
    """One reading with this id."""
    return json.dumps({"id": str(number), "time": "2026-11-23T12:00:00Z", "rain_mm": 1.5}).encode()


def version() -> str:
    """Return the version that mosquitto says it has."""
    return subprocess.run([str(PROGRAM), "-h"], capture_output=True, check=False, text=True).stdout.split("\n", 1)[0]


def password_file(path: Path, user: str, password: str) -> Path:
    """Write mosquitto's own form of a password."""
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(path), user, password], check=True)
    return path


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate of 127.0.0.1 that signs itself."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), "-days",
         "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


def publish_over_tls(port: int, cert: Path, body: bytes) -> None:
    """Publish with another program than ours."""
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "--cafile", str(cert), "-q", "1", "-t", TOPIC, "-s"],
        input=body, check=True,
    )  # fmt: skip
