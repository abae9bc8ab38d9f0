"""Refused CONNECTs as the doors write them, and as people read them: newest first, with the device if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ioc.domain.messaging.connect_refusal import ConnectRefusal
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
KEPT_MAX = 500
"""Different refusals that are kept; with one more the one that was longest not repeated goes."""
KEPT_FOR = timedelta(days=30)
WRITE = """
INSERT INTO connect_refusal AS r (username, address, reason, detail, count, first_at, last_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[],
                     $7::timestamptz[])
ON CONFLICT (username, address, reason) DO UPDATE SET detail = excluded.detail, count = r.count + excluded.count,
  first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at)
"""
TRIM = """
DELETE FROM connect_refusal r USING (
  SELECT username, address, reason FROM connect_refusal ORDER BY last_at DESC, username, address, reason OFFSET $1
) o WHERE (r.username, r.address, r.reason) = (o.username, o.address, o.reason)
"""
LIST = """
SELECT r.*, d.id AS device, d.name_vi, d.name_en, d.area, s.since AS connected_since
FROM connect_refusal r LEFT JOIN device d ON d.id = r.username
  LEFT JOIN mqtt_session s ON s.device = d.id AND s.present AND s.since > r.last_at
"""
Cursor = tuple[datetime, str, str, str]


class ConnectRefusalStore:
    """The refusals of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, refusals: Sequence[ConnectRefusal]) -> None:
        """Add refusals to those that are kept, all of them or none."""
        async with self._database.transaction() as connection:
            # Two doors at once would lock rows in different orders.
            await take_lock(connection, AdvisoryLock.CONNECT_REFUSALS)
            await connection.execute(
                WRITE,
                [one.username for one in refusals], [one.address for one in refusals],
                [one.reason for one in refusals], [one.detail for one in refusals], [one.count for one in refusals],
                [one.first_at for one in refusals], [one.last_at for one in refusals],
            )  # fmt: skip
            await connection.execute(TRIM, KEPT_MAX)


async def list_refusals(
    connection: Connection, scope: Scope, *, before: Cursor | None, limit: int
) -> Sequence[Row]:  # fmt: skip
    """Return refusals, the last one first. Who is not registered is inside no wall but the whole."""
    where = Where().scope(scope, area="d.area", zone="d.zone", feed="d.feed")
    if before is not None:
        where.add("(r.last_at, r.username, r.address, r.reason) < ({}, {}, {}, {})", *before)
    order = "ORDER BY r.last_at DESC, r.username DESC, r.address DESC, r.reason DESC"
    sql = f"{LIST} WHERE {where.sql} {order} LIMIT {where.value(limit)}"
    rows: Sequence[Row] = await connection.fetch(sql, *where.arguments)
    return rows
