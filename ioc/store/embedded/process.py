"""Which processes are a PostgreSQL at work in a given folder, and ending those that nobody watches any more.

A process number alone proves nothing: it may have been used again, or come from another container that shares the
folder. So a server is known by its command line and a worker by the folder that it works in.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal

_PROC = Path("/proc")
_STEP_SECONDS = 0.02


def exists(pid: int) -> bool:
    """Return whether a process has this number; a zombie, which waits only for its parent, is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return not _PROC.joinpath("self").exists()
    return state[:1] != ["Z"]


def is_server(pid: int, cluster: Path) -> bool:
    """Return whether this is the postmaster of ``cluster`` (its real path).

    Read from the command line: a container's root may not look at another account's folder (no ptrace right).
    """
    words = _command(pid)
    return bool(words) and Path(words[0]).name in {"postgres", "postmaster"} and str(cluster) in words


def workers_of(cluster: Path) -> list[int]:
    """Return every PostgreSQL process whose working folder is ``cluster``, as far as we may look."""
    numbers = (int(entry.name) for entry in _PROC.glob("[0-9]*"))
    return [number for number in numbers if _works_in(number, cluster)]


def end_process(pid: int, signals: tuple[signal.Signals, ...], *, patience_seconds: float) -> None:
    """Send the signals one after the other until the process is gone, each with its time."""
    for number in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if not exists(pid):
                return
            time.sleep(_STEP_SECONDS)


def _command(pid: int) -> list[str]:
    try:
        return [os.fsdecode(word) for word in (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0") if word]
    except OSError:
        if _PROC.joinpath("self").exists():
            return []
    answer = subprocess.run(  # noqa: S603 - a system without /proc
        ["/bin/ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return answer.stdout.split()


def _works_in(pid: int, cluster: Path) -> bool:
    try:
        proc = _PROC / str(pid)
        return (proc / "cwd").readlink() == cluster and (proc / "exe").readlink().name == "postgres"
    except OSError:
        return False  # it ended meanwhile, or it is not ours to look at
