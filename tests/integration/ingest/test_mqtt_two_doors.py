"""Two MQTT doors over one PostgreSQL: any of them serves any device, and each learns what the other did."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ioc.domain.messaging.outbound import OutboundMessage, command_topic
from ioc.domain.people.account import KeyKind, key_hash, new_key
from ioc.errors import NotSubscribedError, OutboundFullError
from ioc.ingest.mqtt.sessions.ports import MQTTStores
from ioc.runtime.clock import AnchoredLogClock
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.postgres.wakeup import MQTT_CHANNEL, Wakeup
from ioc.store.sessions.connect_refusals import ConnectRefusalStore
from ioc.store.sessions.doors import MQTTDoorStore
from ioc.store.sessions.outbound import OutboundStore
from ioc.store.sessions.sessions import MQTTSessionStore
from ioc.store.sessions.wills import MQTTWillStore
from tests.integration.ingest.mqtt_house import Bell, House, house_of

WAIT_SECONDS = 10.0
GONE_SECONDS = 25.0
LEVELS = pytest.mark.parametrize("level", [4, 5])
DEVICE = """
INSERT INTO device (id, feed, name_vi, name_en, registered_at, updated_at)
VALUES ('rain-1', 'rainfall', 'Mưa', 'Rain', '2020-01-01', '2020-01-01')
"""
KEY = """
INSERT INTO api_key (id, kind, hash, name, device, created_at, created_by)
VALUES ('key_1', $1, $2, 'x', 'rain-1', '2020-01-01', 'test')
"""
WILL = json.dumps({"id": "will", "rain_mm": 0})


class Device:
    """A paho client of rain-1 that keeps its session, and what it was told."""

    def __init__(self, key: str, level: int = 5, *, manual: bool = False, will: bool = False) -> None:
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="gauge", protocol=MQTTProtocolVersion(level), manual_ack=manual,
            reconnect_on_failure=False, clean_session=None if level == 5 else False,
        )  # fmt: skip
        self.level = level
        self.client.username_pw_set("rain-1", key)
        if will:
            self.client.will_set("ioc/v1/rainfall/rain-1", WILL, qos=1)
        self.present: bool | None = None
        self.gone: Any = None
        self.received: list[paho.MQTTMessage] = []
        self._subscribed = threading.Event()
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = lambda _c, _u, message: self.received.append(message)
        self.client.on_subscribe = lambda *_: self._subscribed.set()

    def _on_connect(self, _client, _userdata, flags, _reason, _properties):
        self.present = flags.session_present

    def _on_disconnect(self, _client, _userdata, _flags, reason, _properties):
        self.gone = reason

    def connect(self, port: int, *, subscribe: bool = True) -> None:
        """Connect, and subscribe to everything of its own."""
        wish: dict[str, Any] = {}
        if self.level == 5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 600
            wish = {"clean_start": False, "properties": properties}
        self.client.connect("127.0.0.1", port, keepalive=30, **wish)
        self.client.loop_start()
        wait(lambda: self.present is not None)
        if subscribe:
            self.client.subscribe("#", qos=1)
            assert self._subscribed.wait(WAIT_SECONDS)

    def vanish(self) -> None:
        """Break the connection without a word."""
        self.client.loop_stop()
        if self.client._sock is not None:
            self.client._sock.close()


def wait(ask: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return found


async def comes(ask: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    return await asyncio.to_thread(wait, ask, seconds)


def told(text: str, *, qos: int = 1, suffix: str = "gate") -> OutboundMessage:
    later = AnchoredLogClock().now() + timedelta(hours=1)
    return OutboundMessage(device="rain-1", topic=command_topic("rain-1", suffix), payload=text.encode(), qos=qos,
                           expires_at=later, created_by="test")  # fmt: skip


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    async with database.connection() as connection:
        await connection.execute(DEVICE)
    yield database
    await database.close()


@contextlib.asynccontextmanager
async def two_doors(database: Database, *, notified: bool = True) -> AsyncIterator[tuple[House, House]]:
    """Run two doors with their own connections to one database, and one registry in memory."""
    sessions = MQTTSessionStore(database)
    stores = MQTTStores(
        sessions, sessions, OutboundStore(database, waiting_max=5), MQTTWillStore(database),
        MQTTDoorStore(database), ConnectRefusalStore(database),
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        houses: list[House] = []
        for _ in range(2):
            waiter = await stack.enter_async_context(Wakeup(database, MQTT_CHANNEL)) if notified else Bell()
            registry = houses[0].registry if houses else None
            house = house_of(EventLog(database), registry=registry, stores=stores, waiter=waiter)
            houses.append(await stack.enter_async_context(house))
        yield houses[0], houses[1]


@LEVELS
async def test_paho_goes_on_at_another_door_with_its_subscriptions_and_what_waited(database, level):
    outbound = OutboundStore(database, waiting_max=5)
    async with two_doors(database) as (one, other):
        first = Device(one.key, level)
        await asyncio.to_thread(first.connect, one.port)
        assert first.present is False
        await outbound.tell(told("while it is here"), AnchoredLogClock().now())
        await comes(lambda: [message.payload for message in first.received] == [b"while it is here"])
        await asyncio.to_thread(first.vanish)
        for number in range(3):
            await outbound.tell(told(f"while it is away {number}"), AnchoredLogClock().now())
        second = Device(one.key, level)
        await asyncio.to_thread(second.connect, other.port, subscribe=False)
        assert second.present is True
        await comes(lambda: len(second.received) >= 3)
        away = [message.payload for message in second.received if message.payload.startswith(b"while it is away")]
        assert away == [f"while it is away {number}".encode() for number in range(3)]
        await asyncio.to_thread(second.client.disconnect)
        await asyncio.to_thread(second.client.loop_stop)
        async with database.connection() as connection:
            async with asyncio.timeout(WAIT_SECONDS):
                while await connection.fetchval("SELECT count(*) FROM outbound WHERE outcome IS NULL"):
                    await asyncio.sleep(0.05)
            rows = await connection.fetch("SELECT outcome FROM outbound ORDER BY number")
            assert [row["outcome"] for row in rows] == ["acknowledged"] * 4


@pytest.mark.parametrize("notified", [True, False])
async def test_a_take_over_reaches_the_other_door_within_two_seconds_even_without_a_wake_up(database, notified):
    async with two_doors(database, notified=notified) as (one, other):
        first = Device(one.key)
        await asyncio.to_thread(first.connect, one.port)
        second = Device(one.key)
        await asyncio.to_thread(second.connect, other.port, subscribe=False)
        started = time.monotonic()
        await comes(lambda: first.gone is not None)
        assert time.monotonic() - started < 2
        assert first.gone == "Session taken over"
        assert second.gone is None
        await asyncio.to_thread(second.client.disconnect)
        for client in (first.client, second.client):
            await asyncio.to_thread(client.loop_stop)


async def test_a_message_that_nobody_asks_for_or_that_finds_no_room_is_refused_to_its_sender(database):
    outbound, now = OutboundStore(database, waiting_max=2), AnchoredLogClock().now()
    with pytest.raises(NotSubscribedError, match="rain-1 has no session that asks for ioc/v1/commands/rain-1/gate"):
        await outbound.tell(told("x"), now)
    async with two_doors(database) as (one, _):
        first = Device(one.key)
        await asyncio.to_thread(first.connect, one.port)
        await asyncio.to_thread(first.vanish)
        for _ in range(2):
            await outbound.tell(told("x"), now)
        with pytest.raises(OutboundFullError, match="2 messages wait for rain-1"):
            await outbound.tell(told("x"), now)


class DoorProcess:
    """`ioc door` as a process of its own on a database."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._dsn = dsn
        self._folder = folder
        self._process: asyncio.subprocess.Process
        self.port = 0

    async def start(self) -> None:
        """Start it and wait until it says its port."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IOC_")}
        environment |= {"IOC_DATABASE_URL": self._dsn, "IOC_MQTT_PORT": "0", "IOC_DATA_DIR": str(self._folder)}
        with (self._folder / "door.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ioc", "door", env=environment, stdout=log, stderr=log
            )
        ready = self._folder / "run" / "door.json"
        await comes(ready.exists, 60)
        self.port = json.loads(ready.read_text())["mqtt_port"]

    async def kill(self) -> None:
        """Kill it as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()


@pytest.mark.timeout(150)
async def test_after_kill_9_a_door_s_messages_come_again_and_who_stays_away_is_offline_with_its_will(
    database, database_dsn, tmp_path
):
    """The kill falls between the PUBLISH of a message to a device and its PUBACK."""
    secret, outbound = new_key(KeyKind.DEVICE), OutboundStore(database, waiting_max=5)
    outside = await asyncpg.connect(database_dsn)
    await outside.execute(KEY, str(KeyKind.DEVICE), key_hash(secret))
    doors = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        doors.append(DoorProcess(database_dsn, tmp_path / name))
    try:
        await asyncio.gather(*[door.start() for door in doors])
        first = Device(secret, manual=True, will=True)
        await asyncio.to_thread(first.connect, doors[0].port)
        await outbound.tell(told("open"), AnchoredLogClock().now())
        [message] = await comes(lambda: first.received)
        await doors[0].kill()
        await asyncio.to_thread(first.vanish)

        again = Device(secret, will=True)
        await asyncio.to_thread(again.connect, doors[1].port, subscribe=False)
        assert again.present is True
        [repeat] = await comes(lambda: again.received)
        assert (repeat.payload, repeat.dup, repeat.mid) == (b"open", True, message.mid)
        row = await _row(outside, "SELECT outcome FROM outbound WHERE outcome IS NOT NULL")
        assert row["outcome"] == "acknowledged"

        await doors[1].kill()
        await asyncio.to_thread(again.vanish)
        third = DoorProcess(database_dsn, tmp_path / "one")
        (tmp_path / "one" / "run" / "door.json").unlink()
        doors.append(third)
        await third.start()
        assert (await outside.fetchrow("SELECT door FROM mqtt_session"))["door"] is not None
        row = await _row(outside, "SELECT reason FROM mqtt_session WHERE door IS NULL", GONE_SECONDS)
        assert row["reason"] == "door_gone"
        await _row(outside, "SELECT id FROM event WHERE id = 'will'")
        changes = await outside.fetchval("SELECT count(*) FROM change WHERE kind = 'device' AND id = 'rain-1'")
        assert changes == 2, "online, and offline at the end: a door change in between is no news"
    finally:
        for door in doors:
            await door.kill()
        await outside.close()


async def _row(connection: asyncpg.Connection, question: str, seconds: float = WAIT_SECONDS) -> Any:
    async with asyncio.timeout(seconds):
        while (row := await connection.fetchrow(question)) is None:
            await asyncio.sleep(0.05)
    return row
