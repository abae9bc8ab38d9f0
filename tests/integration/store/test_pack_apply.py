"""What a pack changes is said in the log, once, with its full new value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ioc.domain.event import EntryKind
from ioc.domain.feed import Label
from ioc.packs.loader import load_pack
from ioc.registration.plan import DeviceChange
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.postgres.engine import Database
from ioc.store.postgres.scope import Scope
from ioc.store.registry.device_import import change_devices
from ioc.store.registry.device_work import patch_device
from ioc.store.rules.pack_apply import PackStore
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


async def test_a_device_that_the_pack_moves_or_takes_away_is_told_where_it_was(store, database_dsn):
    """Else whoever follows that area alone would show it for ever."""
    packs, _ = store
    pack = load_pack("hoabinh", shapes=False)
    await packs.apply(pack, NOON)
    moved, gone, *others = pack.devices
    target = next(unit for unit in pack.areas_on(NOON.date()) if unit.code != moved.area)
    changed = replace(pack, devices=(replace(moved, area=target.code, zone=target.zone), *others))
    database = Database(database_dsn, name="read")
    await database.open()
    try:
        async with database.connection() as connection:
            head = await connection.fetchval("SELECT position FROM change_head")
            await packs.apply(changed, NOON)
            rows = await connection.fetch("SELECT id, area FROM change WHERE kind = 'device' AND position > $1", head)
    finally:
        await database.close()
    places = {(row["id"], row["area"]) for row in rows}
    assert places == {(moved.id, moved.area), (moved.id, target.code), (gone.id, gone.area)}


async def test_a_device_of_the_pack_that_the_site_has_edited_is_the_site_s(store, database_dsn):
    """A new pack leaves its name as the site wrote it."""
    packs, log = store
    pack = load_pack("hoabinh", shapes=False)
    await packs.apply(pack, NOON)
    first, second, *others = pack.devices
    database = Database(database_dsn, name="site")
    await database.open()
    try:
        change = DeviceChange(first.id, 1, {"name_vi": "Trạm của xã"})
        await change_devices(
            database, log, [change], actor="test", action="device.import", source="x.csv", now=NOON, wall=NOON
        )
        await patch_device(
            database, log, second.id, {"name_vi": "Trạm của phường"}, version=1, actor="test", address=None,
            scope=Scope(), now=NOON,
        )  # fmt: skip
        renamed = tuple(replace(device, name=Label("Tên mới", "New name")) for device in (first, second))
        await packs.apply(replace(pack, devices=(*renamed, *others)), NOON)
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT name_vi FROM device WHERE id = ANY($1)", [first.id, second.id])
    finally:
        await database.close()
    assert {row["name_vi"] for row in rows} == {"Trạm của xã", "Trạm của phường"}
