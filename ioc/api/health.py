"""Health at the root: alive, ready, metrics. Readiness pings what was built and says weakened durability aloud."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Response

from ioc.api import answer
from ioc.api.auth import PUBLIC, SCRAPERS
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.api.gauges import state_gauges
from ioc.api.parts import APIParts
from ioc.errors import IOCError, StoreUnavailableError
from ioc.store.domains import durability_faults
from ioc.trouble import DURABILITY

router = APIRouter(tags=["health"])
PING_SECONDS_MAX = 2.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_log = structlog.get_logger()


@router.get("/livez", summary="Alive", dependencies=[Depends(PUBLIC)])
async def livez() -> Response:
    """Answer while the loop turns."""
    return answer.json_answer({"status": "ok"})


@router.get("/readyz", summary="Ready", dependencies=[Depends(PUBLIC)])
async def readyz(state: StateDep) -> Response:
    """Ping every part; 503 while one fails. `trouble` says in fixed words what hinders; the log has the details.

    A full disk pauses the intake, which this says; people can still be served, so it makes nothing unready.
    """
    checks = {"database": state.parts.database.ping, **state.parts.checks}
    results = await asyncio.gather(*(_ping(name, ping) for name, ping in checks.items()))
    told = dict(zip(checks, ("ok" if fine else "failing" for fine in results), strict=True))
    ready = all(results)
    durability = await _durability(state.parts) if ready else "unknown"
    trouble = dict(state.parts.board.current())
    return answer.json_answer(
        {"ready": ready, "durability": durability, "checks": told, "trouble": trouble}, status=200 if ready else 503
    )


async def _ping(name: str, ping: Callable[[], Awaitable[None]]) -> bool:
    try:
        await asyncio.wait_for(ping(), PING_SECONDS_MAX)
    except (IOCError, OSError, TimeoutError) as error:
        _log.warning("not_ready", part=name, error=str(error))
        return False
    return True


async def _durability(parts: APIParts) -> str:
    """Return `full`, or `degraded: fsync=off`: an acknowledged event might not survive a power cut."""
    if "database" in parts.checks:  # a heartbeat watches it: nobody has to ask, and to wait
        faults_known = parts.board.why(DURABILITY)
        return f"degraded: {faults_known}" if faults_known else "full"
    try:
        async with asyncio.timeout(PING_SECONDS_MAX), parts.database.connection() as connection:
            faults = await durability_faults(connection)
    except (StoreUnavailableError, TimeoutError):
        return "unknown"
    return f"degraded: {', '.join(faults)}" if faults else "full"


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(caller: Annotated[Caller, Depends(SCRAPERS)], state: StateDep) -> Response:
    """Return the metrics of all roles, with the gauges of state asked now."""
    del caller
    return Response(await state.parts.metrics_text() + await state_gauges(state.parts), media_type=METRICS_TYPE)
