"""How the database does: its size, who is connected, its oldest transaction, and whether a commit is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ioc.store.postgres.engine import Connection

STATES = ("active", "idle", "idle_in_transaction", "other")
"""What a connection does. `idle_in_transaction` holds locks and keeps vacuum from its work."""
ASK = """
SELECT pg_database_size(current_database()) AS size, current_setting('max_connections')::int AS connections_max,
  count(*) FILTER (WHERE a.state = 'active')::int AS active, count(*) FILTER (WHERE a.state = 'idle')::int AS idle,
  count(*) FILTER (WHERE a.state LIKE 'idle in transaction%')::int AS idle_in_transaction, count(*)::int AS total,
  extract(epoch FROM $1::timestamptz - min(a.xact_start) FILTER (WHERE a.pid <> pg_backend_pid()))::float8 AS oldest
FROM pg_stat_activity a WHERE a.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The figures of one moment."""

    size_bytes: int
    connections: Mapping[str, int]
    connections_max: int
    oldest_transaction_seconds: float


async def read_database_state(connection: Connection, wall: datetime) -> DatabaseState:
    """Return the figures; ``wall`` is the time of the server's machine, within a second."""
    row = await connection.fetchrow(ASK, wall)
    counts = {state: row[state] for state in STATES[:-1]}
    counts["other"] = row["total"] - sum(counts.values())
    return DatabaseState(row["size"], counts, row["connections_max"], max(0.0, row["oldest"] or 0.0))


async def durability_faults(connection: Connection) -> list[str]:
    """Return the settings that weaken a commit, such as `fsync=off`; empty when a commit survives a power cut."""
    rows = await connection.fetch(
        "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') "
        "AND setting = 'off' ORDER BY name"
    )
    return [f"{row['name']}={row['setting']}" for row in rows]
