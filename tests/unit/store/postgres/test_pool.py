"""The pool of connections at its end: whoever was about to connect leaves no connection behind."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.pool import Pool


class Link:
    """A connection that only knows whether it is open."""

    def __init__(self) -> None:
        self.open = True

    def is_closed(self) -> bool:
        return not self.open

    def is_in_transaction(self) -> bool:
        return False

    def terminate(self) -> None:
        self.open = False

    async def close(self) -> None:
        self.open = False


async def test_a_connection_that_is_made_while_the_pool_closes_is_closed_too():
    made: list[Link] = []
    answers = asyncio.Event()

    async def connect() -> Link:
        await answers.wait()
        made.append(Link())
        return made[-1]

    pool = Pool(cast("Any", connect), connections_max=1)
    asked = asyncio.create_task(pool.acquire(5))
    await asyncio.sleep(0)
    await pool.close()
    answers.set()
    with pytest.raises(StoreUnavailableError):
        await asked
    assert [link.open for link in made] == [False]


async def test_what_was_lent_when_the_pool_closed_is_not_kept():
    async def connect() -> Link:
        return Link()

    pool = Pool(cast("Any", connect), connections_max=1)
    lent = await pool.acquire(5)
    closing = asyncio.create_task(pool.close())
    pool_end = cast("Link", lent)
    await closing
    pool.release(lent, broken=False)
    assert not pool_end.open
