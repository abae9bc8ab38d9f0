"""`ioc up`: PostgreSQL, migrations, the pack, then every role as a process, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from ioc.assembly.context import door_names, environment_of, open_context, ready_file, roles_of, until_answered
from ioc.assembly.drill_folder import refuse_drill_folder
from ioc.assembly.egress_guard import guard_settings
from ioc.bootstrap.accounts import first_account
from ioc.bootstrap.demo import write_devices
from ioc.drills.instance import DrillPlan, pack_of_drill, play_scenario, register_stations
from ioc.edge.tls import check_tls
from ioc.errors import IOCError, ServiceUnreachableError
from ioc.packs.loader import load_pack, pack_folder
from ioc.runtime.clock import AnchoredLogClock
from ioc.runtime.supervisor import RoleProcess, Supervisor
from ioc.settings import Settings
from ioc.store.embedded.cluster import home_of
from ioc.store.embedded.server import EmbeddedPostgres
from ioc.store.log.partitions import ensure_partitions
from ioc.store.operations.role_beats import forget_beats
from ioc.store.postgres.revision import applied_revision, newest_revision
from ioc.store.rules.pack_apply import PackStore

POSTGRES_POLL_SECONDS = 0.2
POLLS_PER_RESERVE = 50
TOLD_LENGTH = 80
DEMO_DAY = "city"
"""The demo's scenario whose shifts before are played first: the ordinary day."""
HEARD_FILE = "yesterday.json"
"""Which devices that day has heard from when to when: no other yesterday is sent for them."""
DEMO_EVENT_DAYS = 7
"""A demo that is left running does not fill the disk."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a running instance is to be found."""

    http_url: str
    mqtt_address: str
    username: str | None
    password: str | None


async def run_up(settings: Settings, *, say: Callable[[str], None], drill: DrillPlan | None = None) -> int:
    """Run a whole instance until SIGINT or SIGTERM; return the exit code. A drill's scenario is played meanwhile.

    Raises:
        SettingsError: the data folder is a drill's and this is none.
    """
    if drill is None:
        refuse_drill_folder(settings.data_dir)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    authority: Path | None = None
    if settings.tls == "self":
        settings, authority = own_tls(settings, say=say)
    check_tls(settings)
    check_ports(settings)
    pack_folder(settings.pack)
    async with contextlib.AsyncExitStack() as stack:
        say("starting PostgreSQL" if settings.database_url is None else "asking PostgreSQL")
        dsn = await stack.enter_async_context(postgres(settings))
        inside = guard_settings(settings).model_copy(
            update={
                "database_url": dsn,
                "disk_path": disk_path(settings),
                # A restarted role must listen on the same port, where its clients reconnect.
                "http_port": settings.http_port or free_port(settings.http_host),
                "mqtt_port": settings.mqtt_port or free_port(settings.mqtt_host),
                "mqtt_tls_port": free_port(settings.mqtt_tls_host)
                if settings.mqtt_tls_port == 0
                else settings.mqtt_tls_port,
            }
        )
        username, password = await prepare(inside, say=say, drill=drill)
        supervisor = Supervisor(stop_seconds=settings.stop_seconds)
        stack.push_async_callback(supervisor.stop)
        starting = asyncio.create_task(start_roles(supervisor, inside, say=say, authority=authority))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return 0
        http_url, mqtt_address = starting.result()
        if authority is not None:
            say_lan(inside, say=say)
        say(ready_line(Ready(http_url, mqtt_address, username, password)))
        if drill is not None and drill.scenario is not None:
            playing = asyncio.create_task(_play(inside, drill, say=say))
            stack.push_async_callback(_end, playing)
        await stopped
        say("stopping")
    return 0


def own_tls(settings: Settings, *, say: Callable[[str], None]) -> tuple[Settings, Path]:
    """Return settings with this instance's own certificates, and the authority that who connects must trust."""
    from ioc.edge.certificates import with_own_tls

    settings, own = with_own_tls(settings, AnchoredLogClock().now())
    say(f"TLS of our own: trust {own.authority} on devices and screens, SHA-256 {own.fingerprint}")
    return settings, own.authority


def say_lan(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Say where the network finds what this machine serves to it."""
    from ioc.edge.certificates import lan_address

    address = lan_address()
    if address is not None:
        say(f"in this network: https://{address}:{settings.http_port}  mqtts://{address}:{settings.mqtt_tls_port}")


async def _play(settings: Settings, drill: DrillPlan, *, say: Callable[[str], None]) -> None:
    """Play the scenario; what ends it early is said, and the instance stays to be looked at."""
    try:
        await play_scenario(settings, drill, say=say)
    except IOCError as error:
        say(f"the drill was broken off: {error}")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def disk_path(settings: Settings) -> Path | None:
    """Return a folder on the volume of the database, where we know it: the embedded one's, or what was named."""
    if settings.disk_path is not None or settings.database_url is not None:
        return settings.disk_path
    return home_of(settings.data_dir)


def check_ports(settings: Settings) -> None:
    """Look before anything is started whether the ports that were asked for are free.

    Raises:
        ServiceUnreachableError: one is not; it says which, and what to do.
    """
    asked = [
        (settings.http_host, settings.http_port, "screens and API", "--http-port", "IOC_HTTP_PORT"),
        (settings.mqtt_host, settings.mqtt_port, "the MQTT door", "--mqtt-port", "IOC_MQTT_PORT"),
        (settings.mqtt_tls_host, settings.mqtt_tls_port or 0, "MQTT over TLS", None, "IOC_MQTT_TLS_PORT"),
    ]
    for host, port, use, option, variable in asked:
        if not port:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError as error:
                ways = " or ".join(way for way in (option, variable) if way)
                raise ServiceUnreachableError(
                    f"port {port} on {host}, for {use}, cannot be used ({error.strerror}): "
                    f"end what uses it, or choose another with {ways}"
                ) from error


def free_port(host: str) -> int:
    """Return a port of ``host`` that nobody uses now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def ready_line(ready: Ready) -> str:
    """Return the line that CONTRACT promises."""
    if ready.password is None:
        return f"IOC ready  {ready.http_url}"
    return f"IOC ready  {ready.http_url}  operator: {ready.username} / {ready.password}"


@contextlib.asynccontextmanager
async def postgres(settings: Settings) -> AsyncIterator[str]:
    """Yield the address of the database; an embedded server is kept running and stopped at the end."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    server = EmbeddedPostgres(settings.data_dir, settings.pg_bin)
    await asyncio.to_thread(server.start)
    watch = asyncio.create_task(_keep_postgres(server))
    try:
        yield server.dsn
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await asyncio.to_thread(server.stop)


async def _keep_postgres(server: EmbeddedPostgres) -> None:
    """Start the server again whenever it has died; everything else waits for it and goes on by itself."""
    polls, told = 0, ""
    while True:
        await asyncio.sleep(POSTGRES_POLL_SECONDS)
        code = server.poll()
        if code is None:
            polls += 1
            if polls % POLLS_PER_RESERVE == 0:
                await asyncio.to_thread(server.keep_reserve)
            continue
        structlog.get_logger().warning("postgres_ended", code=code)
        while not server.is_running():
            try:
                await asyncio.to_thread(server.start)
                told = ""
            except IOCError as error:
                # A disk can stay full for hours: print the same message only once.
                if str(error)[:TOLD_LENGTH] != told:
                    told = str(error)[:TOLD_LENGTH]
                    structlog.get_logger().error("postgres_does_not_start", error=str(error))
                await asyncio.sleep(1.0)


async def prepare(
    settings: Settings, *, say: Callable[[str], None], drill: DrillPlan | None = None
) -> tuple[str | None, str | None]:
    """Migrate, make partitions, apply the pack, make the first account; return its name and one-time password."""
    pack = load_pack(settings.pack)
    dsn = settings.database_url or ""
    if await until_answered(lambda: applied_revision(dsn), say=say) != newest_revision():
        from ioc.store.postgres.migrate import upgrade_async

        say("migrating the database")
        await upgrade_async(dsn)
    played_first = settings.demo and settings.demo_scenario == DEMO_DAY
    async with open_context(settings, "up", connections_max=8 if played_first else 2) as context:
        if context.drill is not None:
            context.drill.step_to((await context.log.head())[1])  # a clock file from before a power cut may be behind
        async with context.database.connection() as connection:
            await forget_beats(connection)  # of the run before: whoever works now beats anew within a second
        now = context.log_clock.now()
        keep_from = now - timedelta(days=settings.retention_event_days)
        await ensure_partitions(context.database, now, keep_from=keep_from.date())
        account = None
        if played_first:
            from ioc.bootstrap.demo_day import play_yesterday

            account = await first_account(context)  # before that day's people: it is only made where there is nobody
            await play_yesterday(context, settings.data_dir / HEARD_FILE, say=say)
            now = context.log_clock.now()
        played = pack if context.mark is None else pack_of_drill(pack, context.mark)
        applied = await PackStore(context.database, context.log).apply(played, now)
        if applied.added or applied.changed or applied.removed:
            say(f"pack {pack.id}: {applied.added} new, {applied.changed} changed, {applied.removed} removed")
        if settings.demo:
            from ioc.bootstrap.demo_contacts import enter_contacts

            await enter_contacts(context, say=say)
        if drill is not None and drill.scenario is not None:
            await register_stations(context, drill.scenario)
        if settings.demo or drill is not None:
            await write_devices(context)
        return account or await first_account(context)


async def start_roles(
    supervisor: Supervisor, settings: Settings, *, say: Callable[[str], None], authority: Path | None = None
) -> tuple[str, str]:
    """Start every role in order; return the URL of the screens and the address of the MQTT door.

    ``authority`` signed the certificate of the screens; None: one that everybody trusts, or plain HTTP.
    """
    names = roles_of(settings)
    roles = [role_process(settings, name) for name in names]
    # Start all roles at once: each needs only the database, which is ready. The supervisor stops them in order.
    facts = dict(zip(names, await asyncio.gather(*(supervisor.start(role) for role in roles)), strict=True))
    http_url = (
        f"{facts['api'].get('http_scheme', 'http')}://{_shown_host(settings.http_host)}:{facts['api']['http_port']}"
    )
    mqtt_address = f"{_shown_host(settings.mqtt_host)}:{facts['door']['mqtt_port']}"
    if settings.demo:
        say("starting the simulators")
        await supervisor.start(
            simulators_role(settings, http_url=http_url, mqtt_address=mqtt_address, authority=authority)
        )
    return http_url, mqtt_address


def role_process(settings: Settings, name: str) -> RoleProcess:
    """Return the process of a role by its name of :func:`ioc.assembly.context.roles_of`."""
    environment = role_environment(settings)
    doors = door_names(settings.mqtt_doors)
    if name in doors:
        environment["IOC_MQTT_DOOR_NUMBER"] = str(doors.index(name) + 1)
    command = "door" if name in doors else name
    return RoleProcess(name, [sys.executable, "-m", "ioc", command], ready_file=ready_file(settings, name),
                environment=environment, beats=True)  # fmt: skip


def simulators_role(
    settings: Settings, *, http_url: str, mqtt_address: str, authority: Path | None = None
) -> RoleProcess:
    """Return the process that plays the city's devices in a demo."""
    command = [sys.executable, "-m", "simulators", "--mqtt", mqtt_address, "--http", http_url, "--devices",
               str(settings.data_dir / "devices.json"), "--scenario", settings.demo_scenario,
               "--seed", "2017", "--history", str(settings.data_dir / "history.json"),
               "--heard", str(settings.data_dir / HEARD_FILE)]  # fmt: skip
    if authority is not None:
        command += ["--ca", str(authority.resolve())]
    return RoleProcess("simulators", command, environment={"IOC_DATABASE_URL": ""})


def role_environment(settings: Settings) -> dict[str, str]:
    """Return the settings as the environment of a role: what `ioc up` was told, its roles are told."""
    given = environment_of(settings)
    if settings.demo and "IOC_LOG_LEVEL" not in os.environ:
        given["IOC_LOG_LEVEL"] = "warning"
    if settings.demo and "retention_event_days" not in settings.model_fields_set:
        given["IOC_RETENTION_EVENT_DAYS"] = str(DEMO_EVENT_DAYS)
    return given


def _shown_host(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
