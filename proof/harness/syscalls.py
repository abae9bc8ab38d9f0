"""What strace saw: system calls of several processes with the moments at which they began and returned."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.harness.programs import NotRunError

CALLS = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fdatasync,fsync,pwrite64,pwritev"
LINE = re.compile(r"^(\d+\.\d+) (\w+)\((\d+)(?:<([^>]*)>)?(.*)\) += (-?\d+).*<(\d+\.\d+)>$")
ATTACH_SECONDS = 15.0


class StraceUnavailableError(NotRunError):
    """There is no strace, or the kernel lets it trace nobody."""


@dataclass(frozen=True, slots=True)
class Call:
    """One finished system call. ``file`` is what its descriptor was; ``text`` its arguments as strace prints them."""

    pid: int
    name: str
    began: float
    ended: float
    file: str
    text: str


class Strace:
    """Follows processes (and those that they start) until stopped; one file each, in a folder."""

    def __init__(self, folder: Path, pids: Sequence[int]) -> None:
        self._folder = folder
        self._pids = pids
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Attach to all and wait until it has.

        Raises:
            StraceUnavailableError: it cannot.
        """
        program = shutil.which("strace")
        if program is None:
            raise StraceUnavailableError("strace is not installed")
        attach = [argument for pid in self._pids for argument in ("-p", str(pid))]
        errors = self._folder / "strace.err"
        with errors.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                program, "-ff", "-ttt", "-T", "-y", "-s", "4096", "-e", f"trace={CALLS}",
                "-o", str(self._folder / "trace"), *attach, stderr=output, stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + ATTACH_SECONDS
        while (said := errors.read_text(errors="replace")).count("attached") < len(self._pids):
            if self._process.returncode is not None or time.monotonic() > deadline:
                await self.stop()
                raise StraceUnavailableError(said.strip().splitlines()[-1] if said.strip() else "strace said nothing")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Let go of all; the traced processes go on."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            await self._process.wait()

    def calls(self) -> list[Call]:
        """Return what was seen, in the order in which it began."""
        found: list[Call] = []
        for path in self._folder.glob("trace.*"):
            pid = int(path.suffix[1:])
            found.extend(parse(pid, path.read_text(encoding="utf-8", errors="replace").splitlines()))
        return sorted(found, key=lambda call: call.began)


def parse(pid: int, lines: Iterable[str]) -> Iterable[Call]:
    """Return the finished calls of one process's file.

    A call's moments are those at which the tracer held the process, before it began and after it returned. So when
    one is seen to end before another is seen to begin, it did.
    """
    for line in lines:
        match = LINE.match(line)
        if match is not None:
            began = float(match[1])
            yield Call(pid, match[2], began, began + float(match[7]), match[4] or "", match[5])
