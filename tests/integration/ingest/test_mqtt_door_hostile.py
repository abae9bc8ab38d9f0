"""Clients that stall, flood, vanish or lie: each loses its own connection for the right reason, and nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import Any

import pytest

from ioc.domain.people.account import KeyKind, new_key
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import Connect, Disconnect, Pingreq, Pingresp, Puback
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.limits import FREE_FAILURES, MQTTLimits
from ioc.ingest.mqtt.listener import SOCKET_OPTIONS
from tests.integration.ingest.mqtt_house import HeldSink, House, Peer, house_of, publish

SWEEP: dict[str, Any] = {"sweep_seconds": 0.02, "linger_seconds": 0.2}


def bounds(*, limits: dict[str, Any] | None = None, **others: Any) -> MQTTBounds:
    return MQTTBounds(**SWEEP, limits=MQTTLimits(**(limits or {})), **others)


async def until(house: House, reason: str, count: int = 1) -> None:
    """Wait until so many connections were refused for a reason."""
    async with asyncio.timeout(10):
        while house.metric("ioc_mqtt_refused_total", reason=reason) < count:
            await asyncio.sleep(0.01)


async def drip(peer: Peer, data: bytes, *, pause_seconds: float) -> None:
    """Send one byte after another until the other side has gone."""
    with contextlib.suppress(OSError):
        for byte in data:
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(pause_seconds)


async def test_a_connect_that_drips_in_is_cut_at_its_deadline():
    async with house_of(HeldSink(), bounds=bounds(connect_seconds=0.4)) as house:
        honest = await house.device()
        slow = await house.peer()
        data = encode(Connect(protocol_level=5, client_id="x" * 60), 5)
        dripping = asyncio.create_task(drip(slow, data, pause_seconds=0.05))
        assert await honest.ask(publish(1)) == Puback(1)
        assert await slow.hung_up()
        await until(house, "connect_timeout")
        dripping.cancel()
        assert await honest.ask(publish(2)) == Puback(2)


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("begun", [b"\x32", b"\x32\x80", b"\x32\x20\x00\x16ioc/v1", b"\x32\xff\xff\xff\x7f\x00\x01t"])
async def test_a_packet_that_is_begun_and_not_finished_is_cut_at_its_deadline(level, begun):
    """One byte of a header, half a length, half a PUBLISH, the beginning of 256 MB: none waits for ever."""
    async with house_of(HeldSink(), bounds=bounds(limits={"packet_seconds": 0.3})) as house:
        peer = await house.device(level, keep_alive_s=0)
        peer.writer.write(begun)
        if level == 5:
            assert await peer.next() == Disconnect(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
        assert await peer.hung_up()
        await until(house, "packet_timeout")


async def test_a_dripped_header_does_not_outlive_the_deadline_by_its_dripping():
    async with house_of(HeldSink(), bounds=bounds(limits={"packet_seconds": 0.3})) as house:
        peer = await house.device(5)
        began = time.monotonic()
        dripping = asyncio.create_task(drip(peer, b"\x32" + b"\x10" + b"x" * 500, pause_seconds=0.05))
        assert await peer.hung_up()
        dripping.cancel()
        assert time.monotonic() - began < 5
        await until(house, "packet_timeout")


async def test_a_slow_line_that_keeps_its_kilobyte_a_second_is_served():
    """A modem takes longer than the deadline for a long body; it is no attacker."""
    limits = {"packet_seconds": 0.2, "packet_bytes_per_second_min": 10_000}
    async with house_of(HeldSink(), bounds=bounds(limits=limits)) as house:
        peer = await house.device(5)
        data = encode(publish(1, body=b'{"rain_mm": 1, "note": "' + b"x" * 30_000 + b'"}'), 5)
        began = time.monotonic()
        for at in range(0, len(data), 1_500):
            peer.writer.write(data[at : at + 1_500])
            await asyncio.sleep(0.05)
        assert (await peer.next()).packet_id == 1
        assert time.monotonic() - began > 0.8


async def test_a_flood_is_read_at_its_rate_and_loses_nothing_while_others_are_served():
    limits = {"messages_per_second": 200.0}
    async with house_of(sink := HeldSink(), bounds=bounds(limits=limits)) as house:
        flood = await house.device(5)
        honest = await house.device(4, key=house.store.change(device="rain-2"), name="rain-2")
        began = time.monotonic()
        flood.send(*[publish(number) for number in range(1, 701)])
        assert await honest.ask(publish(1, topic="ioc/v1/rainfall/rain-2")) == Puback(1)
        assert [answer.packet_id for answer in await flood.take(700)] == list(range(1, 701))
        assert time.monotonic() - began >= 1.4, "400 at once, then 200 a second"
        assert len(sink.messages) == 701
        assert house.metric("ioc_mqtt_slowed_total") >= 1
        assert await flood.ask(publish(701)) == Puback(701), "slowed, not sent away"


async def test_a_flood_of_pings_is_slowed_too():
    async with house_of(HeldSink(), bounds=bounds(limits={"messages_per_second": 100.0})) as house:
        peer = await house.device(4)
        began = time.monotonic()
        peer.send(*[Pingreq()] * 350)
        assert await peer.take(350) == [Pingresp()] * 350
        assert time.monotonic() - began >= 1.4


async def test_bytes_waiting_for_their_commit_are_bounded_for_each_connection():
    async with house_of(sink := HeldSink(held=True), bounds=bounds(limits={"inflight_bytes_max": 50_000})) as house:
        peer = await house.device(5)
        body = b'{"rain_mm": 1, "note": "' + b"x" * 10_000 + b'"}'
        peer.send(*[publish(number, body=body) for number in range(1, 21)])
        assert await peer.silent(0.3)
        [connection] = house.door.connections
        assert connection.waiting_count <= 6
        sink.open.set()
        assert [answer.packet_id for answer in await peer.take(20)] == list(range(1, 21))


async def test_who_never_reads_is_cut_also_without_any_keep_alive():
    small = bounds(limits={"unread_seconds": 0.3}, write_buffer_bytes_max=1_024)
    async with house_of(HeldSink(), bounds=small) as house:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", house.port))
        hello = Connect(protocol_level=4, client_id="x", keep_alive_s=0, username="rain-1", password=house.key.encode())
        await loop.sock_sendall(raw, encode(hello, 4))
        pings = asyncio.create_task(loop.sock_sendall(raw, encode(Pingreq(), 4) * 1_000_000))
        try:
            await until(house, "unread")
        finally:
            pings.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await pings
            raw.close()
        async with asyncio.timeout(5):
            while house.metric("ioc_mqtt_connections"):
                await asyncio.sleep(0.01)


async def test_an_address_has_so_many_places_before_its_connect_and_others_come_in():
    limits = {"address_half_open_max": 5}
    async with house_of(HeldSink(), bounds=bounds(limits=limits, connect_seconds=30)) as house:
        idle = [await house.peer() for _ in range(5)]
        await asyncio.sleep(0.05)
        assert await (await house.peer()).hung_up()
        await until(house, "address_half_open_max")
        other = Peer(*await asyncio.open_connection("127.0.0.1", house.port, local_addr=("127.0.0.2", 0)))
        house.peers.append(other)
        assert (await other.connect(4, house.key)).reason_code == 0
        idle[0].writer.close()
        await asyncio.sleep(0.05)
        await house.device(4, key=house.store.change(device="rain-2"), name="rain-2")


async def test_an_address_that_connects_too_fast_waits_and_comes_in_later():
    limits = {"address_connects_per_second": 10.0}
    async with house_of(HeldSink(), bounds=bounds(limits=limits)) as house:
        peers = [await house.peer() for _ in range(25)]
        await until(house, "address_rate")
        for peer in peers:
            peer.writer.close()
        await asyncio.sleep(0.3)
        await house.device()


async def test_guessing_waits_longer_each_time_and_an_honest_device_of_that_address_does_not():
    async with house_of(HeldSink(), bounds=bounds(limits={"refusal_seconds_max": 0.5})) as house:
        for _ in range(FREE_FAILURES):
            answer = await (await house.peer()).connect(5, "ioc_device_nonsense")
            assert answer.reason_code is ReasonCode.BAD_USER_NAME_OR_PASSWORD
        waited = []
        for _ in range(2):
            began = time.monotonic()
            peer = await house.peer()
            guess = asyncio.create_task(peer.connect(5, new_key(KeyKind.FEED)))
            honest = time.monotonic()
            assert (await (await house.peer()).connect(5, house.key)).reason_code == 0
            assert time.monotonic() - honest < 0.24
            assert (await guess).reason_code is ReasonCode.NOT_AUTHORIZED
            waited.append(time.monotonic() - began)
        assert waited[0] >= 0.25
        assert waited[1] >= 0.5


@pytest.mark.parametrize("level", [4, 5])
async def test_two_devices_with_one_key_take_over_from_each_other_only_so_often(level):
    limits = {"device_connects_per_minute": 5.0, "refusal_seconds_max": 0.0}
    async with house_of(HeldSink(), bounds=bounds(limits=limits)) as house:
        for _ in range(5):
            last = await house.device(level)
        answer = await (await house.peer()).connect(level, house.key)
        assert answer.reason_code is (
            ReasonCode.CONNECTION_RATE_EXCEEDED if level == 5 else ReasonCode.SERVER_UNAVAILABLE
        )
        assert await last.ask(publish(1)) == Puback(1), "who is inside stays"
        await until(house, "connection_rate_exceeded")
        await house.device(level, key=house.store.change(device="rain-2"), name="rain-2")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x32\x07\x00\x02\xff\xfe\x00\x01x", "malformed_packet"),
        (b"\x32\x07\x00\x02\xc0\x80\x00\x01x", "malformed_packet"),
        (b"\x32\x06\x00\x01+\x00\x01x", "malformed_packet"),
        (b"\x36\x06\x00\x01a\x00\x01x", "malformed_packet"),
        (b"\x32\x06\x00\x01a\x00\x00x", "protocol_error"),
        (b"\x82\xff\xff\xff\x7f", "packet_too_large"),
        (b"\x30\xff\xff\xff\xff\x7f", "malformed_packet"),
    ],
)
async def test_bytes_that_are_no_mqtt_end_their_own_connection_with_the_reason(raw, reason):
    """A topic that is no UTF-8, one with a wildcard, QoS 3, packet id 0, 256 MB that are no PUBLISH."""
    async with house_of(HeldSink(), bounds=bounds()) as house:
        honest = await house.device(4, key=house.store.change(device="rain-2"), name="rain-2")
        peer = await house.device(4)
        peer.writer.write(raw)
        assert await peer.hung_up()
        assert house.metric("ioc_mqtt_refused_total", reason=reason) == 1
        assert await honest.ask(Pingreq()) == Pingresp()


async def test_sockets_that_reset_at_any_moment_leave_nothing_behind():
    async with house_of(HeldSink(), bounds=bounds()) as house:
        stream = encode(Connect(protocol_level=4, client_id="x", username="rain-1", password=house.key.encode()), 4)
        stream += encode(publish(1), 4)
        for cut in range(0, len(stream), 7):
            raw = socket.create_connection(("127.0.0.1", house.port))
            raw.sendall(stream[:cut])
            await asyncio.sleep(0)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        async with asyncio.timeout(5):
            while house.metric("ioc_mqtt_connections") or house.door._listeners[0]._shaking:
                await asyncio.sleep(0.01)
        [address] = house.door._addresses._known.values()
        assert (address.open, address.half_open) == (0, 0)


async def test_the_kernel_looks_for_peers_that_vanished_without_a_word():
    """A half-open connection sends nothing and answers nothing: only probes find it."""
    async with house_of(HeldSink(), bounds=bounds()) as house:
        await house.device()
        [connection] = house.door.connections
        taken: socket.socket = connection._transport.get_extra_info("socket")
        for level, name, value in SOCKET_OPTIONS:
            found = taken.getsockopt(getattr(socket, level), getattr(socket, name))
            assert found == (2 * value if name.endswith("BUF") else value), name
