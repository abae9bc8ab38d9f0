"""CONTRIBUTING's recipe for a work transition, followed to the letter on a copy of the code: a row and its words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import TestDatabases
from tests.docs.test_recipes import ROOT, blocks_of, tracked
from tests.migrations.test_column_recipe import follow

TABLE, WORDS, PAGE = "ioc/work/transitions.py", "ui/src/i18n/vi.json", "docs/alerts.md"
WALK = '''
import asyncio, json, sys
from datetime import UTC, datetime

import asyncpg

from ioc.domain.scope import Scope
from ioc.errors import VersionConflictError
from ioc.store.alerts.reader import get_alert
from ioc.store.alerts.work import Work, do_work
from ioc.store.alerts.work_recorded import verify_work
from ioc.store.postgres.engine import Database
from ioc.work.transitions import WorkAction
from tests.docs.pages.openapi_file import described_app

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
OLD = """
INSERT INTO alert (id, number, rule, rule_version, rule_hash, key, condition, severity, severity_rank, peak_severity,
  title, summary, domain, feed, opened_at, opened_position, changed_at, log_time, position)
VALUES ('al_old', 'HB-261122-0001', 'rain.24h', 1, 'h', 'rain-2', 'firing', 'high', 3, 'high', '{"vi": "x", "en": "x"}',
  '{"vi": "x", "en": "x"}', 'weather', 'rainfall', now(), 1, now(), now(), 1)
"""


async def main():
    paths = described_app()[1]["paths"]
    operation = paths["/api/v1/alerts/{alert}/arrive"]["post"]
    other = paths["/api/v1/alerts/{alert}/dispatch"]["post"]
    parameters = paths["/api/v1/alerts/{alert}/history"]["get"]["parameters"]
    kinds = next(each for each in parameters if each["name"] == "kind")
    told = {
        "summary": operation["summary"],
        "as others": all(operation[part] == other[part] for part in ("responses", "requestBody", "x-ioc-access")),
        "filter": "arrive" in kinds["schema"]["items"]["enum"],
    }
    database = Database(sys.argv[1], name="walk")
    await database.open()
    async with database.connection() as connection:
        await connection.execute(OLD)
    work = Work("al_old", WorkAction("arrive"), 2, actor="an", text="tổ 3 đã có mặt")
    await do_work(database, work, scope=Scope(), now=NOON)
    try:
        await do_work(database, work, scope=Scope(), now=NOON)
    except VersionConflictError:
        told["second of two"] = "refused"
    async with database.connection() as connection:
        row = await get_alert(connection, "al_old", Scope())
        told["work"] = [row["state"], row["version"], row["comments"]]
        line = await connection.fetchrow("SELECT kind, actor, text FROM alert_history WHERE alert = 'al_old'")
        told["history"] = list(line)
        told["audit"] = await connection.fetchval("SELECT action FROM audit WHERE object = 'al_old'")
    told["differences"] = (await verify_work(database)).differences
    await database.close()
    print(json.dumps(told, ensure_ascii=False))


asyncio.run(main())
'''


@pytest.fixture
def fresh_dsn(databases: TestDatabases):
    name = databases.create()
    yield databases.dsn_of(name)
    databases.drop(name)


def test_a_work_transition_is_added_as_the_page_says(tmp_path: Path, fresh_dsn: str):
    """One row makes the route, its description, the history, the audit trail and the check of them; nothing else."""
    for file in tracked():
        if file.startswith(("ioc/", WORDS, PAGE)):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tmp_path / file)
    member, row, word, line = blocks_of("work transition", "diff")
    for file, difference in ((TABLE, member), (TABLE, row), (WORDS, word), (PAGE, line)):
        follow(tmp_path / file, difference)
    done = subprocess.run(
        [sys.executable, "-c", WALK, fresh_dsn], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "IOC_COMPILED": "0", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "summary": "Arrive", "as others": True, "filter": True, "second of two": "refused", "work": ["new", 3, 1],
        "history": ["arrive", "an", "tổ 3 đã có mặt"], "audit": "alert.arrive", "differences": [],
    }  # fmt: skip
    assert json.loads((tmp_path / WORDS).read_text(encoding="utf-8"))["step.arrive"] == "Đã đến hiện trường"
    assert "| `arrive` |" in (tmp_path / PAGE).read_text(encoding="utf-8")
