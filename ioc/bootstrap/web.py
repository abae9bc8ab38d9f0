"""The role `api`: HTTP door, API, stream and screens on one port."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn

from ioc import __version__
from ioc.api.app import create_app, create_state
from ioc.api.deps import APIParts, APIState
from ioc.bootstrap.drill_host import DrillHost
from ioc.bootstrap.http_connection import guarded_by
from ioc.bootstrap.http_guard import GuardBounds, HTTPGuard, read_networks
from ioc.bootstrap.intake import Intake, open_intake
from ioc.bootstrap.parts import Parts, announced, open_parts, ready_file, until_stopped
from ioc.bootstrap.scrape import metrics_text
from ioc.bootstrap.tls import LiveContext, http_files
from ioc.domain.moment import format_time
from ioc.errors import ServiceUnreachableError, StoreUnavailableError
from ioc.ingest.http import HTTPDoor
from ioc.screens.site import Site
from ioc.settings import Settings
from ioc.store.wakeup import CHANGE_CHANNEL, Wakeup
from ioc.supervisor import read_ready
from ioc.trouble import DATABASE

HEADER_BYTES_MAX = 16 << 10
BODY_BYTES_MAX = 256 << 10
"""A body on a route that takes none of events; such routes read 64 kB at most."""
BODY_SLACK_BYTES = 512 << 10
"""The door refuses a body past its bound itself and keeps a dead letter; the guard only ends one that goes on."""
FILES_BESIDE_CONNECTIONS = 512
HANDSHAKE_SECONDS = 10
CONNECTIONS = 12
FAILING_SECONDS_MAX = 3.0
STREAMS_END_SECONDS = 2


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the role decides when to stop, and ends the streams first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the role."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, with a bound on TLS handshakes: uvicorn's own way gives a silent one a minute."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            self.should_exit = True
            return
        loop, config = asyncio.get_running_loop(), self.config

        def connection() -> asyncio.Protocol:
            make: Callable[..., asyncio.Protocol] = config.http_protocol_class
            return make(config=config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop)

        handshake = HANDSHAKE_SECONDS if config.ssl is not None else None
        self.servers = [
            await loop.create_server(
                connection, sock=listener, ssl=config.ssl, backlog=config.backlog, ssl_handshake_timeout=handshake
            )
            for listener in sockets or ()
        ]
        self.started = True


async def run_api(settings: Settings) -> None:
    """Serve until stopped.

    Raises:
        SettingsError: the TLS files cannot be used.
    """
    files = http_files(settings)
    live = LiveContext(files) if files is not None else None
    async with (
        open_parts(settings, "api", connections_max=CONNECTIONS) as parts,
        open_intake(parts, heartbeat=True) as intake,
        Wakeup(parts.database, CHANGE_CHANNEL) as waiter,
    ):
        drills = None if parts.mark is not None else DrillHost(parts)
        state = create_state(_api_parts(parts, intake, waiter, drills))
        app = create_app(state, door=http_door(parts, intake).router(), site=Site())
        guard = HTTPGuard(guard_bounds(settings), io_clock=parts.io_clock, metrics=parts.metrics)
        _allow_files(settings.http_connections_max + FILES_BESIDE_CONNECTIONS)
        server = Server(
            uvicorn.Config(
                app,
                http=guarded_by(guard),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the guard knows whom to believe
                timeout_keep_alive=max(1, round(settings.http_idle_seconds)),
                timeout_graceful_shutdown=STREAMS_END_SECONDS,
                lifespan="on",
                ssl_context_factory=(lambda _, __: live.context) if live is not None else None,
            )
        )
        following = [live.follow()] if live is not None else []
        listener = _listen(settings.http_host, settings.http_port)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        guarding = asyncio.create_task(guard.run())
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            scheme = "http" if live is None else "https"
            async with announced(parts, http_port=listener.getsockname()[1], http_scheme=scheme):
                work = [*following, *([] if drills is None else [drills.run()])]
                await until_stopped(asyncio.shield(serving), asyncio.shield(guarding), intake.broken(), *work)
        finally:
            guarding.cancel()
            await _stop(server, serving, state)


def guard_bounds(settings: Settings) -> GuardBounds:
    """Return the bounds of the HTTP port.

    Raises:
        SettingsError: the trusted proxies are no addresses.
    """
    events = settings.batch_body_bytes_max + BODY_SLACK_BYTES
    return GuardBounds(
        connections_max=settings.http_connections_max,
        connections_per_address_max=settings.http_connections_per_address_max,
        requests_per_connection_max=settings.http_requests_per_connection_max,
        header_bytes_max=HEADER_BYTES_MAX,
        header_seconds=settings.http_header_seconds,
        idle_seconds=settings.http_idle_seconds,
        body_bytes_per_second=settings.http_bytes_per_second,
        write_seconds=settings.http_write_seconds,
        body_bytes_max=BODY_BYTES_MAX,
        body_bytes_by_prefix={"/api/v1/feeds/": events, "/api/v1/cloudevents": events},
        trusted=read_networks(settings.http_trusted_proxies),
    )


def _allow_files(number: int) -> None:
    """Raise the process's bound on open files where it is lower than the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _stop(server: uvicorn.Server, serving: asyncio.Task[None], state: APIState) -> None:
    """End the streams, then let requests under way finish."""
    state.hub.stop_streams()
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait({serving}, timeout=STREAMS_END_SECONDS * 2)


def _listen(host: str, port: int) -> socket.socket:
    """Bind the port, with a clear error when it is taken.

    Raises:
        ServiceUnreachableError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServiceUnreachableError(
            f"port {port} on {host} cannot be used ({error.strerror}): choose --http-port"
        ) from error
    listener.listen(1024)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return listener


def http_door(parts: Parts, intake: Intake) -> HTTPDoor:
    """Return the HTTP door on an intake. It is made here: the MQTT role starts faster without FastAPI."""
    return HTTPDoor(
        pipeline=intake.pipeline,
        registry=intake.registry,
        feeds=parts.pack.feeds,
        log_clock=parts.log_clock,
        metrics=parts.metrics,
        body_bytes_max=parts.settings.batch_body_bytes_max,
        gathered_bytes_max=parts.settings.queue_bytes_max,
        answer_seconds_max=parts.settings.commit_timeout_seconds,
    )


def _drill_state(parts: Parts) -> Callable[[], Mapping[str, Any]] | None:
    """Return what says how the drill stands, None in a real instance. ``speed`` 0: as fast as it can."""
    mark, drill = parts.mark, parts.drill
    if mark is None or drill is None:
        return None

    def state() -> dict[str, Any]:
        return {**mark.as_json(), "clock": format_time(drill.now()), "speed": drill.speed}

    return state


def _api_parts(parts: Parts, intake: Intake, waiter: Wakeup, drills: DrillHost | None) -> APIParts:
    async def heart_beats() -> None:
        why = intake.board.why(DATABASE)
        if why is not None:
            raise StoreUnavailableError(why)

    async def intake_commits() -> None:
        failing = intake.pipeline.failing_since
        if failing is not None and parts.io_clock.seconds() - failing > FAILING_SECONDS_MAX:
            raise StoreUnavailableError("the intake cannot commit")

    async def text() -> bytes:
        return await metrics_text(parts)

    return APIParts(
        settings=parts.settings,
        database=parts.database,
        pack=parts.pack,
        metrics=parts.metrics,
        clock=parts.log_clock,
        wall=parts.wall,
        io_clock=parts.io_clock,
        log=parts.log,
        wakeup=waiter,
        metrics_text=text,
        version=__version__,
        started_at=parts.wall.now(),
        checks={"database": heart_beats, "intake": intake_commits},
        board=intake.board,
        bridge=lambda: bridge_state(parts.settings),
        drill=_drill_state(parts),
        drills=drills,
    )


def bridge_state(settings: Settings) -> dict[str, object] | None:
    """Return the broker and whether the bridge stands connected, as the role itself says; None: no bridge is set."""
    if settings.mqtt_bridge_url is None:
        return None
    told = read_ready(ready_file(settings, "bridge"))
    return {"broker": told.get("broker"), "connected": bool(told.get("connected")), "why": told.get("why", "")}
