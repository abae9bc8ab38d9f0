"""A crowd at the door: loggers that wake, connect, publish one reading and hang up, 120 of them a second.

Meanwhile others stay: they subscribe, publish in sessions that keep their receipts, and come back to such sessions.
What they wait for (SUBACK, PUBACK, receipt, CONNACK) must come within a second, the door's beat must go on, and nobody
who is connected may be said to be offline. The control is a door whose worker makes all moves before anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from mqtt_client.connection import Connection
from mqtt_client.packets import Incoming, Station, Will
from proof.harness.instance import Instance, running
from proof.harness.readings import FEED
from proof.harness.report import Profile, Report
from proof.scenarios.doors.idle import register

PROMISE = "120 short connections a second keep nobody else waiting for a second, and nobody is said to be offline"
SECONDS_P99_MAX = 1.0
BEAT_SECONDS_MAX = 6.0
"""The door beats every 2 s; it is held for dead after 10."""
GIVE_UP_SECONDS = 20.0
LOGGERS = 600
STAYING = 8
RETURNING = 4
PAUSE_SECONDS = 0.5
LOOK_SECONDS = 0.5
SHARE_MIN = 0.9
"""So much of the crowd must have come for the run to say anything."""
AWAITED = ("suback", "puback", "receipt", "connack")
REGISTRY_SECONDS = 3.0
"""By then the door knows the new devices."""


@dataclass(frozen=True, slots=True)
class StormSize:
    """How many come a second, for how long, and for how long to the broken door."""

    per_second: int
    seconds: float
    control_seconds: float


SIZES = {Profile.QUICK: StormSize(120, 12.0, 12.0), Profile.FULL: StormSize(120, 60.0, 30.0)}


@dataclass(slots=True)
class StormFigures:
    """What those who stay waited for, in seconds, and what the rows said meanwhile."""

    waits: dict[str, list[float]] = field(default_factory=lambda: {what: [] for what in AWAITED})
    came: int = 0
    failed: int = 0
    offline: set[str] = field(default_factory=set)
    beat_seconds_max: float = 0.0


def topic_of(station: Station) -> str:
    """Return where a device publishes."""
    return f"ioc/v1/{FEED}/{station.device}"


def reading_of(station: Station) -> tuple[str, bytes]:
    """Return the id and the payload of a reading."""
    name = f"{station.device}-{time.time_ns()}"
    return name, json.dumps({"id": name, "rain_mm": 0.2}).encode()


async def come_and_go(station: Station, seen: StormFigures) -> None:
    """Be a logger that wakes: connect, publish, wait for the acknowledgement, hang up."""
    connection = Connection(station)
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await connection.open(timeout_seconds=GIVE_UP_SECONDS)
            await connection.publish_and_wait(topic_of(station), reading_of(station)[1])
            seen.came += 1
            await connection.close()
    except (OSError, TimeoutError):
        seen.failed += 1
    finally:
        connection.abort()


class LastingSession(Connection):
    """A connection of a session that lasts and keeps its receipts; it has a will."""

    def __init__(self, station: Station) -> None:
        will = Will(topic_of(station), b'{"id":"will","rain_mm":0.0}')
        super().__init__(station, clean_start=False, will=will)
        self.receipts: dict[str, asyncio.Future[None]] = {}
        """By the id of the reading, while its receipt is awaited."""

    def receipt_of(self, name: str) -> asyncio.Future[None]:
        """Return what is done when the receipt of a reading comes."""
        self.receipts[name] = asyncio.get_running_loop().create_future()
        return self.receipts[name]

    def on_message(self, message: Incoming) -> None:
        """Take in a receipt."""
        awaited = self.receipts.pop(json.loads(message.payload)["id"], None)
        if awaited is not None and not awaited.done():
            awaited.set_result(None)


class Stayer:
    """One who stays connected, in a session that keeps its receipts."""

    def __init__(self, station: Station, seen: StormFigures) -> None:
        self._station = station
        self._seen = seen

    async def stay(self) -> None:
        """Subscribe and publish again and again until cancelled."""
        session = await self._connect()
        try:
            await self._subscribe(session)
            while True:
                name, payload = reading_of(self._station)
                receipt = session.receipt_of(name)
                puback = session.publish_and_wait(topic_of(self._station), payload)
                await asyncio.gather(self._await("puback", puback), self._await("receipt", receipt))
                await self._subscribe(session)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            session.abort()

    async def come_back(self) -> None:
        """Connect to the session that lasts, again and again until cancelled; each time say goodbye."""
        while True:
            session = await self._connect()
            try:
                await asyncio.sleep(PAUSE_SECONDS * 3)
                await session.close()
            finally:
                session.abort()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _connect(self) -> LastingSession:
        began = time.monotonic()
        try:
            return await LastingSession(self._station).open(timeout_seconds=GIVE_UP_SECONDS)
        finally:
            self._seen.waits["connack"].append(time.monotonic() - began)

    async def _subscribe(self, session: LastingSession) -> None:
        await self._await("suback", session.subscribe(f"ioc/v1/receipts/{self._station.device}"))

    async def _await(self, what: str, coming: asyncio.Future[Any]) -> None:
        """Wait for an answer; who waits still at the end counts as having waited that long."""
        began = time.monotonic()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(coming, GIVE_UP_SECONDS)
        finally:
            self._seen.waits[what].append(time.monotonic() - began)


async def crowd(stations: list[Station], size: StormSize, seconds: float, seen: StormFigures) -> None:
    """Let the loggers come, each at its time, whatever became of those before it."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(int(size.per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / size.per_second - time.monotonic()))
            group.create_task(come_and_go(stations[number % len(stations)], seen))


async def look(instance: Instance, names: list[str], seen: StormFigures) -> None:
    """Look at the rows until cancelled: who of ``names`` is said to be offline, and how old the door's beat is."""
    beat, since = -1, time.monotonic()
    async with instance.database() as connection:
        while True:
            now = await connection.fetchval("SELECT max(beat) FROM mqtt_door")
            if now != beat:
                beat, since = now, time.monotonic()
            seen.beat_seconds_max = max(seen.beat_seconds_max, time.monotonic() - since)
            rows = await connection.fetch(
                "SELECT device FROM mqtt_session WHERE device = ANY($1) AND door IS NULL", names
            )
            seen.offline |= {row["device"] for row in rows}
            await asyncio.sleep(LOOK_SECONDS)


async def measure(instance: Instance, size: StormSize, seconds: float) -> dict[str, Any]:
    """Let the crowd come while others stay; return what those waited for."""
    staying, returning = [f"stay-{n}" for n in range(STAYING)], [f"back-{n}" for n in range(RETURNING)]
    names = [*staying, *returning, *(f"log-{number}" for number in range(LOGGERS))]
    keys = await register(instance, names)
    known = {name: Station(name, key, instance.mqtt_port) for name, key in zip(names, keys, strict=True)}
    await asyncio.sleep(REGISTRY_SECONDS)
    seen = StormFigures()
    work: list[Coroutine[Any, Any, None]] = [Stayer(known[name], seen).stay() for name in staying]
    tasks = [asyncio.create_task(one) for one in work]
    await asyncio.sleep(2 * PAUSE_SECONDS)
    tasks += [asyncio.create_task(Stayer(known[name], seen).come_back()) for name in returning]
    tasks.append(asyncio.create_task(look(instance, staying, seen)))
    await crowd([known[name] for name in names[STAYING + RETURNING :]], size, seconds, seen)
    # Counted while they are still connected: when they hang up below, the door rightly publishes their wills.
    async with instance.database() as connection:
        wills = await connection.fetchval(
            "SELECT count(*) FROM event WHERE kind = 'event' AND id = 'will' AND device = ANY($1)", staying
        )
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    broke = [one for one in ended if isinstance(one, Exception)]
    p99 = {f"{what}_seconds_p99": _p99(waits) for what, waits in seen.waits.items()}
    return {
        "came": seen.came, "came_per_second": round(seen.came / seconds, 1), "turned_away": seen.failed,
        "waits": sum(map(len, seen.waits.values())), **p99,
        "seconds_p99_max": max(p99.values()), "falsely_offline": len(seen.offline), "wills_of_the_connected": wills,
        "beat_seconds_max": round(seen.beat_seconds_max, 2), "broken": [repr(one) for one in broke],
    }  # fmt: skip


def _p99(waits: list[float]) -> float:
    return round(statistics.quantiles(waits, n=100)[-1], 3) if len(waits) > 1 else GIVE_UP_SECONDS


def is_served(facts: dict[str, Any]) -> bool:
    """Tell whether those who stayed were served as promised."""
    return (
        facts["seconds_p99_max"] < SECONDS_P99_MAX
        and facts["beat_seconds_max"] < BEAT_SECONDS_MAX
        and not (facts["falsely_offline"] or facts["wills_of_the_connected"] or facts["broken"])
    )


async def prove(*, seed: int, size: StormSize) -> Report:
    """Let the crowd come to an honest door, and to one that makes all moves first."""
    report = Report("storm", seed, PROMISE)
    async with running() as instance:
        facts = await measure(instance, size, size.seconds)
    async with running(mutant="crowded") as instance:
        control = await measure(instance, size, size.control_seconds)
    report.facts = {"operations": facts["came"], "faults": 0, "problems": facts.pop("broken"), **facts}
    report.control = {"mutant": "all moves that wait are made before anything else", **control}
    report.judge(
        held=is_served({**facts, "broken": report.facts["problems"]}),
        evidence=facts["came"] >= SHARE_MIN * size.per_second * size.seconds,
        control_failed=not is_served(control),
    )
    return report
