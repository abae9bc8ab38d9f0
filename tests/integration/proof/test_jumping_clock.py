"""The wall clock that proofs let jump: it jumps, the monotonic one does not, and no thread is held up by it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from proof.harness.jumping_clock import HAND_OVER_SECONDS_MAX, check_threads, jumping, probe, set_offset
from proof.harness.programs import NotRunError

HOUR = 3_600


@pytest.fixture
def offset(tmp_path: Path) -> Path:
    file = tmp_path / "offset"
    set_offset(file, HOUR)
    return file


async def test_the_wall_clock_jumps_and_threads_run_as_without_it(offset: Path):
    """Threads that wait for the interpreter took half a second each, so that a role in the proof stood as frozen."""
    took, wall, monotonic = await probe(jumping(offset))
    assert took < HAND_OVER_SECONDS_MAX
    assert wall - time.time() == pytest.approx(HOUR, abs=30)
    assert 0 <= time.monotonic() - monotonic < 30


async def test_where_threads_are_held_up_nothing_is_proved(tmp_path: Path):
    """Then what is slow would be the tool's fault, not the instance's."""
    held_up = "import threading, time\nthreading.Thread.start = lambda self: time.sleep(0.2)\n"
    (tmp_path / "sitecustomize.py").write_text(
        held_up + "threading.Thread.join = lambda self: None\n", encoding="utf-8"
    )
    with pytest.raises(NotRunError, match="thread"):
        await check_threads({"PYTHONPATH": str(tmp_path)})
