"""Sessions of devices over MQTT: who holds which, what outlives a connection, and who is online.

One row per device, locked in the order of device ids. What a connection asks for counts only while the row carries its
number, so a door that was thought dead, or an older connection of the same device, changes nothing any more.
The lock of the change feed's head comes last, as everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ioc.domain.messaging.outbound import OutboundKind, OutboundOutcome
from ioc.domain.messaging.presence import Arrival, AttachedSession, Departure, Grant, HeldSessions, PresenceReason
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.wakeup import MQTT_CHANNEL
from ioc.store.sessions.wills import add_wills, settle_wills, supersede_wills

Row = Mapping[str, Any]
BATCH_ROWS = 500

MAKE = """
INSERT INTO mqtt_session (device, connection, since, reason, present, expiry_seconds)
SELECT device, 0, $2::timestamptz, $3, false, 0 FROM unnest($1::text[]) AS t(device) ORDER BY device
ON CONFLICT (device) DO NOTHING
"""
LOCK = "SELECT * FROM mqtt_session WHERE device = ANY($1::text[]) ORDER BY device FOR UPDATE"
ATTACH = """
UPDATE mqtt_session s SET connection = t.connection, door = $1, present = true, expiry_seconds = t.expiry_seconds,
  expires_at = NULL, sent_to = NULL, reason = $2,
  since = CASE WHEN s.door IS NULL THEN $3::timestamptz ELSE s.since END
FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS t(device, connection, expiry_seconds)
WHERE s.device = t.device
"""
LEAVE = """
UPDATE mqtt_session s SET door = NULL, since = $1::timestamptz, reason = t.reason, sent_to = t.sent_to,
  expiry_seconds = t.expiry_seconds, present = t.expires_at IS NOT NULL, expires_at = t.expires_at
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
     AS t(device, reason, sent_to, expiry_seconds, expires_at)
WHERE s.device = t.device
"""
GRANT = """
UPDATE mqtt_session s SET filters = t.filters FROM unnest($1::text[], $2::bigint[], $3::jsonb[])
  AS t(device, connection, filters)
WHERE s.device = t.device AND s.connection = t.connection
"""
RECLAIM = """
UPDATE mqtt_session SET door = $1, present = true, expires_at = NULL, since = $2::timestamptz, reason = $3
WHERE device = ANY($4::text[]) AND connection = ANY($5::bigint[]) AND door IS NULL RETURNING device, connection
"""
TAKE_TIME_BACK = "UPDATE mqtt_will SET due_at = NULL WHERE device = ANY($1::text[]) AND connection = ANY($2::bigint[])"
HELD = "SELECT count(*) AS sessions, coalesce(sum(connection), 0) AS sum FROM mqtt_session WHERE door = $1"


class MQTTSessionStore:
    """The sessions of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def attach(self, arrivals: Sequence[Arrival], *, door: str, now: datetime) -> list[AttachedSession]:
        """Give the sessions of devices that arrived to ``door``, each device once; return them in the same order.

        An arrival that is already attached (a commit whose outcome was unknown) is answered as then.
        """
        wanted = {arrival.device: arrival for arrival in arrivals}
        names = sorted(wanted)
        async with self._database.transaction() as connection:
            await connection.execute(MAKE, names, now, str(PresenceReason.LOST))
            rows = {row["device"]: row for row in await connection.fetch(LOCK, names)}
            fresh = [wanted[name] for name in names if rows[name]["connection"] != wanted[name].connection]
            standing = {name: _stands(row, now) for name, row in rows.items()}
            over = [item.device for item in fresh if item.clean_start or not standing[item.device]]
            await end_sessions(connection, over, now)
            await connection.execute(
                ATTACH, door, str(PresenceReason.CONNECTED), now, [item.device for item in fresh],
                [item.connection for item in fresh], [item.expiry_seconds for item in fresh],
            )  # fmt: skip
            await supersede_wills(connection, fresh, now)
            await add_wills(connection, [item.will for item in fresh if item.will is not None])
            if any(rows[item.device]["door"] not in (None, door) for item in fresh):
                await connection.execute("SELECT pg_notify($1, '')", MQTT_CHANNEL)
            await tell_presence(connection, [item.device for item in fresh if rows[item.device]["door"] is None], now)
        return [_attachment(arrival, rows[arrival.device], standing[arrival.device]) for arrival in arrivals]

    async def detach(self, departures: Sequence[Departure], *, door: str, now: datetime) -> None:
        """Take note that connections are over; those that were taken over before change nothing."""
        left = {item.device: item for item in departures}
        async with self._database.transaction() as connection:
            rows = [
                row
                for row in await connection.fetch(LOCK, sorted(left))
                if row["door"] == door and row["connection"] == left[row["device"]].connection
            ]
            await leave(connection, rows, left, now)

    async def grant(self, grants: Sequence[Grant]) -> None:
        """Set the subscriptions of devices."""
        async with self._database.transaction() as connection:
            await connection.fetch(LOCK, sorted(item.device for item in grants))
            await connection.execute(
                GRANT, [item.device for item in grants], [item.connection for item in grants],
                [dict(item.filters) for item in grants],
            )  # fmt: skip

    async def held(self, door: str) -> HeldSessions:
        """Return what ``door`` holds as far as the rows say."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(HELD, door)
            mail = await connection.fetch(
                "SELECT device, number FROM mqtt_session WHERE door = $1 AND waiting > 0", door
            )
        return HeldSessions(row["sessions"], int(row["sum"]), {one["device"]: one["number"] for one in mail})

    async def held_connections(self, door: str) -> dict[str, int]:
        """Return the devices that ``door`` holds with their connections."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT device, connection FROM mqtt_session WHERE door = $1", door)
        return {row["device"]: row["connection"] for row in rows}

    async def reclaim(self, connections: Mapping[str, int], *, door: str, now: datetime) -> set[str]:
        """Take back sessions that were given up for lost while their connections lived on; return their devices."""
        names = sorted(connections)
        async with self._database.transaction() as connection:
            await connection.fetch(LOCK, names)
            rows = await connection.fetch(
                RECLAIM, door, now, str(PresenceReason.CONNECTED), names, [connections[name] for name in names]
            )
            back = sorted(row["device"] for row in rows)
            await connection.execute(TAKE_TIME_BACK, back, [connections[name] for name in back])
            await tell_presence(connection, back, now)
        return set(back)

    async def end_expired(self, now: datetime) -> int:
        """End sessions whose time without a connection is over; return how many."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT device FROM mqtt_session WHERE expires_at <= $1 ORDER BY device LIMIT $2 FOR UPDATE",
                now, BATCH_ROWS,
            )  # fmt: skip
            await end_sessions(connection, [row["device"] for row in rows], now)
        return len(rows)


def _stands(row: Row, now: datetime) -> bool:
    """Tell whether a device has a session that a new connection may go on with.

    A session without length ends with the connection that the new one replaces.
    """
    if row["door"] is not None:
        return bool(row["expiry_seconds"])
    return bool(row["present"]) and row["expires_at"] > now


def _attachment(arrival: Arrival, row: Row, stood: bool) -> AttachedSession:  # noqa: FBT001 - one of three facts
    resumed = stood and not arrival.clean_start
    return AttachedSession(
        device=arrival.device,
        connection=arrival.connection,
        resumed=resumed,
        filters=row["filters"] if resumed else {},
        number=row["number"],
        sent_to=row["sent_to"] if resumed else None,
    )


async def end_sessions(connection: Connection, devices: Sequence[str], now: datetime) -> None:
    """End the sessions of devices whose rows the caller has locked: subscriptions go, and what waited ends."""
    if not devices:
        return
    await connection.execute(
        "DELETE FROM outbound WHERE device = ANY($1::text[]) AND outcome IS NULL AND kind = $2",
        devices, str(OutboundKind.RECEIPT),
    )  # fmt: skip
    await connection.execute(
        "UPDATE outbound SET outcome = $2, closed_at = $3 WHERE device = ANY($1::text[]) AND outcome IS NULL",
        devices, str(OutboundOutcome.SESSION_ENDED), now,
    )  # fmt: skip
    await connection.execute(
        "UPDATE mqtt_session SET present = false, expires_at = NULL, filters = '{}', waiting = 0, sent_to = NULL "
        "WHERE device = ANY($1::text[])",
        devices,
    )


async def leave(connection: Connection, rows: Sequence[Row], left: Mapping[str, Departure], now: datetime) -> None:
    """Set devices offline whose locked ``rows`` are given; a session of no length ends at once."""
    if not rows:
        return
    names = [row["device"] for row in rows]
    gone = [left[name] for name in names]
    lengths = [
        row["expiry_seconds"] if item.expiry_seconds is None else item.expiry_seconds
        for row, item in zip(rows, gone, strict=True)
    ]
    ends = [now + timedelta(seconds=length) if length else None for length in lengths]
    await connection.execute(
        LEAVE, now, names, [str(item.reason) for item in gone], [item.sent_to for item in gone], lengths, ends
    )
    await end_sessions(connection, [name for name, end in zip(names, ends, strict=True) if end is None], now)
    await settle_wills(connection, gone, lengths, now)
    await tell_presence(connection, names, now)


async def tell_presence(connection: Connection, devices: Collection[str], now: datetime) -> None:
    """Say on the change feed that devices are online or offline. The last statement of a transaction."""
    if not devices:
        return
    rows = await connection.fetch(
        "SELECT id, area, zone, version FROM device WHERE id = ANY($1::text[]) ORDER BY id", list(devices)
    )
    await append_changes(
        connection,
        [
            ChangeRecord(
                kind="device", id=row["id"], log_time=now, area=row["area"], zone=row["zone"], version=row["version"]
            )
            for row in rows
        ],
    )
