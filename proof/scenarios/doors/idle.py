"""Ten thousand idle devices on one door: what each costs in memory, and that an honest one is served meanwhile.

Each is a real socket with an authenticated CONNECT of a device of its own, from addresses of the loopback network so
that neither ports nor the places of one address run out. Memory is the door's resident set, before and after. The
control is a door whose connections each hold a read buffer: it must break the bound.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ioc.domain.people.account import KeyKind, key_hash, new_key
from mqtt_client.connection import Connection
from mqtt_client.packets import PINGREQ, Station, connect
from proof.harness.instance import Instance, running
from proof.harness.programs import NotRunError
from proof.harness.readings import FEED, reading
from proof.harness.report import Profile, Report

PROMISE = "10,000 idle devices cost the MQTT door at most 8 kB of memory each, and others are served meanwhile"
KILOBYTES_EACH_MAX = 8.0
HONEST_MS_P95_MAX = 250.0
SOURCES = 50
"""Addresses that the sockets come from."""
AT_ONCE = 100
ANSWER_SECONDS = 30.0
SPARE_FILES = 500
HONEST_PUBLISHES = 100
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
HONEST = "idle-honest"

DEVICES = """
INSERT INTO device (id, feed, name_vi, name_en, area, registered_at, updated_at)
SELECT id, $2, id, id, '04795', $3, $3 FROM unnest($1::text[]) AS id
"""
KEYS = """
INSERT INTO api_key (id, kind, hash, name, device, created_at, created_by)
SELECT 'key_' || device, 'device', hash, device, device, $3, 'proof'
FROM unnest($1::text[], $2::bytea[]) AS k(device, hash)
"""


@dataclass(frozen=True, slots=True)
class IdleSize:
    """How many sockets."""

    connections: int
    control_connections: int


SIZES = {Profile.QUICK: IdleSize(10_000, 1_000), Profile.FULL: IdleSize(10_000, 3_000)}


async def register(instance: Instance, names: Sequence[str]) -> list[str]:
    """Register devices by SQL, ten thousand at once, and return their keys."""
    secrets = [new_key(KeyKind.DEVICE) for _ in names]
    since = datetime.now(UTC) - timedelta(days=1)
    async with instance.database() as connection, connection.transaction():
        await connection.execute(DEVICES, list(names), FEED, since)
        await connection.execute(KEYS, list(names), [key_hash(secret) for secret in secrets], since)
        await connection.execute("UPDATE registry_version SET version = version + 1 WHERE id = 1")
    return secrets


def memory_bytes(pid: int) -> int:
    """Return the resident set of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def raise_open_files(count: int) -> None:
    """Let this process have so many files.

    Raises:
        NotRunError: the system allows fewer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise NotRunError(f"{wanted} open files are needed and the system allows {hard} (ulimit -Hn)")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_all(stations: Sequence[Station]) -> list[socket.socket]:
    """Connect every station and have it accepted, some at once; return the sockets."""
    sockets: list[socket.socket] = []
    for start in range(0, len(stations), AT_ONCE):
        some: list[socket.socket] = []
        for number, station in enumerate(stations[start : start + AT_ONCE], start):
            source = f"127.0.1.{1 + number % SOURCES}"
            one = socket.create_connection((station.host, station.port), ANSWER_SECONDS, (source, 0))
            one.sendall(connect(station, clean_start=True, keep_alive_seconds=0))
            some.append(one)
        for one in some:
            answer = one.recv(4)
            assert answer == b"\x20\x02\x00\x00", f"refused: {answer!r}"
        sockets += some
    return sockets


async def honest_milliseconds(station: Station) -> list[float]:
    """Publish one reading after another; return how long each PUBACK took."""
    connection = await Connection(station, clean_start=False).open(timeout_seconds=ANSWER_SECONDS)
    taken = []
    try:
        for _ in range(HONEST_PUBLISHES):
            identifier = f'"{uuid.uuid4().hex}"'.encode()
            payload = reading(1, period_readings=1_000).payload.replace(b'"1"', identifier, 1)
            began = time.perf_counter()
            answer = connection.publish_and_wait(f"ioc/v1/{FEED}/{station.device}", payload)
            await asyncio.wait_for(answer, ANSWER_SECONDS)
            taken.append((time.perf_counter() - began) * 1_000)
    finally:
        await connection.close()
    return taken


async def measure(instance: Instance, count: int) -> dict[str, Any]:
    """Connect so many idle devices; return what they cost and how an honest one was served before and meanwhile."""
    names = [f"idle-{number}" for number in range(count)]
    keys = await register(instance, [*names, HONEST])
    honest = Station(HONEST, keys.pop(), instance.mqtt_port)
    stations = [Station(name, key, instance.mqtt_port) for name, key in zip(names, keys, strict=True)]
    door = instance.role_pid("door")
    assert door is not None, "the door runs"
    alone = await honest_milliseconds(honest)  # also: the registry with all these devices is in memory now
    before = memory_bytes(door)
    began = time.monotonic()
    sockets = await asyncio.to_thread(open_all, stations)
    opened_seconds = time.monotonic() - began
    try:
        meanwhile = await honest_milliseconds(honest)
        after = memory_bytes(door)
        open_now = await asyncio.to_thread(_still_open, sockets)
    finally:
        for one in sockets:
            one.close()
    return {
        "connections": open_now,
        "opened_seconds": round(opened_seconds, 1),
        "kilobytes_each": round((after - before) / count / 1_000, 2),
        "door_mb_before": round(before / 1e6, 1),
        "door_mb_with_all": round(after / 1e6, 1),
        "honest_ms_p95_alone": round(statistics.quantiles(alone, n=20)[-1], 2),
        "honest_ms_p95": round(statistics.quantiles(meanwhile, n=20)[-1], 2),
    }


def _still_open(sockets: Sequence[socket.socket]) -> int:
    """Return how many answer a PINGREQ."""
    answered = 0
    for one in sockets:
        one.sendall(PINGREQ)
    for one in sockets:
        answered += one.recv(2) == b"\xd0\x00"
    return answered


async def prove(*, seed: int, size: IdleSize) -> Report:
    """Measure an honest door with all, and a fat one with some."""
    report = Report("idle", seed, PROMISE)
    raise_open_files(size.connections)
    places = size.connections + 100
    async with running(mqtt_connections_max=places) as instance:
        facts = await measure(instance, size.connections)
    async with running(mutant="fat", mqtt_connections_max=places) as instance:
        control = await measure(instance, size.control_connections)
    report.facts = {
        "operations": facts["connections"], "faults": 0, "problems": [], "kilobytes_each_max": KILOBYTES_EACH_MAX,
        **facts,
    }  # fmt: skip
    report.control = {"mutant": "a read buffer of 64 kB for each connection", **control}
    report.judge(
        held=facts["kilobytes_each"] <= KILOBYTES_EACH_MAX and facts["honest_ms_p95"] <= HONEST_MS_P95_MAX,
        evidence=facts["connections"] == size.connections,
        control_failed=control["kilobytes_each"] > KILOBYTES_EACH_MAX,
    )
    return report
