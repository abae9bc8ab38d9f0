"""The migrations make exactly the tables that ioc/store/tables.py declares, and every step goes back and up again."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData, Table
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ioc.store import migrate
from ioc.store.tables import metadata
from tests.databases import TestDatabases

VERSIONS = migrate.FOLDER / "versions"
OURS = "n.nspname = 'public' AND NOT c.relispartition AND c.relname <> 'alembic_version'"
FACTS = {
    "tables": f"""
        SELECT c.relname, c.relkind::text, obj_description(c.oid, 'pg_class'), pg_get_partkeydef(c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND c.relkind IN ('r', 'p')""",
    "columns": f"""
        SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {OURS} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraints": f"""
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS}""",
    "indexes": f"""
        SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid)
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}""",
    "sequences": f"""
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND c.relkind = 'S'""",
}


@asynccontextmanager
async def alchemy(dsn: str) -> AsyncIterator[Any]:
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", poolclass=NullPool, async_creator=connect)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


@pytest.fixture
def empty_dsn(databases: TestDatabases):
    name = databases.create(template="template0")
    yield databases.dsn_of(name)
    databases.drop(name)


async def facts(dsn: str, statement: str) -> set[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return {tuple(row) for row in await connection.fetch(statement)}
    finally:
        await connection.close()


async def everything(dsn: str) -> dict[str, set[tuple[Any, ...]]]:
    return {kind: await facts(dsn, statement) for kind, statement in FACTS.items()}


def differences(declared: MetaData) -> Callable[[Connection], list[Any]]:
    def compare(connection: Connection) -> list[Any]:
        partitions = {
            row[0] for row in connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relispartition").all()
        }

        def ours(_: object, name: str | None, kind: str, *__: object) -> bool:
            return kind != "table" or name not in partitions | {"alembic_version"}

        options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared))

    return compare


async def test_alembic_finds_nothing_to_do_after_the_migrations(database_dsn: str):
    async with alchemy(database_dsn) as connection:
        assert await connection.run_sync(differences(metadata)) == []


async def test_alembic_would_find_a_table_that_no_migration_makes(database_dsn: str):
    """The comparison above can fail: a declared table without a migration is named."""
    declared = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(declared)
    Table("forgotten", declared, Column("id", Integer, primary_key=True))
    async with alchemy(database_dsn) as connection:
        found = await connection.run_sync(differences(declared))
    assert [(item[0], item[1].name) for item in found] == [("add_table", "forgotten")]


@pytest.mark.parametrize("kind", FACTS)
async def test_the_catalogue_is_the_same_as_if_the_tables_had_been_made_as_declared(
    database_dsn: str, empty_dsn: str, kind: str
):
    """Column by column, with types, defaults, order, comments, partition keys: as PostgreSQL itself writes them."""
    async with alchemy(empty_dsn) as connection:
        await connection.run_sync(metadata.create_all)
    migrated, declared = await facts(database_dsn, FACTS[kind]), await facts(empty_dsn, FACTS[kind])
    assert migrated == declared
    assert migrated, f"no {kind} found: the question is wrong"


async def test_down_to_the_base_leaves_nothing_and_up_again_gives_the_same(database_dsn: str):
    before = await everything(database_dsn)
    await migrate.downgrade_async(database_dsn, revision="base")
    assert not any((await everything(database_dsn)).values())
    routines = "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'"
    assert await facts(database_dsn, routines) == set()
    await migrate.upgrade_async(database_dsn)
    assert await everything(database_dsn) == before
    assert await migrate.current_revision(database_dsn) == migrate.head_revision()


async def test_rules_that_were_applied_before_sites_could_edit_are_still_in_force(database_dsn: str):
    """Migration 0007: each has form, version and the beginning of its history; one removed stays so."""
    await migrate.downgrade_async(database_dsn, revision="0006")
    connection = await asyncpg.connect(database_dsn)
    try:
        for kind, name, found, version, body, removed in (
            ("rule", "a", "h1", 3, '{"rule": "a"}', False),
            ("rule", "b", "h2", 2, '{"enabled": false}', True),
            ("feed", "f", "h", 1, "{}", False),
        ):
            await connection.execute(
                "INSERT INTO pack_item (kind, id, hash, version, body, removed, updated_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, '2026-01-01Z')",
                kind, name, found, version, body, removed,
            )  # fmt: skip
        await migrate.upgrade_async(database_dsn)
        columns = "id, origin, version, hash, enabled, removed, pack_hash"
        rules = await connection.fetch(f"SELECT {columns} FROM rule ORDER BY id")
        history = await connection.fetch("SELECT rule, number, action, version, actor FROM rule_history ORDER BY rule")
    finally:
        await connection.close()
    assert [tuple(row) for row in rules] == [
        ("a", "pack", 3, "h1", True, False, "h1"),
        ("b", "pack", 2, "h2", False, True, "h2"),
    ]
    assert [tuple(row) for row in history] == [("a", 1, "pack", 3, None), ("b", 1, "pack", 2, None)]


async def test_running_the_migrations_again_changes_nothing(database_dsn: str):
    before = await everything(database_dsn)
    await migrate.upgrade_async(database_dsn)
    assert await everything(database_dsn) == before


def revisions() -> list[Path]:
    return sorted(path for path in VERSIONS.glob("*.py") if path.name != "__init__.py")


def test_revisions_are_numbered_without_a_gap_and_form_one_line():
    previous = None
    for number, path in enumerate(revisions(), start=1):
        values = {
            node.targets[0].id: ast.literal_eval(node.value)
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id.endswith("revision")
        }
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+\.py", path.name)
        assert values == {"revision": f"{number:04d}", "down_revision": previous}
        previous = values["revision"]


@pytest.mark.parametrize("path", revisions(), ids=lambda path: path.name)
def test_a_migration_waits_for_a_lock_only_so_long(path: Path):
    """Both ways: a migration that queues behind a long read would block everybody behind itself."""
    for way in ("upgrade", "downgrade"):
        function = next(
            node
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef) and node.name == way
        )
        assert "SET lock_timeout" in ast.unparse(function.body[0]), way
