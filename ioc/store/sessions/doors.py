"""Which MQTT doors are alive. A door's beat is a counter, not a time: who watches has a clock of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime

from ioc.domain.messaging.presence import DOOR_BEAT_SECONDS, Departure, DoorWatch, PresenceReason
from ioc.errors import StoreUnavailableError
from ioc.runtime.clock import IOClock, LogClock
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Database
from ioc.store.sessions.sessions import BATCH_ROWS, MQTTSessionStore, leave

BEAT = """
INSERT INTO mqtt_door (id, beat, started_at) VALUES ($1, 1, $2)
ON CONFLICT (id) DO UPDATE SET beat = mqtt_door.beat + 1
"""
# A door whose row was removed while it was suspended counts as gone, like one without a recent beat.
BEATS = """
SELECT id, beat FROM mqtt_door
UNION SELECT DISTINCT door, 0 FROM mqtt_session WHERE door IS NOT NULL AND door NOT IN (SELECT id FROM mqtt_door)
"""


class MQTTDoorStore:
    """The doors of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, door: str, now: datetime) -> None:
        """Say that ``door`` lives."""
        async with self._database.connection() as connection:
            await connection.execute(BEAT, door, now)

    async def beats(self) -> dict[str, int]:
        """Return the beat of every door that says it lives or is said to hold a session."""
        async with self._database.connection() as connection:
            return {row["id"]: row["beat"] for row in await connection.fetch(BEATS)}

    async def lose(self, doors: Collection[str], now: datetime) -> int:
        """Set offline what dead doors held, their wills falling due, at most 500; return how many.

        With the last of them the doors are forgotten; 0: there is nothing left to do.
        """
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT * FROM mqtt_session WHERE door = ANY($1::text[]) ORDER BY device LIMIT $2 FOR UPDATE",
                list(doors), BATCH_ROWS,
            )  # fmt: skip
            gone = {
                row["device"]: Departure(
                    device=row["device"], connection=row["connection"], reason=PresenceReason.DOOR_GONE,
                    publish_will=True, sent_to=None,
                )
                for row in rows
            }  # fmt: skip
            await leave(connection, rows, gone, now)
            if len(rows) < BATCH_ROWS:
                await connection.execute("DELETE FROM mqtt_door WHERE id = ANY($1::text[])", list(doors))
        return len(rows)

    async def watch(self, log_clock: LogClock, io_clock: IOClock) -> None:
        """Set offline what dead doors held, and end sessions whose time is over, until cancelled.

        Every door does the same; this is for the time when none runs.
        """
        watch, sessions = DoorWatch(), MQTTSessionStore(self._database)
        while True:
            try:
                dead = watch.look(await self.beats(), io_clock.seconds())
                while dead and await self.lose(dead, log_clock.now()):
                    pass
                await sessions.end_expired(log_clock.now())
            except StoreUnavailableError:
                watch.blink()
            await asyncio.sleep(DOOR_BEAT_SECONDS)

    async def audit_foreign(self, publishes: Sequence[tuple[str, str]], now: datetime) -> None:
        """Write into the audit trail that devices spoke on topics (device, topic) which are not theirs."""
        async with self._database.transaction() as connection:
            for device, topic in publishes:
                await append_audit(connection, AuditEntry(f"device {device}", "mqtt.foreign_topic", topic), now)
