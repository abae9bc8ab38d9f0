"""`python -m bench.bare`: bare asyncpg `unnest` inserts of the same rows, as far as PostgreSQL alone goes.

No socket, no JSON, no checks: rows are prepared before the clock starts, their columns are ready lists. Each batch is
one transaction of two statements: claim the keys in `event_key` (the real one, as full as it is),
insert the events into `bench_event`, a table made LIKE event INCLUDING ALL, indexes and all, with one partition.
What our append does beside that (the head row, conflicts, NOTIFY, dead letters) is left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import uvloop

from bench.readings import Gauge, payloads, share
from bench.site import cpu_seconds
from ioc.domain.device import Device
from ioc.domain.event import Message
from ioc.domain.event_time import event_times
from ioc.domain.feed import Label
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.packs.loader import load_pack
from ioc.store.postgres.engine import prepare_connection

TABLE = "CREATE TABLE IF NOT EXISTS bench_event (LIKE event INCLUDING ALL) PARTITION BY RANGE (log_time)"
PARTITION = "CREATE TABLE IF NOT EXISTS bench_event_all PARTITION OF bench_event DEFAULT"
CLAIM_KEYS = """
INSERT INTO event_key (key, key_time, content, position, log_time)
SELECT k, t, c, p, $5
FROM unnest($1::bytea[], $2::timestamptz[], $3::bytea[], $4::bigint[]) WITH ORDINALITY AS u(k, t, c, p, o)
ORDER BY o
ON CONFLICT (key, key_time) DO NOTHING
"""
INSERT = """
INSERT INTO bench_event (position, log_time, kind, key, feed, device, id, time, effective, received_at, data, flags,
                   area, zone, lat, lon, revision, door)
SELECT position, $1, 'event', key, feed, device, id, time, effective, received_at, data,
       string_to_array(flags, ','), area, zone, lat, lon, revision, door
FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
            $9::timestamptz[], $10::jsonb[], $11::text[], $12::text[], $13::text[], $14::float8[], $15::float8[],
            $16::int[], $17::text[])
  AS u(position, key, feed, device, id, time, effective, received_at, data, flags, area, zone, lat, lon, revision, door)
"""


class KnownGauges:
    """A registry that knows the bench's gauges."""

    def __init__(self, gauges: Sequence[Gauge], now: datetime) -> None:
        registered = now - timedelta(days=1)
        self._devices = {
            gauge.device: Device(gauge.device, gauge.feed, Label(gauge.device, ""), registered, area="04795", zone="HB")
            for gauge in gauges
        }

    def device(self, device_id: str) -> Device | None:
        """Return a gauge."""
        return self._devices.get(device_id)

    def key(self, secret: str) -> None:
        """Know no key."""

    def areas_of_today(self) -> Sequence[Any]:
        """Know no area."""
        return ()

    async def refresh(self) -> None:
        """Have nothing newer."""


def deliveries(gauges: Sequence[Gauge], count: int, *, tag: str, now: datetime) -> list[Delivery]:
    """Return what a door would hand over for ``count`` publishes, the gauges in turn."""
    by_gauge = [
        [
            Delivery(gauge.feed, gauge.device, body, now, "mqtt", b"", topic=gauge.topic)
            for body in payloads(gauge.feed, each, tag=tag, start=now)
        ]
        for gauge, each in zip(gauges, share(count, gauges), strict=True)
    ]
    rounds = max(len(made) for made in by_gauge)
    return [made[number] for number in range(rounds) for made in by_gauge if number < len(made)]


def messages(gauges: Sequence[Gauge], count: int, *, tag: str, now: datetime) -> list[Message]:
    """Return the same, prepared."""
    pack = load_pack("hoabinh", shapes=False)
    preparer = Preparer(feeds=pack.feeds, registry=KnownGauges(gauges, now), events_max=1_000)
    made: list[Message] = []
    for delivery in deliveries(gauges, count, tag=tag, now=now):
        for item in preparer.prepare(delivery):
            assert isinstance(item, Message), item
            made.append(item)
    return made


def event_columns(
    messages: Sequence[Message], positions: Sequence[int], revisions: Sequence[int], log_time: datetime
) -> list[Sequence[Any]]:
    """Return the columns that INSERT takes."""
    of = dict(zip(Message._fields, zip(*messages, strict=True), strict=True))
    effective, flags = event_times(messages, log_time)
    marks = [",".join(each) for each in flags]
    return [positions, of["key"], of["feed"], of["device"], of["id"], of["time"], effective, of["received_at"],
            of["data"], marks, of["area"], of["zone"], of["lat"], of["lon"], revisions, of["door"]]  # fmt: skip


async def run(job: dict[str, Any]) -> None:
    """Do as told: {dsn, gauges, count, tag, batch}; answer with {began, ended, count, cpu_seconds}."""
    now = datetime.now(UTC)
    made = messages([Gauge(*given) for given in job["gauges"]], job["count"], tag=job["tag"], now=now)
    batches = []
    for begin in range(0, len(made), job["batch"]):
        rows = made[begin : begin + job["batch"]]
        ordered = sorted(rows, key=lambda message: message.key)
        keys = ([m.key for m in ordered], [m.key_time for m in ordered], [m.content for m in ordered], [0] * len(rows))
        batches.append((keys, event_columns(rows, range(begin, begin + len(rows)), [0] * len(rows), now)))
    connection = await asyncpg.connect(job["dsn"])
    await prepare_connection(connection)
    await connection.execute(TABLE)
    await connection.execute(PARTITION)
    await connection.execute("TRUNCATE bench_event")
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    server = await connection.fetchval("SELECT pg_backend_pid()")
    server_cpu = cpu_seconds([server])
    cpu, began = time.process_time(), time.monotonic()
    for keys, columns in batches:
        async with connection.transaction():
            await connection.fetch(CLAIM_KEYS, *keys, now)
            await connection.execute(INSERT, now, *columns)
    ended = time.monotonic()
    answer = {"began": began, "ended": ended, "count": len(made), "cpu_seconds": time.process_time() - cpu,
              "postgres_seconds": cpu_seconds([server]) - server_cpu}  # fmt: skip
    await connection.execute("TRUNCATE bench_event")
    await connection.close()
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(run(json.loads(sys.stdin.readline())))
