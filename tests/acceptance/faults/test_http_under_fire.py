"""The HTTP port of a running instance while somebody holds it, and the reference nginx before it.

A short form of `python -m proof http_fire`: on a busy machine what is served is judged, not how fast.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from itertools import pairwise

import pytest

from proof.clients.attacks import AttackTarget
from proof.clients.honest import Honest
from proof.harness.nginx import Front, running_nginx
from proof.scenarios.doors.http_fire import Range, fire
from tests.acceptance.instance import Device, Instance

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]
HOLDING = ("slow headers (-H)", "slow body (-B)", "range (-R)", "slow read (-X)", "2,000 idle sockets")
FILES_MAX = 256 + 64
"""What one address may open, and what the api has open beside it."""


@pytest.fixture(scope="module")
def honest(instance: Instance) -> Honest:
    """A gauge that sends and a district's system that reads."""
    gauge = instance.device("fire-rain", "rainfall", "04795")
    return Honest(int(instance.url.rpartition(":")[2]), gauge.key, instance.key("district", area="04795"))


@pytest.fixture(scope="module")
def foe(instance: Instance) -> Device:
    """A gauge in the wrong hands."""
    return instance.device("fire-foe", "rainfall", "04795")


@pytest.mark.parametrize("attack", HOLDING)
async def test_whoever_holds_the_port_an_honest_client_is_served(
    instance: Instance, honest: Honest, foe: Device, attack: str
) -> None:
    """No error for it, and the holder has no more sockets than one address may have."""
    one = Range(honest, AttackTarget(honest.port, foe.key, foe.id), instance.fact("api", "pid"), "bare")
    felt, footprint = await fire(one, attack, 1.0)
    assert felt.wrong == 0, felt.facts()
    assert felt.seconds
    assert footprint.sockets < FILES_MAX


async def ask(front: Front, request: str, *, body: bytes = b"") -> tuple[int, bytes]:
    """Ask nginx one thing over TLS and return (status, all of the answer)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port, ssl=front.tls)
    writer.write(request.encode() + b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n" + body)
    answer = b""
    with contextlib.suppress(ConnectionResetError):  # an early refusal may cut what we still send
        while piece := await asyncio.wait_for(reader.read(1 << 16), 20):
            answer += piece
    writer.transport.abort()
    return int(answer.split(b" ", 2)[1]), answer


async def first_event(front: Front, key: str, posted: asyncio.Event) -> float:
    """Follow the stream through nginx; return when the first clock came after ``posted`` was set."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port, ssl=front.tls)
    writer.write(f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    try:
        times: list[float] = []
        while len(times) < 3:
            line = await asyncio.wait_for(reader.readline(), 20)
            if line.startswith(b"event: clock"):
                times.append(time.monotonic())
                posted.set()
        return max(later - earlier for earlier, later in pairwise(times))
    finally:
        writer.transport.abort()


async def test_the_reference_nginx_passes_events_and_the_stream_and_holds_its_limits(
    instance: Instance, honest: Honest
) -> None:
    """`nginx -t` takes it; events are 202, each second of the stream is there within it, and too much is refused."""
    async with running_nginx(honest.port) as front:
        through = Honest(front.port, honest.device_key, honest.reader_key, front.tls)
        felt = await through.live(1.0)
        assert felt.wrong == 0, felt.facts()
        assert {200, 202} == set(felt.statuses)

        started = asyncio.Event()
        assert await first_event(front, honest.reader_key, started) < 1.9  # unbuffered: a clock each second

        post = (
            f"POST /api/v1/feeds/rainfall/events HTTP/1.1\r\nAuthorization: Bearer {honest.device_key}\r\n"
            "Content-Type: application/json\r\n"
        )
        body = json.dumps([{"id": f"through-{number}", "rain_mm": 1, "note": "x" * 900} for number in range(1_000)])
        assert (await ask(front, f"{post}Content-Length: {len(body)}\r\n", body=body.encode()))[0] == 202
        assert (await ask(front, f"{post}Content-Length: {6 << 20}\r\n"))[0] == 413
        assert (await ask(front, f"GET / HTTP/1.1\r\nX-Long: {'x' * 20_000}\r\n"))[0] == 400
        status, answer = await ask(front, "GET / HTTP/1.1\r\n")
        assert (status, b"strict-transport-security" in answer.lower()) == (200, False)  # nobody is trusted here

        reader, writer = await asyncio.open_connection("127.0.0.1", front.plain_port)
        writer.write(b"GET /alerts HTTP/1.1\r\nHost: ioc.example.vn\r\nConnection: close\r\n\r\n")
        assert b"location: https://ioc.example.vn/alerts" in (await reader.read()).lower()
        writer.close()

        refused = 0
        for _ in range(80):
            status, _ = await ask(front, "GET /api/v1/session HTTP/1.1\r\n")
            refused += status == 429
        assert refused >= 10
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection("127.0.0.1", front.port, ssl=ssl.create_default_context())
