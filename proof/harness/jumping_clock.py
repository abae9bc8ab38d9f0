"""A wall clock that jumps under processes of an instance, by libfaketime; their monotonic clock stays true.

The library must not disturb what is proved. As Debian builds it, it answers a thread that waits on the monotonic clock
(so each wait for Python's interpreter lock) at once instead of after its time: threads then burn a processor and keep
the lock from each other for seconds. :func:`jumping` turns that off, and :func:`check_threads` measures it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from proof.harness.programs import NotRunError

LIBRARIES = tuple(
    Path(folder) / "faketime" / "libfaketimeMT.so.1"
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
)
HAND_OVER_SECONDS_MAX = 0.1
"""How long a thread may take to run and come back, as the median of many: 0.1 ms is usual."""
HAND_OVERS = 50
HAND_OVERS_SECONDS_MAX = 2.0
PROBE_SECONDS = 60.0
PROBE = f"""
import statistics, threading, time
def busy():
    while not over.is_set():
        sum(range(2_000))
def hand_over():
    began = time.monotonic()
    thread = threading.Thread(target=time.time)
    thread.start()
    thread.join()
    return time.monotonic() - began
over = threading.Event()
threading.Thread(target=busy).start()
took, began = [], time.monotonic()
while len(took) < {HAND_OVERS} and time.monotonic() - began < {HAND_OVERS_SECONDS_MAX}:
    took.append(hand_over())
over.set()
print(statistics.median(took), time.time(), time.monotonic())
"""


def library() -> Path:
    """Return libfaketime.

    Raises:
        NotRunError: it is not installed.
    """
    found = next((path for path in LIBRARIES if path.exists()), None)
    if found is None:
        raise NotRunError("libfaketime is not installed (scripts/proof-deps.sh installs it)")
    return found


def jumping(offset: Path) -> dict[str, str]:
    """Return the environment of processes whose wall clock is off by what the file says.

    Raises:
        NotRunError: libfaketime is not installed.
    """
    return {
        "LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0", "NO_FAKE_STAT": "1",
    }  # fmt: skip


def set_offset(file: Path, seconds: int) -> None:
    """Say how far the wall clock is off, in one step.

    libfaketime reads the file at each question for the time, and ends a process that finds it empty.
    """
    written = file.with_suffix(".new")
    written.write_text(f"{seconds:+d}", encoding="ascii")
    written.replace(file)


async def probe(environment: Mapping[str, str]) -> tuple[float, float, float]:
    """Ask a process in this environment: how long a thread takes beside a busy one, its wall and monotonic clocks."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROBE, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PROBE_SECONDS)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise NotRunError("libfaketime stops the threads of a process") from error
    took, wall, monotonic = map(float, said.split())
    return took, wall, monotonic


async def check_threads(environment: Mapping[str, str]) -> float:
    """Return how long a thread takes to run and come back, in seconds.

    Raises:
        NotRunError: libfaketime holds threads up, so what is slow would be its fault and not the instance's.
    """
    took, _, _ = await probe(environment)
    if took > HAND_OVER_SECONDS_MAX:
        raise NotRunError(f"libfaketime holds up the threads of a process: one took {took:.2f} s")
    return took
