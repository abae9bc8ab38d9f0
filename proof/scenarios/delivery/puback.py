"""The order of P2, seen in the kernel: PostgreSQL's fdatasync of the WAL returns before the door writes the PUBACK.

A lone reading is published at a time. Its id is found in what one PostgreSQL backend receives; that backend's next
fdatasync of a WAL file must have returned before the door begins to write the PUBACK of that packet id.
The control switches `synchronous_commit` off in the same database: then the order must break.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import string
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mqtt_client.connection import Connection
from mqtt_client.packets import Station
from proof.harness.instance import Instance, add_device, running
from proof.harness.readings import FEED, reading
from proof.harness.report import Profile, Report
from proof.harness.syscalls import Call, Strace

PROMISE = "PUBACK is written after the WAL of its event is flushed"
WRITES = frozenset({"write", "writev", "sendto", "sendmsg"})
READS = frozenset({"read", "recvfrom", "recvmsg"})
FLUSHES = frozenset({"fdatasync", "fsync"})
ANSWER_SECONDS = 20.0
PAUSE_SECONDS = 0.1
DEVICE = "lone"
PUBLISHES = {Profile.QUICK: 20, Profile.FULL: 50}
"""At most one for each letter: see `packet_ids`."""


@dataclass(frozen=True, slots=True)
class Order:
    """What happened to one publish. Moments in seconds; ``flushed`` None: no flush began after its commit did."""

    identifier: str
    received: float
    flushed: float | None
    acknowledged: float

    @property
    def holds(self) -> bool:
        """Tell whether the flush returned before the acknowledgement began."""
        return self.flushed is not None and self.flushed <= self.acknowledged


def packet_ids(series: str, count: int) -> list[int]:
    """Return packet ids whose two bytes are letters, so that strace prints them as they are: `AA`, `AB`, ..."""
    assert count <= len(string.ascii_letters), "a series has as many ids as there are letters"
    return [ord(series) << 8 | ord(letter) for letter in string.ascii_letters[:count]]


async def publish_alone(instance: Instance, key: str, count: int, *, series: str) -> dict[int, str]:
    """Publish ``count`` readings, each after the PUBACK of the one before; return their ids by packet id."""
    connection = await Connection(Station(DEVICE, key, instance.mqtt_port), clean_start=False).open()
    sent: dict[int, str] = {}
    try:
        for packet_id in packet_ids(series, count):
            identifier = f"lone-{uuid.uuid4().hex}"
            made = reading(1, period_readings=1_000).payload.replace(b'"1"', f'"{identifier}"'.encode(), 1)
            answer = connection.publish_and_wait(f"ioc/v1/{FEED}/{DEVICE}", made, packet_id=packet_id)
            await asyncio.wait_for(answer, ANSWER_SECONDS)
            sent[packet_id] = identifier
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await connection.close()
    return sent


def order_of(calls: Sequence[Call], *, door: int, packet_id: int, identifier: str) -> Order | None:
    """Find one publish in the traces; None: the trace does not show it."""
    taken = next((call for call in calls if call.pid != door and call.name in READS and identifier in call.text), None)
    bytes_of_puback = '"@\\2' + packet_id.to_bytes(2, "big").decode("ascii") + '"'
    answered = next(
        (call for call in calls if taken is not None and call.pid == door and call.name in WRITES
         and bytes_of_puback in call.text and call.began > taken.ended), None,
    )  # fmt: skip
    if taken is None or answered is None:
        return None
    committed = next(
        (call for call in calls if call.pid == taken.pid and call.name in READS and "COMMIT" in call.text
         and call.ended > taken.ended), None,
    )  # fmt: skip
    flush = next(
        (call for call in calls if committed is not None and call.pid == taken.pid and call.name in FLUSHES
         and "pg_wal" in call.file and call.began >= committed.ended and call.began < answered.began), None,
    )  # fmt: skip
    return Order(identifier, taken.ended, flush.ended if flush is not None else None, answered.began)


@contextlib.asynccontextmanager
async def traced(instance: Instance) -> AsyncIterator[tuple[Strace, int]]:
    """Trace the door and all of PostgreSQL inside the block."""
    door = instance.role_pid("door")
    assert door is not None, "the door runs"
    with TemporaryDirectory(prefix="ioc-proof-strace-") as name:
        strace = Strace(Path(name), [door, *instance.postgres_pids()])
        await strace.start()
        try:
            yield strace, door
        finally:
            await strace.stop()


async def run_traced(instance: Instance, key: str, *, publishes: int, series: str) -> dict[str, Any]:
    """Publish under strace and return how often the order held."""
    async with traced(instance) as (strace, door):
        sent = await publish_alone(instance, key, publishes, series=series)
        await strace.stop()
        calls = strace.calls()
    orders = [order_of(calls, door=door, packet_id=number, identifier=name) for number, name in sent.items()]
    seen = [order for order in orders if order is not None]
    margins = [order.acknowledged - order.flushed for order in seen if order.flushed is not None and order.holds]
    return {
        "publishes": len(sent),
        "seen_in_traces": len(seen),
        "flushed_before_puback": sum(order.holds for order in seen),
        "puback_before_flush": sum(not order.holds for order in seen),
        "microseconds_between_p50": round(statistics.median(margins) * 1e6) if margins else None,
        "microseconds_between_min": round(min(margins) * 1e6) if margins else None,
    }


async def switch_off_synchronous_commit(instance: Instance) -> None:
    """Weaken every later session of the database, and end the door's present ones."""
    async with instance.database() as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ioc-door'"
        )
    await asyncio.sleep(1.0)


async def prove(*, seed: int, publishes: int = 40) -> Report:
    """Trace an honest instance, then the same one without synchronous commits."""
    report = Report("puback", seed, PROMISE)
    async with running() as instance:
        async with instance.admin() as admin:
            key = await add_device(admin, DEVICE)
        await publish_alone(instance, key, 2, series="W")  # the door's connections are open, its caches warm
        facts = await run_traced(instance, key, publishes=publishes, series="H")
        await switch_off_synchronous_commit(instance)
        await publish_alone(instance, key, 2, series="w")
        control = await run_traced(instance, key, publishes=publishes, series="C")
    report.facts = facts
    report.control = {"mutant": "synchronous_commit = off", **control}
    report.judge(
        held=facts["seen_in_traces"] == facts["publishes"] and facts["puback_before_flush"] == 0,
        evidence=facts["publishes"] > 0,
        control_failed=control["puback_before_flush"] > 0,
    )
    return report
