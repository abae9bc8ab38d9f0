"""Processes of the bench that wait for their start, and brokers to compare with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.harness.instance import REPOSITORY, free_port

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages {inflight}
set_tcp_nodelay true
log_dest none
"""
"""Nothing is dropped and nothing is written to disk: as fast as this broker goes."""
CONNECT_TRIES = 100
READY_SECONDS = 180.0


class WorkerError(Exception):
    """A process of the bench did not do its part."""


@dataclass(slots=True)
class Worker:
    """One process, told what to do, ready to begin."""

    name: str
    process: asyncio.subprocess.Process

    async def line(self) -> str:
        """Return its next line.

        Raises:
            WorkerError: it ended instead, or took too long.
        """
        assert self.process.stdout is not None
        said = await asyncio.wait_for(self.process.stdout.readline(), READY_SECONDS)
        if not said:
            raise WorkerError(f"{self.name} ended with {await self.process.wait()}")
        return said.decode().strip()

    def begin(self) -> None:
        """Let it go."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    async def answer(self) -> dict[str, Any]:
        """Return what it found."""
        found: dict[str, Any] = json.loads(await self.line())
        return found


@contextlib.asynccontextmanager
async def worker(module: str, **job: Any) -> AsyncIterator[Worker]:
    """Start `python -m bench.MODULE`, tell it, and wait until it is ready; it is ended at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.{module}", cwd=REPOSITORY, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        made = Worker(module, process)
        if (said := await made.line()) != "ready":
            raise WorkerError(f"{module} said {said!r}")
        yield made
    finally:
        if process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 3.0)
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Broker:
    """A running mosquitto."""

    port: int
    pid: int


@contextlib.asynccontextmanager
async def broker(*, inflight: int = 0) -> AsyncIterator[Broker]:
    """Run a mosquitto of the bench's own. ``inflight``: messages that a subscriber may owe; 0: any number."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-bench-broker-"))
    port = free_port()
    conf = folder / "mosquitto.conf"
    await asyncio.to_thread(conf.write_text, BROKER.format(port=port, inflight=inflight))
    process = await asyncio.create_subprocess_exec(MOSQUITTO, "-c", str(conf))
    try:
        for _ in range(CONNECT_TRIES):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield Broker(port, process.pid)
    finally:
        process.terminate()
        await process.wait()
        shutil.rmtree(folder, ignore_errors=True)
