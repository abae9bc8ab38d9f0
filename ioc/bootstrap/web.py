"""The role `api`: HTTP door, API, stream and screens on one port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn

from ioc import __version__
from ioc.api.app import create_app, create_state
from ioc.api.deps import APIParts, APIState
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
CONNECTIONS = 12
FAILING_SECONDS_MAX = 3.0
STREAMS_END_SECONDS = 2


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the role decides when to stop, and ends the streams first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the role."""
        yield


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
        state = create_state(_api_parts(parts, intake, waiter))
        app = create_app(state, door=http_door(parts, intake).router(), site=Site())
        server = Server(
            uvicorn.Config(
                app,
                http="h11",  # httptools takes headers of any size
                h11_max_incomplete_event_size=HEADER_BYTES_MAX,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=STREAMS_END_SECONDS,
                lifespan="on",
                ssl_context_factory=(lambda _, __: live.context) if live is not None else None,
            )
        )
        following = [live.follow()] if live is not None else []
        listener = _listen(settings.http_host, settings.http_port)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            scheme = "http" if live is None else "https"
            async with announced(parts, http_port=listener.getsockname()[1], http_scheme=scheme):
                await until_stopped(asyncio.shield(serving), *following)
        finally:
            await _stop(server, serving, state)


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
        body_bytes_max=parts.settings.batch_body_bytes_max,
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


def _api_parts(parts: Parts, intake: Intake, waiter: Wakeup) -> APIParts:
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
    )


def bridge_state(settings: Settings) -> dict[str, object] | None:
    """Return the broker and whether the bridge stands connected, as the role itself says; None: no bridge is set."""
    if settings.mqtt_bridge_url is None:
        return None
    told = read_ready(ready_file(settings, "bridge"))
    return {"broker": told.get("broker"), "connected": bool(told.get("connected")), "why": told.get("why", "")}
