"""Refused CONNECTs, told: a count by reason, device and address, a line in the log once a minute, a row for people.

Strangers choose names and addresses, so all three are bounded. The count and the log name a device only where it is
registered, and past a number of different refusals the rest are told together. What people read names what the client
wrote, so that somebody at the mast finds the slip of the pen; of one address only so many names are told apart.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import structlog

from ioc.domain.messaging.connect_refusal import ConnectRefusal, shown_username
from ioc.errors import StoreUnavailableError
from ioc.ingest.mqtt.sessions.ports import RefusalStore
from ioc.ingest.pipeline.delivery import Registry
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.metrics import Metrics

REFUSALS_MAX = 200
"""So many combinations of reason, device and address are told apart, for the life of the process."""
TOLD_EVERY_SECONDS = 60.0
UNKNOWN, OTHER = "unknown", "other"
WAITING_MAX = 500
"""Different refusals that wait to be written; more in one turn are in the count alone."""
NAMES_OF_ADDRESS_MAX = 20
"""User names of one address that are told apart in an hour; those beyond it stand together as one without a name."""
ADDRESSES_MAX = 1_000
HOUR_SECONDS = 3_600.0
WRITE_EVERY_SECONDS = 2.0


class _Series(NamedTuple):
    """What one count and one line of the log speak of."""

    reason: str
    device: str
    address: str


class ConnectRefusals:
    """Every refused CONNECT of one door."""

    def __init__(self, *, registry: Registry, io_clock: IOClock, wall: LogClock, metrics: Metrics) -> None:
        self._registry = registry
        self._io_clock = io_clock
        self._metrics = metrics
        self._told_at: dict[_Series, float] = {}
        self._silent: dict[_Series, int] = {}
        self._waiting = _Waiting(wall)

    def note(self, reason: str, *, username: str | None, address: str, detail: str | None = None) -> None:
        """Take note of a refused CONNECT."""
        now = self._io_clock.seconds()
        self._waiting.add(reason, username, address, detail, now)
        known = username is not None and self._registry.device(username) is not None
        refusal = _Series(reason, username if known and username is not None else UNKNOWN, address)
        if refusal not in self._told_at and len(self._told_at) >= REFUSALS_MAX:
            refusal = _Series(reason, OTHER, OTHER)
        self._metrics.mqtt_connects_refused.labels(*refusal).inc()
        count = self._silent.pop(refusal, 0) + 1
        if now - self._told_at.get(refusal, float("-inf")) < TOLD_EVERY_SECONDS:
            self._silent[refusal] = count
            return
        self._told_at[refusal] = now
        structlog.get_logger().warning(
            "connect_refused", reason=refusal.reason, device=refusal.device, address=refusal.address, count=count,
            detail=detail,
        )  # fmt: skip

    async def write(self, store: RefusalStore) -> None:
        """Write what waits every two seconds, until cancelled; what cannot be written now is written later."""
        while True:
            await asyncio.sleep(WRITE_EVERY_SECONDS)
            batch = self._waiting.take()
            if not batch:
                continue
            try:
                await store.record(batch)
            except StoreUnavailableError as error:
                structlog.get_logger().warning("refusals_unwritten", count=len(batch), error=str(error))
                self._waiting.put_back(batch)


class _Waiting:
    """Refusals that are to be written, merged by name, address and reason."""

    def __init__(self, wall: LogClock) -> None:
        self._wall = wall
        self._refusals: dict[tuple[str, str, str], ConnectRefusal] = {}
        self._names: dict[str, set[str]] = {}
        self._hour_began = float("-inf")

    def add(self, reason: str, username: str | None, address: str, detail: str | None, seconds: float) -> None:
        now = self._wall.now()
        name = self._told_apart(shown_username(username), address, seconds)
        self._merge(ConnectRefusal(
            username=name, address=address, reason=reason, detail=detail, first_at=now, last_at=now
        ))  # fmt: skip

    def take(self) -> list[ConnectRefusal]:
        taken, self._refusals = list(self._refusals.values()), {}
        return taken

    def put_back(self, refusals: list[ConnectRefusal]) -> None:
        for refusal in refusals:
            self._merge(refusal)

    def _merge(self, refusal: ConnectRefusal) -> None:
        old = self._refusals.get(refusal.key)
        if old is None:
            if len(self._refusals) < WAITING_MAX:
                self._refusals[refusal.key] = refusal
            return
        first: datetime = min(old.first_at, refusal.first_at)
        newest = max(old, refusal, key=lambda one: one.last_at)
        self._refusals[refusal.key] = replace(newest, count=old.count + refusal.count, first_at=first)

    def _told_apart(self, name: str, address: str, seconds: float) -> str:
        """Return the name, or none where its address has written too many in this hour."""
        if seconds - self._hour_began >= HOUR_SECONDS:
            self._hour_began, self._names = seconds, {}
        if address not in self._names and len(self._names) >= ADDRESSES_MAX:
            return ""
        names = self._names.setdefault(address, set())
        if name not in names and len(names) >= NAMES_OF_ADDRESS_MAX:
            return ""
        names.add(name)
        return name
