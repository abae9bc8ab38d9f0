"""The migrations make exactly the tables that ioc/store/tables declares, and every step goes back and up again."""

from __future__ import annotations

import ast
import json
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

from ioc.errors import NewerDatabaseError
from ioc.store.postgres import migrate
from ioc.store.postgres.revision import MIGRATIONS
from ioc.store.tables import metadata
from tests.acceptance.instance import run_cli
from tests.databases import TestDatabases

VERSIONS = MIGRATIONS / "versions"
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


async def test_the_contact_of_reports_from_before_leaves_the_log_and_comes_back_on_the_way_down(database_dsn: str):
    """Migration 0024: the event keeps a reference, and all else of it as it was."""
    await migrate.downgrade_async(database_dsn, revision="0023")
    connection = await asyncpg.connect(database_dsn)
    insert = (
        "INSERT INTO event (position, log_time, kind, key, feed, device, effective, received_at, data, door) "
        "VALUES ($1, '2026-01-01Z', 'event', $2, $3, 'd', '2026-01-01Z', '2026-01-01Z', $4, 'http')"
    )
    before = {
        1: '{"text": "ngập", "contact": "0912 345 678"}',
        2: '{"text": "gọi lại"}',
        3: '{"contact": "0912 345 678"}',
    }
    try:
        for position, data in before.items():
            feed = "rainfall" if position == 3 else "citizen_report"
            await connection.execute(insert, position, position.to_bytes(16, "big"), feed, data)
        await migrate.upgrade_async(database_dsn)
        rows = await connection.fetch("SELECT position, data FROM event ORDER BY position")
        moved = [json.loads(row["data"]) for row in rows]
        kept = await connection.fetchrow("SELECT reference, event, field, value FROM person_data")
        assert kept is not None
        assert (kept["event"], kept["field"], json.loads(kept["value"])) == (
            b"\0" * 15 + b"\1",
            "contact",
            "0912 345 678",
        )
        assert moved == [
            {"text": "ngập", "contact": kept["reference"]},
            {"text": "gọi lại"},
            {"contact": "0912 345 678"},
        ]
        await migrate.downgrade_async(database_dsn, revision="0023")
        rows = await connection.fetch("SELECT data FROM event ORDER BY position")
        assert [json.loads(row["data"]) for row in rows] == [json.loads(data) for data in before.values()]
    finally:
        await connection.close()


async def test_running_the_migrations_again_changes_nothing(database_dsn: str):
    before = await everything(database_dsn)
    await migrate.upgrade_async(database_dsn)
    assert await everything(database_dsn) == before


async def test_a_database_of_a_later_version_is_refused_in_words_and_left_as_it_is(database_dsn: str):
    """Whoever goes back without the backup is told so, by the command too; no traceback."""
    connection = await asyncpg.connect(database_dsn)
    try:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    finally:
        await connection.close()
    with pytest.raises(NewerDatabaseError, match=r"revision 9999.*restore a backup"):
        await migrate.upgrade_async(database_dsn)
    done = run_cli("migrate", IOC_DATABASE_URL=database_dsn)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("ioc: the database is at revision 9999")
    assert await migrate.current_revision(database_dsn) == "9999"


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


async def test_the_sheets_of_limits_from_before_are_those_of_dated_rows_and_limits_again_on_the_way_down(
    database_dsn: str,
):
    """Migration 0033: each keeps its number, what it wrote and what it found; the next gets the next number."""
    await migrate.downgrade_async(database_dsn, revision="0032")
    connection = await asyncpg.connect(database_dsn)
    insert = (
        "INSERT INTO {} (id, {}state, version, file_name, file_hash, new_count, changed_count, unchanged_count, why, "
        "sent_by, sent_at) VALUES ($1, {}'applied', 1, 'a.csv', '\\x00', 1, 0, 0, 'vì sao', 'root', '2026-01-01Z')"
    )
    sheets = "SELECT id, number, kind, why FROM row_import ORDER BY number"
    lines = "SELECT import, row_id, body, before FROM row_import_line"
    try:
        for name in ("li_1", "li_2"):
            await connection.execute(insert.format("limit_import", "", ""), name)
        await connection.execute("INSERT INTO limit_import_row VALUES ('li_2', 'lim_a', 3, '{\"value\": 1}', NULL)")
        await migrate.upgrade_async(database_dsn)
        await connection.execute(insert.format("row_import", "kind, ", "'lookup', "), "lo_3")
        await connection.execute("INSERT INTO row_import_line VALUES ('lo_3', 'lkr_a', 1, '{}', NULL)")
        assert [tuple(row) for row in await connection.fetch(sheets)] == [
            ("li_1", 1, "limit", "vì sao"), ("li_2", 2, "limit", "vì sao"), ("lo_3", 3, "lookup", "vì sao")
        ]  # fmt: skip
        kept = [tuple(row) for row in await connection.fetch(lines)]
        assert kept[0] == ("li_2", "lim_a", '{"value": 1}', None)
        await migrate.downgrade_async(database_dsn, revision="0032")
        await connection.execute(insert.format("limit_import", "", ""), "li_4")
        back = await connection.fetch("SELECT id, number FROM limit_import ORDER BY number")
        assert [tuple(row) for row in back] == [("li_1", 1), ("li_2", 2), ("li_4", 3)]
        rows = await connection.fetch("SELECT import, limit_id, version, body, before FROM limit_import_row")
        assert [tuple(row) for row in rows] == [("li_2", "lim_a", 3, '{"value": 1}', None)]
    finally:
        await connection.close()
