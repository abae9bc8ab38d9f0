"""Puts the API together: routers, errors, headers, the hub's life; refuses to start with an undeclared route."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp

from ioc.api.auth import RouteAccess, inventory
from ioc.api.context import APIContext, AreaCache
from ioc.api.deps import APIState
from ioc.api.http import problems
from ioc.api.http.compression import Compression
from ioc.api.http.deadline import RequestDeadline
from ioc.api.http.head import HeadRequests
from ioc.api.http.headers import SecurityHeaders
from ioc.api.http.hosts import KnownHosts
from ioc.api.identity.authenticator import Authenticator
from ioc.api.identity.passwords import Passwords
from ioc.api.identity.refusals import Refusals
from ioc.api.identity.throttle import SignInThrottle
from ioc.api.routes.alerts import alerts, bulk, incidents, performance, work
from ioc.api.routes.city import (
    air,
    areas,
    domains,
    events,
    feeds,
    indicator_imports,
    indicators,
    manual,
    media,
    places,
    quality,
    series,
)
from ioc.api.routes.contacts import calls, contacts, units
from ioc.api.routes.dated import limit_imports, limits, lookup_imports, lookups
from ioc.api.routes.devices import (
    connect_refusals,
    dead_letters,
    device_imports,
    devices,
    maintenance,
    messages,
    releases,
    unknown,
)
from ioc.api.routes.people import audit, keys, session, users
from ioc.api.routes.roster import coverage, modes, notes, shifts
from ioc.api.routes.rules import backtests, drills, rule_edits, rules
from ioc.api.routes.silences import silences
from ioc.api.routes.system import health, status, stream, tour
from ioc.api.stream.hub import Hub
from ioc.api.stream.sse_events import FrameReader
from ioc.api.views.duty import roster_watch
from ioc.api.views.looks import Looks
from ioc.api.views.rule_checks import RuleDesk
from ioc.api.views.scrapes import Scrapes
from ioc.api.views.tiles import Tiles
from ioc.indicators.check import ROWS_MAX
from ioc.media.photos import PhotoEncoder
from ioc.runtime.request_quota import RequestQuota
from ioc.sheets.sheet import SheetBounds, SheetReader
from ioc.sheets.table import HEAD_ROWS_MAX
from ioc.store.accounts.request_quota import QuotaTable

PREFIX = "/api/v1"
SHEET_COLUMNS_MAX = 60
ROUTERS = (
    session.router,
    alerts.router,
    incidents.router,
    bulk.router,
    work.router,
    performance.router,
    calls.router,
    silences.router,
    units.router,
    contacts.router,
    coverage.router,  # before the shifts: their routes would take its path for an id
    shifts.router,
    notes.router,
    modes.router,
    device_imports.router,
    connect_refusals.router,
    unknown.router,  # before the devices: their routes would take its path for an id
    devices.router,
    maintenance.router,
    messages.router,
    areas.router,
    places.router,
    feeds.router,
    rules.router,
    rule_edits.router,
    limit_imports.router,  # before the limits: their routes would take its path for an id
    limits.router,
    lookup_imports.router,
    lookups.router,
    backtests.of_rules,
    backtests.router,
    domains.router,
    events.router,
    manual.router,
    media.router,
    quality.router,
    indicator_imports.router,
    indicators.router,
    series.router,
    air.router,
    dead_letters.router,
    releases.router,
    keys.router,
    users.router,
    drills.router,
    tour.router,
    audit.router,
    stream.router,
    status.router,
)


def create_state(
    context: APIContext, *, passwords: Passwords | None = None, reader: FrameReader | None = None
) -> APIState:
    """Build what lives as long as the application; ``passwords`` and ``reader`` are for tests."""
    area_cache = AreaCache(context)
    people = Authenticator(context, area_cache)
    return APIState(
        context=context,
        areas=area_cache,
        people=people,
        passwords=passwords or Passwords(),
        throttle=SignInThrottle(context.io_clock),
        quota=RequestQuota(
            "requests",
            context.settings.http_requests_per_minute,
            store=QuotaTable(context.database),
            io_clock=context.io_clock,
            wall=context.wall,
        ),
        looks=Looks(context),
        refusals=Refusals(context.database, context.io_clock, context.metrics),
        hub=Hub(context, area_cache, people, reader, roster_watch(context, area_cache)),
        tiles=Tiles(context),
        rules=RuleDesk(context),
        scrapes=Scrapes(),
        sheets=SheetReader(SheetBounds(rows_max=ROWS_MAX + HEAD_ROWS_MAX, columns_max=SHEET_COLUMNS_MAX)),
        device_sheets=SheetReader(device_imports.BOUNDS),
        photos=PhotoEncoder(),
    )


def include_routes(app: FastAPI, door: APIRouter | None) -> list[RouteAccess]:
    """Give the application every route, and return who may call each."""
    app.include_router(health.router)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    door_endpoints = []
    if door is not None:
        app.include_router(door, prefix=PREFIX)
        door_endpoints = [getattr(line.original_route, "endpoint", None) for line in iter_route_contexts(door.routes)]
    return inventory(app, door_endpoints)


def create_app(
    state: APIState, *, door: APIRouter | None = None, site: ASGIApp | None = None, like: FastAPI | None = None
) -> FastAPI:
    """Return the application. ``door`` is the ingest door, which checks its keys itself; ``site`` the screens.

    ``site`` answers whatever no route matches. Before the server waits for connections to end, call
    ``state.hub.stop_streams()``: a stream ends by nothing else. ``like`` is an application with the same ``door``
    whose routes this one has too: they know of no state, and to resolve them takes a tenth of a second and more.

    Raises:
        RuntimeError: a route declares no access.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with state.hub.running():
            yield

    app = FastAPI(
        title="IOC",
        version=state.context.version,
        summary="Intelligent Operations Center",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.api = state
    problems.install(app)
    app.add_middleware(RequestDeadline, board=state.context.board)
    app.add_middleware(Compression)
    app.add_middleware(KnownHosts, setting=state.context.settings.http_hosts)
    app.add_middleware(SecurityHeaders, metrics=state.context.metrics)
    app.add_middleware(HeadRequests)  # the last added is the outermost
    if like is None:
        app.state.access = include_routes(app, door)
    else:
        app.router.routes.extend(like.router.routes)
        app.state.access = like.state.access
    if site is not None:
        app.router.default = site
    return app
