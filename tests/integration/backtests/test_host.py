"""Backtests that people ask for: in turn, in a process of their own, and none waits for ever whatever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from ioc.assembly.context import open_context
from ioc.backtests import host as backtest_host
from ioc.backtests.host import BacktestHost
from ioc.errors import TooManyRequestsError, TransitionError
from ioc.packs.loader import load_pack
from ioc.settings import Settings
from ioc.store.log.partitions import ensure_partitions
from ioc.store.rules import backtests
from ioc.store.rules.backtests import BacktestState, NewBacktest
from ioc.store.rules.pack_apply import PackStore
from tests.builders import message

RULE = "reservoir.gates"


@pytest.fixture
async def context(database_dsn, tmp_path):
    settings = Settings(data_dir=tmp_path, database_url=database_dsn, log_level="warning")
    async with open_context(settings, "keeper", connections_max=4) as context:
        await ensure_partitions(context.database, context.log_clock.now())
        await PackStore(context.database, context.log).apply(load_pack(settings.pack), context.log_clock.now())
        yield context


async def fill(context, count):
    """Readings a second apart, every other one of them with a gate open."""
    now = context.log_clock.now()
    for begin in range(0, count, 2_000):
        batch = [
            message("reservoir-hb", feed="reservoir", id=str(number), time=now - timedelta(seconds=count - number),
                    data={"gates_open": number % 2, "level_m": 100.0})
            for number in range(begin, min(begin + 2_000, count))
        ]  # fmt: skip
        await context.log.append(batch, now)


async def asked(context, rule=RULE, **changes):
    body = next(item.body for item in load_pack(context.settings.pack).rules if item.id == RULE)
    now = context.wall.now()
    given = {
        "rule": rule, "body": {**body, "rule": rule}, "hash": "h", "version": 1, "present": None,
        "span_from": now - timedelta(days=1), "span_to": now, "include_history": False, **changes,
    }  # fmt: skip
    return (await backtests.ask(context.database, NewBacktest(**given), actor="root", address=None, now=now))["id"]


async def row_of(context, identifier):
    async with context.database.connection() as connection:
        return await backtests.get(connection, identifier)


async def until(check, seconds=30.0):
    deadline = asyncio.get_running_loop().time() + seconds
    while not (found := await check()):
        assert asyncio.get_running_loop().time() < deadline, "it did not come"
        await asyncio.sleep(0.05)
    return found


def child_of(identifier: str) -> int | None:
    """The process that runs a backtest."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\x00")
        except OSError:
            continue
        if identifier.encode() in words and b"ioc.backtests.job" in words:
            return int(path.parent.name)
    return None


async def running(context, identifier):
    """Wait for its process, and until it has told how far it is."""

    async def begun():
        row = await row_of(context, identifier)
        assert row["state"] in ("queued", "running"), row["reason"]
        return row["done"] > 0

    await until(begun)
    pid = child_of(identifier)
    assert pid is not None
    return pid


async def test_one_after_the_other_each_with_its_result_and_its_changes(context):
    await fill(context, 400)
    first, second = await asked(context), await asked(context)
    host = BacktestHost(context)
    assert await host.turn()
    assert (await row_of(context, second))["state"] == "queued"
    assert await host.turn()
    assert not await host.turn()
    for identifier in (first, second):
        row = await row_of(context, identifier)
        assert (row["state"], row["reason"]) == ("done", None)
        assert row["result"]["events"] == 400
        assert row["result"]["candidate"]["opened"] == 1
        assert row["result"]["candidate"]["alerts"][0]["readings"]
        assert row["started_at"] <= row["ended_at"]
    async with context.database.connection() as connection:
        changes = await connection.fetch("SELECT data ->> 'state' AS state FROM change WHERE id = $1", first)
        audit = await connection.fetch("SELECT action, actor FROM audit WHERE object = $1", first)
    assert [row["state"] for row in changes][:2] == ["queued", "running"]
    assert changes[-1]["state"] == "done"
    assert [tuple(row) for row in audit] == [("backtest.ask", "root")]


async def test_it_gives_way_and_a_cancel_ends_it_within_two_seconds(context, monkeypatch):
    slow(monkeypatch)
    await fill(context, 4_000)
    identifier = await asked(context)
    turn = asyncio.create_task(BacktestHost(context).turn())
    pid = await running(context, identifier)
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    began = asyncio.get_running_loop().time()
    await backtests.ask_cancel(context.database, identifier, actor="root", address=None, now=context.wall.now())
    await turn
    assert asyncio.get_running_loop().time() - began < 2.0
    assert (await row_of(context, identifier))["state"] == "cancelled"
    assert child_of(identifier) is None
    with pytest.raises(TransitionError):
        await backtests.ask_cancel(context.database, identifier, actor="root", address=None, now=context.wall.now())


def slow(monkeypatch):
    """Let a child read a few positions at a time, with a pause before each: minutes for what takes a second."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "slow"))


async def test_a_waiting_one_is_cancelled_at_once(context):
    identifier = await asked(context)
    row = await backtests.ask_cancel(context.database, identifier, actor="root", address=None, now=context.wall.now())
    assert row["state"] == "cancelled"
    assert not await BacktestHost(context).turn()


async def test_a_killed_process_is_a_failure_with_its_signal(context, monkeypatch):
    slow(monkeypatch)
    await fill(context, 4_000)
    identifier = await asked(context)
    turn = asyncio.create_task(BacktestHost(context).turn())
    os.kill(await running(context, identifier), signal.SIGKILL)
    await asyncio.wait_for(turn, 5)
    row = await row_of(context, identifier)
    assert (row["state"], row["reason"]) == ("failed", "its process was ended by SIGKILL")


async def test_a_stop_of_the_instance_ends_it_with_the_reason(context, monkeypatch):
    slow(monkeypatch)
    await fill(context, 4_000)
    identifier = await asked(context)
    turn = asyncio.create_task(BacktestHost(context).run())
    await running(context, identifier)
    turn.cancel()
    await asyncio.wait({turn}, timeout=5)
    row = await row_of(context, identifier)
    assert (row["state"], row["reason"]) == ("failed", backtest_host.STOPPED)
    assert child_of(identifier) is None


async def test_one_whose_keeper_was_killed_is_ended_by_the_next(context):
    identifier = await asked(context)
    now = context.wall.now()
    assert await backtests.claim(context.database, now) is not None
    assert await backtests.end_stale(context.database, now + timedelta(seconds=9)) == []
    assert await backtests.claim(context.database, now) is None, "one at a time"
    assert await backtests.end_stale(context.database, now + timedelta(seconds=11)) == [identifier]
    row = await row_of(context, identifier)
    assert (row["state"], row["reason"]) == ("failed", backtests.LEFT)


async def test_a_process_that_cannot_be_started_is_a_failure_and_ends_no_keeper(context, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    identifier = await asked(context)
    assert await BacktestHost(context).turn()
    row = await row_of(context, identifier)
    assert (row["state"], row["reason"]) == (
        "failed",
        "its process could not be started: No such file or directory",
    )


async def test_a_form_that_cannot_be_loaded_fails_with_the_member(context):
    identifier = await asked(context, body={"rule": RULE, "levels": []})
    assert await BacktestHost(context).turn()
    row = await row_of(context, identifier)
    assert row["state"] == "failed"
    assert row["reason"].startswith("feed: ")


async def test_the_queue_is_bounded_and_results_are_kept_so_many(context, monkeypatch):
    monkeypatch.setattr(backtests, "KEPT_MAX", 3)
    kept = [await asked(context) for _ in range(backtests.QUEUE_MAX)]
    with pytest.raises(TooManyRequestsError, match="8 backtests wait already"):
        await asked(context)
    other = "another.rule"
    for identifier in kept:
        await backtests.end(context.database, identifier, BacktestState.DONE, context.wall.now(), result={})
    await backtests.end(
        context.database, await asked(context, rule=other), BacktestState.DONE, context.wall.now(), result={}
    )
    async with context.database.connection() as connection:
        found = await backtests.list_of_rule(connection, RULE, before=None, limit=50)
        assert [row["id"] for row in found] == kept[:-4:-1]
        page = await backtests.list_of_rule(connection, RULE, before=(found[0]["asked_at"], found[0]["id"]), limit=1)
        assert [row["id"] for row in page] == [kept[-2]]
        assert len(await backtests.list_of_rule(connection, other, before=None, limit=50)) == 1
