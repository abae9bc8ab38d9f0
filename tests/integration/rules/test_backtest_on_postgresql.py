"""Backtests over the real log: the live alerts again, read in pieces, and imported history where it is asked in."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from ioc.backtests.run import BacktestProgress, Question, conduct, form_of
from ioc.domain.dated.row import RowAction
from ioc.domain.event import EntryKind
from ioc.domain.moment import format_time
from ioc.domain.rules.limit_row import LimitRow
from ioc.rules.recompute.backtest import BacktestForm, City
from ioc.store.dated.changes import RowChange, RowDesk, change_rows
from ioc.store.dated.rows import RowStep
from ioc.store.limits.kind import LIMITS
from ioc.store.log.partitions import ensure_partitions
from ioc.store.postgres.engine import Database
from ioc.store.rules import backtest_log
from ioc.store.rules.backtest_log import BacktestLog
from tests.builders import message
from tests.integration.rules.test_engine_on_postgresql import Bench
from tests.unit.rules.builders import FEEDS, START, after, rule_value

CITY = City(FEEDS)
LATER = after(100_000)
RULES: tuple[dict[str, Any], ...] = (
    {"rule": "a.level", "levels": [{"severity": "low", "when": "value > 10"}, {"severity": "high", "when": "value > 15",
                                                                                "for": "20s"}]},
    {"rule": "b.slow", "levels": [{"severity": "medium", "when": "value > 8", "for": "25s"}], "clear": {"for": "15s"}},
    {"rule": "c.mean", "over": "1m", "measure": {"mean": {"avg": "value"}},
     "levels": [{"severity": "low", "when": "mean > 10"}]},
    {"rule": "d.silent", "absent": "40s", "levels": [{"severity": "low"}]},
    {"rule": "e.together", "feed": "alert", "by": ["device"], "where": 'rule != "d.silent"',
     "levels": [{"severity": "high", "when": "firing >= 2"}]},
)  # fmt: skip


class Recorded(Bench):
    """A bench whose engine is waited for after each step, so that what was live is known."""

    async def register(self, second, device, **changes):
        value = {"id": device, "feed": "meter", "state": "active", "name": {"vi": device, "en": device}, **changes}
        self.clock.step_to(after(second))
        async with self.database.transaction() as connection:
            await self.log.append_entries(connection, [(EntryKind.DEVICE, device, value)], after(second))

    async def report(self, second, device, value, late=0.0, **changes):
        self.clock.step_to(after(second))
        found = message(device, feed="meter", id=f"{device}-{second}", time=after(second - late),
                        data={"value": value}, **changes)  # fmt: skip
        await self.log.append([found], after(second))

    async def folded(self):
        await self.until("SELECT c.position >= h.position FROM cursor c, log_head h WHERE c.name = 'rules'", [(True,)])


async def live_alerts(database, rule):
    """The life of each alert as the engine wrote it: key, severities in order, opened, cleared, flaps."""
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM alert WHERE rule = $1 ORDER BY opened_at, key", rule)
    return [
        (row["key"], row["peak_severity"], format_time(row["opened_at"]),
         None if row["cleared_at"] is None else format_time(row["cleared_at"]), row["flap_count"], row["retrospective"])
        for row in rows
    ]  # fmt: skip


def told(result):
    """The same of a backtest's list."""
    return sorted(
        [
            (alert["key"], alert["severity"], alert["opened_at"], alert["cleared_at"], alert["flaps"],
             alert["retrospective"])
            for alert in result["candidate"]["alerts"]
        ],
        key=lambda alert: (alert[2], alert[0]),
    )  # fmt: skip


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    await ensure_partitions(database, START)
    yield database
    await database.close()


async def silent(_: BacktestProgress) -> None:
    """Nobody listens."""


async def run(database, form: BacktestForm, *, start=START, end=LATER, present=None, history=False, tell=silent):
    return await conduct(BacktestLog(database), CITY, Question(form, present, start, end, history), tell)


async def record(database, *, seconds=240):
    """Three devices, some readings late, one device taken out and back, the engine down for a while."""
    dice, bench = random.Random(7), Recorded(database)
    for body in RULES:
        await bench.put_rule(**body)
    for device in ("m-0", "m-1", "m-2"):
        await bench.register(0, device)
    second = 0

    async def act():
        for device in ("m-0", "m-1", "m-2"):
            if dice.random() < (0.03 if 90 < second < 150 else 0.25):
                await bench.report(second + 0.2, device, round(dice.uniform(0, 20), 1), late=dice.choice((0, 0, 5, 30)))
        if second == 60:
            await bench.register(second + 0.3, "m-1", state="maintenance")
        if second == 130:
            await bench.register(second + 0.3, "m-1")
        bench.clock.step_to(after(second + 0.9))

    while second < seconds:
        async with bench.engine():
            while second < seconds and second != 160:
                second += 1
                await act()
                await bench.folded()
        while 160 <= second < 200:  # nobody folds
            second += 1
            await act()
    async with bench.engine():
        await bench.folded()
        for _ in range(3):
            second += 1
            bench.clock.step_to(after(second + 0.9))
            await bench.until("SELECT max(log_time) >= $$" + after(second + 0.5).isoformat() + "$$ FROM event "
                              "WHERE kind IN ('tick', 'gap')", [(True,)])  # fmt: skip
        await bench.folded()
    return bench, after(second + 0.9)


async def test_the_present_form_gives_the_live_alerts(database, monkeypatch):
    """Late readings, an outage of the engine and an edit of the registry included; the log read in small pieces."""
    monkeypatch.setattr(backtest_log, "STRETCH", 37)
    _, end = await record(database)
    log = BacktestLog(database)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM event WHERE kind = 'gap'") >= 2
    for body in RULES:
        form = form_of((await log.rules_in_force())[body["rule"]])
        wanted = await live_alerts(database, body["rule"])
        assert wanted, body
        result = await run(database, form, end=end)
        assert told(result) == wanted, body["rule"]


async def test_a_span_inside_the_log_starts_from_what_was_before_it(database):
    """What fires at the beginning fires for its time; what ended before is not listed."""
    bench = Recorded(database)
    form = form_of(rule_value())
    for hour, value in ((0, 20.0), (1, 5.0), (30, 20.0), (31, 5.0), (32, 20.0), (34, 5.0)):
        await bench.report(hour * 3_600, "m-1", value)
    result = await run(database, form, start=after(33 * 3_600), end=after(33.5 * 3_600))
    assert (result["entries"], result["events"]) == (3, 0)
    assert (result["candidate"]["opened"], result["candidate"]["firing_seconds"]) == (0, 1_800.0)
    assert [alert["opened_at"] for alert in result["candidate"]["alerts"]] == [format_time(after(32 * 3_600))]


async def test_imported_history_takes_part_by_its_own_time(database):
    """Written today, measured years ago: without being asked in it is not there, with it the days are its own."""
    bench = Recorded(database)
    await bench.put_rule()
    then = START - timedelta(days=2_000)
    for number in range(50):
        found = message("m-1", feed="meter", id=f"old-{number}", time=then + timedelta(hours=number),
                        data={"value": 20.0 if number % 10 == 5 else 1.0}, flags=("history",))  # fmt: skip
        await bench.log.append([found], START)
    await bench.report(5, "m-1", 20.0)
    form = form_of(rule_value())
    old = {"start": then - timedelta(hours=1), "end": then + timedelta(days=3)}
    assert (await run(database, form, **old))["candidate"]["opened"] == 0
    result = await run(database, form, history=True, **old)
    assert (result["candidate"]["opened"], result["candidate"]["firing_seconds"]) == (5, 5 * 3_600.0)
    assert not any(alert["retrospective"] for alert in result["candidate"]["alerts"])
    both = await run(database, form, history=True, start=then, end=after(60))
    assert both["candidate"]["opened"] == 6
    slow = form_of(rule_value(levels=[{"severity": "low", "when": "value > 10", "for": "30m"}]))
    timed = await run(database, slow, history=True, **old)
    assert timed["candidate"]["alerts"][0]["opened_at"] == format_time(then + timedelta(hours=45, minutes=30))


async def test_a_backtest_of_one_devices_rule_reads_only_its_events(database):
    bench = Recorded(database)
    for second in range(20):
        await bench.report(second, f"m-{second % 2}", 20.0)
    form = form_of(rule_value(where='device == "m-1"'))
    assert (await run(database, form))["entries"] == 10


async def test_a_backtest_rests_after_each_stretch_as_long_as_it_worked_for_it(database, monkeypatch):
    """Live alerts wait for the reading of a stretch: so it is short, and others have their turn behind it."""
    monkeypatch.setattr(backtest_log, "STRETCH", 5)
    bench = Recorded(database)
    for second in range(14):
        await bench.report(second, "m-1", 1.0)
    loop, ends, begins = asyncio.get_running_loop(), [], []
    async for _ in BacktestLog(database).read(0, 15, feeds=["meter"], devices=None):
        begins.append(loop.time())
        await asyncio.sleep(0.1)
        ends.append(loop.time())
    rests = [begun - ended for ended, begun in zip(ends, begins[1:], strict=False)]
    assert len(rests) == 2
    assert min(rests) >= 0.1 * backtest_log.REST_SHARE - 0.002


async def test_progress_is_told_and_what_the_listener_raises_ends_it(database, monkeypatch):
    monkeypatch.setattr(backtest_log, "STRETCH", 5)
    monkeypatch.setattr("ioc.backtests.run.TOLD_SECONDS", 0.0)
    bench = Recorded(database)
    for second in range(40):
        await bench.report(second, "m-1", 1.0)
    seen: list[BacktestProgress] = []

    async def tell(progress: BacktestProgress) -> None:
        seen.append(progress)
        if len(seen) == 4:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        await run(database, form_of(rule_value()), tell=tell)
    assert [progress.done for progress in seen] == [5, 10, 15, 20]
    assert {progress.total for progress in seen} == {40}


TOMORROW = 19 * 3_600
"""From here on it is the next day in the city's time, which is UTC here."""
PERMITS: dict[str, Any] = {
    "levels": [{"severity": "medium", "when": "value > limit"}],
    "limit": {"table": "cod", "value": 15, "unit": "cm", "source": "", "verified": False},
}  # fmt: skip


async def test_a_plant_s_new_permit_changes_its_alerts_from_its_day_on_and_the_backtest_of_before_not(database):
    """Written at noon for the next day, of m-1 alone: no alert of m-2 changes, and none of the days before."""
    bench, form = Recorded(database), form_of(rule_value(**PERMITS))
    await bench.put_rule(**PERMITS)
    async with bench.engine():
        for second, device, value in ((10, "m-1", 12.0), (11, "m-2", 12.0), (20, "m-1", 16.0), (21, "m-1", 1.0)):
            await bench.report(second, device, value)
        await bench.folded()
        before = (await live_alerts(database, form.id), told(await run(database, form, end=after(TOMORROW))))
        permit = LimitRow(
            name="cod", device="m-1", value=10.0, unit="cm", source="Giấy phép 12/GP", verified=True,
            valid_from=after(TOMORROW).date(),
        )  # fmt: skip
        step = RowStep(after(30), RowAction.PUT, "Giấy phép mới", "root")
        (made,) = await change_rows(RowDesk(LIMITS, database, bench.log, after(30)), [RowChange(permit, 0)], step)
        assert (made.version, made.origin) == (1, "site")
        for device in ("m-1", "m-2"):
            await bench.report(40, device, 12.0)
        await bench.folded()
        assert await live_alerts(database, form.id) == before[0]
        for device in ("m-1", "m-2"):
            await bench.report(TOMORROW + 60, device, 12.0)
        await bench.folded()
    live = await live_alerts(database, form.id)
    assert [(alert[0], alert[2]) for alert in live] == [
        ("m-1", format_time(after(20))), ("m-1", format_time(after(TOMORROW + 60)))
    ]  # fmt: skip
    async with database.connection() as connection:
        cited = await connection.fetchval(
            "SELECT evidence -> 'limit' ->> 'source' FROM alert_history ORDER BY position DESC LIMIT 1"
        )
    assert cited == "Giấy phép 12/GP"
    assert len(before[1]) == 1
    assert told(await run(database, form, end=after(TOMORROW))) == before[1]
    assert told(await run(database, form)) == live
