"""Roll-ups are the same whatever the cuts, the order and the crashes."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from ioc.domain.feed import FeedSpec, FieldSpec, Label, OnConflict
from ioc.errors import FencedError
from ioc.rollup.fold import fold
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.series.writer import SeriesStore
from tests.builders import NOON, message

WORDS = Label("x", "x")
FEEDS = {
    "rainfall": FeedSpec(
        id="rainfall", label=WORDS, domain="disaster", on_conflict=OnConflict.REVISE,
        fields={name: FieldSpec(name=name, label=WORDS) for name in ("rain_mm", "up")},
    )
}  # fmt: skip
OLD = NOON - timedelta(days=400)


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


async def roll_up(database, *, chunk):
    log, store = EventLog(database), SeriesStore(database)
    position, log_time = await store.cursor()
    while entries := await log.read_values(position, log_time, chunk):
        last = entries[-1]
        await store.merge(fold(entries, FEEDS), after=position, position=last.position, log_time=last.log_time)
        position, log_time = last.position, last.log_time


async def rows(database, step):
    async with database.connection() as connection:
        found = await connection.fetch(
            "SELECT device, field, bucket, n, sum, min, max, first, last FROM series WHERE step = $1 ORDER BY 1, 2, 3",
            step,
        )
    return [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in found]


async def test_any_cut_and_order_gives_the_buckets_of_a_plain_query(database):
    rng = random.Random(4)
    batch = [
        message(f"d{n % 3}", id=str(n), time=NOON - timedelta(seconds=rng.randint(0, 200_000)),
                data={"rain_mm": rng.random() * 20})
        for n in range(600)
    ]  # fmt: skip
    rng.shuffle(batch)
    for start in range(0, len(batch), 50):
        await EventLog(database).append(batch[start : start + 50], NOON)
    await roll_up(database, chunk=37)
    for step, trunc in (
        (300, "to_timestamp(floor(extract(epoch FROM effective) / 300) * 300)"),
        (3600, "date_trunc('hour', effective)"),
        (86400, "date_trunc('day', effective, 'Asia/Ho_Chi_Minh')"),
    ):
        async with database.connection() as connection:
            expected = await connection.fetch(
                f"SELECT device, 'rain_mm' AS field, {trunc} AS bucket, count(*) AS n, sum(v), min(v), max(v), "
                "(array_agg(v ORDER BY effective))[1], (array_agg(v ORDER BY effective DESC))[1] FROM "
                "(SELECT *, (data->>'rain_mm')::float8 AS v FROM event) e GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
            )
        assert await rows(database, step) == [
            tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in expected
        ]


async def test_a_second_worker_is_fenced_and_merges_nothing(database):
    await EventLog(database).append([message()], NOON)
    await roll_up(database, chunk=10)
    entries = await EventLog(database).read(0, OLD, 10)
    with pytest.raises(FencedError):
        await SeriesStore(database).merge(fold(entries, FEEDS), after=0, position=1, log_time=NOON)
    assert [row[3] for row in await rows(database, 300)] == [1]


async def test_a_revision_replaces_its_reading_in_every_bucket(database):
    log = EventLog(database)
    await log.append([message(id="1", data={"rain_mm": 5.0}, revise=True)], NOON)
    await log.append([message(id="2", time=NOON + timedelta(seconds=1), data={"rain_mm": 1.0}, revise=True)], NOON)
    await roll_up(database, chunk=10)
    await log.append([message(id="1", data={"rain_mm": 2.0}, revise=True)], NOON)
    await roll_up(database, chunk=10)
    for step in (300, 3600, 86400):
        [row] = await rows(database, step)
        assert row[3:7] == (2, 3.0, 1.0, 2.0)


async def test_what_a_revision_no_longer_says_is_gone_from_every_bucket_and_the_newest_value_is_the_one_before(
    database,
):
    log = EventLog(database)
    before = NOON - timedelta(days=1)
    await log.append([message(id="0", time=before, data={"rain_mm": 1.5, "up": True}, revise=True)], NOON)
    await log.append([message(id="1", data={"rain_mm": 500.0, "up": False}, revise=True)], NOON)
    await roll_up(database, chunk=10)
    await log.append([message(id="1", data={"_withdrawn": [2]}, flags=("withdrawn",), revise=True)], NOON)
    await log.append([message(id="2", time=NOON + timedelta(seconds=1), data={"rain_mm": 3.0}, revise=True)], NOON)
    await roll_up(database, chunk=1)  # what lies behind the revision in the log counts once, in its own stretch
    for step in (300, 3600, 86400):
        charted = [(row[1], row[3:7]) for row in await rows(database, step)]
        assert charted == [("rain_mm", (1, 1.5, 1.5, 1.5)), ("rain_mm", (1, 3.0, 3.0, 3.0)), ("up", (1, 1.0, 1.0, 1.0))]
    async with database.connection() as connection:
        latest = await connection.fetch("SELECT field, value, effective FROM latest ORDER BY field")
    assert [tuple(row) for row in latest] == [("rain_mm", 3.0, NOON + timedelta(seconds=1)), ("up", True, before)]


async def test_the_newest_value_is_by_effective_time_and_history_is_charted_but_not_newest(database):
    log = EventLog(database)
    await log.append([message(id="new", data={"rain_mm": 7.0, "up": True})], NOON)
    await log.append([message(id="late", time=NOON - timedelta(hours=2), data={"rain_mm": 9.0})], NOON)
    await log.append(
        [message(id="old", time=NOON - timedelta(days=9000), data={"rain_mm": 99.0}, flags=("history",))], NOON
    )
    await roll_up(database, chunk=1)
    async with database.connection() as connection:
        latest = dict(await connection.fetch("SELECT field, value FROM latest"))
        seen = await connection.fetchrow("SELECT events, late FROM device_seen")
    assert latest == {"rain_mm": 7.0, "up": True}
    assert tuple(seen) == (2, 1)
    assert len(await rows(database, 86400)) == 3
