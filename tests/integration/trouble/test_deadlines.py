"""Every wait for PostgreSQL has an end, also when it is frozen: asyncpg alone keeps some of these for ever."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

from ioc.errors import StoreUnavailableError
from ioc.store.embedded.server import EmbeddedPostgres
from ioc.store.postgres.engine import Database
from tests.integration.trouble.conftest import frozen

TIMEOUT_SECONDS = 1.0
BOUND_SECONDS = 6.0
"""Far above the deadlines of these tests, far below for ever."""


@pytest.fixture
async def database(database_dsn):
    database = Database(
        database_dsn, name="test", connections_max=2, command_timeout_seconds=TIMEOUT_SECONDS,
        connect_timeout_seconds=TIMEOUT_SECONDS,
    )  # fmt: skip
    await database.open()
    yield database
    await database.close()


async def in_time(work):
    """Return how long a coroutine took to say that the store is unavailable; fail when it does not end."""
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        await asyncio.wait_for(work, BOUND_SECONDS)
    return time.monotonic() - began


async def test_a_transaction_on_a_frozen_server_ends_and_the_pool_works_again_after_it(database, freeze):
    """Its ROLLBACK is the trap: asyncpg waits for the end of the cancelled statement first, without a deadline."""

    async def work():
        async with database.transaction() as connection:
            ice.enter_context(freeze())
            await connection.execute("SELECT 1")

    with contextlib.ExitStack() as ice:
        assert await in_time(work()) < 4 * TIMEOUT_SECONDS
    async with asyncio.timeout(BOUND_SECONDS), database.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("own", [False, True], ids=["transaction", "of the room"])
async def test_who_is_cancelled_in_a_transaction_hears_of_it(database, own):
    """The ROLLBACK on the connection that was cut must not turn a stop into `the store is unavailable, try again`."""

    async def work():
        async with contextlib.AsyncExitStack() as stack:
            if own:
                connection = await stack.enter_async_context(database.connection())
                await stack.enter_async_context(connection.transaction())
            else:
                connection = await stack.enter_async_context(database.transaction())
            began.set()
            await connection.execute("SELECT pg_sleep(0.4)")

    began = asyncio.Event()
    task = asyncio.create_task(work())
    await began.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, BOUND_SECONDS)
    async with asyncio.timeout(BOUND_SECONDS), database.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_the_transactions_of_a_room_end_as_well(database, freeze):
    """Some rooms begin a transaction on the connection itself: it must not matter."""

    async def work():
        async with database.connection() as connection, connection.transaction(isolation="repeatable_read"):
            ice.enter_context(freeze())
            await connection.fetchval("SELECT $1::int", 1)

    with contextlib.ExitStack() as ice:
        assert await in_time(work()) < 4 * TIMEOUT_SECONDS


async def test_connections_are_not_lost_to_a_frozen_server(database, freeze):
    """Each failure gives its place back: after more failures than places there is still one."""

    async def work():
        async with database.connection() as connection:
            await connection.fetchval("SELECT 1")

    with freeze():
        for _ in range(4):
            await in_time(work())
    for _ in range(3):
        async with asyncio.timeout(BOUND_SECONDS), database.connection() as connection:
            assert await connection.fetchval("SELECT 1") == 1


async def test_a_full_pool_of_stuck_connections_refuses_the_next_in_time(database, freeze):
    async def work():
        async with database.connection() as connection:
            await connection.fetchval("SELECT 1")

    with freeze():
        waits = await asyncio.gather(*(in_time(work()) for _ in range(8)))
    assert max(waits) < 4 * TIMEOUT_SECONDS


async def test_close_ends_on_a_frozen_server(database_dsn, freeze):
    database = Database(database_dsn, name="test", command_timeout_seconds=TIMEOUT_SECONDS)
    await database.open()
    with freeze():
        async with asyncio.timeout(BOUND_SECONDS):
            await database.close()


async def test_opening_a_frozen_server_says_so_in_time(database_dsn, freeze):
    database = Database(database_dsn, name="test", connect_timeout_seconds=TIMEOUT_SECONDS)
    with freeze():
        assert await in_time(database.open()) < 4 * TIMEOUT_SECONDS


async def test_a_cancelled_caller_is_let_go_at_once(database, freeze):
    async def work():
        async with database.transaction() as connection:
            started.set()
            await connection.fetchval("SELECT 1")

    started = asyncio.Event()
    async with database.connection() as connection:
        await connection.fetchval("SELECT 1")
    with freeze():
        task = asyncio.create_task(work())
        await asyncio.sleep(0.05)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=TIMEOUT_SECONDS / 2)
        assert done
        with pytest.raises(asyncio.CancelledError):
            task.result()


async def test_a_transaction_that_is_cancelled_says_so_and_nothing_else(database):
    """Its ROLLBACK finds the connection cut; a worker that took that for a lost server would never stop."""

    async def work():
        async with database.transaction() as connection:
            await connection.fetchval("SELECT pg_sleep(30)")

    task = asyncio.create_task(work())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_task_is_left_behind(database, freeze):
    """asyncpg asks the server in a task of its own to cancel a statement: it must not pile up."""
    before = len(asyncio.all_tasks())
    with freeze():
        await in_time(database.ping())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= before


async def test_a_killed_backend_costs_one_error_and_nothing_else(database, database_dsn):
    async with database.connection() as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
    killer = await asyncpg.connect(database_dsn)
    try:
        await killer.execute("SELECT pg_terminate_backend($1)", pid)
    finally:
        await killer.close()
    for _ in range(3):
        try:
            async with database.connection() as connection:
                assert await connection.fetchval("SELECT 1") == 1
        except StoreUnavailableError:
            continue
        break
    else:
        pytest.fail("the pool kept a dead connection")


def test_a_frozen_embedded_server_can_be_stopped():
    """SIGINT and SIGQUIT wait for a frozen process: a stop would wait for ever."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-frozen-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, durable=False)
    try:
        server.start()
        with frozen(server):
            began = time.monotonic()
            server.stop("fast", 0.5)
            assert time.monotonic() - began < 10
        server.start()
        assert server.is_running()
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
