"""Who may come in by the MQTT door: keys and certificates as the registry has them now, and how often one may try.

What it promises: a flood of unknown keys costs one read of the registry a second; who is refused often waits for the
answer, so that guessing and loops are slow, and an honest device behind the same address does not.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from ioc.errors import StoreUnavailableError
from ioc.ingest.mqtt.client_cert import Certificate
from ioc.ingest.mqtt.codec.packets import Connect
from ioc.ingest.mqtt.connect import ConnectRefused, Grant, LiveRegistry, MQTTBounds, judge, still_granted
from ioc.ingest.mqtt.limits import Addresses, Reconnects
from ioc.ingest.mqtt.ports import Spawn
from ioc.ingest.mqtt.refusals import ConnectRefusals
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.metrics import Metrics

NEVER = float("-inf")


class Inquirer(Protocol):
    """Who waits for a fresh registry."""

    def looked_up(self, *, readable: bool) -> None:
        """Judge its CONNECT again; ``readable`` False: the database does not answer."""
        ...


class ConnectGate:
    """Judges the CONNECTs of one door."""

    def __init__(
        self, *, registry: LiveRegistry, bounds: MQTTBounds, addresses: Addresses, io_clock: IOClock, wall: LogClock,
        metrics: Metrics, spawn: Spawn,
    ) -> None:  # fmt: skip
        self._registry = registry
        self._refresh_seconds = bounds.refresh_seconds
        self._addresses = addresses
        self._io_clock = io_clock
        self._spawn = spawn
        self._reconnects = Reconnects(bounds.limits.device_connects_per_minute)
        self.refusals = ConnectRefusals(registry=registry, io_clock=io_clock, wall=wall, metrics=metrics)
        self.revoked: frozenset[str] = frozenset()
        """Fingerprints of client certificates that are worth nothing any more."""
        self._asking: list[Inquirer] = []
        self._asked_at = NEVER
        self._is_refreshing = False

    def judge(self, connect: Connect, certificate: Certificate | None) -> Grant | ConnectRefused:
        """Return what proves who the client of a CONNECT is, or why nothing does."""
        return judge(connect, self._registry, certificate=certificate, revoked=self.revoked)

    def still_granted(self, grant: Grant) -> Grant | None:
        """Return what a live connection rests on, as the registry has it now; None: it is gone."""
        return still_granted(grant, self._registry, self.revoked)

    def may_connect(self, device: str) -> bool:
        """Tell whether a device that has proved itself may connect once more now."""
        return self._reconnects.may_connect(device, self._io_clock.seconds())

    def refused(self, refused: ConnectRefused, *, username: str | None, host: str) -> float:
        """Take note of a refused CONNECT; return how many seconds its answer should wait."""
        self.refusals.note(refused.name, username=username, address=host, detail=refused.words)
        return self._addresses.failed(host, self._io_clock.seconds()) if refused.is_delayed else 0.0

    def ask_again(self, inquirer: Inquirer) -> None:
        """Read the registry again, at most so often, then call ``looked_up``."""
        self._asking.append(inquirer)
        if not self._is_refreshing:
            self._is_refreshing = True
            self._spawn(self._refresh(), "mqtt-registry")

    def forget(self, seconds: float) -> None:
        """Let go of devices that have not connected for a while."""
        self._reconnects.forget(seconds)

    async def _refresh(self) -> None:
        """Ask the database for all who wait, at most once a second, however many strangers come.

        Who comes while it is asked waits for the next answer: this one may be older than their key.
        """
        while self._asking:
            pause = self._asked_at + self._refresh_seconds - self._io_clock.seconds()
            if pause > 0:
                await asyncio.sleep(pause)
            self._asked_at = self._io_clock.seconds()
            asking, self._asking = self._asking, []
            readable = True
            try:
                await self._registry.refresh()
            except StoreUnavailableError as error:
                readable = False
                structlog.get_logger().warning("registry_unreadable", error=str(error))
            for inquirer in asking:
                inquirer.looked_up(readable=readable)
        self._is_refreshing = False
