"""Last wills: kept with the connection, due when it is lost, gone once published. Any door publishes what is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ioc.domain.messaging.presence import Arrival, Departure, LastWill
from ioc.store.postgres.engine import Connection, Database

CLAIM_SECONDS = 30
"""For so long a due will is one door's; if that one dies, another publishes it then, and the log stores it once."""

ADD = """
INSERT INTO mqtt_will (device, connection, topic, payload, content_type, delay_seconds)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::bigint[])
ON CONFLICT (device, connection) DO NOTHING
"""
# A connection that replaces another of its device: the older will is taken back when the session goes on and the will
# had a delay (MQTT 5, 3.1.3.2.2); else it is due, unless it already was.
TAKE_BACK = """
DELETE FROM mqtt_will w USING unnest($1::text[], $2::bigint[]) AS t(device, connection)
WHERE w.device = t.device AND w.connection <> t.connection AND w.delay_seconds > 0
  AND (w.due_at IS NULL OR w.due_at > $3)
"""
FALL_DUE = """
UPDATE mqtt_will w SET due_at = $3 FROM unnest($1::text[], $2::bigint[]) AS t(device, connection)
WHERE w.device = t.device AND w.connection <> t.connection AND (w.due_at IS NULL OR w.due_at > $3)
"""
FORGET = """
DELETE FROM mqtt_will w USING unnest($1::text[], $2::bigint[]) AS t(device, connection)
WHERE w.device = t.device AND w.connection = t.connection
"""
LOSE = """
UPDATE mqtt_will w SET due_at = $3::timestamptz + make_interval(secs => least(w.delay_seconds, t.expiry_seconds))
FROM unnest($1::text[], $2::bigint[], $4::bigint[]) AS t(device, connection, expiry_seconds)
WHERE w.device = t.device AND w.connection = t.connection AND w.due_at IS NULL
"""
CLAIM = """
UPDATE mqtt_will w SET due_at = $2 FROM (
  SELECT device, connection FROM mqtt_will WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
) AS t WHERE w.device = t.device AND w.connection = t.connection
RETURNING w.device, w.connection, w.topic, w.payload, w.content_type, w.delay_seconds
"""


async def add_wills(connection: Connection, wills: Sequence[LastWill]) -> None:
    """Keep the wills of new connections."""
    if wills:
        await connection.execute(
            ADD, [will.device for will in wills], [will.connection for will in wills],
            [will.topic for will in wills], [will.payload for will in wills],
            [will.content_type for will in wills], [will.delay_seconds for will in wills],
        )  # fmt: skip


async def supersede_wills(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Settle the wills of the connections that these arrivals replace."""
    for clean, statement in ((False, TAKE_BACK), (False, FALL_DUE), (True, FALL_DUE)):
        chosen = [arrival for arrival in arrivals if arrival.clean_start is clean]
        if chosen:
            await connection.execute(
                statement, [item.device for item in chosen], [item.connection for item in chosen], now
            )


async def settle_wills(
    connection: Connection, departures: Sequence[Departure], expiry_seconds: Sequence[int], now: datetime
) -> None:
    """Take back the wills of those who said goodbye; those of the lost fall due, at the end of the session at last."""
    clean = [item for item in departures if not item.publish_will]
    if clean:
        await connection.execute(FORGET, [item.device for item in clean], [item.connection for item in clean])
    lost = [(item, length) for item, length in zip(departures, expiry_seconds, strict=True) if item.publish_will]
    if lost:
        await connection.execute(
            LOSE, [item.device for item, _ in lost], [item.connection for item, _ in lost], now,
            [length for _, length in lost],
        )  # fmt: skip


class MQTTWillStore:
    """The wills of one database that are due."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, now: datetime, *, limit: int) -> list[LastWill]:
        """Return wills that are due, for this door to publish; without :meth:`forget` they come again later."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(CLAIM, now, now + timedelta(seconds=CLAIM_SECONDS), limit)
        return [LastWill(**{**row, "payload": bytes(row["payload"])}) for row in rows]

    async def forget(self, wills: Sequence[LastWill]) -> None:
        """Remove wills that the log has."""
        async with self._database.transaction() as connection:
            await connection.execute(FORGET, [will.device for will in wills], [will.connection for will in wills])
