"""The answer to COMMIT is lost on its way: whether it stands is found out, and the sender hears the truth."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from ioc.domain.batch import BatchToken
from ioc.domain.event import Outcome
from ioc.errors import StoreUnavailableError
from ioc.ingest.pipeline.batcher import RETRY_SECONDS
from ioc.store.embedded.server import EmbeddedPostgres
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.postgres.migrate import upgrade_async
from proof.harness.proxy import Proxy
from tests.builders import NOON, letter, message
from tests.databases import free_port, run_apart

if TYPE_CHECKING:
    from collections.abc import Coroutine

OLD = NOON - timedelta(days=1)


class LoseCommit:
    """Loses the answer to the next ``times`` COMMITs."""

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def __call__(self, data: bytes) -> bool:
        if self.times and b"COMMIT;" in data:
            self.times -= 1
            return True
        return False


@pytest.fixture(scope="module")
def tcp_server():
    """A server that listens on TCP, as one in another machine does: the proxy goes before it."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-tcp-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, tcp_port=free_port(), durable=False)
    try:
        server.start()
        run_apart(upgrade_async(server.dsn))
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def proxied(tcp_server):
    port = int(tcp_server.dsn.rpartition("=")[2])
    direct = await asyncpg.connect(tcp_server.dsn)
    await direct.execute("TRUNCATE event, event_key, dead_letter")
    async with Proxy(port) as proxy:
        account = tcp_server.dsn.partition("@")[0]
        database = Database(f"{account}@127.0.0.1:{proxy.port}/ioc", name="test", command_timeout_seconds=2.0)
        await database.open()
        yield proxy, database, direct
        await database.close()
    await direct.close()


async def test_a_commit_whose_answer_is_lost_is_stored_once_and_said_to_be_stored(proxied):
    proxy, database, direct = proxied
    proxy.lose_answer_after = LoseCommit()
    batch = [message(id="1"), message(id="2"), message(id="1")]
    receipts = await EventLog(database).append(batch, NOON)
    assert proxy.lost == 1, "the fault was there"
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED, Outcome.STORED, Outcome.DUPLICATE]
    assert await direct.fetchval("SELECT count(*) FROM event") == 2
    assert receipts[0].position == await direct.fetchval("SELECT min(position) FROM event")


async def test_a_later_call_with_the_same_batch_finds_it_as_well(proxied):
    """The pipeline tries the same batch again after every attempt of one call has failed."""
    proxy, database, direct = proxied
    proxy.lose_answer_after = LoseCommit()
    log, token = EventLog(database), BatchToken()

    async def once() -> list[Outcome]:
        return [receipt.outcome for receipt in await log.append([message(id="1")], NOON, token=token)]

    await lose_the_answer(proxy, once())
    assert await once() == [Outcome.STORED]
    assert await direct.fetchval("SELECT count(*) FROM event") == 1


async def test_a_later_call_finds_the_half_of_a_batch_that_was_cut_at_what_postgresql_refuses(proxied):
    proxy, database, direct = proxied
    proxy.lose_answer_after = LoseCommit()
    log, token = EventLog(database), BatchToken()

    async def once() -> list[Outcome]:
        batch = [message(id="1"), message(id="2", data={"text": "a\x00b"})]
        return [receipt.outcome for receipt in await log.append(batch, NOON, token=token)]

    await lose_the_answer(proxy, once())
    assert await once() == [Outcome.STORED, Outcome.REFUSED]
    assert await direct.fetchval("SELECT count(*) FROM event") == 1


async def lose_the_answer(proxy: Proxy, call: Coroutine[Any, Any, object]) -> None:
    """Let a call give up: after the answer that is lost nothing comes through for a while."""
    task = asyncio.create_task(call)
    while not proxy.lost:
        await asyncio.sleep(0.005)
    proxy.swallow()
    with pytest.raises(StoreUnavailableError):
        await task
    proxy.heal()
    await asyncio.sleep(RETRY_SECONDS)


async def test_another_submission_of_the_same_event_is_a_duplicate(proxied):
    proxy, database, direct = proxied
    proxy.lose_answer_after = LoseCommit()
    log = EventLog(database)
    await log.append([message(id="1")], NOON)
    [again] = await log.append([message(id="1")], NOON + timedelta(seconds=1))
    assert again.outcome is Outcome.DUPLICATE
    assert await direct.fetchval("SELECT count(*) FROM event") == 1


async def test_a_dead_letter_in_doubt_is_kept_once(proxied):
    proxy, database, direct = proxied
    proxy.lose_answer_after = LoseCommit()
    [receipt] = await EventLog(database).append([letter(raw=b"{")], NOON)
    assert receipt.outcome is Outcome.REFUSED
    assert proxy.lost == 1
    assert await direct.fetchval("SELECT count(*) FROM dead_letter") == 1


async def test_a_reset_before_the_commit_stores_nothing_twice(proxied):
    proxy, database, direct = proxied

    def reset_before(data: bytes) -> bool:
        if b"COMMIT;" in data and not resets:
            resets.append(1)
            proxy.reset()
        return False

    resets: list[int] = []
    proxy.lose_answer_after = reset_before
    receipts = await EventLog(database).append([message(id="1")], NOON)
    assert resets
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED]
    assert await direct.fetchval("SELECT count(*) FROM event") == 1
