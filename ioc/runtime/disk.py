"""How full the disk of the database is, and when that stops the intake: early enough that PostgreSQL never panics."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RESUME_POINTS = 5
"""Percent points below the limit at which the intake goes on, so that it does not flutter at the edge."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Usage:
    """A volume as `df` shows it to an ordinary account."""

    used_bytes: int
    free_bytes: int

    @property
    def ratio(self) -> float:
        """Return the used share, 0 to 1."""
        whole = self.used_bytes + self.free_bytes
        return self.used_bytes / whole if whole else 1.0


def measure(path: Path) -> Usage:
    """Return how full the volume of a path is.

    Raises:
        OSError: there is no such path, or it cannot be looked at.
    """
    found = os.statvfs(path)
    return Usage(
        used_bytes=(found.f_blocks - found.f_bfree) * found.f_frsize, free_bytes=found.f_bavail * found.f_frsize
    )


@dataclass(slots=True)
class DiskLimit:
    """Full from ``full_percent`` on, unless there is plenty left all the same; not full again some points below."""

    full_percent: int
    free_bytes_enough: int
    full: bool = False

    def judge(self, usage: Usage) -> bool:
        """Return whether the volume counts as full now."""
        limit = self.full_percent - (RESUME_POINTS if self.full else 0)
        self.full = usage.ratio * 100 >= limit and usage.free_bytes < self.free_bytes_enough
        return self.full
