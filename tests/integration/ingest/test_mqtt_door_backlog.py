"""Devices that catch up take turns within what the engine can take; a live device beside them waits for nobody."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from ioc.ingest.pipeline import backlog as fairness
from ioc.ingest.pipeline.backlog import TURN_EVENTS
from tests.integration.ingest.mqtt_house import HeldSink, device, house_of, publish


class Pace:
    """An engine far behind until ``free``."""

    def __init__(self):
        self.head, self.folded, self.events_per_second = 1_000_000, 0, 1_000.0

    async def read(self):
        return self


@pytest.fixture(autouse=True)
def _polls_fast(monkeypatch):
    monkeypatch.setattr(fairness, "POLL_SECONDS", 0.02)


@pytest.fixture
def pace():
    return Pace()


@pytest.fixture
async def house(pace):
    async with house_of(HeldSink()) as house:
        house.pipeline.share._reader = pace
        house.pipeline.share._left = 0
        following = asyncio.create_task(house.pipeline.share.follow())
        yield house
        following.cancel()


def readings(name, count, *, age_seconds):
    start = datetime.now(UTC) - timedelta(seconds=age_seconds)
    return [
        publish(
            number, topic=f"ioc/v1/rainfall/{name}",
            body=json.dumps({"id": f"{number}", "time": start.isoformat(), "rain_mm": 1.0}).encode(),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


async def test_backlogs_take_turns_and_live_waits_for_nobody(house, pace):
    names = [f"late-{number}" for number in range(4)]
    keys = {name: house.store.change(devices=[device(name)], device=name) for name in [*names, "now-1"]}
    await house.registry.refresh()
    late = {name: await house.device(key=keys[name], name=name) for name in names}
    live = await house.device(key=keys["now-1"], name="now-1")
    for name, peer in late.items():
        peer.send(*readings(name, 1_000, age_seconds=3_600))
    async with asyncio.timeout(5):
        while house.metric("ioc_ingest_backlog_held_total", door="mqtt") < len(names):
            await asyncio.sleep(0.01)
    stored_before = house.metric("ioc_ingest_events_total", feed="rainfall", door="mqtt", outcome="stored")
    assert stored_before < 500, "the engine is far behind: only the floor may pass"

    started = asyncio.get_running_loop().time()
    for packet in readings("now-1", 50, age_seconds=0):
        await live.ask(packet)
    took = asyncio.get_running_loop().time() - started
    stored = house.metric("ioc_ingest_events_total", feed="rainfall", door="mqtt", outcome="stored")
    floors = (took / 0.02 + 2) * (fairness.FLOOR_EVENTS + TURN_EVENTS)
    assert stored - stored_before - 50 <= floors, "backlogs got the floor and no more while live was served"

    pace.folded = pace.head  # the engine has caught up
    async with asyncio.timeout(20):
        for name, peer in late.items():
            assert len(await peer.take(1_000)) == 1_000, name
    firsts = [message.device for message in house.pipeline._sink.messages if message.device != "now-1"]
    half = firsts[: len(firsts) // 2]
    assert all(half.count(name) > 400 for name in names), {name: half.count(name) for name in names}


async def test_who_goes_away_while_it_waits_blocks_nobody(house, pace):
    first = await house.device()
    first.send(*readings("rain-1", 500, age_seconds=3_600))
    key = house.store.change(device="rain-2")
    await house.registry.refresh()
    second = await house.device(key=key, name="rain-2")
    second.send(*readings("rain-2", 200, age_seconds=3_600))
    async with asyncio.timeout(5):
        while house.metric("ioc_ingest_backlog_held_total", door="mqtt") < 2:
            await asyncio.sleep(0.01)
    first.writer.transport.abort()
    pace.folded = pace.head
    assert len(await second.take(200)) == 200
