"""The worker over the real log: an alert soon after its reading, and the same alerts however often it is killed."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from ioc.domain.event import EntryKind
from ioc.rules.engine import RuleEngine
from ioc.runtime.clock import MonotonicIOClock, SteppedLogClock
from ioc.runtime.metrics import Metrics
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.postgres.engine import Database
from ioc.store.postgres.wakeup import LOG_CHANNEL, Wakeup
from ioc.store.rules.memory import RuleMemoryStore
from tests.builders import message
from tests.unit.rules.builders import FEEDS, START, after, rule_value


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    await ensure_partitions(database, START)
    yield database
    await database.close()


class Bench:
    """A log, a clock that stands still until it is stepped, and engines over them."""

    def __init__(self, database):
        self.database, self.log, self.clock = database, EventLog(database), SteppedLogClock(START)

    async def put_rule(self, *, version=1, **changes):
        value = {**rule_value(**changes), "version": version}
        async with self.database.transaction() as connection:
            await self.log.append_entries(connection, [(EntryKind.RULE, value["body"]["rule"], value)], START)

    async def send(self, second, value, device="m-1"):
        self.clock.step_to(after(second))
        found = message(device, feed="meter", id=str(second), time=after(second), data={"value": value})
        await self.log.append([found], after(second))

    @contextlib.asynccontextmanager
    async def engine(self, *, snapshot_seconds=0.1):
        store = RuleMemoryStore(self.database, self.log)
        async with Wakeup(self.database, LOG_CHANNEL) as waiter:
            engine = RuleEngine(
                reader=self.log, store=store, waiter=waiter, feeds=FEEDS, zones={}, log_clock=self.clock,
                io_clock=MonotonicIOClock(), metrics=Metrics(CollectorRegistry()), poll_seconds=0.05,
                snapshot_seconds=snapshot_seconds,
            )  # fmt: skip
            task = asyncio.create_task(engine.run())
            try:
                yield engine
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def until(self, statement, wanted):
        for _ in range(400):
            async with self.database.connection() as connection:
                found = [tuple(row) for row in await connection.fetch(statement)]
            if found == wanted:
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"{found} is not {wanted}")


HISTORY = "SELECT kind, severity, at FROM alert_history ORDER BY position, number"


async def test_a_reading_over_the_limit_becomes_an_alert_and_clears(database):
    bench = Bench(database)
    await bench.put_rule()
    async with bench.engine():
        await bench.send(1, 20.0)
        await bench.until(HISTORY, [("opened", "medium", after(1))])
        await bench.send(2, 5.0)
        await bench.until(HISTORY, [("opened", "medium", after(1)), ("cleared", "medium", after(2))])
        await bench.until("SELECT condition FROM alert", [("cleared",)])


async def test_a_timer_is_served_by_ticks_of_the_log_across_restarts(database):
    """No reading comes any more, the engine is restarted half-way, and the alert is dated when it became due."""
    bench = Bench(database)
    await bench.put_rule(levels=[{"severity": "high", "when": "value > 10", "for": "30s"}])
    async with bench.engine():
        await bench.send(0, 20.0)
        await bench.until("SELECT count(*) > 0 FROM event WHERE kind = 'gap'", [(True,)])
    bench.clock.step_to(after(29))
    async with bench.engine():
        await bench.until("SELECT kind FROM event WHERE kind IN ('tick', 'gap')", [("gap",), ("gap",)])
        bench.clock.step_to(after(40))
        await bench.until(HISTORY, [("opened", "high", after(30))])


async def test_alerts_are_the_same_however_often_the_engine_dies(database):
    """Killed after every other reading, mostly without a snapshot: each move is there once, in order."""
    bench = Bench(database)
    await bench.put_rule()
    values = [20.0, 5.0, 30.0, 40.0, 5.0, 5.0, 11.0, 5.0]
    moves = ["opened", "cleared", "reopened", "cleared", "reopened", "cleared"]
    for number in range(0, len(values), 2):
        async with bench.engine(snapshot_seconds=600) as engine:
            engine._stop = engine._store.release_lease  # dies without a last snapshot
            await bench.send(10 * number, values[number])
            await bench.send(10 * number + 5, values[number + 1])
            await bench.until(f"SELECT position >= {number + 3} FROM cursor", [(True,)])
    async with bench.engine():
        await bench.until("SELECT kind FROM alert_history ORDER BY position, number", [(move,) for move in moves])
    await bench.until("SELECT number, flap_count FROM alert", [("HB-261123-0001", 2)])


async def test_what_a_new_device_remembers_keeps_its_time_and_raises_nothing_live(database):
    """Registered now, it sends forty hours that it has measured before; then it measures."""
    bench = Bench(database)
    await bench.put_rule()
    since, hour = after(100), 3_600
    async with bench.engine():
        bench.clock.step_to(since)
        old = [message("m-1", feed="meter", id=f"old {n}", time=since - timedelta(hours=n), data={"value": value},
                       registered_at=since) for n, value in ((40, 150.0), (2, 20.0))]  # fmt: skip
        await bench.log.append(old, since)
        opened = ("opened", after(100 - 40 * hour), "")
        told = "SELECT h.kind, h.at, h.reason FROM alert_history h ORDER BY h.position, h.number"
        await bench.until(told, [opened])
        await bench.until("SELECT retrospective, opened_at FROM alert", [(True, after(100 - 40 * hour))])
        await bench.send(101, 21.0)
        await bench.until(told, [opened, ("raised", after(101), "still_holds")])
        await bench.until("SELECT retrospective FROM alert", [(False,)])


async def test_two_engines_never_both_write(database):
    bench = Bench(database)
    await bench.put_rule()
    async with bench.engine(), bench.engine():
        for second in range(1, 6):
            await bench.send(second, 20.0 if second % 2 else 5.0)
        await bench.until("SELECT count(*) FROM alert_history", [(5,)])
    assert START + timedelta(seconds=5) == bench.clock.now()


async def test_the_engine_publishes_its_pace_once_it_has_been_busy(database):
    bench = Bench(database)
    await bench.put_rule()
    async with bench.engine():  # position 2 says who folds
        await bench.send(1, 5.0)
        await bench.until("SELECT position, events_per_second FROM cursor WHERE name = 'rules'", [(3, 0.0)])
        events = [
            message("m-2", feed="meter", id=str(number), time=after(2), data={"value": 1.0}) for number in range(400)
        ]
        await bench.log.append(events, after(2))
        await bench.until("SELECT position FROM cursor WHERE name = 'rules'", [(403,)])
        await bench.send(3, 5.0)  # the pace of a stretch is published with the next
        await bench.until("SELECT position, events_per_second > 50 FROM cursor WHERE name = 'rules'", [(404, True)])
