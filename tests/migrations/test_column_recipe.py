"""CONTRIBUTING's recipe for a column of alerts, followed to the letter on a copy of the code: no more is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.databases import TestDatabases
from tests.docs.test_recipes import ROOT, blocks_of, tracked

FILES_MAX = 5
TABLE, ROW, ANSWER = "ioc/store/tables/alerts.py", "ioc/domain/alert_row.py", "ioc/api/serializers/nouns.py"
WALK = '''
import asyncio, json, sys
from dataclasses import replace
from datetime import UTC, date, datetime

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
import asyncpg

from ioc.api.serializers import nouns
from ioc.domain.alert import Evidence, Transition, TransitionKind
from ioc.domain.places.area_book import AreaBook
from ioc.domain.feed import Label
from ioc.domain.scope import Scope
from ioc.domain.severity import Severity
from ioc.store.alerts.engine import write_transitions
from ioc.store.alerts.reader import get_alert
from ioc.store.postgres.engine import Database
from ioc.store.postgres.migrate import upgrade_async
from ioc.store.tables import metadata

DSN, BEFORE = sys.argv[1:]
NOON, TODAY = datetime(2026, 11, 23, 5, tzinfo=UTC), date(2026, 11, 23)
NOWHERE = AreaBook(areas=(), zones=())
OPENED = Transition(
    kind=TransitionKind.OPENED, alert_id="al_new", rule="rain.24h", rule_version=1, rule_hash="h", key="rain-1",
    opened_position=1, position=1, at=NOON, log_time=NOON, severity=Severity.HIGH, title=Label("Mưa", "Rain"),
    summary=Label("Mưa", "Rain"), domain="weather", feed="rainfall", device="rain-1",
    evidence=Evidence(clause="", values={}, readings=(), position=1), labels={"basin": "Đà"},
)
OLD = """
INSERT INTO alert (id, number, rule, rule_version, rule_hash, key, condition, severity, severity_rank, peak_severity,
  title, summary, domain, feed, opened_at, opened_position, changed_at, log_time, position)
VALUES ('al_old', 'HB-261122-0001', 'rain.24h', 1, 'h', 'rain-2', 'firing', 'high', 3, 'high', '{"vi": "x", "en": "x"}',
  '{"vi": "x", "en": "x"}', 'weather', 'rainfall', now(), 1, now(), now(), 1)
"""
OLD_LINE = """
INSERT INTO alert_history (alert, number, at, log_time, kind, evidence)
VALUES ('al_old', 1, now(), now(), 'opened', '{"labels": {"basin": "Bôi"}}')
"""


def differences(connection):
    partitions = {row[0] for row in connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relispartition")}
    ours = lambda _, name, kind, *__: kind != "table" or name not in partitions | {"alembic_version"}
    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
    return compare_metadata(context, metadata)


async def main():
    await upgrade_async(DSN, revision=BEFORE)
    old = await asyncpg.connect(DSN)
    await old.execute(OLD)
    await old.execute(OLD_LINE)
    await old.close()
    await upgrade_async(DSN)

    async def connect():
        return await asyncpg.connect(DSN)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == [], "the migration makes what the table declares"
    await engine.dispose()
    database = Database(DSN, name="walk")
    await database.open()
    moved = replace(OPENED, kind=TransitionKind.RAISED, position=2, labels={"basin": "Mã"})
    told = {}
    for made in (OPENED, moved):
        async with database.transaction() as connection:
            await write_transitions(connection, [made], number_prefix="HB")
            row = await get_alert(connection, "al_new", Scope())
            told[str(made.kind)] = nouns.alert(row, book=NOWHERE, today=TODAY)["labels"]
    async with database.connection() as connection:
        row = await get_alert(connection, "al_old", Scope())
    told["before"] = nouns.alert(row, book=NOWHERE, today=TODAY)["labels"]
    await database.close()
    print(json.dumps(told))


asyncio.run(main())
'''


@pytest.fixture
def empty_dsn(databases: TestDatabases):
    name = databases.create(template="template0")
    yield databases.dsn_of(name)
    databases.drop(name)


def follow(path: Path, difference: str) -> None:
    """Put what the page adds behind the one line that it shows, as deep as that is."""
    shown, added = (line[1:] for line in difference.splitlines())
    text = path.read_text(encoding="utf-8")
    [line] = re.findall(rf"^ *{re.escape(shown)}\n", text, re.MULTILINE)
    depth = line[: len(line) - len(line.lstrip())]
    path.write_text(text.replace(line, f"{line}{depth}{added}\n"), encoding="utf-8")


def test_a_column_of_alerts_is_added_as_the_page_says(tmp_path: Path, empty_dsn: str):
    """What opens and what moves has it, what was there before gets it, people read it; and at most five files know."""
    for file in tracked():
        if file.startswith(("ioc/", "migrations/")):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
    [migration] = blocks_of("column to alerts", "python")
    column, field, line, member = blocks_of("column to alerts", "diff")
    versions = tmp_path / "migrations" / "versions"
    before = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
    made = versions / f"{int(before) + 1:04}_alert_labels.py"
    made.write_text(
        f'"""The labels of alerts."""\n\nfrom alembic import op\n\nrevision = "{int(before) + 1:04}"\n'
        f'down_revision = "{before}"\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade() -> None:\n'
        + textwrap.indent(migration, "    ")
        + '\n\ndef downgrade() -> None:\n    op.execute("ALTER TABLE alert DROP COLUMN labels")\n',
        encoding="utf-8",
    )
    for file, difference in ((TABLE, column), (ROW, field), (ROW, line), (ANSWER, member)):
        follow(tmp_path / file, difference)
    assert len({TABLE, ROW, ANSWER, made, "a test"}) <= FILES_MAX
    done = subprocess.run(
        [sys.executable, "-c", WALK, empty_dsn, before], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "IOC_COMPILED": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "opened": {"basin": "Đà"}, "raised": {"basin": "Mã"}, "before": {"basin": "Bôi"},
    }  # fmt: skip
