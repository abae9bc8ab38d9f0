"""The disk before a run."""

from __future__ import annotations

import shutil
from typing import NamedTuple

import pytest

from tests import summary


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize("free", [summary.FREE_MIN_BYTES - 1, summary.FREE_MIN_BYTES])
def test_a_run_does_not_begin_on_a_disk_that_would_be_full(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free))
    if free == summary.FREE_MIN_BYTES:
        summary.pytest_sessionstart()
        return
    with pytest.raises(pytest.exit.Exception, match="make room there, or set TMPDIR"):
        summary.pytest_sessionstart()
