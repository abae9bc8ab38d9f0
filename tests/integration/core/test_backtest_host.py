"""Backtests that people ask for: in turn, in a process of their own, and none waits for ever whatever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from ioc.bootstrap import backtest_host
from ioc.bootstrap.backtest_host import BacktestHost
from ioc.bootstrap.parts import open_parts
from ioc.errors import TooManyRequestsError, TransitionError
from ioc.packs.loader import load_pack
from ioc.settings import Settings
from ioc.store import backtests
from ioc.store.backtests import BacktestState, NewBacktest
from ioc.store.pack_apply import PackStore
from ioc.store.partitions import ensure_partitions
from tests.builders import message

RULE = "reservoir.gates"


@pytest.fixture
async def parts(database_dsn, tmp_path):
    settings = Settings(data_dir=tmp_path, database_url=database_dsn, log_level="warning")
    async with open_parts(settings, "keeper", connections_max=4) as parts:
        await ensure_partitions(parts.database, parts.log_clock.now())
        await PackStore(parts.database, parts.log).apply(load_pack(settings.pack), parts.log_clock.now())
        yield parts


async def fill(parts, count):
    """Readings a second apart, every other one of them with a gate open."""
    now = parts.log_clock.now()
    for begin in range(0, count, 2_000):
        batch = [
            message("reservoir-hb", feed="reservoir", id=str(number), time=now - timedelta(seconds=count - number),
                    data={"gates_open": number % 2, "level_m": 100.0})
            for number in range(begin, min(begin + 2_000, count))
        ]  # fmt: skip
        await parts.log.append(batch, now)


async def asked(parts, rule=RULE, **changes):
    body = next(item.body for item in load_pack(parts.settings.pack).rules if item.id == RULE)
    now = parts.wall.now()
    given = {
        "rule": rule, "body": {**body, "rule": rule}, "hash": "h", "version": 1, "present": None,
        "span_from": now - timedelta(days=1), "span_to": now, "include_history": False, "actor": "root",
        "address": None, **changes,
    }  # fmt: skip
    return (await backtests.ask(parts.database, NewBacktest(**given), now))["id"]


async def row_of(parts, identifier):
    async with parts.database.connection() as connection:
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
        if identifier.encode() in words and b"ioc.bootstrap.backtest_job" in words:
            return int(path.parent.name)
    return None


async def running(parts, identifier):
    """Wait for its process, and until it has told how far it is."""

    async def begun():
        row = await row_of(parts, identifier)
        assert row["state"] in ("queued", "running"), row["reason"]
        return row["done"] > 0

    await until(begun)
    pid = child_of(identifier)
    assert pid is not None
    return pid


async def test_one_after_the_other_each_with_its_result_and_its_changes(parts):
    await fill(parts, 400)
    first, second = await asked(parts), await asked(parts)
    host = BacktestHost(parts)
    assert await host.turn()
    assert (await row_of(parts, second))["state"] == "queued"
    assert await host.turn()
    assert not await host.turn()
    for identifier in (first, second):
        row = await row_of(parts, identifier)
        assert (row["state"], row["reason"]) == ("done", None)
        assert row["result"]["events"] == 400
        assert row["result"]["candidate"]["opened"] == 1
        assert row["result"]["candidate"]["alerts"][0]["readings"]
        assert row["started_at"] <= row["ended_at"]
    async with parts.database.connection() as connection:
        changes = await connection.fetch("SELECT data ->> 'state' AS state FROM change WHERE id = $1", first)
        audit = await connection.fetch("SELECT action, actor FROM audit WHERE object = $1", first)
    assert [row["state"] for row in changes][:2] == ["queued", "running"]
    assert changes[-1]["state"] == "done"
    assert [tuple(row) for row in audit] == [("backtest.ask", "root")]


async def test_it_gives_way_and_a_cancel_ends_it_within_two_seconds(parts, monkeypatch):
    slow(monkeypatch)
    await fill(parts, 4_000)
    identifier = await asked(parts)
    turn = asyncio.create_task(BacktestHost(parts).turn())
    pid = await running(parts, identifier)
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    began = asyncio.get_running_loop().time()
    await backtests.ask_cancel(parts.database, identifier, actor="root", address=None, now=parts.wall.now())
    await turn
    assert asyncio.get_running_loop().time() - began < 2.0
    assert (await row_of(parts, identifier))["state"] == "cancelled"
    assert child_of(identifier) is None
    with pytest.raises(TransitionError):
        await backtests.ask_cancel(parts.database, identifier, actor="root", address=None, now=parts.wall.now())


def slow(monkeypatch):
    """Let a child read a few positions at a time, with a pause before each: minutes for what takes a second."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "slow"))


async def test_a_waiting_one_is_cancelled_at_once(parts):
    identifier = await asked(parts)
    row = await backtests.ask_cancel(parts.database, identifier, actor="root", address=None, now=parts.wall.now())
    assert row["state"] == "cancelled"
    assert not await BacktestHost(parts).turn()


async def test_a_killed_process_is_a_failure_with_its_signal(parts, monkeypatch):
    slow(monkeypatch)
    await fill(parts, 4_000)
    identifier = await asked(parts)
    turn = asyncio.create_task(BacktestHost(parts).turn())
    os.kill(await running(parts, identifier), signal.SIGKILL)
    await asyncio.wait_for(turn, 5)
    row = await row_of(parts, identifier)
    assert (row["state"], row["reason"]) == ("failed", "its process was ended by SIGKILL")


async def test_a_stop_of_the_instance_ends_it_with_the_reason(parts, monkeypatch):
    slow(monkeypatch)
    await fill(parts, 4_000)
    identifier = await asked(parts)
    turn = asyncio.create_task(BacktestHost(parts).run())
    await running(parts, identifier)
    turn.cancel()
    await asyncio.wait({turn}, timeout=5)
    row = await row_of(parts, identifier)
    assert (row["state"], row["reason"]) == ("failed", backtest_host.STOPPED)
    assert child_of(identifier) is None


async def test_one_whose_keeper_was_killed_is_ended_by_the_next(parts):
    identifier = await asked(parts)
    now = parts.wall.now()
    assert await backtests.claim(parts.database, now) is not None
    assert await backtests.end_stale(parts.database, now + timedelta(seconds=9)) == []
    assert await backtests.claim(parts.database, now) is None, "one at a time"
    assert await backtests.end_stale(parts.database, now + timedelta(seconds=11)) == [identifier]
    row = await row_of(parts, identifier)
    assert (row["state"], row["reason"]) == ("failed", backtests.LEFT)


async def test_a_process_that_cannot_be_started_is_a_failure_and_ends_no_keeper(parts, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    identifier = await asked(parts)
    assert await BacktestHost(parts).turn()
    row = await row_of(parts, identifier)
    assert (row["state"], row["reason"]) == (
        "failed",
        "its process could not be started: No such file or directory",
    )


async def test_a_form_that_cannot_be_loaded_fails_with_the_member(parts):
    identifier = await asked(parts, body={"rule": RULE, "levels": []})
    assert await BacktestHost(parts).turn()
    row = await row_of(parts, identifier)
    assert row["state"] == "failed"
    assert row["reason"].startswith("feed: ")


async def test_the_queue_is_bounded_and_results_are_kept_so_many(parts, monkeypatch):
    monkeypatch.setattr(backtests, "KEPT_MAX", 3)
    kept = [await asked(parts) for _ in range(backtests.QUEUE_MAX)]
    with pytest.raises(TooManyRequestsError, match="8 backtests wait already"):
        await asked(parts)
    other = "another.rule"
    for identifier in kept:
        await backtests.end(parts.database, identifier, BacktestState.DONE, parts.wall.now(), result={})
    await backtests.end(parts.database, await asked(parts, rule=other), BacktestState.DONE, parts.wall.now(), result={})
    async with parts.database.connection() as connection:
        found = await backtests.list_of_rule(connection, RULE, before=None, limit=50)
        assert [row["id"] for row in found] == kept[:-4:-1]
        page = await backtests.list_of_rule(connection, RULE, before=(found[0]["asked_at"], found[0]["id"]), limit=1)
        assert [row["id"] for row in page] == [kept[-2]]
        assert len(await backtests.list_of_rule(connection, other, before=None, limit=50)) == 1
