"""Limits of requests: each account and key has its own, the same for however many processes, told in headers."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from ioc.api.auth import inventory
from ioc.errors import StoreUnavailableError, TooManyRequestsError
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock
from ioc.runtime.request_quota import WINDOW_SECONDS, Loan, RequestQuota
from ioc.store.accounts.request_quota import QuotaTable
from ioc.store.postgres.engine import Database
from tests.integration.api.conftest import World, open_world
from tests.integration.api.identity.test_access import filled

LEFT = re.compile(r'"requests";r=(\d+);t=(\d+)')


class Wall:
    """A time of day in the test's hands."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Away:
    """A database that does not answer."""

    async def borrow(self, *_: object, **__: object) -> Loan:
        raise StoreUnavailableError("gone")


async def used(quota: RequestQuota, name: str, times: int) -> int:
    """Ask so often and return how often there was something left."""
    taken = 0
    for _ in range(times):
        try:
            await quota.take(name)
        except TooManyRequestsError:
            continue
        taken += 1
    return taken


async def test_two_processes_together_give_no_more_than_one(database_dsn: str):
    wall, database = Wall(), Database(database_dsn, name="test", connections_max=4)
    await database.open()
    try:
        workers = [
            RequestQuota("p", 100, store=QuotaTable(database), io_clock=MonotonicIOClock(), wall=wall) for _ in range(2)
        ]
        taken = await asyncio.gather(*(used(worker, "key_1", 90) for worker in workers))
        assert sum(taken) == 100, "asked at the same time"
        turns = [await used(worker, "key_3", 1) for _ in range(90) for worker in workers]
        assert (sum(turns[::2]), sum(turns[1::2])) == (50, 50), "neither gets more by being asked in turn"
        assert await used(workers[0], "key_2", 150) == 100, "another key has its own"
        with pytest.raises(TooManyRequestsError) as refused:
            await workers[0].take("key_1")
        assert refused.value.retry_after_seconds == 1
        fresh = RequestQuota("p", 100, store=QuotaTable(database), io_clock=MonotonicIOClock(), wall=wall)
        wall.time += timedelta(seconds=WINDOW_SECONDS / 2)
        assert await used(fresh, "key_1", 90) == 50, "it fills up evenly"
        wall.time -= timedelta(hours=1)
        assert await used(fresh, "key_1", 10) == 0, "a clock that went back gives nothing"
    finally:
        await database.close()


async def test_a_quota_that_is_off_or_away_refuses_nobody():
    for number in (0, 20):
        quota = RequestQuota("p", number, store=Away(), io_clock=MonotonicIOClock(), wall=AnchoredLogClock())
        assert await used(quota, "x", 50) == 50


async def test_every_answer_to_a_known_caller_says_what_is_left(world: World):
    async with world.signed_in("root") as client:
        for line in inventory(world.app):
            if line.method != "GET" or line.access is None or line.path == "/api/v1/stream":
                continue
            answer = await client.get(filled(line.path))
            assert answer.headers["ratelimit-policy"] == '"requests";q=6000;w=60', line.path
            assert LEFT.fullmatch(answer.headers["ratelimit"]), line.path
        assert "ratelimit" not in (await client.get("/livez")).headers


async def test_who_asks_too_often_waits_and_nobody_else_does(database_dsn: str):
    async with open_world(database_dsn, http_requests_per_minute=40) as world:
        async with world.signed_in("op") as client, world.signed_in("op") as same, world.signed_in("view") as other:
            codes = []
            for number in range(60):
                answer = await (client if number % 2 else same).get("/api/v1/zones")
                codes.append(answer.status_code)
            assert codes.count(200) == 40
            assert answer.json()["code"] == "too_many_requests"
            assert int(answer.headers["retry-after"]) in (1, 2)
            found = LEFT.fullmatch(answer.headers["ratelimit"])
            assert found is not None
            assert (int(found[1]), int(found[2])) == (0, 60)
            assert (await other.get("/api/v1/zones")).status_code == 200
        async with world.client(key="display") as wall:
            assert (await wall.get("/api/v1/zones")).status_code == 200
