"""The poller of the change feed: it beats as long as it works."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from ioc.api.context import APIContext, AreaCache
from ioc.api.identity.authenticator import Authenticator
from ioc.api.stream.frames import FRAMES
from ioc.api.stream.hub import Hub, HubClient
from ioc.api.stream.sse_events import FrameReader, RenderedChange
from ioc.api.wall.caller import Caller
from ioc.domain.people.account import USER, KeyKind, Principal
from ioc.domain.people.capabilities import Role
from ioc.runtime.clock import MonotonicIOClock
from ioc.store.postgres.scope import Scope

BATCHES = 50
FRAME = RenderedChange(
    position=None, kind="rule", place=(None, None), restricted=False, feed=None,
    whole=b"", masked=b"", gone=b"", noun=None,
)  # fmt: skip


class Flood:
    """A change feed with so much news that the poller has no pause between batches."""

    def __init__(self) -> None:
        self.given = 0
        self.drained = asyncio.Event()

    async def read(self, *, after: int, until: int | None = None, limit: int = 0) -> list[RenderedChange]:
        del after, until, limit
        return []

    async def read_news(self, *, after: int, since: int | None = None) -> tuple[list[RenderedChange], int]:
        del since
        if self.given == BATCHES:
            self.drained.set()
            return [], after
        self.given += 1
        return [FRAME], after + 1


async def test_a_poller_beats_at_each_batch_of_a_flood():
    """A flood of changes is drained without a pause; whoever hears no beat for fifteen seconds kills the process."""
    beats = 0

    def beat(*, working: bool = True) -> None:
        nonlocal beats
        beats += working

    async def wait(seconds: float) -> bool:
        await asyncio.sleep(seconds)
        return False

    context = SimpleNamespace(
        beat=beat, settings=SimpleNamespace(poll_milliseconds=500), wakeup=SimpleNamespace(wait=wait)
    )
    flood = Flood()
    hub = Hub(cast(APIContext, context), cast(AreaCache, None), cast(Authenticator, None), cast(FrameReader, flood))
    hub._started.set()
    polling = asyncio.create_task(hub._poll())
    try:
        async with asyncio.timeout(5):
            await flood.drained.wait()
        assert beats >= BATCHES
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)


NEWS = RenderedChange(
    position=None, kind="rule", place=(None, None), restricted=False, feed=None,
    whole=b"event: alert\n\n", masked=b"", gone=b"", noun=None,
)  # fmt: skip


class OneMissed:
    """A change feed with one piece of news that the lists of who joins need not have had."""

    async def read_news(self, *, after: int, since: int | None = None) -> tuple[list[RenderedChange], int]:
        del since
        return ([], after) if after else ([NEWS], 1)


@pytest.mark.parametrize(("counted_ago", "clock_at_once"), [(1.0, True), (60.0, False)])
async def test_the_first_clock_comes_after_what_was_missed_and_at_once_when_its_counts_are_fresh(
    counted_ago, clock_at_once
):
    """A page calls itself live at its first clock, so nothing that came before may come after it."""
    time = MonotonicIOClock()
    context = SimpleNamespace(
        settings=SimpleNamespace(stream_clients_max=9, stream_clients_per_caller_max=9, stream_queue_max=9),
        metrics=SimpleNamespace(stream_clients=SimpleNamespace(set=lambda _count: None)),
        board=SimpleNamespace(current=tuple), roles=SimpleNamespace(silent={}),
        io_clock=time, clock=SimpleNamespace(now=lambda: datetime(2026, 11, 28, tzinfo=UTC)),
    )  # fmt: skip
    hub = Hub(
        cast(APIContext, context), cast(AreaCache, None), cast(Authenticator, None), cast(FrameReader, OneMissed())
    )
    hub._started.set()
    hub.position = 5
    hub._counted = time.seconds() - counted_ago
    principal = Principal("u", USER, Role.OPERATOR)
    client, stream = await hub.follow(cast(Caller, SimpleNamespace(principal=principal, scope=Scope())), 5)
    assert [await anext(stream) for _ in range(2)] == [b"retry: 1000\n\n", NEWS.whole]
    following = asyncio.create_task(anext(stream))
    await asyncio.sleep(0.05)
    assert following.done() is clock_at_once
    client.tick(b"event: clock\n\n")
    assert (await following).startswith(b"event: clock\n")
    await stream.aclose()


class ChangeBesideNews:
    """A change feed with one change, whose news cannot be read before somebody has heard the change."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def read(self, *, after: int, until: int | None = None, limit: int = 0) -> list[RenderedChange]:
        del until, limit
        return [] if after else [replace(NEWS, position=1)]

    async def read_news(self, *, after: int, since: int | None = None) -> tuple[list[RenderedChange], int]:
        del since
        await self.heard.wait()
        return [], after


async def test_what_has_changed_goes_out_before_the_news_are_read():
    feed = ChangeBesideNews()
    hub = Hub(
        cast(APIContext, SimpleNamespace()), cast(AreaCache, None), cast(Authenticator, None), cast(FrameReader, feed)
    )
    client = HubClient(Principal("u", USER, Role.OPERATOR), Scope(), queue_max=9, skip_to=0)
    hub._clients.add(client)
    polling = asyncio.create_task(hub._poll_once())
    async with asyncio.timeout(5):
        await client.ready.wait()
    assert client.take() == NEWS.whole
    assert hub.position == 1
    feed.heard.set()
    assert await polling is True


class OneDevice:
    """A change feed about one device: each read tells how it is when the read begins; ``slow`` holds reads of it up."""

    def __init__(self) -> None:
        self.state = b"online"
        self.changes = 0
        self.slow: asyncio.Event | None = None

    def _frame(self, position: int | None) -> RenderedChange:
        return replace(NEWS, position=position, kind="device", whole=self.state, noun=(None, None))

    def change(self, state: bytes) -> None:
        self.state, self.changes = state, self.changes + 1

    async def read(self, *, after: int, until: int | None = None, limit: int = 0) -> list[RenderedChange]:
        del until, limit
        return [self._frame(self.changes)] if after < self.changes else []

    async def read_news(self, *, after: int, since: int | None = None) -> tuple[list[RenderedChange], int]:
        del since
        return [], after

    async def read_devices(self, ids: list[str]) -> list[RenderedChange]:
        found = [self._frame(None) for _ in ids]
        if self.slow is not None:
            await self.slow.wait()
        return found


def hub_of(feed: OneDevice) -> Hub:
    context = SimpleNamespace(
        settings=SimpleNamespace(stream_clients_max=9, stream_clients_per_caller_max=9, stream_queue_max=9),
        metrics=SimpleNamespace(stream_clients=SimpleNamespace(set=lambda _count: None)),
        io_clock=MonotonicIOClock(),
    )  # fmt: skip
    hub = Hub(cast(APIContext, context), cast(AreaCache, None), cast(Authenticator, None), cast(FrameReader, feed))
    hub._started.set()
    hub._offline = set()

    async def head() -> int:
        return feed.changes

    hub._head = head  # type: ignore[method-assign]
    return hub


@pytest.mark.parametrize("polled", [True, False])
async def test_who_joins_hears_how_a_device_is_and_not_how_it_was_when_it_turned(polled):
    """It fell silent, then its line was cut, and the list of who joins knows that: a screen showed the line as up."""
    feed = OneDevice()
    hub = hub_of(feed)
    await hub._tell_turned({"d"})
    feed.change(b"cut")
    if polled:
        await hub._poll_once()
    principal = Principal("u", USER, Role.OPERATOR)
    _, stream = await hub.follow(cast(Caller, SimpleNamespace(principal=principal, scope=Scope())), feed.changes)
    assert await anext(stream) == b"retry: 1000\n\n"
    assert await asyncio.wait_for(anext(stream), 5) == b"cut"
    await stream.aclose()


async def test_of_two_readings_of_a_device_the_later_one_is_told_last():
    feed = OneDevice()
    hub = hub_of(feed)
    client = HubClient(Principal("u", USER, Role.OPERATOR), Scope(), queue_max=9, skip_to=0)
    hub._clients.add(client)
    feed.slow = asyncio.Event()
    turning = asyncio.create_task(hub._tell_turned({"d"}))
    await asyncio.sleep(0)
    feed.change(b"cut")
    polling = asyncio.create_task(hub._poll_once())
    await asyncio.sleep(0.05)
    feed.slow.set()
    await asyncio.gather(turning, polling)
    assert client.take().endswith(b"cut")


@pytest.mark.parametrize(
    ("kind", "role", "gets"),
    [
        (USER, Role.VIEWER, {"alert", "incident", "silence", "device", "rule", "domain", "backtest"}),
        (KeyKind.DISTRICT, None, {"alert", "incident", "silence", "device", "rule", "domain"}),
        (KeyKind.DISPLAY, None, {"alert", "incident", "device", "domain"}),
        (KeyKind.METRICS, None, set()),
    ],
)
async def test_a_reader_gets_the_frames_of_what_it_may_read_over_its_own_route(kind, role, gets):
    """A wall screen heard how far the administrator's backtests were, which it cannot read."""
    client = HubClient(Principal("u", kind, role), Scope(), queue_max=9, skip_to=0)
    heard = set()
    for name in (*FRAMES, "area", "layer"):
        client.offer(replace(NEWS, position=1, kind=name, whole=name.encode(), masked=name.encode(), noun=(None, None)))
        if client.take():
            heard.add(name)
    assert heard == gets
