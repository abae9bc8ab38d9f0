"""A device of a drill as the MQTT door sees it: MQTT 5, QoS 1, one reading at a time, each kept until its PUBACK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ioc.errors import InvalidInputError, ServiceUnreachableError, UnauthenticatedError
from mqtt_client.connection import Connection, RefusedError
from mqtt_client.packets import MQTT_5, PACKET_IDS, ProtocolError, Station

ANSWER_SECONDS = 30.0
RETRY_SECONDS = 0.3
BAD_CREDENTIALS = frozenset({0x86, 0x87, 0x8C})
"""CONNACK reasons that no later try would change: user name or password, authorisation, method."""


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A registered device and its key."""

    device: str
    feed: str
    key: str = field(repr=False)


@dataclass(slots=True)
class Publisher:
    """One device's connection, opened at its first reading and again whenever it is lost."""

    host: str
    port: int
    identity: DeviceKey
    give_up_seconds: float = 60.0
    waiting: Callable[[str], None] = lambda _why: None
    _connection: Connection | None = None
    _packet_id: int = 0

    async def publish(self, payload: bytes) -> int:
        """Send one reading and return the reason code of its PUBACK (0: it is in the log, committed).

        Raises:
            ServiceUnreachableError: the door acknowledged nothing for ``give_up_seconds``.
            UnauthenticatedError: it does not know the device or its key.
            InvalidInputError: what answers on the port speaks no MQTT.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.give_up_seconds
        self._packet_id = self._packet_id % PACKET_IDS + 1
        again = False
        while True:
            try:
                return await asyncio.wait_for(self._once(payload, again=again), ANSWER_SECONDS)
            except ProtocolError as error:
                raise InvalidInputError("what answers on the MQTT port is no MQTT door") from error
            except (OSError, TimeoutError) as error:
                await self.close()
                if isinstance(error, RefusedError) and error.code in BAD_CREDENTIALS:
                    raise UnauthenticatedError(
                        f"the door refuses {self.identity.device}: reason {error.code:#04x}"
                    ) from error
                if loop.time() > deadline:
                    raise ServiceUnreachableError(
                        f"the MQTT door acknowledged nothing for {self.give_up_seconds:.0f} s: {error!r}"
                    ) from error
                self.waiting(f"{self.identity.device}: {error!r}")
            again = True
            await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Leave the door."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _once(self, payload: bytes, *, again: bool) -> int:
        identity = self.identity
        if self._connection is None or not self._connection.is_open:
            station = Station(identity.device, identity.key, self.port, self.host)
            self._connection = await Connection(station, level=MQTT_5).open(timeout_seconds=ANSWER_SECONDS)
        topic = f"ioc/v1/{identity.feed}/{identity.device}"
        return await self._connection.publish_and_wait(topic, payload, packet_id=self._packet_id, again=again)
