"""What runs inside the guest whose power is cut: PostgreSQL, the doors, and the devices that publish to them.

The same server, roles and doors as `ioc up` starts, but forked from one process that has imported them: a guest of
user-mode Linux pays a hundred times more than a machine for each page it touches, and six imports would take longer
than the proof. Witness lines go to a serial line, which leaves the guest at once and is no part of its disk.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import socket
import struct
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from ioc.store.log.partitions import drop_partitions, ensure_partitions
from ioc.store.postgres.engine import Database
from mqtt_client.packets import Station
from proof.clients.http_writer import HTTPWriter
from proof.clients.mqtt_device import MQTTDevice
from proof.harness.readings import SentReading, reading
from proof.harness.recorder import Recorder

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
WITNESS = Path("/dev/ttyS0")
HTTP_PORT, MQTT_PORT = 8000, 1883
"""The guest has a network of its own."""
READY_SECONDS = 200.0
ID_STEP = 1_000_000
"""Each start numbers its readings from its own million, so that no later start repairs what an earlier one lost."""


LONG_AGO = datetime(2001, 1, 15, tzinfo=UTC)
PERIOD_READINGS = 8
"""Calm and rain take turns so fast that alerts open within the seconds before a cut."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one start of the guest is to do. Written as JSON beside its image."""

    data: str
    """Where the image is mounted in the guest."""
    keys: dict[str, str]
    """Devices and their keys; the first sends over HTTP, the others over MQTT."""
    events_per_second: float
    roles: tuple[str, ...]
    start: int
    """How many starts of this image were before."""
    seed: int
    pg_bin: str
    """PostgreSQL's programs, found on the host: the guest cannot copy them to where their account reaches them."""
    upkeep: bool = False
    """Whether checkpoints are written, and partitions made and dropped, all the time."""
    mutant: str | None = None


def main() -> None:
    """Start everything, then publish until the power is cut."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    try:
        _run(job)
    except BaseException:
        _say("FAILED " + json.dumps(traceback.format_exc()[-1_500:]))
        raise


def _loopback_up() -> None:
    """Bring up the guest's only network, without the program `ip`, which a small system does not have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def _run(job: Job) -> None:
    started = time.monotonic()
    _loopback_up()
    if job.mutant is not None:
        from proof.mutants.__main__ import MUTANTS

        MUTANTS[job.mutant]()
    from ioc.assembly.context import ready_file, run_role
    from ioc.bootstrap.roles import main_of
    from ioc.settings import Settings
    from ioc.store.embedded.server import EmbeddedPostgres

    mains = {role: main_of(role) for role in job.roles}
    imported = time.monotonic()
    server = EmbeddedPostgres(Path(job.data), Path(job.pg_bin))
    server.start()
    settings = Settings(
        data_dir=Path(job.data), database_url=server.dsn, http_port=HTTP_PORT, mqtt_port=MQTT_PORT,
        pack=f"{job.data}/pack", log_level="warning",
    )  # fmt: skip
    recovered = time.monotonic()
    gc.freeze()
    waited = [ready_file(settings, role) for role in job.roles]
    for path in waited:
        path.unlink(missing_ok=True)  # of the start before, whose power went
    for role, run in mains.items():
        if os.fork() == 0:
            os._exit(run_role(settings, role, run))
    deadline = time.monotonic() + READY_SECONDS
    while not all(path.exists() for path in waited):
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            missing = [path.stem for path in waited if not path.exists()]
            raise ChildProcessError(f"not ready: {missing}; process {ended} ended with {status}")
        time.sleep(0.02)
    times = {"imports": imported - started, "recovery": recovered - imported, "roles": time.monotonic() - recovered}
    _say("READY " + json.dumps({name: round(seconds, 2) for name, seconds in times.items()}))
    asyncio.run(_publish(job, server.dsn))


def _number(start: int, number: int) -> SentReading:
    return reading(start * ID_STEP + number, period_readings=PERIOD_READINGS)


async def _publish(job: Job, dsn: str) -> None:
    """Publish until the end, which comes from outside."""
    recorder = Recorder(WITNESS)
    per_second = job.events_per_second / len(job.keys)
    make = partial(_number, job.start)
    (first, key), *others = job.keys.items()
    async with asyncio.TaskGroup() as group:
        for device, its_key in others:
            station = MQTTDevice(
                Station(device, its_key, MQTT_PORT), make=make, per_second=per_second, recorder=recorder,
                seed=job.seed + job.start,
            )  # fmt: skip
            group.create_task(station.run())
        if "api" in job.roles:
            writer = HTTPWriter(
                f"http://127.0.0.1:{HTTP_PORT}", device=first, key=key, make=make, per_second=per_second,
                recorder=recorder,
            )  # fmt: skip
            group.create_task(writer.run())
        if job.upkeep:
            group.create_task(_upkeep(dsn))


async def _upkeep(dsn: str) -> None:
    """Do without a pause what the keeper and PostgreSQL do now and then, in a year that no event is of."""
    database = Database(dsn, name="upkeep", connections_max=1, command_timeout_seconds=60.0)
    await database.open()
    while True:
        await ensure_partitions(database, LONG_AGO)
        _say("UPKEEP")
        async with database.connection() as connection:
            await connection.execute("CHECKPOINT")
        for table in ("event", "event_key"):
            await drop_partitions(database, table=table, before=LONG_AGO.date() + timedelta(days=365))
        _say("UPKEEP")


def write_job(path: Path, job: Job) -> None:
    """Write what `main` reads."""
    path.write_text(json.dumps(asdict(job)), encoding="utf-8")


def _say(line: str) -> None:
    with WITNESS.open("w", encoding="utf-8") as output:
        output.write(line + "\n")


if __name__ == "__main__":
    main()
