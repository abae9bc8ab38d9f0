"""What every role is made of, and how a role runs: open, announce itself ready, work until told to stop, close."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from ioc import NOT_COMPILED, __version__
from ioc.assembly.drill_folder import DrillMark, read_mark
from ioc.assembly.egress_guard import guard_settings
from ioc.assembly.role_beat import beating
from ioc.errors import IOCError, StoreUnavailableError
from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack
from ioc.runtime import logs
from ioc.runtime.clock import AnchoredLogClock, IOClock, LogClock, MonotonicIOClock
from ioc.runtime.drill_clock import DrillClock, clock_file
from ioc.runtime.liveness import Liveness
from ioc.runtime.metrics import Metrics
from ioc.runtime.metrics_socket import serve_metrics, socket_path
from ioc.runtime.supervisor import end_with_supervisor, supervisor_pipe, write_ready
from ioc.settings import Settings
from ioc.store.embedded.server import attach
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database

WAITING_RETRY_SECONDS = 0.5
WAITING_SAID_SECONDS = 5.0
T = TypeVar("T")
GC_NEW_OBJECTS = 50_000


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What every role of one instance shares by construction, not by memory: each process makes its own.

    ``log_clock`` dates what enters the log, and is virtual in a drill (``drill`` is its clock, ``mark`` says what it
    is). ``wall`` dates keys, sessions, accounts and what people did, and never is virtual.
    """

    settings: Settings
    role: str
    pack: Pack
    database: Database
    log: EventLog
    log_clock: LogClock
    wall: LogClock
    io_clock: IOClock
    metrics: Metrics
    liveness: Liveness
    mark: DrillMark | None = None
    drill: DrillClock | None = None


def database_dsn(settings: Settings) -> str:
    """Return the database of this instance: the configured one, else the embedded one of the data folder."""
    return settings.database_url or attach(settings.data_dir)


def door_names(count: int) -> tuple[str, ...]:
    """Return the names of the processes of the role `door`."""
    return ("door", *(f"door-{number}" for number in range(2, count + 1)))


def roles_of(settings: Settings) -> tuple[str, ...]:
    """Return the processes of an instance, in the order in which they start; they stop in reverse."""
    bridge = ("bridge",) if settings.mqtt_bridge_url is not None else ()
    return ("keeper", "rollup", "rules", *door_names(settings.mqtt_doors), *bridge, "api")


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the settings as the environment of a process that shall have the same."""
    return {
        f"IOC_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
        for name, value in settings.model_dump(exclude_none=True).items()
    }


def ready_file(settings: Settings, role: str) -> Path:
    """Return where a role says that it is ready."""
    return settings.data_dir / "run" / f"{role}.json"


@contextlib.asynccontextmanager
async def open_context(
    settings: Settings, role: str, *, connections_max: int = 8, patient: bool = True
) -> AsyncIterator[ProcessContext]:
    """Build and open the context of a role; close them at the end.

    A role is ``patient``: it waits for PostgreSQL and says so. A command that somebody waits for is not.

    Raises:
        StoreUnavailableError: PostgreSQL does not answer, and nobody is patient.
        PackError: the pack has problems.
    """
    settings = guard_settings(settings)
    pack = load_pack(settings.pack, shapes=False)
    database = Database(
        database_dsn(settings),
        name=role,
        connections_max=connections_max,
        command_timeout_seconds=settings.commit_timeout_seconds,
    )
    metrics = Metrics(CollectorRegistry())
    metrics.build_info.labels(__version__).set(1)
    metrics.rules_compiled.set(not NOT_COMPILED)
    wall = AnchoredLogClock()
    metrics.clock_step_seconds.set_function(lambda: wall.step_seconds)
    mark = read_mark(settings.data_dir)
    drill = None if mark is None else DrillClock(clock_file(settings.data_dir))
    await (until_answered(database.open) if patient else database.open())
    io_clock = MonotonicIOClock()
    try:
        yield ProcessContext(
            settings=settings,
            role=role,
            pack=pack if mark is None else mark.expected(pack),
            database=database,
            log=EventLog(database, dead_letters_per_hour=settings.dead_letters_per_hour),
            log_clock=drill or wall,
            wall=wall,
            io_clock=io_clock,
            metrics=metrics,
            liveness=Liveness(io_clock.seconds, pipe=supervisor_pipe(os.environ)),
            mark=mark,
            drill=drill,
        )
    finally:
        await database.close()


async def until_answered(work: Callable[[], Awaitable[T]], *, say: Callable[[str], None] | None = None) -> T:
    """Return what ``work`` returns once PostgreSQL answers, however long that takes; say every few seconds why not."""
    said = float("-inf")
    while True:
        try:
            return await work()
        except StoreUnavailableError as error:
            if (now := time.monotonic()) - said >= WAITING_SAID_SECONDS:
                said = now
                structlog.get_logger().warning("waiting_for_postgresql", error=str(error))
                if say is not None:
                    say(f"waiting for PostgreSQL: {error}")
            await asyncio.sleep(WAITING_RETRY_SECONDS)


@contextlib.asynccontextmanager
async def announced(context: ProcessContext, **facts: object) -> AsyncIterator[None]:
    """Serve the role's metrics, beat, and say that it is ready; take all of it back at the end."""
    settle_memory()
    path = socket_path(context.settings.data_dir, context.role)
    server = await serve_metrics(path, context.metrics.registry)
    ready = ready_file(context.settings, context.role)
    try:
        async with beating(
            context.liveness, context.database, context.wall, role=context.role, data_dir=context.settings.data_dir
        ):
            write_ready(ready, **facts)
            yield
    finally:
        ready.unlink(missing_ok=True)
        server.close()
        path.unlink(missing_ok=True)


def settle_memory() -> None:
    """Let the garbage collector leave alone what was made at the start, and look less often at what comes.

    A queue of ten thousand events is a hundred thousand new objects and no cycle; at Python's own thresholds a tenth
    of the door's time went into looking through them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_NEW_OBJECTS, 20, 50)


def run_role(settings: Settings, role: str, main: Callable[[Settings], Coroutine[Any, Any, None]]) -> int:
    """Run one role in this process until SIGTERM or SIGINT; return its exit code."""
    end_with_supervisor()
    logs.configure(level=settings.log_level, role=role, pretty=settings.demo)
    try:
        uvloop.run(main(settings))
    except IOCError as error:
        structlog.get_logger().error("role_failed", error=str(error))
        return 3
    return 0


async def until_stopped(*work: Awaitable[Any]) -> None:
    """Run ``work`` until SIGTERM or SIGINT, or until one of it ends: a worker that returns or fails ends the role.

    Cancels what still runs; an error of a worker comes out.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = {asyncio.ensure_future(item) for item in work}
    tasks.add(asyncio.ensure_future(stop.wait()))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
