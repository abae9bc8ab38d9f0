"""The supervisor: start roles as processes in order, restart one that dies, stop all in reverse within a deadline.

It knows nothing of what a role does. A role says that it is ready by writing its ready file, and that its working
loops turn by a byte a second on a pipe: one that has begun to and says nothing for fifteen seconds is killed and
started again. Time in which the supervisor itself stood still counts against nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ioc.errors import ServiceUnreachableError

READY_POLL_SECONDS = 0.02
BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
CALM_SECONDS = 30.0
"""A role that ran this long starts again with the shortest backoff."""
STILL_SECONDS = 15.0
"""A role that beats and then says nothing for so long is frozen."""
REFUSED = (2, 3)
"""How a role ends that cannot run as it is asked to; twice in a row before it was ever ready, and it never will."""
LISTEN_SECONDS = 0.5
SLEPT_SECONDS = 2.0
"""A pause of the supervisor's own after which it listens anew before it judges."""
SUPERVISED = "IOC_SUPERVISED_BY"
PIPE = "IOC_SUPERVISOR_PIPE"
"""Names the descriptor of the pipe on which a role beats."""
PIPE_BYTES = 4_096
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class RoleProcess:
    """One process to keep running. ``ready_file`` null: it counts as ready when it runs."""

    name: str
    command: Sequence[str]
    ready_file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float = 60.0
    beats: bool = False
    """Its working loops beat on the pipe; it may still take its time before the first one."""


@dataclass(slots=True)
class _Child:
    role: RoleProcess
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None
    restarts: int = 0
    refused: int | None = None
    beat_at: float | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Keeps a list of roles running."""

    def __init__(
        self, *, stop_seconds: float, still_seconds: float = STILL_SECONDS,
        on_restart: Callable[[str, int], None] | None = None,
    ) -> None:  # fmt: skip
        self._stop_seconds = stop_seconds
        self._still_seconds = still_seconds
        self._children: dict[str, _Child] = {}
        self._stopping = False
        self._on_restart = on_restart

    def pid(self, name: str) -> int | None:
        """Return the process id of a role while it runs."""
        process = self._children[name].process
        return process.pid if process is not None and process.returncode is None else None

    def restarts(self, name: str) -> int:
        """Return how often a role has been started again."""
        return self._children[name].restarts

    async def start(self, role: RoleProcess) -> dict[str, Any]:
        """Start a role, wait until it is ready and return what it wrote into its ready file.

        Raises:
            ServiceUnreachableError: it did not become ready in time, or ended with a usage error.
        """
        child = _Child(role)
        self._children[role.name] = child
        child.task = asyncio.create_task(self._keep(child), name=f"role-{role.name}")
        waiter = asyncio.create_task(child.ready.wait())
        done, _ = await asyncio.wait(
            {waiter, child.task}, timeout=role.ready_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if waiter not in done:
            waiter.cancel()
            if child.task.done():
                raise ServiceUnreachableError(f"{role.name} cannot run as it is asked to: its own words are above")
            raise ServiceUnreachableError(f"{role.name} did not become ready in {role.ready_seconds:.0f} s")
        return read_ready(role.ready_file) if role.ready_file is not None else {}

    def stopping(self) -> bool:
        """Tell whether the end was asked for."""
        return self._stopping

    async def _keep(self, child: _Child) -> None:
        """Run the role again and again until the supervisor stops."""
        log = structlog.get_logger()
        loop = asyncio.get_running_loop()
        attempt = 0
        while not self._stopping:
            if child.role.ready_file is not None:
                child.role.ready_file.unlink(missing_ok=True)
            started = loop.time()
            with _listening(child) as (environment, descriptors):
                child.process = await asyncio.create_subprocess_exec(
                    *child.role.command,
                    env={**os.environ, **child.role.environment, SUPERVISED: str(os.getpid()), **environment},
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                    pass_fds=descriptors,
                )
                for descriptor in descriptors:
                    os.close(descriptor)
                watches = [asyncio.create_task(_when_ready(child)), asyncio.create_task(self._when_still(child))]
                code = await child.process.wait()
                for watch in watches:
                    watch.cancel()
            if self.stopping():
                return
            if not child.ready.is_set():
                if code in REFUSED and code == child.refused:
                    return
                child.refused = code
            attempt = 0 if loop.time() - started > CALM_SECONDS else attempt + 1
            pause = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
            child.restarts += 1
            log.warning("role_ended", name=child.role.name, code=code, restart_seconds=pause)
            if self._on_restart is not None:
                self._on_restart(child.role.name, code)
            await asyncio.sleep(pause)

    async def _when_still(self, child: _Child) -> None:
        """Kill a role that has beaten and says nothing any more; :meth:`_keep` starts it again."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(LISTEN_SECONDS)
            now, before, looked = loop.time(), looked, loop.time()
            if child.beat_at is None or self.stopping():
                continue
            if now - before > SLEPT_SECONDS:
                child.beat_at = max(child.beat_at, now)
            if now - child.beat_at >= self._still_seconds and child.process is not None:
                structlog.get_logger().error(
                    "role_frozen", name=child.role.name, pid=child.process.pid, still_seconds=round(now - child.beat_at)
                )
                with contextlib.suppress(ProcessLookupError):
                    child.process.kill()
                return

    async def stop(self) -> None:
        """Stop every role in reverse order; one that outlives the deadline is killed."""
        self._stopping = True
        deadline = asyncio.get_running_loop().time() + self._stop_seconds
        for child in reversed(self._children.values()):
            process = child.process
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                remaining = max(0.5, deadline - asyncio.get_running_loop().time())
                try:
                    await asyncio.wait_for(process.wait(), remaining)
                except TimeoutError:
                    structlog.get_logger().error("role_killed", name=child.role.name)
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            if child.task is not None:
                child.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await child.task


@contextlib.contextmanager
def _listening(child: _Child) -> Iterator[tuple[Mapping[str, str], tuple[int, ...]]]:
    """Listen to one process of a role; yield what its environment says of the pipe, and the end that it inherits.

    The caller closes that end of its own once the process has it.
    """
    child.beat_at = None
    if not child.role.beats:
        yield {}, ()
        return
    loop = asyncio.get_running_loop()
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)

    def heard() -> None:
        try:
            told = os.read(ours, PIPE_BYTES)
        except BlockingIOError:
            return
        if told:
            child.beat_at = loop.time()
        else:  # the process has ended, and whatever inherited the pipe from it
            loop.remove_reader(ours)

    loop.add_reader(ours, heard)
    try:
        yield {PIPE: str(theirs)}, (theirs,)
    finally:
        loop.remove_reader(ours)
        os.close(ours)


async def _when_ready(child: _Child) -> None:
    """Set the ready event once the ready file names the process that runs now."""
    path = child.role.ready_file
    # The file is written by another process: there is no event to wait for.
    while path is not None and not _is_ready(path, child.process):  # noqa: ASYNC110
        await asyncio.sleep(READY_POLL_SECONDS)
    child.ready.set()


def _is_ready(path: Path, process: asyncio.subprocess.Process | None) -> bool:
    return process is not None and read_ready(path).get("pid") == process.pid


def read_ready(path: Path) -> dict[str, Any]:
    """Return the content of a ready file; {} while there is none."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def write_ready(path: Path, **facts: object) -> None:
    """Say that this process is ready (atomically, so that nobody reads half of it)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"pid": os.getpid(), **facts}))
    draft.replace(path)


def end_with_supervisor() -> None:
    """Ask the kernel to end this process when its supervisor dies, so that no role outlives a killed `ioc up`."""
    parent = os.environ.get(SUPERVISED)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        raise SystemExit("the supervisor is gone")


def supervisor_pipe(environment: Mapping[str, str]) -> int | None:
    """Return the descriptor of the pipe to the supervisor, ready for use; None without one."""
    told = environment.get(PIPE, "")
    if not told.isascii() or not told.isdecimal():
        return None
    pipe = int(told)
    try:
        os.set_blocking(pipe, False)
        os.set_inheritable(pipe, False)  # noqa: FBT003 - the standard library's signature
    except OSError:
        return None
    return pipe
