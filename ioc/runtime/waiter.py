"""What a worker waits on between two looks: a wake-up may come, and polling decides."""

from __future__ import annotations

from typing import Protocol


class Waiter(Protocol):
    """Something that wakes when there may be more to read; a lost wake-up costs one time-out."""

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait for a wake-up or the time-out; return whether it was a wake-up."""
        ...
