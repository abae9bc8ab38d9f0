"""Outbound messages: appended for a device that asks for them, numbered in commit order, read by whoever serves it.

A message is only taken for a session that asks for its topic: nobody is told "accepted" for what can never arrive.
Every statement locks the devices' sessions first, in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ioc.domain.messaging.outbound import Closing, OutboundKind, OutboundMessage, PendingMessage, granted_qos
from ioc.errors import IOCError, NotSubscribedError, OutboundFullError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.wakeup import MQTT_CHANNEL

Row = Mapping[str, Any]
LOCK = "SELECT * FROM mqtt_session WHERE device = ANY($1::text[]) ORDER BY device FOR UPDATE"
INSERT = """
INSERT INTO outbound (device, number, kind, topic, payload, qos, created_at, created_by, expires_at, meant_for)
SELECT t.device, t.number, t.kind, t.topic, t.payload, t.qos, $1, t.created_by, t.expires_at, t.meant_for
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::smallint[], $8::text[],
            $9::timestamptz[], $10::text[])
  AS t(device, number, kind, topic, payload, qos, created_by, expires_at, meant_for)
"""
NUMBERED = """
UPDATE mqtt_session s SET number = t.number, waiting = s.waiting + t.more
FROM unnest($1::text[], $2::bigint[], $3::int[]) AS t(device, number, more) WHERE s.device = t.device
"""
READ = """
SELECT o.* FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::int[]) AS t(device, connection, after, wanted)
JOIN mqtt_session s ON s.device = t.device AND s.connection = t.connection
CROSS JOIN LATERAL (
  SELECT device, number, topic, payload, qos, expires_at, released FROM outbound
  WHERE device = t.device AND number > t.after AND outcome IS NULL ORDER BY number LIMIT t.wanted
) AS o ORDER BY o.device, o.number
"""
CLOSE = """
WITH t AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) AS t(device, number, outcome)),
ended AS (
  UPDATE outbound o SET outcome = t.outcome, closed_at = $4 FROM t
  WHERE o.device = t.device AND o.number = t.number AND o.outcome IS NULL AND o.kind <> $5 RETURNING o.device
), gone AS (
  DELETE FROM outbound o USING t
  WHERE o.device = t.device AND o.number = t.number AND o.outcome IS NULL AND o.kind = $5 RETURNING o.device
)
UPDATE mqtt_session s SET waiting = s.waiting - c.less
FROM (SELECT device, count(*)::int AS less FROM (SELECT * FROM ended UNION ALL SELECT * FROM gone) AS d GROUP BY 1) AS c
WHERE s.device = c.device
"""
RELEASE = """
UPDATE outbound o SET released = true FROM unnest($1::text[], $2::bigint[]) AS t(device, number)
WHERE o.device = t.device AND o.number = t.number AND o.outcome IS NULL
"""


class OutboundStore:
    """The outbound messages of one database; at most ``waiting_max`` wait for one device."""

    def __init__(self, database: Database, *, waiting_max: int) -> None:
        self._database = database
        self._waiting_max = waiting_max

    async def tell(self, message: OutboundMessage, now: datetime, *, audit: AuditEntry | None = None) -> int:
        """Append one message with its audit row and return its number.

        Raises:
            NotSubscribedError: the device has no session that asks for its topic.
            OutboundFullError: too many wait for the device already.
        """
        async with self._database.transaction() as connection:
            [result] = await append(connection, [message], now, waiting_max=self._waiting_max)
            if isinstance(result, IOCError):
                raise result
            if audit is not None:
                await append_audit(connection, audit, now)
            await connection.execute("SELECT pg_notify($1, '')", MQTT_CHANNEL)
        return result

    async def append(self, messages: Sequence[OutboundMessage], now: datetime) -> list[int | None]:
        """Append many messages, without waking other doors; return each one's number, None where it was not taken."""
        async with self._database.transaction() as connection:
            results = await append(connection, messages, now, waiting_max=self._waiting_max)
        return [result if isinstance(result, int) else None for result in results]

    async def read(self, wanted: Sequence[tuple[str, int, int, int]]) -> list[PendingMessage]:
        """Return what waits, in order: ``wanted`` holds (device, connection, after this number, at most so many).

        A connection that no longer holds the session gets nothing.
        """
        devices, connections, after, counts = zip(*wanted, strict=True)
        async with self._database.connection() as connection:
            rows = await connection.fetch(READ, devices, connections, after, counts)
        return [PendingMessage(**{**row, "payload": bytes(row["payload"])}) for row in rows]

    async def close(self, closings: Sequence[Closing], now: datetime) -> None:
        """End messages; again changes nothing. Receipts go at once, the rest stays to be seen."""
        async with self._database.transaction() as connection:
            await connection.fetch(LOCK, sorted({item.device for item in closings}))
            await connection.execute(
                CLOSE, [item.device for item in closings], [item.number for item in closings],
                [str(item.outcome) for item in closings], now, str(OutboundKind.RECEIPT),
            )  # fmt: skip

    async def release(self, parcels: Sequence[tuple[str, int]]) -> None:
        """Note that devices have confirmed messages (device, number) at QoS 2: only PUBREL is left to be sent."""
        async with self._database.connection() as connection:
            await connection.execute(RELEASE, [device for device, _ in parcels], [number for _, number in parcels])


async def append(
    connection: Connection, messages: Sequence[OutboundMessage], now: datetime, *, waiting_max: int
) -> list[int | IOCError]:
    """Append messages inside the caller's transaction; return for each its number, or why it was not taken."""
    rows: dict[str, Row] = {
        row["device"]: row for row in await connection.fetch(LOCK, sorted({item.device for item in messages}))
    }
    number = {device: row["number"] for device, row in rows.items()}
    more = dict.fromkeys(rows, 0)
    results: list[int | IOCError] = []
    taken: list[tuple[OutboundMessage, int, int]] = []
    for message in messages:
        device, row = message.device, rows.get(message.device)
        qos = granted_qos(row["filters"], message.topic) if row is not None and _stands(row, now) else None
        if row is None or qos is None:
            results.append(NotSubscribedError(f"{device} has no session that asks for {message.topic}"))
            continue
        if row["waiting"] + more[device] >= waiting_max:
            results.append(OutboundFullError(f"{waiting_max} messages wait for {device} already"))
            continue
        number[device] += 1
        more[device] += 1
        taken.append((message, number[device], min(qos, message.qos)))
        results.append(number[device])
    if taken:
        await connection.execute(
            INSERT, now, [item.device for item, _, _ in taken], [mine for _, mine, _ in taken],
            [str(item.kind) for item, _, _ in taken], [item.topic for item, _, _ in taken],
            [item.payload for item, _, _ in taken], [qos for _, _, qos in taken],
            [item.created_by for item, _, _ in taken], [item.expires_at for item, _, _ in taken],
            [item.meant_for for item, _, _ in taken],
        )  # fmt: skip
        grown = [device for device in rows if more[device]]
        await connection.execute(
            NUMBERED, grown, [number[device] for device in grown], [more[device] for device in grown]
        )
    return results


def _stands(row: Row, now: datetime) -> bool:
    return bool(row["present"]) and (row["expires_at"] is None or row["expires_at"] > now)


async def list_outbound(
    connection: Connection, device: str, *, before: tuple[datetime, str, int] | None, limit: int
) -> list[Row]:
    """Return what was told to a device, itself or through its gateway, newest first; receipts are not among it.

    ``before`` is (created_at, device, number) of the last one of the page before.
    """
    created_at, session, number = before or (None, None, None)
    rows: list[Row] = await connection.fetch(
        "SELECT * FROM outbound WHERE (device = $1 OR meant_for = $1) AND kind <> $2 "
        "AND ($3::timestamptz IS NULL OR (created_at, device, number) < ($3, $4::text, $5::bigint)) "
        "ORDER BY created_at DESC, device DESC, number DESC LIMIT $6",
        device, str(OutboundKind.RECEIPT), created_at, session, number, limit,
    )  # fmt: skip
    return rows
