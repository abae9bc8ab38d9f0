"""The guard on a real uvicorn and real sockets: each way of holding a connection ends, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from ioc.edge.http_connection import guarded_by
from ioc.edge.http_guard import GuardBounds, HTTPGuard, RequestPhase, read_networks
from ioc.errors import SettingsError
from ioc.runtime.clock import MonotonicIOClock
from ioc.runtime.metrics import Metrics

pytestmark = pytest.mark.timeout(30)
BOUNDS = GuardBounds(
    connections_max=64, connections_per_address_max=64, requests_per_connection_max=1_000, header_bytes_max=16 << 10,
    header_seconds=0.3, idle_seconds=0.4, body_bytes_per_second=1_000, write_seconds=0.5, body_bytes_max=256 << 10,
    body_bytes_by_prefix={"/large": 4 << 20}, grace_seconds=0.2, drain_seconds=0.3, linger_seconds=0.3,
)  # fmt: skip
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
ENOUGH_SECONDS = 6.0


@dataclass
class House:
    """A guarded port before a small application."""

    port: int
    guard: HTTPGuard
    metrics: Metrics
    seen: list[dict[str, Any]] = field(default_factory=list)
    gone: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def refused(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("ioc_http_refused_total", {"reason": reason}) or 0.0

    async def dial(self, *, local: str = "127.0.0.1", receive_bytes: int | None = None):
        raw = socket.socket()
        if receive_bytes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        raw.bind((local, 0))
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=1 << 22)
        self.writers.append(writer)
        return reader, writer

    async def app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Read the body (not on /early), answer its length; /much answers more than any buffer, /stream for ever."""
        if scope["type"] != "http":
            return
        self.seen.append(scope)
        length, more = 0, scope["path"] != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-length", str(length).encode())]})
        body = b"x" * (8 << 20) if scope["path"] == "/much" else b"ok"
        for _ in range(10 if scope["path"] == "/stream" else 0):
            await send({"type": "http.response.body", "body": b"tick", "more_body": True})
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def guarded(**changes: Any) -> AsyncIterator[House]:
    """Run a guarded uvicorn on a free port."""
    metrics = Metrics(CollectorRegistry())
    guard = HTTPGuard(replace(BOUNDS, **changes), io_clock=MonotonicIOClock(), metrics=metrics)
    listener = socket.create_server(("127.0.0.1", 0))
    house = House(listener.getsockname()[1], guard, metrics)
    server = uvicorn.Server(
        uvicorn.Config(
            house.app, http=guarded_by(guard), ws="none", lifespan="off", log_config=None, access_log=False,
            interface="asgi3", proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    guarding = asyncio.create_task(guard.run(every_seconds=0.05))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield house
    finally:
        for writer in house.writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        guarding.cancel()
        server.should_exit = True
        await asyncio.wait_for(serving, 5)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return (status, body) of the next answer, whose length is declared or chunked in one piece."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ENOUGH_SECONDS)
    status = int(head.split(b" ", 2)[1])
    names = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
    if b"content-length" in names:
        return status, await reader.readexactly(int(names[b"content-length"]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return status, body


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the house has closed the connection."""
    with contextlib.suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(1 << 16), ENOUGH_SECONDS):
            pass


async def gone(house: House) -> None:
    """Wait until the guard knows no connection any more."""
    async with asyncio.timeout(ENOUGH_SECONDS):
        while len(house.guard):
            await asyncio.sleep(0.02)


async def test_an_honest_client_keeps_its_connection():
    async with guarded() as house:
        reader, writer = await house.dial()
        for _ in range(3):
            writer.write(POST % (b"large", b"Content-Length: 5\r\n") + b"hello")
            assert await answer(reader) == (200, b"ok")
            await asyncio.sleep(0.2)
        writer.write(GET)
        assert await answer(reader) == (200, b"ok")
        await ended(reader)  # after its idle time
        await gone(house)
        assert not next(iter(house.metrics.http_refused.collect())).samples


@pytest.mark.parametrize(
    ("sent", "trickle", "status", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHo", b"", 408, "slow_header"),
        (b"GET / HTTP/1.1\r\n", b"X-a: b\r\n", 408, "slow_header"),
        (POST % (b"large", b"Content-Length: 100000\r\n"), b"x", 408, "slow_body"),
        (POST % (b"large", b"Transfer-Encoding: chunked\r\n"), b"1\r\nx\r\n", 408, "slow_body"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-a: " + b"b" * 20_000 + b"\r\n\r\n", b"", 431, "header_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-a: b\r\n" * 3_000 + b"\r\n", b"", 431, "header_too_large"),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"", 431, "header_too_large"),
        (POST % (b"small", b"Transfer-Encoding: chunked\r\n") + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 5, b"", 413,
         "body_too_large"),
        (POST % (b"large", b"Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n" * 4_000, b"", 400, "crumbs"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"", 400, "malformed"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", b"", 0, ""),
    ],
    ids=["header", "trickled_header", "body", "trickled_chunks", "bomb", "many_headers", "long_target", "flood",
         "crumbs", "tls", "smuggled"],
)  # fmt: skip
async def test_what_holds_or_floods_is_refused_with_a_problem_and_counted(sent, trickle, status, reason):
    async with guarded() as house:
        reader, writer = await house.dial()
        writer.write(sent)
        if not reason:  # both framings: h11 believes the chunks and the guard times the rest
            status, reason = 408, "slow_body"

        async def drip() -> None:
            while trickle:
                await asyncio.sleep(0.1)
                writer.write(trickle)

        dripping = asyncio.create_task(drip())
        found, body = await answer(reader)
        assert (found, house.refused(reason)) == (status, 1.0)
        assert body.startswith(b'{"type":"urn:ioc:problem:')
        await ended(reader)
        dripping.cancel()
        await gone(house)


async def test_the_application_hears_that_a_refused_sender_is_gone():
    async with guarded() as house:
        reader, writer = await house.dial()
        writer.write(POST % (b"large", b"Content-Length: 100000\r\n") + b"x")
        assert (await answer(reader))[0] == 408
        assert house.gone == 1


async def test_a_silent_socket_ends_without_a_word():
    async with guarded() as house:
        reader, _ = await house.dial()
        assert await asyncio.wait_for(reader.read(), ENOUGH_SECONDS) == b""
        assert house.refused("silent") == 1


async def test_an_early_answer_is_read_although_the_body_goes_on():
    """An early answer with `Connection: close` must not be taken back by a reset, else a proxy says 502."""
    async with guarded() as house:
        reader, writer = await house.dial()
        writer.write(POST % (b"early", b"Connection: close\r\nContent-Length: 200000\r\n") + b"x" * 100_000)
        await asyncio.sleep(0.2)
        with contextlib.suppress(ConnectionError):
            writer.write(b"x" * 100_000)
        assert await answer(reader) == (200, b"ok")
        await gone(house)


async def test_a_body_that_goes_on_after_its_answer_ends():
    async with guarded() as house:
        reader, writer = await house.dial()
        writer.write(POST % (b"early", b"Transfer-Encoding: chunked\r\n"))
        assert await answer(reader) == (200, b"ok")

        async def flood() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                    await writer.drain()

        await asyncio.wait_for(flood(), ENOUGH_SECONDS)
        await gone(house)


async def test_an_answer_that_nobody_reads_is_cut_and_one_read_slowly_is_not():
    async with guarded() as house:
        deaf, writer = await house.dial(receive_bytes=4_096)
        writer.write(GET.replace(b"/ ", b"/much "))
        slow, slow_writer = await house.dial(receive_bytes=65_536)
        slow_writer.write(GET.replace(b"/ ", b"/much "))
        deaf_transport = writer.transport
        deaf_transport.pause_reading()
        read = 0
        while read < 8 << 20:
            piece = await asyncio.wait_for(slow.read(1 << 17), ENOUGH_SECONDS)
            assert piece, f"cut after {read} bytes"
            read += len(piece)
            await asyncio.sleep(0.03)
        async with asyncio.timeout(ENOUGH_SECONDS):
            while not house.refused("slow_reader"):
                await asyncio.sleep(0.05)
        assert house.refused("slow_reader") == 1
        assert deaf is not None


async def test_a_stream_lives_longer_than_any_bound():
    async with guarded() as house:
        reader, writer = await house.dial()
        writer.write(GET.replace(b"/ ", b"/stream "))
        assert (await answer(reader)) == (200, b"tick" * 10 + b"ok")


async def test_at_the_bound_the_longest_idle_makes_room():
    async with guarded(connections_max=20, header_seconds=30, idle_seconds=30) as house:
        idle = [await house.dial() for _ in range(60)]
        reader, writer = await house.dial(local="127.0.0.2")
        writer.write(GET)
        assert await answer(reader) == (200, b"ok")
        assert len(house.guard) <= 20
        assert house.refused("evicted") == 41
        await ended(idle[0][0])


async def test_one_address_does_not_take_the_room_of_another():
    """All connections of one address are at work: its next is refused with 429, another address is served."""
    async with guarded(connections_per_address_max=4, write_seconds=5) as house:
        for _ in range(4):
            _, writer = await house.dial()
            writer.write(GET.replace(b"/ ", b"/stream "))
        async with asyncio.timeout(ENOUGH_SECONDS):
            while len(house.seen) < 4:
                await asyncio.sleep(0.02)
        reader, _ = await house.dial()
        assert (await answer(reader))[0] == 429
        assert house.refused("address_connections") == 1
        reader, writer = await house.dial(local="127.0.0.2")
        writer.write(GET)
        assert await answer(reader) == (200, b"ok")


async def test_ten_thousand_requests_at_once_end_at_the_bound():
    async with guarded(requests_per_connection_max=50) as house:
        reader, writer = await house.dial()
        writer.write(GET * 10_000)
        for _ in range(50):
            assert await answer(reader) == (200, b"ok")
        await ended(reader)
        assert len(house.seen) == 50


FORWARDED = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\n\r\n"


@pytest.mark.parametrize(
    ("trusted", "said", "client", "scheme"),
    [
        ("", b"203.0.113.7", "127.0.0.1", "http"),
        ("10.0.0.0/8", b"203.0.113.7", "127.0.0.1", "http"),
        ("127.0.0.1", b"203.0.113.7", "203.0.113.7", "https"),
        ("127.0.0.1", b"1.2.3.4, 203.0.113.7", "203.0.113.7", "https"),
        ("127.0.0.1,10.0.0.0/8", b"1.2.3.4, 203.0.113.7, 10.1.1.1", "203.0.113.7", "https"),
        ("127.0.0.1", b"1.2.3.4, junk", "127.0.0.1", "https"),
        ("127.0.0.1", b"2001:db8::7", "2001:db8::7", "https"),
    ],
)
async def test_only_a_trusted_proxy_may_say_who_sends(trusted, said, client, scheme):
    async with guarded(trusted=read_networks(trusted)) as house:
        reader, writer = await house.dial()
        writer.write(FORWARDED % said)
        assert (await answer(reader))[0] == 200
        assert (house.seen[0]["client"][0], house.seen[0]["scheme"]) == (client, scheme)


async def test_behind_a_trusted_proxy_each_sender_has_its_own_bound():
    async with guarded(trusted=read_networks("127.0.0.1"), connections_per_address_max=4) as house:
        streams = []
        for _ in range(4):
            streams.append(await house.dial())
            streams[-1][1].write((FORWARDED % b"203.0.113.7").replace(b"/ ", b"/stream ", 1))
        async with asyncio.timeout(ENOUGH_SECONDS):
            while len(house.seen) < 4:
                await asyncio.sleep(0.02)
        reader, writer = await house.dial()
        writer.write(FORWARDED % b"203.0.113.7")
        assert (await answer(reader))[0] == 429
        reader, writer = await house.dial()
        writer.write(FORWARDED % b"203.0.113.8")
        assert (await answer(reader))[0] == 200
        for _, stream in streams:
            stream.close()
        async with asyncio.timeout(ENOUGH_SECONDS):
            while house.guard._requests:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "proxy.example", "127.0.0.1;10.0.0.1"])
def test_trusting_everybody_or_nonsense_is_refused_at_start(text):
    with pytest.raises(SettingsError):
        read_networks(text)


def test_every_phase_says_what_it_is():
    assert {phase.value for phase in RequestPhase} == {phase.name.lower() for phase in RequestPhase}
