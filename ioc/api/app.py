"""Puts the API together: routers, errors, headers, the hub's life; refuses to start with an undeclared route."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp

from ioc.api import (
    alerts,
    areas,
    audit,
    backtests,
    dead_letters,
    devices,
    domains,
    drills,
    events,
    feeds,
    health,
    keys,
    messages,
    problems,
    rule_edits,
    rules,
    series,
    session,
    status,
    stream,
    users,
)
from ioc.api.auth import inventory
from ioc.api.authenticator import Authenticator
from ioc.api.deps import APIState
from ioc.api.frames import FrameReader
from ioc.api.headers import SecurityHeaders
from ioc.api.hub import Hub
from ioc.api.parts import APIParts, AreaCache
from ioc.api.passwords import Passwords
from ioc.api.patience import Patience
from ioc.api.rule_desk import RuleDesk
from ioc.api.throttle import Throttle
from ioc.api.tiles import Tiles

PREFIX = "/api/v1"
FREE_ACCOUNT_ATTEMPTS = 5
FREE_ADDRESS_ATTEMPTS = 30
ACCOUNT_DELAY_SECONDS_MAX = 60.0
"""Bounded lower than the address's: else a stranger could lock a person out by failing in their name."""
ROUTERS = (
    session.router,
    alerts.router,
    devices.router,
    messages.router,
    areas.router,
    feeds.router,
    rules.router,
    rule_edits.router,
    backtests.of_rules,
    backtests.router,
    domains.router,
    events.router,
    series.router,
    dead_letters.router,
    keys.router,
    users.router,
    drills.router,
    audit.router,
    stream.router,
    status.router,
)


def create_state(parts: APIParts, *, passwords: Passwords | None = None, reader: FrameReader | None = None) -> APIState:
    """Build what lives as long as the application; ``passwords`` and ``reader`` are for tests."""
    area_cache = AreaCache(parts)
    people = Authenticator(parts, area_cache)
    return APIState(
        parts=parts,
        areas=area_cache,
        people=people,
        passwords=passwords or Passwords(),
        account_throttle=Throttle(parts.io_clock, FREE_ACCOUNT_ATTEMPTS, ACCOUNT_DELAY_SECONDS_MAX),
        address_throttle=Throttle(parts.io_clock, FREE_ADDRESS_ATTEMPTS),
        hub=Hub(parts, area_cache, people, reader),
        tiles=Tiles(parts),
        rules=RuleDesk(parts),
    )


def create_app(state: APIState, *, door: APIRouter | None = None, site: ASGIApp | None = None) -> FastAPI:
    """Return the application. ``door`` is the ingest door, which checks its keys itself; ``site`` the screens.

    ``site`` answers whatever no route matches. Before the server waits for connections to end, call
    ``state.hub.stop_streams()``: a stream ends by nothing else.

    Raises:
        RuntimeError: a route declares no access.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with state.hub.running():
            yield

    app = FastAPI(
        title="IOC",
        version=state.parts.version,
        summary="Intelligent Operations Center",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.api = state
    problems.install(app)
    app.add_middleware(Patience, board=state.parts.board)
    app.add_middleware(SecurityHeaders, metrics=state.parts.metrics)
    app.include_router(health.router)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    door_endpoints = []
    if door is not None:
        app.include_router(door, prefix=PREFIX)
        door_endpoints = [getattr(line.original_route, "endpoint", None) for line in iter_route_contexts(door.routes)]
    inventory(app, door_endpoints)
    if site is not None:
        app.router.default = site
    return app
