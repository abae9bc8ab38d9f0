"""A machine whose power can be cut: user-mode Linux on an ext4 image.

The guest's kernel is a process of the host. Killed by SIGKILL, it takes its page cache with it, as a machine does
that loses its power: what the guest wrote but did not flush is gone; what reached the image is kept by the host.
Its root is the host's file system, read-only; all that it writes lies in the image. A disk that itself forgets what it
was told to flush is not played.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from proof.harness.instance import REPOSITORY
from proof.harness.programs import find_program

NEEDS = ("linux.uml", "mkfs.ext4", "e2fsck", "debugfs", "root")
"""Root, as the database's files belong to another account."""
IMAGE_BYTES = 1 << 30
MEMORY_MB = 768
MOUNTED = "/dev/shm/data"  # noqa: S108 - a folder of the guest's own
BOOT_SECONDS = 240.0
FIRST_SECONDS = 30.0
END_SECONDS = 10.0
FSCK_FINE = (0, 1)
"""e2fsck: nothing to do; errors were corrected, among which it counts the replay of the journal."""
INIT = """\
#!/bin/sh
mount -t proc none /proc && mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mkdir -p /dev/shm && mount -t tmpfs none /dev/shm && mkdir -p {mounted} /dev/shm/tmp || exit 1
mount -t ext4 -o noatime /dev/ubda {mounted} || exit 1
stty raw </dev/ttyS0
cd {repository} || exit 1
export TMPDIR=/dev/shm/tmp HOME=/dev/shm/tmp PYTHONDONTWRITEBYTECODE=1
{python} -m proof.scenarios.delivery.guest {job}
"""


class GuestError(Exception):
    """The guest did not come up, or the image cannot be read."""


def make_image(path: Path, folder: Path) -> None:
    """Make an ext4 image that holds what is in ``folder``, owners included. No mount is needed."""
    path.unlink(missing_ok=True)
    with path.open("wb") as image:
        image.truncate(IMAGE_BYTES)
    _run("mkfs.ext4", "-q", "-F", "-d", str(folder), str(path))


def extract(image: Path, folder: Path) -> None:
    """Copy everything out of an image after replaying its journal, as a mount would.

    Raises:
        GuestError: the file system is damaged beyond its journal.
    """
    _run("e2fsck", "-p", "-f", str(image), fine=FSCK_FINE)
    folder.mkdir(mode=0o755)
    _run("debugfs", "-R", f"rdump / {folder}", str(image))
    shutil.rmtree(folder / "lost+found", ignore_errors=True)


def _run(program: str, *arguments: str, fine: Sequence[int] = (0,)) -> None:
    path = find_program(program)
    assert path is not None, f"{program} is there: the proof needs it"
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in fine:
        raise GuestError(f"{program} ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")


class Guest:
    """One start of the machine: from power on to power cut. Witness lines are appended to a file as they come."""

    def __init__(self, folder: Path, image: Path, witness: Path) -> None:
        self._folder = folder
        self._image = image
        self._witness = witness
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._first = asyncio.Event()
        self._failure: str | None = None
        self.stages: dict[str, float] = {}
        """Seconds that the guest's own start took, by stage."""
        self.acknowledged = 0
        """Acknowledgements that left this guest so far."""
        self.upkeep_steps = 0
        """How often it has said that partitions were made, or a checkpoint written and partitions dropped."""

    async def boot(self, job: Path) -> None:
        """Switch on and wait until the instance in the guest is ready, after whatever recovery it needs.

        Raises:
            GuestError: it did not become ready.
        """
        init = self._folder / "init.sh"
        init.write_text(INIT.format(mounted=MOUNTED, repository=REPOSITORY, python=sys.executable, job=job))
        init.chmod(0o755)
        program = find_program("linux.uml")
        assert program is not None, "linux.uml is there: the proof needs it"
        console = self._folder / "console.log"
        with console.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                program, f"mem={MEMORY_MB}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
                f"init={init}", f"ubd0={self._image}", "con=null", "con0=null,fd:2", "ssl=null", "ssl0=null,fd:1",
                "quiet", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=output,
                env={"PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin", "TMPDIR": _memory_folder(),
                     "HOME": str(self._folder), "LANG": "C.UTF-8"},
                start_new_session=True,
            )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait({ready, self._reader}, timeout=BOOT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done() or self._failure is not None:
            ready.cancel()
            await self.cut()
            said = console.read_text(encoding="utf-8", errors="replace")[-1_500:]
            raise GuestError(f"the guest did not become ready: {self._failure or ''}\n{said}")

    async def _read(self) -> None:
        """Keep whole lines only: the cut may tear the last one, which then counts as never said."""
        assert self._process is not None
        assert self._process.stdout is not None
        with self._witness.open("ab", buffering=0) as witness:
            async for raw in self._process.stdout:
                line = raw.strip()
                if is_whole(raw):
                    witness.write(line + b"\n")
                    if b'"kind": "ok"' in line:
                        self.acknowledged += 1
                        self._first.set()
                elif line == b"UPKEEP":
                    self.upkeep_steps += 1
                elif line.startswith(b"READY "):
                    self.stages = json.loads(line.removeprefix(b"READY "))
                    self._ready.set()
                elif line.startswith(b"FAILED "):
                    self._failure = json.loads(line.removeprefix(b"FAILED "))
                    self._ready.set()

    async def publishing(self) -> bool:
        """Wait for the first acknowledgement; tell whether it came in time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._first.wait(), FIRST_SECONDS)
        return self._first.is_set()

    async def cut(self) -> None:
        """Cut the power: SIGKILL to every process of the guest at once; return when none is left."""
        if self._process is None:
            return
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        await self._process.wait()
        if self._reader is not None:
            await self._reader  # what had left the guest before the cut is read to its end
        deadline = time.monotonic() + END_SECONDS
        while _group_lives(group):
            if time.monotonic() > deadline:
                raise GuestError("a process of the guest outlived the cut")
            await asyncio.sleep(0.02)


def is_whole(raw: bytes) -> bool:
    """Tell whether this is a witness line as it was written; one that the cut tore off was never said."""
    return raw.startswith(b"{") and raw.rstrip().endswith(b"}") and raw.endswith(b"\n")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _memory_folder() -> str:
    """Return where the guest's memory is kept: in the host's, where that has room."""
    shm = Path("/dev/shm")  # noqa: S108
    with contextlib.suppress(OSError):
        room = os.statvfs(shm)
        if room.f_bavail * room.f_frsize > 2 * MEMORY_MB << 20:
            return str(shm)
    return tempfile.gettempdir()
