"""A key that is revoked in PostgreSQL closes its live connection within two seconds (SECURITY S23)."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from ioc.domain.people.account import KeyKind, key_hash, new_key
from ioc.ingest.mqtt.codec.packets import Disconnect, Puback
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.clock import AnchoredLogClock
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.postgres.wakeup import REGISTRY_CHANNEL, Wakeup
from ioc.store.registry.registry import RegistryStore, bump_registry
from tests.integration.ingest.mqtt_house import house_of, publish

DEVICE = """
INSERT INTO device (id, feed, name_vi, name_en, registered_at, updated_at)
VALUES ('rain-1', 'rainfall', 'Mưa', 'Rain', '2020-01-01', '2020-01-01')
"""
KEY = """
INSERT INTO api_key (id, kind, hash, name, device, created_at, created_by)
VALUES ('key_1', $1, $2, 'x', 'rain-1', '2020-01-01', 'test')
"""


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


@contextlib.asynccontextmanager
async def following(registry: CachedRegistry, waiter):
    task = asyncio.create_task(registry.follow(waiter))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Deaf:
    """A listener whose wake-ups are all lost: only the poll is left."""

    async def wait(self, timeout_seconds: float) -> bool:
        await asyncio.sleep(timeout_seconds)
        return False


@pytest.mark.parametrize("notified", [True, False])
async def test_a_key_revoked_in_the_database_closes_the_connection_even_when_the_wake_up_is_lost(database, notified):
    secret = new_key(KeyKind.DEVICE)
    registry = CachedRegistry(RegistryStore(database), AnchoredLogClock())
    async with contextlib.AsyncExitStack() as stack:
        waiter = await stack.enter_async_context(Wakeup(database, REGISTRY_CHANNEL)) if notified else Deaf()
        house = await stack.enter_async_context(house_of(EventLog(database), registry=registry))
        await stack.enter_async_context(following(registry, waiter))
        async with database.transaction() as connection:  # registered while the door runs: CONNECT asks for it
            await connection.execute(DEVICE)
            await connection.execute(KEY, str(KeyKind.DEVICE), key_hash(secret))
            await bump_registry(connection)
        peer = await house.device(5, key=secret)
        assert await peer.ask(publish(1)) == Puback(1)
        async with database.transaction() as connection:
            await connection.execute("UPDATE api_key SET revoked_at = '2026-01-01' WHERE id = 'key_1'")
            await bump_registry(connection)
        started = time.monotonic()
        assert await peer.next() == Disconnect(ReasonCode.NOT_AUTHORIZED)
        assert await peer.hung_up()
        assert time.monotonic() - started < 2
        answer = await (await house.peer()).connect(5, secret)
        assert answer.reason_code is ReasonCode.BAD_USER_NAME_OR_PASSWORD
