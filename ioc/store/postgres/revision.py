"""Which revision of the tables this code needs and a database has, without the migration tools.

Loading those costs more than a whole second; a start that has nothing to migrate does without them.
"""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.connection import UNREACHABLE, connect
from ioc.store.postgres.pool import close_gracefully

PACKAGED = Path(__file__).parents[2] / "_migrations"
"""Where they lie in the wheel; in a checkout they stand at its root."""
MIGRATIONS = PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[3] / "migrations"
VERSIONS = MIGRATIONS / "versions"
DECLARED = re.compile(r'^(down_revision|revision)\b[^=\n]*= *"([^"]+)"', re.MULTILINE)


def newest_revision() -> str | None:
    """Return the one revision that no other follows; None where there is none or more than one."""
    names: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in VERSIONS.glob("*.py"):
        for kind, name in DECLARED.findall(file.read_text(encoding="utf-8")):
            names[kind].add(name)
    newest = names["revision"] - names["down_revision"]
    return newest.pop() if len(newest) == 1 else None


async def applied_revision(dsn: str) -> str | None:
    """Return the revision that the database is at, or None: it is empty.

    Raises:
        StoreUnavailableError: PostgreSQL does not answer.
    """
    try:
        connection = await connect(dsn, name="up", command_timeout_seconds=10.0, connect_timeout_seconds=10.0)
        try:
            if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
                return None
            found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
            return found
        finally:
            await close_gracefully(connection)
    except (*UNREACHABLE, asyncpg.PostgresError) as error:
        raise StoreUnavailableError(f"PostgreSQL does not answer: {error}") from error
