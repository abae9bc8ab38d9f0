"""Battery, signal and firmware: told with a reading, kept by the roll-up, seen with the device and filtered by."""

from __future__ import annotations

import io
from datetime import timedelta

from python_calamine import CalamineWorkbook

from ioc.rollup.fold import fold
from ioc.store.log.event_log import EventLog
from ioc.store.series.writer import SeriesStore
from tests.builders import message
from tests.integration.api.conftest import NOW, World

MINUTE = timedelta(minutes=1)


async def tell(world: World, device: str, minutes: int, **data: object) -> None:
    """A station speaks, and the roll-up takes it in."""
    log, store = EventLog(world.database), SeriesStore(world.database)
    when = NOW + minutes * MINUTE
    await log.append([message(device, feed="air_quality", id=str(minutes), time=when, data=dict(data))], when)
    position, log_time = await store.cursor()
    entries = await log.read_values(position, log_time, 100)
    total = fold(entries, world.state.context.pack.feeds)
    await store.merge(total, after=position, position=entries[-1].position, log_time=entries[-1].log_time)


async def test_a_device_shows_its_newest_battery_signal_and_firmware_each_with_its_own_time(world: World):
    await world.device("air-1", feed="air_quality")
    async with world.signed_in("op") as client:
        assert (await client.get("/api/v1/devices/air-1")).json()["health"] is None
        await tell(world, "air-1", 0, pm2_5=20.0, battery_pct=64, rssi_dbm=-71, firmware="1.4.2")
        await tell(world, "air-1", 5, pm2_5=21.0, battery_pct=63)
        health = (await client.get("/api/v1/devices/air-1")).json()["health"]
        assert health == {
            "battery": {"value": 63, "unit": "%", "at": "2026-11-23T13:05:00.000Z"},
            "signal": {"value": -71, "unit": "dBm", "at": "2026-11-23T13:00:00.000Z"},
            "firmware": {"value": "1.4.2", "unit": "", "at": "2026-11-23T13:00:00.000Z"},
        }
    async with world.client(key="display") as wall:
        masked = (await wall.get("/api/v1/devices/air-1")).json()["health"]
        assert (masked["battery"]["value"], masked["firmware"]) == (63, None)


async def test_who_has_a_low_battery_is_asked_for_in_list_and_workbook(world: World):
    for name, battery in (("air-low", 19), ("air-edge", 20), ("air-odd", "empty")):
        await world.device(name, feed="air_quality")
        await tell(world, name, 1, pm2_5=20.0, battery_pct=battery, firmware="=1+1")
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        found = (await client.get("/api/v1/devices?low_battery=true")).json()["items"]
        assert [one["id"] for one in found] == ["air-low"]
        rest = (await client.get("/api/v1/devices?low_battery=false")).json()["items"]
        assert [one["id"] for one in rest] == ["air-edge", "air-odd", "rain-1"]
        refused = await client.get("/api/v1/devices?low_battery=perhaps")
        assert refused.status_code == 422
    async with world.signed_in("chief") as client:
        book = (await client.get("/api/v1/devices/export?low_battery=true", headers={"Accept-Language": "vi"})).content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    [head], [row] = [one for one in rows if "Pin (%)" in one], [one for one in rows if "air-low" in one]
    told = dict(zip(head, row, strict=True))
    assert (told["Pin (%)"], told["Phiên bản phần mềm"]) == (19, "=1+1")
