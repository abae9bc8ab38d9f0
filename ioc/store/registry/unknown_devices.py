"""Devices that send and that nobody has registered, as their dead letters tell of them; and which of them are ignored.

Nothing is kept of them but their dead letters: how much there can be of these is bounded by the doors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ioc.domain.device import DEVICE_ID
from ioc.errors import NotFoundError, TransitionError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.log.letter_groups import SAMPLE_BYTES
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
REASON = "unknown_device"
SCAN_MAX = 50_000
"""The newest letters that the list is made of; beyond it the answer says so."""
SAMPLES = 3
IGNORED_FOR = timedelta(days=30)
"""After so long nobody remembers why: whoever still sends is shown again."""
IGNORED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class UnknownPage:
    """Unknown devices of one page; of all: how many there are, and of how many letters they were made."""

    rows: list[Row]
    samples: Mapping[int, Row]
    """Letters by their number."""
    devices: int
    letters: int

    @property
    def truncated(self) -> bool:
        """Tell whether there may be more than what was looked at."""
        return self.letters >= SCAN_MAX


def _letters_of(scope: Scope, *, ignored: bool | None) -> Where:
    """Return the condition of the letters of unknown devices inside the wall.

    A letter lies in the unit in which its sender says it is. One without an area is inside no wall but the whole:
    nobody knows where such a device is. An id that could not be registered stays among the dead letters.
    """
    where = Where().add(f"l.reason = '{REASON}' AND l.released_at IS NULL AND l.device IS NOT NULL")
    where.add("l.feed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM device d WHERE d.id = l.device)")
    where.add("l.device ~ {}", f"^{DEVICE_ID.pattern}$")
    if ignored is not None:
        known = "EXISTS (SELECT 1 FROM ignored_device i WHERE i.device = l.device)"
        where.add(known if ignored else f"NOT {known}")
    return where.scope(scope, area="l.area", zone="NULL::text", feed="l.feed")


async def list_unknown(
    connection: Connection, scope: Scope, *, ignored: bool, before: int | None, limit: int
) -> UnknownPage:  # fmt: skip
    """Return unknown devices by feed, who sent last first, before the letter ``before``."""
    where = _letters_of(scope, ignored=ignored)
    letters = where.sql
    earlier = "TRUE" if before is None else f"g.newest < {where.value(before)}"
    found: list[Row] = await connection.fetch(
        f"""
        WITH x AS MATERIALIZED (
          SELECT l.id, l.feed, l.device, l.log_time FROM dead_letter l WHERE {letters}
          ORDER BY l.id DESC LIMIT {SCAN_MAX}
        ), g AS (
          SELECT x.device, x.feed, count(*) AS letters, min(x.log_time) AS first_at, max(x.log_time) AS last_at,
                 max(x.id) AS newest, (array_agg(x.id ORDER BY x.id DESC))[1:{SAMPLES}] AS samples
          FROM x GROUP BY x.device, x.feed
        ), p AS (SELECT * FROM g WHERE {earlier} ORDER BY g.newest DESC LIMIT {where.value(limit)})
        SELECT t.scanned, t.devices, p.*, i.ignored_at, i.ignored_by, i.reason AS ignored_why
        FROM (SELECT count(*) AS scanned, count(DISTINCT device) AS devices FROM x) t
        LEFT JOIN p ON TRUE LEFT JOIN ignored_device i ON i.device = p.device
        ORDER BY p.newest DESC
        """,  # noqa: S608 - own text
        *where.arguments,
    )
    rows = [row for row in found if row["newest"] is not None]
    samples = await connection.fetch(
        f"SELECT l.id AS newest, l.received_at, l.door, l.detail, l.topic, l.raw_bytes, "  # noqa: S608 - own text
        f"substring(l.raw FROM 1 FOR {SAMPLE_BYTES}) AS raw FROM dead_letter l WHERE l.id = ANY($1::bigint[])",
        [letter for row in rows[: max(limit - 1, 1)] for letter in row["samples"]],
    )
    return UnknownPage(rows, {row["newest"]: row for row in samples}, found[0]["devices"], found[0]["scanned"])


async def feeds_of_unknown(connection: Connection, device: str, scope: Scope) -> Sequence[str]:
    """Return for which feeds an unknown device has sent, inside the wall; none: nobody knows of it."""
    where = _letters_of(scope, ignored=None).add("l.device = {}", device)
    rows = await connection.fetch(
        f"SELECT DISTINCT feed FROM (SELECT l.feed FROM dead_letter l WHERE {where.sql} "  # noqa: S608 - own text
        f"ORDER BY l.id DESC LIMIT {SCAN_MAX}) x ORDER BY feed",
        *where.arguments,
    )
    return [row["feed"] for row in rows]


@dataclass(frozen=True, slots=True)
class IgnoreStep:
    """Who ignores a device or takes that back, from where, and why."""

    actor: str
    address: str | None
    reason: str = ""


async def ignore(database: Database, device: str, step: IgnoreStep, *, wall: datetime) -> None:
    """Show a device no more for a while; what it sends stays a dead letter.

    Raises:
        TransitionError: it is ignored already, or too many are.
    """
    async with database.transaction() as connection:
        # One of two at once waits here: the bound is counted by who holds the lock.
        await connection.execute("LOCK TABLE ignored_device IN SHARE ROW EXCLUSIVE MODE")
        if await connection.fetchval("SELECT count(*) FROM ignored_device") >= IGNORED_MAX:
            raise TransitionError(f"{IGNORED_MAX} devices are ignored, which is the bound: take some back first")
        made = await connection.fetchval(
            "INSERT INTO ignored_device (device, ignored_at, ignored_by, reason) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (device) DO NOTHING RETURNING device",
            device, wall, step.actor, step.reason,
        )  # fmt: skip
        if made is None:
            raise TransitionError("it is ignored already")
        audit = AuditEntry(step.actor, "device.ignore", device, step.address, {"reason": step.reason})
        await append_audit(connection, audit, wall)


async def stop_ignoring(database: Database, device: str, step: IgnoreStep, *, wall: datetime) -> None:
    """Show a device again.

    Raises:
        NotFoundError: it is not ignored.
    """
    async with database.transaction() as connection:
        found = await connection.fetchval("DELETE FROM ignored_device WHERE device = $1 RETURNING device", device)
        if found is None:
            raise NotFoundError("this device is not ignored")
        await append_audit(connection, AuditEntry(step.actor, "device.ignore_undone", device, step.address), wall)
