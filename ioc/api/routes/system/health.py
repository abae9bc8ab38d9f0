"""Health at the root: alive, ready, metrics. Readiness pings what was built and says weakened durability aloud."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from ioc.api.auth import PUBLIC, SCRAPERS
from ioc.api.context import APIContext
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.hosts import host_name, is_address
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers.models.system import AliveModel, ReadinessModel
from ioc.api.views.gauges import state_gauges
from ioc.api.wall.caller import Caller
from ioc.errors import IOCError, StoreUnavailableError
from ioc.runtime.health_conditions import DURABILITY
from ioc.store.postgres.database_state import durability_faults

router = APIRouter(tags=["health"])
PING_SECONDS_MAX = 2.0
SECURITY_TXT_LASTS = timedelta(days=180)
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_log = structlog.get_logger()


@router.get("/livez", summary="Alive", **responses_of(AliveModel), dependencies=[Depends(PUBLIC)])
async def livez() -> Response:
    """Answer while the loop turns."""
    return responses.json_response({"status": "ok"})


@router.get("/readyz", summary="Ready", **responses_of(ReadinessModel), dependencies=[Depends(PUBLIC)])
async def readyz(state: StateDep) -> Response:
    """Ping every part; 503 while one fails, or a role has said nothing for five seconds.

    `trouble` says in fixed words what hinders; the log has the details. A full disk pauses the intake, which this
    says; people can still be served, so it makes nothing unready.
    """
    checks = {"database": state.context.database.ping, **state.context.checks}
    results = await asyncio.gather(*(_ping(name, ping) for name, ping in checks.items()))
    told = dict(zip(checks, ("ok" if fine else "failing" for fine in results), strict=True))
    roles = state.context.roles
    stale = {kind for kind, silence in roles.silent.items() if silence.stale}
    told |= {kind: "failing" if kind in stale else "ok" for kind in roles.known}
    ready = all(results) and not stale
    durability = await _durability(state.context) if ready else "unknown"
    trouble = dict(state.context.board.current())
    return responses.json_response(
        {"ready": ready, "durability": durability, "checks": told, "trouble": trouble}, status=200 if ready else 503
    )


async def _ping(name: str, ping: Callable[[], Awaitable[None]]) -> bool:
    try:
        await asyncio.wait_for(ping(), PING_SECONDS_MAX)
    except (IOCError, OSError, TimeoutError) as error:
        _log.warning("not_ready", part=name, error=str(error))
        return False
    return True


async def _durability(context: APIContext) -> str:
    """Return `full`, or `degraded: fsync=off`: an acknowledged event might not survive a power cut."""
    if "database" in context.checks:  # a heartbeat watches it: nobody has to ask, and to wait
        faults_known = context.board.why(DURABILITY)
        return f"degraded: {faults_known}" if faults_known else "full"
    try:
        async with asyncio.timeout(PING_SECONDS_MAX), context.database.connection() as connection:
            faults = await durability_faults(connection)
    except (StoreUnavailableError, TimeoutError):
        return "unknown"
    return f"degraded: {', '.join(faults)}" if faults else "full"


@router.get(
    "/.well-known/security.txt",
    summary="Whom to tell of a weakness",
    response_class=PlainTextResponse,
    dependencies=[Depends(PUBLIC)],
)
async def security_txt(request: Request, state: StateDep) -> Response:
    """Return whom to tell of a weakness (RFC 9116)."""
    context, host = state.context, host_name(request.headers.get("host", ""))
    literal = f"[IPv6:{host}]" if ":" in host else f"[{host}]"  # RFC 5321: an address in a name's place
    address = literal if is_address(host) else host
    contact = context.settings.security_contact or f"mailto:security@{address}"
    expires = (context.wall.now() + SECURITY_TXT_LASTS).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [f"Contact: {contact}", f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}", "Preferred-Languages: vi, en"]
    return Response("\n".join([*lines, ""]), media_type="text/plain; charset=utf-8")


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(caller: Annotated[Caller, Depends(SCRAPERS)], state: StateDep) -> Response:
    """Return the metrics of all roles, with the gauges of state asked now.

    A key or account with an area gets the gauges of its area: what the roles count, they count for the whole site.
    """
    scope = caller.scope
    async with state.scrapes.turn():
        body = await state.context.metrics_text(scope) + await state_gauges(state.context, scope, caller.book)
    return Response(body, media_type=METRICS_TYPE)
