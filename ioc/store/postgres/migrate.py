"""Bring a database to the tables of this version. One migrator at a time; the others wait for it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ioc.errors import NewerDatabaseError, StoreUnavailableError
from ioc.store.postgres.engine import UNREACHABLE, plain_dsn
from ioc.store.postgres.locks import AdvisoryLock
from ioc.store.postgres.revision import MIGRATIONS

SERVER_VERSION_MIN = 150000


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def head_revision() -> str:
    """Return the revision that this version of the code needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def upgrade(dsn: str, *, revision: str = "head") -> None:
    """Run all missing migrations.

    Raises:
        StoreUnavailableError: PostgreSQL does not answer or is older than 15.
        NewerDatabaseError: a later version has migrated it.
    """
    asyncio.run(upgrade_async(dsn, revision=revision))


async def upgrade_async(dsn: str, *, revision: str = "head") -> None:
    """Run all missing migrations inside a running loop."""
    await _run(dsn, lambda config: command.upgrade(config, revision))


async def downgrade_async(dsn: str, *, revision: str) -> None:
    """Go back to ``revision`` (tests)."""
    await _run(dsn, lambda config: command.downgrade(config, revision))


async def _run(dsn: str, step: Any) -> None:
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(plain_dsn(dsn), timeout=10, target_session_attrs="read-write")

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect)
    try:
        async with engine.connect() as connection:
            version = await connection.scalar(text("SELECT current_setting('server_version_num')::int"))
            if version < SERVER_VERSION_MIN:
                raise StoreUnavailableError(f"PostgreSQL {version // 10000} is too old: 15 or newer is needed")
            await connection.execute(text(f"SELECT pg_advisory_lock({AdvisoryLock.MIGRATIONS:d})"))
            await connection.commit()

            def run(sync_connection: Connection) -> None:
                config = _config()
                _refuse_newer(ScriptDirectory.from_config(config), sync_connection)
                config.attributes["connection"] = sync_connection
                step(config)

            await connection.run_sync(run)
            await connection.commit()
    except (*UNREACHABLE, asyncpg.PostgresError) as error:
        raise StoreUnavailableError(f"PostgreSQL does not answer: {error}") from error
    finally:
        await engine.dispose()


def _refuse_newer(scripts: ScriptDirectory, connection: Connection) -> None:
    applied = MigrationContext.configure(connection).get_current_revision()
    if applied is not None and applied not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerDatabaseError(
            f"the database is at revision {applied}, this version knows up to {scripts.get_current_head()}: "
            "a later version has run on it. Start that version, or restore a backup from before it (docs/upgrade.md)"
        )
    connection.commit()


async def current_revision(dsn: str) -> str | None:
    """Return the revision that the database is at, or None: it is empty."""
    found: str | None = None

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(plain_dsn(dsn), timeout=10, target_session_attrs="read-write")

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect)
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    finally:
        await engine.dispose()
    return found
