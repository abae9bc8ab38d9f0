"""A device that was removed and registered again under its id shows what is its own, wherever the roll-up is cut."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ioc.rollup.fold import fold, stretches
from ioc.store.log.event_log import EventLog
from ioc.store.registry.device_work import delete_device
from ioc.store.series.writer import SeriesStore
from tests.builders import message
from tests.integration.api.conftest import NOW, OWN, World

MINUTE = timedelta(minutes=1)


async def roll_up(world: World, chunk: int) -> None:
    log, store = EventLog(world.database), SeriesStore(world.database)
    position, log_time = await store.cursor()
    while entries := await log.read_values(position, log_time, chunk):
        for stretch in stretches(entries):
            last = stretch[-1]
            total = fold(stretch, world.state.context.pack.feeds)
            await store.merge(total, after=position, position=last.position, log_time=last.log_time)
            position, log_time = last.position, last.log_time


async def remove(world: World, device: str) -> None:
    now = world.clock.now()
    async with world.database.transaction() as connection:
        await delete_device(
            connection, EventLog(world.database), device, actor="chief", address=None, now=now, wall=now
        )


async def register(client: httpx2.AsyncClient) -> dict[str, Any]:
    body = {"id": "rain-1", "feed": "rainfall", "name": {"vi": "Trạm 1"}, "area": OWN, "lat": 20.8, "lon": 105.3}
    answer = await client.post("/api/v1/devices", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def send(world: World, identifier: str, value: float) -> None:
    now = world.clock.now()
    await EventLog(world.database).append(
        [message("rain-1", id=identifier, time=now, data={"rain_24h_mm": value})], now
    )


async def account(client: httpx2.AsyncClient) -> dict[str | None, int]:
    items = (await client.get("/api/v1/quality/sources?feed=rainfall&window=24h")).json()["items"]
    return {one["device"]: one["stored"] for one in items}


@pytest.mark.parametrize("chunk", [1, 3, 1_000])
async def test_a_successor_begins_anew_and_no_count_is_lost(world: World, chunk: int):
    async with world.signed_in("root") as client:
        await register(client)
        await send(world, "1", 80.0)
        await send(world, "2", 90.0)
        if chunk == 3:
            await roll_up(world, chunk)  # else the roll-up comes only when the successor is there and has spoken
            assert (await client.get("/api/v1/devices/rain-1")).json()["main"]["value"] == 90.0
        world.clock.step_to(NOW + 5 * MINUTE)
        await remove(world, "rain-1")
        world.clock.step_to(NOW + 10 * MINUTE)
        await register(client)
        if chunk == 3:
            await roll_up(world, chunk)
            device = (await client.get("/api/v1/devices/rain-1")).json()
            assert (device["status"], device["last_seen"], device["main"], device["events"]) == ("never", None, None, 0)
            assert (await client.get("/api/v1/latest?device=rain-1")).json()["items"] == []
            assert await account(client) == {"rain-1": 0, None: 2}
            exported = (await client.get("/api/v1/devices?format=csv")).text
            assert "2026-11-23T13:00" not in exported
        world.clock.step_to(NOW + 12 * MINUTE)
        await send(world, "3", 4.0)
        await roll_up(world, chunk)
        device = (await client.get("/api/v1/devices/rain-1")).json()
        assert (device["status"], device["events"], device["main"]["value"]) == ("online", 1, 4.0)
        assert device["last_seen"] == "2026-11-23T13:12:00.000Z"
        assert await account(client) == {"rain-1": 1, None: 2}


async def test_what_was_refused_of_the_predecessor_is_not_its_successors(world: World):
    async with world.signed_in("root") as client:
        await register(client)
        await EventLog(world.database).append([message("rain-1", id="1", time=NOW, data={"rain_24h_mm": 1.0})] * 2, NOW)
        await roll_up(world, 100)
        await remove(world, "rain-1")
        await register(client)
        await roll_up(world, 100)
        items = (await client.get("/api/v1/quality/sources?feed=rainfall&window=24h")).json()["items"]
        assert {one["device"]: (one["stored"], one["duplicate"]) for one in items} == {"rain-1": (0, 0), None: (1, 1)}
