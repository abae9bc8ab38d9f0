"""Space set aside on the volume of the embedded server: a start on a full disk needs some, or it fails for good.

PostgreSQL panics when its write-ahead log finds no space, and its recovery needs a new segment of it. So a file of a
little more than a segment lies beside the cluster; it is given up when a start finds the disk full.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from ioc.runtime.disk import measure

RESERVE_BYTES = 24 << 20
"""A segment of 16 MB, and what else a recovery writes."""
ROOMY_RATIO = 0.85
"""Set aside only on a volume that stays below this: the reserve must never be what fills it."""
_log = logging.getLogger(__name__)


class Reserve:
    """The reserve of one embedded server."""

    def __init__(self, home: Path) -> None:
        self._path = home / "reserve"

    def keep(self) -> None:
        """Set the space aside, if it is not and the volume has plenty; a failure costs nothing."""
        if self._path.exists() or not self._path.parent.is_dir():
            return
        usage = measure(self._path.parent)
        after = (usage.used_bytes + RESERVE_BYTES) / max(1, usage.used_bytes + usage.free_bytes)
        if after >= ROOMY_RATIO:
            return
        draft = self._path.with_suffix(".new")
        try:
            with draft.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            draft.replace(self._path)
        except OSError as error:
            _log.info("no reserve is kept: %s", error)
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def spend_if_full(self) -> bool:
        """Give the space up when less than it is free; return whether that was done."""
        if not self._path.exists() or measure(self._path.parent).free_bytes >= RESERVE_BYTES:
            return False
        self._path.unlink(missing_ok=True)
        _log.warning("the disk is full: the space set aside for a start is given up")
        return True
