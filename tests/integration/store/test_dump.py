"""A dump of the database is the whole instance: what a restore brings back is what was dumped, row by row."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import asyncpg

from ioc.store.audit.trail import verify_chain
from ioc.store.postgres.engine import prepare_connection
from tests.databases import TestDatabases
from tests.integration.api.conftest import open_world
from tests.pictures import telephone_jpeg

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
ROWS = "SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t"


async def contents(dsn: str) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and the hash of them all."""
    connection = await asyncpg.connect(dsn)
    try:
        names = [row["relname"] for row in await connection.fetch(TABLES)]
        return {name: tuple(await connection.fetchrow(ROWS.format(f'"{name}"'))) for name in names}
    finally:
        await connection.close()


async def test_what_is_restored_is_what_was_dumped_pictures_too(
    databases: TestDatabases, database_dsn: str, tmp_path: Path
):
    async with open_world(database_dsn) as world:
        await world.alert("al_1")
        async with world.signed_in("op") as client:
            sent = await client.post("/api/v1/media", content=telephone_jpeg(), headers={"Content-Type": "image/jpeg"})
            entry = {"values": {"text": "cây đổ chắn đường", "category": "giao thông"}, "media": [sent.json()["id"]]}
            made = await client.post("/api/v1/manual/citizen_report", json=entry)
            assert made.status_code == 201, made.text
            picture = (await client.get(f"/api/v1/media/{sent.json()['id']}")).content
    programs = databases.programs
    dump = tmp_path / "ioc.dump"
    await asyncio.to_thread(_run, programs / "pg_dump", "--format=custom", f"--file={dump}", database_dsn)
    before = await contents(database_dsn)
    assert {name for name in ("event", "alert", "media_content", "audit", "account") if before_rows(before, name)} == {
        "event", "alert", "media_content", "audit", "account",
    }  # fmt: skip
    name = databases.create(template="template0")
    try:
        restored = databases.dsn_of(name)
        await asyncio.to_thread(_run, programs / "pg_restore", "--exit-on-error", f"--dbname={restored}", str(dump))
        assert await contents(restored) == before
        connection = await asyncpg.connect(restored)
        await prepare_connection(connection)
        assert (await verify_chain(connection)).broken_at is None
        assert await connection.fetchval("SELECT content FROM media_content") == picture
        await connection.close()
    finally:
        databases.drop(name)


def before_rows(found: dict[str, tuple[int, str]], name: str) -> int:
    """Return the rows of a table with its partitions."""
    return sum(rows for table, (rows, _) in found.items() if table == name or table.startswith(f"{name}_"))


def _run(program: Path, *words: str) -> None:
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
