"""Ids of readings: `{seed}-{boot}-{n}`, unique over all runs, so that a resend is one event and a restart is none."""

from __future__ import annotations

import itertools
import secrets


class ReadingIds:
    """Numbers the readings of one run."""

    def __init__(self, seed: int, *, boot: str | None = None) -> None:
        self._prefix = f"{seed}-{boot or secrets.token_hex(4)}"
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """Return the next id."""
        return f"{self._prefix}-{next(self._numbers)}"
