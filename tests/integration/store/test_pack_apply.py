"""What a pack changes is said in the log, once, with its full new value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ioc.domain.event import EntryKind
from ioc.packs.loader import load_pack
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from ioc.store.pack_apply import PackStore
from ioc.store.partitions import ensure_partitions
from tests.builders import NOON

OLD = NOON - timedelta(days=1)


@pytest.fixture
async def store(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    await ensure_partitions(database, NOON)
    yield PackStore(database, EventLog(database)), EventLog(database)
    await database.close()


async def test_the_calendar_is_one_entry_before_the_rules_and_comes_again_only_when_it_changed(store):
    """A rule with hours must know the holidays when it comes into force, and an unchanged pack writes nothing."""
    packs, log = store
    pack = load_pack("hoabinh", shapes=False)
    await packs.apply(pack, NOON)
    entries = await log.read(0, OLD, 10_000)
    [calendar] = [entry for entry in entries if entry.kind is EntryKind.CALENDAR]
    assert calendar.value == pack.calendar()
    assert calendar.position < min(entry.position for entry in entries if entry.kind is EntryKind.RULE)

    assert (await packs.apply(pack, NOON)).changed == 0
    assert await log.head() == (entries[-1].position, NOON)

    fewer = replace(pack, holidays=pack.holidays[:3])
    assert (await packs.apply(fewer, NOON)).changed == 1
    [again] = await log.read(entries[-1].position, OLD, 10)
    assert (again.kind, again.value) == (EntryKind.CALENDAR, fewer.calendar())

    assert (await packs.apply(replace(pack, holidays=()), NOON)).removed == 1
    [gone] = await log.read(again.position, OLD, 10)
    assert (gone.kind, gone.value) == (EntryKind.CALENDAR, None)
