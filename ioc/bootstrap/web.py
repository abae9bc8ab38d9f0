"""The role `api`: HTTP door, API, stream and screens on one port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn

from ioc import __version__
from ioc.api.app import create_app, create_state
from ioc.api.deps import APIContext, APIState
from ioc.assembly.context import ProcessContext, announced, open_context, ready_file, roles_of, until_stopped
from ioc.bootstrap.anchoring import anchors_of
from ioc.bootstrap.intake import DoorIntake, open_intake
from ioc.bootstrap.scrape import metrics_text
from ioc.domain.event import Flag
from ioc.domain.moment import format_time
from ioc.domain.scope import Scope
from ioc.drills.host import DrillHost
from ioc.drills.tour import TourDesk
from ioc.drills.tour_host import TourHost
from ioc.edge.http_connection import guarded_by
from ioc.edge.http_guard import GuardBounds, HTTPGuard, read_networks
from ioc.edge.tls import LiveContext, http_files
from ioc.errors import ServiceUnreachableError, StoreUnavailableError
from ioc.ingest.adapters.registry import reader_of
from ioc.ingest.http.routes import HTTPBounds, HTTPDoor
from ioc.ingest.pipeline.manual import ManualDoor
from ioc.ingest.pipeline.release import ReleaseDoor
from ioc.runtime.health_conditions import DATABASE
from ioc.runtime.open_files import allow_open_files
from ioc.runtime.request_quota import RequestQuota
from ioc.runtime.role_watch import API, KEEPER, LOOK_SECONDS, ROLLUP, RULES, RoleWatch
from ioc.runtime.supervisor import SUPERVISED, read_ready
from ioc.screens.site import Site
from ioc.settings import Settings
from ioc.sheets.sheet import FILE_BYTES_MAX
from ioc.store.accounts.request_quota import QuotaTable
from ioc.store.audit.anchors import by_id
from ioc.store.postgres.wakeup import CHANGE_CHANNEL, Wakeup

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
ALL_BEAT_SECONDS = 30.0


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
        open_context(settings, "api", connections_max=CONNECTIONS) as context,
        open_intake(context, roles=RoleWatch(required_roles(settings))) as intake,
        Wakeup(context.database, CHANGE_CHANNEL) as waiter,
    ):
        drills = None if context.mark is not None else DrillHost(context)
        tours = None if context.mark is not None else TourHost(context)
        state = create_state(_api_parts(context, intake, waiter, drills, tours))
        app = create_app(state, door=http_door(context, intake).router(), site=Site())
        guard = HTTPGuard(guard_bounds(settings), io_clock=context.io_clock, metrics=context.metrics)
        allow_open_files(settings.http_connections_max + FILES_BESIDE_CONNECTIONS)
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
            if SUPERVISED in os.environ:
                await _all_beat(context, intake.roles)
            scheme = "http" if live is None else "https"
            async with announced(context, http_port=listener.getsockname()[1], http_scheme=scheme):
                work = [*following, *(host.run() for host in (drills, tours) if host is not None)]
                await until_stopped(asyncio.shield(serving), asyncio.shield(guarding), intake.broken(), *work)
        finally:
            guarding.cancel()
            await _stop(server, serving, state)


def required_roles(settings: Settings) -> frozenset[str]:
    """Return the roles that are missed where they never beat: all of an instance that `ioc up` runs.

    Where each role runs by itself, doors and bridge count from their first beat on: a site may have none.
    """
    if SUPERVISED in os.environ:
        return frozenset(roles_of(settings)) - {API}
    return frozenset((RULES, ROLLUP, KEEPER))


async def _all_beat(context: ProcessContext, roles: RoleWatch) -> None:
    """Wait until every role beats, so that "ready" is true when it is said; not for ever: one may be broken."""
    deadline = context.io_clock.seconds() + ALL_BEAT_SECONDS
    while context.io_clock.seconds() < deadline and not roles.complete:  # noqa: ASYNC110 - others beat, elsewhere
        await asyncio.sleep(LOOK_SECONDS / 2)


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
        body_bytes_by_prefix={
            "/api/v1/feeds/": events,
            "/api/v1/cloudevents": events,
            "/api/v1/adapters/": events,
            "/api/v1/devices/imports": FILE_BYTES_MAX + BODY_SLACK_BYTES,
            "/api/v1/limits/imports": FILE_BYTES_MAX + BODY_SLACK_BYTES,
            "/api/v1/lookups/imports": FILE_BYTES_MAX + BODY_SLACK_BYTES,
            "/api/v1/indicators/import": FILE_BYTES_MAX + BODY_SLACK_BYTES,
            "/api/v1/media": settings.media_bytes_max + BODY_SLACK_BYTES,
        },
        trusted=read_networks(settings.http_trusted_proxies),
    )


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


def http_door(context: ProcessContext, intake: DoorIntake) -> HTTPDoor:
    """Return the HTTP door on an intake. It is made here: the MQTT role starts faster without FastAPI."""
    return HTTPDoor(
        pipeline=intake.pipeline,
        registry=intake.registry,
        feeds=context.pack.feeds,
        log_clock=context.log_clock,
        metrics=context.metrics,
        quota=RequestQuota(
            "posts",
            context.settings.http_posts_per_minute,
            store=QuotaTable(context.database),
            io_clock=context.io_clock,
            wall=context.wall,
        ),
        bounds=HTTPBounds(
            events_max=context.settings.batch_events_max,
            body_bytes_max=context.settings.batch_body_bytes_max,
            gathered_bytes_max=context.settings.queue_bytes_max,
            answer_seconds_max=context.settings.commit_timeout_seconds,
        ),
    )


def _drill_state(context: ProcessContext) -> Callable[[], Mapping[str, Any]] | None:
    """Return what says how the drill stands, None in a real instance. ``speed`` 0: as fast as it can."""
    mark, drill = context.mark, context.drill
    if mark is None or drill is None:
        return None

    def state() -> dict[str, Any]:
        return {**mark.as_json(), "clock": format_time(drill.now()), "speed": drill.speed}

    return state


def _api_parts(
    context: ProcessContext, intake: DoorIntake, waiter: Wakeup, drills: DrillHost | None, tours: TourHost | None
) -> APIContext:
    async def heart_beats() -> None:
        why = intake.board.why(DATABASE)
        if why is not None:
            raise StoreUnavailableError(why)

    async def intake_commits() -> None:
        failing = intake.pipeline.failing_since
        if failing is not None and context.io_clock.seconds() - failing > FAILING_SECONDS_MAX:
            raise StoreUnavailableError("the intake cannot commit")

    anchors = anchors_of(context.settings)

    async def anchored() -> Mapping[int, bytes]:
        return {} if anchors is None else by_id(await anchors.read())

    async def text(scope: Scope) -> bytes:
        return await metrics_text(context, scope)

    return APIContext(
        settings=context.settings,
        database=context.database,
        pack=context.pack,
        metrics=context.metrics,
        clock=context.log_clock,
        wall=context.wall,
        io_clock=context.io_clock,
        log=context.log,
        wakeup=waiter,
        metrics_text=text,
        version=__version__,
        started_at=context.wall.now(),
        checks={"database": heart_beats, "intake": intake_commits},
        board=intake.board,
        roles=intake.roles,
        audit_anchors=anchored,
        beat=context.liveness.loop(),
        bridge=lambda: bridge_state(context.settings),
        drill=_drill_state(context),
        manual=ManualDoor(
            pipeline=intake.pipeline,
            registry=intake.registry,
            feeds=context.pack.feeds,
            metrics=context.metrics,
            marks=() if context.mark is None else (Flag.DRILL,),
        ),
        release=ReleaseDoor(
            pipeline=intake.pipeline,
            registry=intake.registry,
            feeds=context.pack.feeds,
            metrics=context.metrics,
            events_max=context.settings.batch_events_max,
            reader_of=reader_of,
            marks=() if context.mark is None else (Flag.DRILL,),
        ),
        drills=drills,
        tours=tours,
        tour=TourDesk(context) if context.mark is not None and context.mark.tour else None,
    )


def bridge_state(settings: Settings) -> dict[str, object] | None:
    """Return the broker and whether the bridge stands connected, as the role itself says; None: no bridge is set."""
    if settings.mqtt_bridge_url is None:
        return None
    told = read_ready(ready_file(settings, "bridge"))
    return {"broker": told.get("broker"), "connected": bool(told.get("connected")), "why": told.get("why", "")}
