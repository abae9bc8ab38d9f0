"""The doors' memory of the registry: read whole, refreshed when its version rises, at most two seconds old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from ioc.domain.device import Device
from ioc.domain.people.account import KeyRecord, key_hash, parse_key
from ioc.domain.places.area import Area
from ioc.domain.registry import RegistrySnapshot
from ioc.errors import StoreUnavailableError
from ioc.runtime.clock import LogClock
from ioc.runtime.waiter import Waiter

POLL_SECONDS = 1.0


class RegistryStore(Protocol):
    """Where the registry is kept."""

    async def version(self) -> int:
        """Return a number that rises with every change."""
        ...

    async def snapshot(self, now: datetime) -> RegistrySnapshot:
        """Return devices, valid keys and the units of today."""
        ...


class CachedRegistry:
    """Answers from memory; :meth:`follow` keeps it fresh."""

    def __init__(self, store: RegistryStore, wall: LogClock) -> None:
        """``wall`` is never virtual: keys expire, and units stand, by the calendar of today, in a drill too."""
        self._store = store
        self._wall = wall
        self._snapshot = RegistrySnapshot(version=-1, devices={}, keys={}, areas=())
        self._lock = asyncio.Lock()
        self.on_change: list[Callable[[], None]] = []
        """Called after each refresh that changed something: the MQTT door closes connections whose key is gone."""

    def device(self, device_id: str) -> Device | None:
        """Return a registered device."""
        return self._snapshot.devices.get(device_id)

    def key(self, secret: str) -> KeyRecord | None:
        """Return the valid key with this secret; a typo fails its checksum without a look-up."""
        if parse_key(secret) is None:
            return None
        return self.key_by_hash(key_hash(secret))

    def key_by_hash(self, digest: bytes) -> KeyRecord | None:
        """Return the valid key with this hash."""
        record = self._snapshot.keys.get(digest)
        if record is None or (record.expires_at is not None and record.expires_at <= self._wall.now()):
            return None
        return record

    def areas_of_today(self) -> Sequence[Area]:
        """Return the units that stand today."""
        return self._snapshot.areas

    async def refresh(self) -> None:
        """Read again if the version rose.

        Raises:
            StoreUnavailableError: the database does not answer; the old memory stays.
        """
        async with self._lock:
            if await self._store.version() == self._snapshot.version:
                return
            self._snapshot = await self._store.snapshot(self._wall.now())
        for call in self.on_change:
            call()

    async def follow(self, waiter: Waiter) -> None:
        """Refresh on every wake-up and every second until cancelled."""
        while True:
            await waiter.wait(POLL_SECONDS)
            try:
                await self.refresh()
            except StoreUnavailableError as error:
                structlog.get_logger().warning("registry_stale", error=str(error))
