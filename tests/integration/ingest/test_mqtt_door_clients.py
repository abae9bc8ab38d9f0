"""The door serves clients that we did not write: paho in both versions, mosquitto_pub and mosquitto_sub."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from dataclasses import replace
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from tests.integration.ingest.mqtt_house import TOPIC, HeldSink, House, house_of

WAIT_SECONDS = 10.0
LEVELS = pytest.mark.parametrize("level", [4, 5])
mosquitto = pytest.mark.skipif(
    not (shutil.which("mosquitto_pub") and shutil.which("mosquitto_sub")), reason="mosquitto-clients is not installed"
)


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


class Paho:
    """A paho client in its own thread, with what it was told."""

    def __init__(self, house: House, level: int, *, key: str | None = None) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gauge", protocol=MQTTProtocolVersion(level))
        self.client.username_pw_set("rain-1", key or house.key)
        self.connected, self.gone, self.arrived = threading.Event(), threading.Event(), threading.Event()
        self.connect_reason: Any = None
        self.gone_reason: Any = None
        self.acknowledged: list[tuple[int, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_publish = lambda _c, _u, mid, reason, _p: self.acknowledged.append((mid, reason))
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", house.port, keepalive=30)
        self.client.loop_start()

    def _on_connect(self, _client, _userdata, _flags, reason, _properties):
        self.connect_reason = reason
        self.connected.set()

    def _on_disconnect(self, _client, _userdata, _flags, reason, _properties):
        self.gone_reason = reason
        self.gone.set()

    def _on_message(self, _client, _userdata, message):
        self.received.append(json.loads(message.payload))
        self.arrived.set()

    def publish(self, number: int, *, qos: int = 1, **members: Any) -> paho.MQTTMessageInfo:
        body = {"id": str(number), "time": "2026-11-23T12:00:00Z", "rain_mm": 1.5, **members}
        return self.client.publish(TOPIC, json.dumps(body), qos=qos)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


async def happens(event: threading.Event) -> bool:
    return await asyncio.to_thread(event.wait, WAIT_SECONDS)


async def open_paho(house: House, level: int, **others: Any) -> Paho:
    client = await asyncio.to_thread(Paho, house, level, **others)
    assert await happens(client.connected)
    return client


@LEVELS
@pytest.mark.parametrize("qos", [1, 2])
async def test_paho_publishes_and_each_acknowledged_event_is_in_postgresql(database, level, qos):
    async with house_of(EventLog(database)) as house:
        client = await open_paho(house, level)
        infos = [client.publish(number, qos=qos) for number in range(200)]
        for info in infos:
            await asyncio.to_thread(info.wait_for_publish, WAIT_SECONDS)
            assert info.is_published()
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM event") == 200
        await asyncio.to_thread(client.close)


async def test_paho_reads_reasons_and_receipts():
    async with house_of(HeldSink()) as house:
        client = await open_paho(house, 5)
        client.client.subscribe("ioc/v1/receipts/rain-1", qos=1)
        info = client.client.publish(TOPIC, b"{", qos=1)
        await asyncio.to_thread(info.wait_for_publish, WAIT_SECONDS)
        assert await happens(client.arrived)
        told = [{name: one[name] for name in ("id", "status", "reason")} for one in client.received]
        assert told == [{"id": None, "status": "refused", "reason": "not_json"}]
        [(mid, reason)] = client.acknowledged
        assert (mid, reason.value) == (info.mid, 0x99)
        await asyncio.to_thread(client.close)


@LEVELS
async def test_paho_with_a_bad_key_is_told_so(level):
    async with house_of(HeldSink()) as house:
        client = await open_paho(house, level, key="ioc_device_no")
        assert client.connect_reason == "Bad user name or password"
        await asyncio.to_thread(client.close)


async def test_paho_is_taken_over_by_its_own_second_connection():
    async with house_of(HeldSink()) as house:
        first = await open_paho(house, 5)
        second = await open_paho(house, 5)
        assert await happens(first.gone)
        assert first.gone_reason == "Session taken over"
        first.client.loop_stop()  # before it takes the connection back
        await asyncio.to_thread(second.close)


@LEVELS
async def test_paho_resends_after_the_door_is_gone_and_nothing_is_lost(database, level):
    """The door goes away with commits in flight; the next one on the same port gets every event, once."""
    log, total = EventLog(database), 300
    sink = HeldSink(held=True)
    async with house_of(sink) as house:
        client = await open_paho(house, level)
        client.client.reconnect_delay_set(1, 1)
        infos = [client.publish(number) for number in range(total)]
        await asyncio.sleep(0.2)
        await house.door.stop(0.1)
        assert await happens(client.gone)
        assert not client.acknowledged
        store = house.store
    async with house_of(log, bounds=MQTTBounds(inflight_max=50)) as later:
        later.store.current = replace(store.current, version=99)
        await later.registry.refresh()
        client.client._port = later.port
        for info in infos:
            await asyncio.to_thread(info.wait_for_publish, WAIT_SECONDS)
            assert info.is_published(), client.gone_reason
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(DISTINCT id) FROM event") == total
            assert await connection.fetchval("SELECT count(*) FROM event") == total
        await asyncio.to_thread(client.close)


async def _run(*command: str, stdin: bytes = b"") -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(stdin), WAIT_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, output.decode()


def _login(house: House, level: int, key: str | None = None) -> list[str]:
    version = {4: "311", 5: "5"}[level]
    return ["-h", "127.0.0.1", "-p", str(house.port), "-u", "rain-1", "-P", key or house.key, "-V", version]


@mosquitto
@LEVELS
@pytest.mark.parametrize("qos", ["0", "1", "2"])
async def test_mosquitto_pub_stores_every_line(level, qos):
    sink = HeldSink()
    async with house_of(sink) as house:
        lines = "\n".join(json.dumps({"id": str(number), "rain_mm": number}) for number in range(1, 31))
        code, output = await _run(
            "mosquitto_pub", *_login(house, level), "-t", TOPIC, "-q", qos, "-l", stdin=lines.encode()
        )
        assert (code, output) == (0, "")
        await asyncio.sleep(0.1)
        assert [message.id for message in sink.messages] == [str(number) for number in range(1, 31)]


@mosquitto
@LEVELS
async def test_mosquitto_pub_with_a_bad_key_fails(level):
    async with house_of(HeldSink()) as house:
        code, output = await _run("mosquitto_pub", *_login(house, level, "wrong"), "-t", TOPIC, "-q", "1", "-m", "{}")
        assert code != 0
        assert "user name or password" in output.lower() or "not authori" in output.lower()


@mosquitto
@LEVELS
async def test_mosquitto_sub_gets_no_events_of_others(level):
    async with house_of(HeldSink()) as house:
        code, output = await _run("mosquitto_sub", *_login(house, level), "-t", "ioc/v1/rainfall/#", "-W", "2")
        assert code != 0 or "denied" in output.lower()


@pytest.mark.skipif(not shutil.which("mosquitto_rr"), reason="mosquitto-clients is not installed")
@LEVELS
async def test_mosquitto_rr_publishes_an_event_and_reads_its_receipt(level):
    async with house_of(HeldSink()) as house:
        receipts = ["-e", "ioc/v1/receipts/rain-1", "-q", "1", "-W", "5"]
        code, output = await _run(
            "mosquitto_rr", *_login(house, level), "-t", TOPIC, *receipts, "-m", '{"id":"1","rain_mm":1}'
        )
        assert (code, output) == (0, '{"id":"1","status":"stored","reason":null}\n')
