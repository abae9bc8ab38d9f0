"""A site's mosquitto, in a folder of its own on a free port of loopback; at the end nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from proof.harness.instance import InstanceError, free_port
from proof.harness.programs import find_program

CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 0
"""
LISTENS_SECONDS = 15.0
POLL_SECONDS = 0.02


@dataclass(slots=True)
class Mosquitto:
    """One broker that can be ended, politely or not, and started again on the same port and folder."""

    folder: Path
    port: int
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            InstanceError: it does not.
        """
        program = find_program("mosquitto")
        assert program is not None, "the catalogue names it as needed"
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-c", str(self.folder / "mosquitto.conf"), stdin=asyncio.subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + LISTENS_SECONDS
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError as error:
                if self._process.returncode is not None or time.monotonic() > deadline:
                    said = (self.folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace")
                    raise InstanceError(f"mosquitto does not listen:\n{said[-2_000:]}") from error
                await asyncio.sleep(POLL_SECONDS)
            else:
                writer.close()
                return

    async def end(self, number: signal.Signals) -> None:
        """End it; SIGTERM lets it save its sessions, SIGKILL does not."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def restart(self, *, keep_sessions: bool) -> None:
        """End it and start it again, with or without the sessions it had."""
        await self.end(signal.SIGTERM if keep_sessions else signal.SIGKILL)
        if not keep_sessions:
            (self.folder / "mosquitto.db").unlink(missing_ok=True)
        await self.start()


@contextlib.asynccontextmanager
async def mosquitto() -> AsyncIterator[Mosquitto]:
    """Run a broker."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-proof-broker-"))
    broker = Mosquitto(folder, free_port())
    text = CONFIGURATION.format(port=broker.port, folder=folder)
    if os.geteuid() == 0:
        text += "user root\n"  # else it could not write into the folder
    (folder / "mosquitto.conf").write_text(text, encoding="utf-8")
    try:
        await broker.start()
        yield broker
    finally:
        await broker.end(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def broker_version() -> str:
    """Return what mosquitto says of itself."""
    program = find_program("mosquitto") or "mosquitto"
    said = subprocess.run([program, "-h"], capture_output=True, check=False, text=True).stdout
    return said.split("\n", 1)[0]
