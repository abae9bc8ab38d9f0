"""An instance of the bench's own, whose roles are started one by one, so that the door can be measured alone.

Everything lies in a folder under the system's temporary folder, listens on free ports of loopback, and is gone at
the end. CPU seconds and memory are read from /proc, per role.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.readings import FEEDS, Gauge
from ioc.assembly.context import door_names
from ioc.bootstrap.up import postgres, prepare, role_process
from ioc.runtime.supervisor import Supervisor
from ioc.settings import Settings
from proof.harness.instance import Instance, add_device, free_port

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CPU_FIELDS = slice(11, 13)
"""utime and stime in /proc/PID/stat, counted after the command's name."""

PREFILL_ROWS = 1_000_000
PREFILL_SECONDS = 900.0
PREFILL = """
INSERT INTO event_key (key, key_time, content, position, log_time)
SELECT int8send(hashint8extended(n, 0)) || int8send(n),
       $1::timestamptz + n * (($2::timestamptz - $1::timestamptz) / {count}), int8send(n) || int8send(n), 0, $2
FROM generate_series({first}::bigint, {last}::bigint) AS n
"""


@dataclass(slots=True)
class Site:
    """A running database of ours and the roles that were asked for."""

    settings: Settings
    instance: Instance
    supervisor: Supervisor

    async def start(self, *roles: str) -> None:
        """Start roles and wait until each is ready."""
        for name in roles:
            await self.supervisor.start(role_process(self.settings, name))

    async def stop(self) -> None:
        """Stop every role; PostgreSQL goes on, and roles may be started again."""
        await self.supervisor.stop()
        self.supervisor = Supervisor(stop_seconds=self.settings.stop_seconds)

    @property
    def dsn(self) -> str:
        """Where the database is."""
        return self.settings.database_url or ""

    async def add_gauges(self, count: int) -> list[Gauge]:
        """Register gauges of both feeds, each with a key."""
        gauges = []
        async with self.instance.admin() as admin:
            for number in range(count):
                feed = FEEDS[number % len(FEEDS)]
                device = f"bench-{number:03d}"
                gauges.append(Gauge(device, feed, await add_device(admin, device, feed=feed)))
        return gauges

    async def feed_key(self, feed: str) -> str:
        """Make a key that may send any device's events of a feed over HTTP."""
        async with self.instance.admin() as admin:
            answer = await admin.post("/api/v1/keys", json={"kind": "feed", "name": "bench", "feed": feed})
            answer.raise_for_status()
            return str(answer.json()["key"])

    async def grow_keys(self, count: int) -> int:
        """Fill event_key as ``count`` earlier events would have, evenly over the time of its partitions until now."""
        async with self.instance.database() as connection:
            first, last = await connection.fetchrow(
                "SELECT min((regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('([^']+)$$))[1]::timestamptz), "
                "max(h.log_time) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, log_head h "
                "WHERE i.inhparent = 'event_key'::regclass"
            )
            for begin in range(0, count, PREFILL_ROWS):
                end = min(begin + PREFILL_ROWS, count) - 1
                sql = PREFILL.format(count=count, first=begin, last=end)
                await connection.execute(sql, first, last, timeout=PREFILL_SECONDS)
            await connection.execute("VACUUM ANALYZE event_key", timeout=PREFILL_SECONDS)
            await connection.execute("CHECKPOINT", timeout=PREFILL_SECONDS)
            grown: int = await connection.fetchval("SELECT count(*) FROM event_key", timeout=PREFILL_SECONDS)
        return grown

    def pids(self) -> dict[str, list[int]]:
        """Return the processes by role; PostgreSQL's under `postgres`."""
        roles = ("bridge", "api", "rules", "rollup")
        found = {name: [pid] for name in roles if (pid := self.instance.role_pid(name))}
        doors = [pid for name in door_names(self.settings.mqtt_doors) if (pid := self.instance.role_pid(name))]
        if doors:
            found["door"] = doors
        return {**found, "postgres": self.instance.postgres_pids()}


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the user and system time that processes have used; one that has ended counts nothing."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            total += sum(map(int, stat[CPU_FIELDS]))
    return total / CLOCK_TICKS


def resident_mb(pids: Sequence[int]) -> float:
    """Return the memory of processes; pages that they share with others count in part (PSS)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return round(total / 1024, 1)


@contextlib.asynccontextmanager
async def open_site(**given: Any) -> AsyncIterator[Site]:
    """Start a database with the shipped pack and no role; at the end nothing of it runs and its folder is gone."""
    folder = _make_folder()
    asked = Settings(data_dir=folder, http_port=free_port(), mqtt_port=free_port(), log_level="warning", **given)
    try:
        async with postgres(asked) as dsn:
            settings = asked.model_copy(update={"database_url": dsn})
            username, password = await prepare(settings, say=lambda _: None)
            instance = Instance(folder, settings.http_port, settings.mqtt_port)
            instance.username, instance.password = username or "", password or ""
            site = Site(settings, instance, Supervisor(stop_seconds=settings.stop_seconds))
            try:
                yield site
            finally:
                await site.supervisor.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ioc-bench-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    return folder
