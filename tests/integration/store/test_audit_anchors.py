"""The keeper writes down where the audit trail ends: in a file or in another database, and never over a cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from ioc.errors import InvalidInputError, StoreUnavailableError
from ioc.runtime.clock import SteppedLogClock
from ioc.runtime.metrics import Metrics
from ioc.store.audit import anchors as audit_anchors
from ioc.store.audit.anchors import Anchor, AuditAnchoring, DatabaseAnchors, FileAnchors, by_id
from ioc.store.audit.trail import AuditEntry, AuditVerdict, append_audit, verify_chain
from ioc.store.postgres.engine import Database
from tests.databases import TestDatabases

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


class Trail:
    """An audit trail, where it is anchored, and who anchors it."""

    def __init__(self, database: Database, anchors: FileAnchors | DatabaseAnchors) -> None:
        self.database = database
        self.written = 0
        self.anchors = anchors
        self.clock = SteppedLogClock(NOW)
        self.metrics = Metrics(CollectorRegistry())
        self.keeper = AuditAnchoring(
            database=database, anchors=anchors, wall=self.clock, metrics=self.metrics, period_seconds=1.0
        )

    async def write(self, count: int = 1) -> None:
        for _ in range(count):
            async with self.database.transaction() as connection:
                self.written += 1
                await append_audit(connection, AuditEntry("op", "alert.comment", f"al_{self.written}"), NOW)

    async def sql(self, statement: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
            await connection.execute(statement)

    async def verdict(self) -> AuditVerdict:
        async with self.database.connection() as connection:
            return await verify_chain(connection, by_id(await self.anchors.read()))

    @property
    def broken(self) -> float:
        return float(self.metrics.audit_anchor_broken._value.get())


@pytest.fixture(params=["file", "database"])
async def trail(
    request: pytest.FixtureRequest, database_dsn: str, databases: TestDatabases, tmp_path: Path
) -> AsyncIterator[Trail]:
    database = Database(database_dsn, name="test", connections_max=3)
    await database.open()
    other = databases.create()
    try:
        anchors = (
            FileAnchors(tmp_path / "deep" / "anchors.jsonl")
            if request.param == "file"
            else DatabaseAnchors(databases.dsn_of(other), "here")
        )
        yield Trail(database, anchors)
    finally:
        await database.close()
        databases.drop(other)


async def test_an_end_that_is_cut_off_is_found_and_stays_found(trail: Trail):
    await trail.write(5)
    assert await trail.keeper.work()
    await trail.write(3)
    assert await trail.keeper.work()
    assert [anchor.id for anchor in await trail.anchors.read()] == [5, 8]
    assert (await trail.verdict()).broken_at is None
    await trail.sql("DELETE FROM audit WHERE id > 6")
    cut = await trail.verdict()
    assert (cut.broken_at, cut.reason) == (7, "the end was cut off")
    assert not await trail.keeper.work()
    assert trail.broken == 1
    await trail.write(10)  # who cuts it off and lets it grow again, past the anchor
    grown = await trail.verdict()
    assert (grown.broken_at, grown.reason) == (8, "differs from the anchor")
    assert not await trail.keeper.work()
    assert [anchor.id for anchor in await trail.anchors.read()] == [5, 8], "the keeper writes nothing over it"


async def test_a_trail_that_was_emptied_is_found(trail: Trail):
    await trail.write(2)
    await trail.keeper.work()
    await trail.sql("DELETE FROM audit")
    assert (await trail.verdict()).reason == "the end was cut off"
    assert not await trail.keeper.work()


async def test_nothing_new_is_no_new_anchor_and_an_empty_trail_has_none(trail: Trail):
    assert await trail.keeper.work()
    assert await trail.anchors.read() == []
    await trail.write()
    for _ in range(3):
        assert await trail.keeper.work()
    (anchor,) = await trail.anchors.read()
    assert (anchor.id, anchor.at, trail.broken) == (1, NOW, 0)


async def test_a_line_that_a_power_cut_left_half_is_left_behind(tmp_path: Path):
    path = tmp_path / "anchors.jsonl"
    anchors = FileAnchors(path)
    first = Anchor(1, bytes(32), NOW)
    await anchors.write(first)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("ab") as file:
        file.write(b'{"id": 2, "ha')
    assert await anchors.read() == [first]
    await anchors.write(replace(first, id=3))
    assert [anchor.id for anchor in await anchors.read()] == [1, 3]


async def test_a_file_that_somebody_changed_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "anchors.jsonl"
    anchors = FileAnchors(path)
    for number in (1, 2, 3):
        await anchors.write(Anchor(number, bytes(32), NOW))
    path.write_text(path.read_text().replace('"id": 2', '"id": two'))
    with pytest.raises(InvalidInputError, match=r"anchors\.jsonl:2 is no anchor"):
        await anchors.read()


async def test_the_file_has_a_bound_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit_anchors, "ANCHORS_MAX", 10)
    monkeypatch.setattr(audit_anchors, "ANCHORS_SLACK", 5)
    anchors = FileAnchors(tmp_path / "anchors.jsonl")
    for number in range(1, 40):
        await anchors.write(Anchor(number, bytes(32), NOW + timedelta(seconds=number)))
    kept = [anchor.id for anchor in await anchors.read()]
    assert len(kept) <= 16
    assert kept == list(range(40 - len(kept), 40))


@pytest.mark.parametrize("reach", [lambda anchors: anchors.read(), lambda anchors: anchors.write(Anchor(1, b"", NOW))])
async def test_a_database_that_does_not_answer_is_said(reach: Callable[[DatabaseAnchors], Awaitable[object]]):
    with pytest.raises(StoreUnavailableError):
        await reach(DatabaseAnchors("postgresql://x@127.0.0.1:1/x", "here"))
