"""What a test run has left behind, by name: processes that it started, folders, shared memory.

    leftovers.py list          what is there now, as lines
    leftovers.py new FILE      what is there now and was not in FILE; exit 1 if there is something

A process belongs to the run when its environment has the same TEST_RUN as this one's.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "TEST_RUN"
PATIENCE_S = 10
"""How long a process may take to end after the tests."""


def processes() -> Iterator[str]:
    """Yield a line for each process of this run, but for this one and the shells that it was started by."""
    mark = os.environ.get(MARK, "")
    ours = ancestors(os.getpid())
    for folder in Path("/proc").iterdir():
        if not mark or not folder.name.isdigit() or int(folder.name) in ours:
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:  # it has ended, or is another account's
            continue
        if words and f"{MARK}={mark}".encode() in environment:
            yield f"process {folder.name} {words[:160]}"


def ancestors(pid: int) -> set[int]:
    """Return a process and all that it descends from."""
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        pid = int(stat.rpartition(")")[2].split()[1])
    return found


def things() -> set[str]:
    """Return a line for each folder of a test run and each piece of shared memory that is there."""
    found = {f"folder {path}" for path in Path(tempfile.gettempdir()).glob("ioc-*")}
    found |= {f"shared memory {path}" for path in Path("/dev/shm").glob("*")}  # noqa: S108 - looked at, not written
    segments = Path("/proc/sysvipc/shm")
    if segments.exists():
        found |= {f"shared memory segment {line.split()[1]}" for line in segments.read_text().splitlines()[1:]}
    return found


def main() -> int:
    """Return 1 when something is new."""
    if sys.argv[1:] == ["list"]:
        print("\n".join(sorted(things())))
        return 0
    before = set(Path(sys.argv[2]).read_text(encoding="utf-8").splitlines())
    deadline = time.monotonic() + PATIENCE_S
    while True:
        left = sorted({*processes(), *(things() - before)})
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    for line in left:
        print(f"left behind: {line}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
