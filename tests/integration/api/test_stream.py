"""The stream (P9): whatever is cut, a client gets every later change once and in order, or an explicit reset."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest

from ioc.api.stream.hub import HubClient
from ioc.api.stream.sse_events import RenderedChange, sse
from ioc.domain.people.account import KeyKind, Principal
from ioc.domain.people.capabilities import Role
from ioc.store.changes.reader import ChangeRow
from ioc.store.postgres.scope import Scope
from tests.integration.api.conftest import NOW, OTHER, World, open_world, served

EVENT = re.compile(rb"event: (\w+)\n(?:id: (\d+)\n)?data: (.*)\n\n")


@dataclass
class Listener:
    """A client as browsers are: it knows only whole events, and resumes after the last id it saw."""

    url: str
    headers: dict[str, str]
    after: int = 0
    ids: list[int] = field(default_factory=list)
    events: list[tuple[str, Any]] = field(default_factory=list)
    cuts: int = 0
    seed: int | None = None

    async def listen(self, until: int, seconds: float = 60.0) -> None:
        """Read until a position has come, cutting the connection after a random number of bytes (``seed``)."""
        chance = random.Random(self.seed)
        async with asyncio.timeout(seconds):
            while not self.ids or self.ids[-1] < until:
                with contextlib.suppress(httpx2.HTTPError):
                    await self._once(until, chance.randrange(1, 1_500) if self.seed is not None else None)
                await asyncio.sleep(0.02)

    async def _once(self, until: int, cut_after: int | None) -> None:
        headers = {**self.headers, **({"Last-Event-ID": str(self.ids[-1])} if self.ids else {})}
        async with (
            httpx2.AsyncClient(timeout=httpx2.Timeout(10.0)) as client,
            client.stream("GET", f"{self.url}/api/v1/stream?after={self.after}", headers=headers) as answer,
        ):
            assert answer.status_code in (200, 503), answer.status_code
            buffer, read = b"", 0
            async for chunk in answer.aiter_bytes(64 if cut_after is not None else None):
                read += len(chunk)
                buffer += chunk
                while (end := buffer.find(b"\n\n")) >= 0:
                    self._take(buffer[: end + 2])
                    buffer = buffer[end + 2 :]
                if self.ids and self.ids[-1] >= until:
                    return
                if cut_after is not None and read >= cut_after:
                    self.cuts += 1
                    return

    def _take(self, text: bytes) -> None:
        match = EVENT.fullmatch(text)
        if match is None:
            assert text.startswith(b"retry: "), text
            return
        name, position, data = match[1].decode(), match[2], orjson.loads(match[3])
        self.events.append((name, data))
        if position is not None:
            self.ids.append(int(position))


def bearer(world: World, kind: str = "display") -> dict[str, str]:
    return {"Authorization": f"Bearer {world.keys[kind]}"}


async def write(world: World, count: int, *, writers: int = 4) -> int:
    """Append changes from parallel transactions and return the last position."""
    done: list[int] = []

    async def one(number: int) -> None:
        for turn in range(count // writers):
            done.append(await world.change("alert", f"al_{number}_{turn}"))
            await asyncio.sleep(0.002)

    await asyncio.gather(*(one(number) for number in range(writers)))
    return max(done)


async def test_ten_clients_cut_at_random_bytes_over_restarts_miss_nothing_and_get_nothing_twice(database_dsn: str):
    """Three servers one after the other on the same table; each dies while clients read and writers write."""
    listeners: list[Listener] = []
    async with contextlib.AsyncExitStack() as keep:
        world = await keep.enter_async_context(open_world(database_dsn))
        last = 0
        for run in range(3):
            async with open_world(database_dsn, fresh=False) as server, served(server) as url:
                server.keys.update(world.keys)
                if not listeners:
                    listeners = [Listener(url, bearer(world), seed=number) for number in range(10)]
                for listener in listeners:
                    listener.url = url
                tasks = [asyncio.create_task(listener.listen(2**62)) for listener in listeners]
                last = await write(world, 120)
                await asyncio.sleep(0.1 * run)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
        async with open_world(database_dsn, fresh=False) as server, served(server) as url:
            for listener in listeners:
                listener.url = url
            await asyncio.gather(*(listener.listen(last) for listener in listeners))
    assert last == 360
    assert sum(listener.cuts for listener in listeners) > 60
    for listener in listeners:
        assert listener.ids == list(range(1, last + 1))
        assert all(name != "reset" for name, _ in listener.events)


async def test_a_cursor_on_a_plain_sequence_misses_changes_that_commit_late(database_dsn: str):
    """The must-fail mutant: positions from a bigserial are not commit order, so its reader skips rows."""

    async def mutant(connection: Any, *, after: int, limit: int, until: int | None = None) -> list[ChangeRow]:
        rows = await connection.fetch(
            "SELECT position, id FROM mutant WHERE position > $1 AND ($2::bigint IS NULL OR position <= $2) "
            "ORDER BY position LIMIT $3", after, until, limit,
        )  # fmt: skip
        return [ChangeRow(row["position"], NOW, "alert", row["id"], None, None, 0, False, None) for row in rows]

    setup = await asyncpg.connect(database_dsn)
    await setup.execute("CREATE TABLE mutant (position bigserial PRIMARY KEY, id text NOT NULL)")

    async def writer(number: int) -> None:
        connection = await asyncpg.connect(database_dsn)
        chance = random.Random(number)
        for turn in range(25):
            async with connection.transaction():
                await connection.execute("INSERT INTO mutant (id) VALUES ($1)", f"al_{number}_{turn}")
                await asyncio.sleep(chance.random() * 0.03)
        await connection.close()

    async with open_world(database_dsn, reader=mutant, poll_milliseconds=10) as world:
        client = HubClient(Principal("t", KeyKind.DISPLAY), Scope(), queue_max=10_000, skip_to=0)
        world.state.hub._clients.add(client)
        await asyncio.gather(*(writer(number) for number in range(8)))
        await asyncio.sleep(0.3)
        got = {int(match) for match in re.findall(rb"id: (\d+)", b"".join(client.frames))}
    there = await setup.fetchval("SELECT count(*) FROM mutant")
    await setup.close()
    assert there == 200
    assert len(got) < there, "the mutant must miss what committed late"


async def test_a_stream_starts_where_a_list_was_true(world: World):
    await world.alert("al_before")
    async with served(world) as url:
        async with world.signed_in("op") as client:
            position = (await client.get("/api/v1/alerts")).json()["position"]
        await world.alert("al_after")
        listener = Listener(url, bearer(world), after=position)
        await listener.listen(position + 1)
    assert [(name, data["id"]) for name, data in listener.events if name == "alert"] == [("alert", "al_after")]


async def test_the_clock_comes_each_second_with_counts_of_the_own_area_only(world: World):
    for name, area in (("rain-1", "04795"), ("rain-2", "04795"), ("rain-3", OTHER)):
        await world.device(name, area=area)
        await world.insert("device_seen", {"device": name, "feed": "rainfall", "effective": NOW, "log_time": NOW,
                                           "position": 1, "events": 1})  # fmt: skip
    async with served(world) as url:
        whole, walled = Listener(url, bearer(world)), Listener(url, bearer(world, "district"))
        with contextlib.suppress(TimeoutError):
            await asyncio.gather(whole.listen(99, 3.5), walled.listen(99, 3.5))
    clocks = [data for name, data in whole.events if name == "clock"]
    assert 2 <= len(clocks) <= 4
    assert clocks[-1]["devices"] == {"online": 3, "total": 3}
    assert clocks[-1]["time"] == "2026-11-23T13:00:00.000Z"
    assert [data["devices"] for name, data in walled.events if name == "clock"][-1] == {"online": 1, "total": 1}


async def test_a_device_that_falls_silent_or_reports_is_told_inside_its_wall_without_a_change_of_its_own(world: World):
    """An overview that stays open counted devices as they were when it was opened."""
    for name, area in (("rain-1", "04795"), ("rain-2", "04795"), ("rain-3", OTHER)):
        await world.device(name, area=area)
    await heard(world, "rain-1", "rain-3")
    async with served(world) as url:
        async with world.signed_in("op") as client:
            position = (await client.get("/api/v1/devices")).json()["position"]
        whole = Listener(url, bearer(world), after=position)
        walled = Listener(url, bearer(world, "district"), after=position)

        async def life() -> None:
            await asyncio.sleep(2.5)  # the first look is over by then
            await heard(world, "rain-2")
            await asyncio.sleep(1.5)
            world.clock.step_to(NOW + timedelta(hours=1))
            await heard(world, "rain-1")

        with contextlib.suppress(TimeoutError):
            await asyncio.gather(whole.listen(99, 6.5), walled.listen(99, 6.5), life())
        late = Listener(url, bearer(world), after=position)
        with contextlib.suppress(TimeoutError):
            await late.listen(99, 1.0)
    assert told(whole) == [("rain-2", "online"), ("rain-2", "silent"), ("rain-3", "silent")]
    assert told(walled) == [("rain-3", "silent")]
    assert whole.ids == [], "a position is only a change's"
    assert told(late) == [("rain-2", "silent"), ("rain-3", "silent")], "how they are: its list may be of before that"


async def heard(world: World, *names: str) -> None:
    """Note that devices were heard now, as the roll-up does."""
    now = world.clock.now()
    for name in names:
        async with world.database.connection() as connection:
            await connection.execute("DELETE FROM device_seen WHERE device = $1", name)
        await world.insert("device_seen", {"device": name, "feed": "rainfall", "effective": now, "log_time": now,
                                           "position": 1, "events": 1})  # fmt: skip


def told(listener: Listener) -> list[tuple[str, str]]:
    """Return (device, status) of the devices that a stream told of."""
    return [(data["id"], data["status"]) for name, data in listener.events if name == "device"]


async def test_the_wall_stands_in_the_stream_and_what_left_the_area_is_gone(world: World):
    await world.device("rain-1", area=OTHER)
    await world.alert("al_foreign")
    await world.alert("al_own", area=OTHER)
    await world.alert("al_hidden", area=OTHER, restricted=True)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE device SET area = '04795', zone = 'hoa-binh'")
    await world.change("device", "rain-1", area=OTHER, zone="luong-son")
    last = await world.change("device", "rain-1")
    await world.change("alert", "al_own", area=OTHER, zone="luong-son")
    async with served(world) as url:
        listener = Listener(url, bearer(world, "district"))
        await listener.listen(last + 1)
    seen = [(name, data["id"], "gone" in data) for name, data in listener.events if name != "clock"]
    assert seen == [
        ("alert", "al_own", False),
        ("alert", "al_hidden", False),
        ("device", "rain-1", True),
        ("alert", "al_own", False),
    ]


async def test_a_position_that_is_no_longer_kept_or_not_yet_given_says_reset(world: World):
    for number in range(10):
        await world.change("alert", f"al_{number}")
    async with world.database.connection() as connection:
        await connection.execute("DELETE FROM change WHERE position <= 5")
    async with served(world) as url:
        while world.state.hub.position < 10:
            await asyncio.sleep(0.01)
        for after, expected in ((2, [("reset", 10)]), (5, None), (99, [("reset", 10)])):
            listener = Listener(url, bearer(world), after=after)
            await listener.listen(10)
            resets = [(name, data["position"]) for name, data in listener.events if name == "reset"]
            assert resets == (expected or [])
            if expected is None:
                assert listener.ids == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("change", ["disable", "sign-out", "revoke"])
async def test_an_open_stream_ends_within_five_seconds_of_its_right(world: World, change: str):
    async with served(world) as url, world.signed_in("op") as op, world.signed_in("root") as root:
        headers = bearer(world) if change == "revoke" else {"Cookie": f"ioc_session={op.cookies['ioc_session']}"}
        async with (
            httpx2.AsyncClient(timeout=10) as client,
            client.stream("GET", f"{url}/api/v1/stream", headers=headers) as answer,
        ):
            assert answer.status_code == 200
            if change == "disable":
                await root.patch("/api/v1/users/op", json={"disabled": True})
            elif change == "sign-out":
                await op.delete("/api/v1/session")
            else:
                found = (await root.get("/api/v1/keys")).json()["items"]
                await root.delete(f"/api/v1/keys/{next(key['id'] for key in found if key['kind'] == 'display')}")
            async with asyncio.timeout(5):
                async for _ in answer.aiter_bytes():
                    pass
        again = await op.get(f"{url}/api/v1/stream", headers=headers)
        assert again.status_code == 401


async def test_streams_end_within_two_seconds_of_the_stop(world: World):
    async with served(world) as url:
        clients = [asyncio.create_task(Listener(url, bearer(world)).listen(99)) for _ in range(5)]
        while len(world.state.hub._clients) < 5:
            await asyncio.sleep(0.01)
        started = asyncio.get_running_loop().time()
        world.state.hub.stop_streams()
        while world.state.hub._clients:
            await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - started < 2
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def test_a_stalled_client_is_cut_and_slows_nobody(database_dsn: str):
    """It never reads its socket: its queue fills to the bound, it is cut and counted; the other gets everything."""
    async with open_world(database_dsn, stream_queue_max=20) as world, served(world) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1_024)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        key = bearer(world)["Authorization"]
        request = f"GET /api/v1/stream?after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()
        while not world.state.hub._clients:
            await asyncio.sleep(0.01)
        listener = Listener(url, bearer(world))
        task = asyncio.create_task(listener.listen(250))
        text = {"vi": "x" * 20_000, "en": "y" * 20_000}
        await world.alert("al_big", summary=text)
        for _ in range(249):
            await world.change("alert", "al_big")
        await task
        async with asyncio.timeout(10):
            while world.state.context.metrics.stream_cut._value.get() < 1:
                await asyncio.sleep(0.05)
        assert listener.ids == list(range(1, 251))
        writer.close()


@pytest.mark.parametrize("bound", [{"stream_clients_max": 1}, {"stream_clients_per_caller_max": 1}], ids=str)
async def test_as_many_streams_as_the_settings_allow(database_dsn: str, bound: Any):
    async with (
        open_world(database_dsn, **bound) as world,
        served(world) as url,
        httpx2.AsyncClient(timeout=5, headers=bearer(world)) as client,
        client.stream("GET", f"{url}/api/v1/stream") as one,
    ):
        assert one.status_code == 200
        assert (await client.get(f"{url}/api/v1/stream")).status_code == 429


def test_a_queue_takes_no_more_than_its_bound_and_keeps_one_clock():
    def frame(position: int) -> RenderedChange:
        body = sse("alert", b"{}", position)
        return RenderedChange(position, "alert", (None, None), False, None, body, body, body, None)

    client = HubClient(Principal("t", "user", Role.OPERATOR), Scope(), queue_max=3, skip_to=2)
    assert [client.offer(frame(position)) for position in (1, 2, 3, 4, 5, 6)] == [True] * 5 + [False]
    assert (client.ended, client.frames) == ("slow", [])
    other = HubClient(Principal("t", "user", Role.OPERATOR), Scope(), queue_max=3, skip_to=0)
    other.offer(frame(1))
    other.tick(b"clock 1\n\n")
    other.tick(b"clock 2\n\n")
    assert other.take() == b"event: alert\nid: 1\ndata: {}\n\nclock 2\n\n"
    assert other.take() == b""
