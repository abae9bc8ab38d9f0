"""The account of feeds and sources: it balances whatever comes in, and says what is missing, late and refused."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ioc.domain.event import DeadLetter, Message
from ioc.rollup.fold import fold
from ioc.store.log.event_log import EventLog
from ioc.store.operations.keeper import Keeper, Retention
from ioc.store.quality.intake_ledger import NAMES_MAX, IntakeLedger
from ioc.store.series.writer import SeriesStore
from tests.builders import letter, message
from tests.integration.api.conftest import NOW, OTHER, World

START = NOW - timedelta(hours=23)


async def roll_up(world: World, *, chunk: int = 37) -> None:
    log, store = EventLog(world.database), SeriesStore(world.database)
    position, log_time = await store.cursor()
    while entries := await log.read_values(position, log_time, chunk):
        last = entries[-1]
        total = fold(entries, world.state.context.pack.feeds)
        await store.merge(total, after=position, position=last.position, log_time=last.log_time)
        position, log_time = last.position, last.log_time


async def feed_of(world: World, name: str | None, *, user: str = "op", window: str = "24h") -> dict[str, Any]:
    async with world.signed_in(user) as client:
        answer = await client.get(f"/api/v1/quality?window={window}")
        assert answer.status_code == 200, answer.text
        return next(one for one in answer.json()["items"] if one["feed"] == name)


def offer(dice: random.Random) -> Message | DeadLetter:
    """Something that a device sends: new, again, again with other content, or refused at the door."""
    device = f"rain-{dice.randrange(4)}"  # rain-3 is not registered
    if dice.random() < 0.2:
        return replace(letter(), device=device)
    return message(device, id=str(dice.randrange(40)), time=NOW, data={"rain_24h_mm": float(dice.random() < 0.1)})


async def test_the_account_balances_under_repeats_refusals_and_restarts_of_the_door(world: World):
    for number in range(3):
        await world.device(f"rain-{number}")
    dice, offered = random.Random(7), 0
    told: Counter[str] = Counter()
    for start in range(6):
        log = EventLog(world.database, dead_letters_per_hour=5)  # a door that was started anew
        for number in range(8):
            batch = [offer(dice) for _ in range(dice.randrange(1, 30))]
            receipts = await log.append(batch, NOW + timedelta(minutes=7 * start, seconds=number))
            offered += len(batch)
            told.update(str(receipt.outcome) for receipt in receipts)
    await roll_up(world)
    world.clock.advance(seconds=3_600)
    async with world.database.connection() as connection:
        events = await connection.fetchval("SELECT count(*) FROM event WHERE kind = 'event'")
        letters = await connection.fetchval("SELECT count(*) FROM dead_letter")
    for window in ("24h", "30d"):
        found = await feed_of(world, "rainfall", window=window)
        assert found["received"] == offered == found["stored"] + found["duplicate"] + found["refused"]
        assert found["stored"] == told["stored"] == events
        assert found["duplicate"] == told["duplicate"] > 0
        assert found["refused"] == told["refused"] == letters + found["not_kept"]
        assert found["not_kept"] > 0
        async with world.signed_in("op") as client:
            sources = (await client.get(f"/api/v1/quality/sources?feed=rainfall&window={window}")).json()["items"]
        assert {one["device"] for one in sources} == {"rain-0", "rain-1", "rain-2", None}
        for name in ("received", "stored", "duplicate", "refused", "not_kept"):
            assert sum(one[name] for one in sources) == found[name], name


async def test_an_append_that_failed_is_not_counted(world: World):
    await world.device("rain-1")
    log = EventLog(world.database)
    await log.append([message("rain-1", id="1", time=NOW)], NOW)
    poison = replace(letter(), topic="a\x00b")
    receipts = await log.append([message("rain-1", id="1", time=NOW), poison, letter()], NOW)
    assert [str(receipt.outcome) for receipt in receipts] == ["duplicate", "refused", "refused"]
    await roll_up(world)
    rain, unknown = await feed_of(world, "rainfall"), await feed_of(world, None)
    assert (rain["received"], rain["stored"], rain["duplicate"], rain["refused"]) == (3, 1, 1, 1)
    assert (unknown["received"], unknown["refused"]) == (1, 1), "its words could not be stored, so nobody knows whose"


async def test_completeness_lag_and_clocks_are_those_of_each_source_and_the_worst_comes_first(world: World):
    old = NOW - timedelta(days=40)
    await world.device("rain-1", registered_at=old)
    await world.device("rain-2", registered_at=old)
    await world.device("rain-3", registered_at=old, state="maintenance")
    await world.device("rain-4", registered_at=NOW - timedelta(minutes=5))
    log = EventLog(world.database)
    for number in range(23 * 6):
        at = START + timedelta(minutes=10 * number)
        batch = [message("rain-1", id=str(number), time=at)]
        if at < START + timedelta(hours=10) or number % 6 == 0:
            batch.append(message("rain-2", id=str(number), time=at))
        await log.append(batch, at + timedelta(seconds=2))
    ahead, late = NOW + timedelta(seconds=80), NOW - timedelta(minutes=30)
    await log.append([message("rain-1", id="a", time=ahead), message("rain-1", id="b", time=late)], NOW)
    await roll_up(world)
    async with world.signed_in("op") as client:
        page = (await client.get("/api/v1/quality/sources?feed=rainfall&limit=2")).json()
        rest = (await client.get(f"/api/v1/quality/sources?feed=rainfall&limit=2&cursor={page['next']}")).json()
        for one in (*page["items"], *rest["items"]):
            own = (await client.get(f"/api/v1/quality/sources?device={one['device']}")).json()["items"]
            assert own == [one], "the account of one device is its line among all"
    assert [one["device"] for one in page["items"] + rest["items"]] == ["rain-2", "rain-1", "rain-3", "rain-4"]
    worst, best = page["items"]
    assert worst["expected"] == 23 * 6
    assert worst["completeness"] == round((60 + 13) / 138, 4)
    assert worst["grade"] == "poor"
    assert worst["spark"][0] == 1.0
    assert worst["spark"][12] == round(1 / 6, 3)
    assert (best["completeness"], best["grade"], best["late"], best["suspect"]) == (1.0, "good", 1, 0)
    assert (best["clock_ahead_seconds"], best["lag_max_seconds"]) == (80.0, 1800.0)
    assert rest["items"][0]["completeness"] is None, "its silence is expected"
    assert rest["items"][1]["completeness"] is None, "less than one reading is expected yet"
    found = await feed_of(world, "rainfall")
    assert (found["devices"], found["incomplete"], found["silent"]) == (3, 1, 0)
    assert found["completeness"] == round((138 + 73) / 277, 2) or 0.75 < found["completeness"] < 0.77
    async with world.signed_in("op") as client:
        feeds = [one["feed"] for one in (await client.get("/api/v1/quality")).json()["items"]]
    assert feeds[0] == "rainfall"


async def test_a_source_of_which_much_is_refused_stands_before_those_of_which_less_is(world: World):
    for number in (1, 2, 3):
        await world.device(f"rain-{number}")
    log = EventLog(world.database)
    for device, stored, refused in (("rain-1", 4, 0), ("rain-2", 3, 1), ("rain-3", 0, 2)):
        await log.append([message(device, id=str(n), time=NOW) for n in range(stored)], NOW)
        await log.append([replace(letter(), device=device)] * refused, NOW)
    await roll_up(world)
    async with world.signed_in("op") as client:
        items = (await client.get("/api/v1/quality/sources?feed=rainfall")).json()["items"]
    assert [(one["device"], one["grade"]) for one in items] == [
        ("rain-3", "poor"), ("rain-2", "poor"), ("rain-1", "good"),
    ]  # fmt: skip


async def test_twice_as_much_in_one_hour_does_not_hide_the_silence_of_another(world: World):
    await world.device("rain-1", registered_at=NOW - timedelta(days=2))
    log = EventLog(world.database)
    for hour in range(0, 24, 2):
        at = START + timedelta(hours=hour)
        batch = [message("rain-1", id=f"{hour} {n}", time=at + timedelta(minutes=5 * n)) for n in range(12)]
        await log.append(batch, at + timedelta(minutes=59))
    await roll_up(world)
    found = await feed_of(world, "rainfall")
    assert found["measured"] == 144 > found["expected"] == 138
    assert found["completeness"] == round(12 * 7 / 138, 4)


async def test_nothing_is_expected_of_before_the_counting_began(world: World):
    await world.device("rain-1", registered_at=NOW - timedelta(days=40))
    assert (await feed_of(world, "rainfall"))["grade"] == "unknown"
    log = EventLog(world.database)
    for number in range(13):
        at = NOW - timedelta(hours=2) + timedelta(minutes=10 * number)
        await log.append([message("rain-1", id=str(number), time=at)], at)
    await roll_up(world)
    for window in ("24h", "30d"):
        assert (await feed_of(world, "rainfall", window=window))["completeness"] == 1.0, window


async def test_each_sees_the_account_of_their_area_and_a_caller_without_one_sees_none(world: World):
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    log = EventLog(world.database)
    await log.append([message(f"rain-{n}", id=str(i), time=NOW) for n in (1, 2, 9) for i in range(n)], NOW)
    await log.append([replace(letter(), device=f"rain-{n}") for n in (1, 2, 9)], NOW)
    await roll_up(world)
    assert [(await feed_of(world, "rainfall"))[name] for name in ("received", "refused")] == [15, 3]
    walled = await feed_of(world, "rainfall", user="walled")
    assert (walled["received"], walled["stored"], walled["refused"], walled["devices"]) == (3, 2, 1, 1)
    async with world.signed_in("walled") as client:
        sources = (await client.get("/api/v1/quality/sources")).json()["items"]
        assert [one["device"] for one in sources if one["received"]] == ["rain-2"]
        assert (await client.get("/api/v1/quality/sources?area=04795")).json()["items"] == []
        assert (await client.get("/api/v1/quality/sources?feed=none")).status_code == 400
        assert (await client.get("/api/v1/quality?window=1y")).status_code == 400
    async with world.client(key="display") as client:
        assert (await client.get("/api/v1/quality")).status_code == 403
    async with world.client() as client:
        assert (await client.get("/api/v1/quality/sources")).status_code == 401


async def test_names_that_senders_invent_do_not_make_rows(world: World):
    log = EventLog(world.database, dead_letters_per_hour=0)
    letters = [replace(letter(), device=f"x{number}", feed=f"f{number % 7}") for number in range(500)]
    await log.append(letters, NOW)
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT device, sum(refused) FROM intake_ledger WHERE step = 3600 GROUP BY 1")
        assert [tuple(row) for row in rows] == [("", 500)]
        ledger = IntakeLedger()
        for start in range(0, NAMES_MAX + 400, 400):
            many = [replace(letter(), feed=f"g{start + number}") for number in range(400)]
            receipts = await log.append(many, NOW)
            await ledger.count(connection, many, receipts, NOW)
        feeds = await connection.fetchval("SELECT count(DISTINCT feed) FROM intake_ledger")
    assert NAMES_MAX < feeds <= NAMES_MAX + 8, "those, the seven of before, and one for all others"


async def test_hours_go_after_days_and_days_after_months(world: World):
    await world.device("rain-1")
    log = EventLog(world.database)
    times = [NOW - timedelta(days=days) for days in (70, 10, 1)]
    for at in times:
        await log.append([message("rain-1", id=str(at), time=at), letter()], at)
    await roll_up(world)
    retention = Retention(event_days=90, dead_letter_days=30, outbound_days=30, series_5m_days=731, series_1h_days=731,
                          media_days=365)  # fmt: skip
    metrics = world.state.context.metrics
    await Keeper(database=world.database, log_clock=world.clock, retention=retention, metrics=metrics).work(NOW)
    async with world.database.connection() as connection:
        for table in ("source_ledger", "intake_ledger"):
            rows = await connection.fetch(f"SELECT step, count(*) FROM {table} GROUP BY 1 ORDER BY 1")
            assert [tuple(row) for row in rows] == [(3_600, 1), (86_400, 2)], table
