"""One drill as a person runs it: `ioc up --drill-file`, in a folder of its own, until its record is played."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from ioc.store.embedded.server import attach
from ioc.store.postgres.engine import prepare_connection
from proof.harness.instance import REPOSITORY, InstanceError, clean_environment

PACK = REPOSITORY / "ioc" / "packs" / "hoabinh"
PLAYED = re.compile(r"^drill played: (\d+) readings acknowledged, (\d+) refused", re.MULTILINE)
READY = re.compile(r"^IOC ready  (\S+)  operator: (\S+) / (\S+)$", re.MULTILINE)
BROKEN = "the drill was broken off"
PLAYED_SECONDS = 150.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.05

LOG = """
SELECT md5(string_agg(concat_ws('|', position, kind, log_time, encode(key, 'hex'), subject, effective, data), E'\\n'
                      ORDER BY position)) AS digest,
       count(*) AS entries, count(*) FILTER (WHERE kind = 'event') AS events,
       count(*) FILTER (WHERE kind = 'tick') AS ticks, count(*) FILTER (WHERE kind = 'gap') AS gaps,
       count(*) FILTER (WHERE kind = 'event' AND NOT 'drill' = ANY(flags)) AS unmarked
FROM event
"""
TRANSITIONS = """
SELECT a.rule, a.key, a.number, h.kind, h.severity, h.at, h.log_time, h.summary, h.reason, h.evidence, h.position
FROM alert_history h JOIN alert a ON a.id = h.alert WHERE h.actor IS NULL ORDER BY h.position, h.number, a.rule
"""


@dataclass(slots=True)
class Doorbell:
    """A port that counts who connects: the outside that no drill may reach."""

    connections: int = 0
    port: int = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen while the block runs."""

        async def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            writer.close()

        server = await asyncio.start_server(count, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()


@dataclass(slots=True)
class Drill:
    """A drill whose record has been played, still running."""

    data: Path
    output: str
    url: str
    username: str
    password: str
    acknowledged: int
    refused: int
    seconds: float
    """From the ready line to the last reading folded."""
    rang: int
    """Connections that came to the outside."""
    facts: dict[str, object] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection of the proof's own."""
        connection = await asyncpg.connect(attach(self.data), timeout=10, command_timeout=60)
        try:
            await prepare_connection(connection)
            yield connection
        finally:
            connection.terminate()

    async def log(self) -> dict[str, object]:
        """Return the digest of its whole log, and what is in it."""
        async with self.database() as connection:
            return dict(await connection.fetchrow(LOG))

    async def transitions(self) -> list[str]:
        """Return every move of every alert, with its evidence, as text."""
        async with self.database() as connection:
            rows = await connection.fetch(TRANSITIONS)
        return [json.dumps(dict(row), default=str, sort_keys=True, ensure_ascii=False) for row in rows]


@contextlib.asynccontextmanager
async def played(
    scenario: Path,
    *,
    speed: str = "max",
    mutant: str | None = None,
    pack: Path = PACK,
    seconds: float = PLAYED_SECONDS,
) -> AsyncIterator[Drill]:
    """Run a drill until its record is played, within ``seconds``; lend it, and end it; nothing of it is left.

    Raises:
        InstanceError: it was not played in time.
    """
    folder = _make_folder()
    program = ["-m", "ioc"] if mutant is None else ["-m", "proof.mutants", mutant]
    bell, log = Doorbell(), folder / "up.log"
    process: asyncio.subprocess.Process | None = None
    try:
        async with bell.open():
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, *program, "up", "--drill-file", str(scenario), "--speed", speed, "--http-port", "0",
                    "--mqtt-port", "0", "--data", str(folder / "data"), cwd=REPOSITORY, stdout=output, stderr=output,
                    stdin=asyncio.subprocess.DEVNULL,
                    env={**clean_environment(), "IOC_LOG_LEVEL": "warning", "IOC_PACK": str(pack),
                         "IOC_MQTT_BRIDGE_URL": f"mqtt://nobody@127.0.0.1:{bell.port}"},
                )  # fmt: skip
            yield await _until_played(process, folder, log, bell, seconds)
    finally:
        if process is not None and process.returncode is None:
            os.kill(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            if process.returncode is None:
                process.kill()
                await process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ioc-drill-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    return folder


async def _until_played(
    process: asyncio.subprocess.Process, folder: Path, log: Path, bell: Doorbell, seconds: float
) -> Drill:
    deadline, ready_at = time.monotonic() + seconds, 0.0
    while True:
        output = await asyncio.to_thread(log.read_text, encoding="utf-8", errors="replace")
        ready, done = READY.search(output), PLAYED.search(output)
        if ready and not ready_at:
            ready_at = time.monotonic()
        if ready and done:
            return Drill(
                folder / "data", output, ready[1], ready[2], ready[3], int(done[1]), int(done[2]),
                round(time.monotonic() - ready_at, 1), bell.connections,
            )  # fmt: skip
        if process.returncode is not None or BROKEN in output or time.monotonic() > deadline:
            raise InstanceError(f"the drill was not played:\n{output[-3_000:]}")
        await asyncio.sleep(POLL_SECONDS)
