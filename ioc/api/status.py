"""What this instance is, its OpenAPI description, and where browsers report broken content policy."""

import time
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from ioc.api import answer, wire
from ioc.api.auth import EVERYBODY, PEOPLE, REPORTERS
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.errors import BodyTooLargeError

router = APIRouter(tags=["status"])
REPORT_BYTES_MAX = 8 << 10
REPORT_GAP_SECONDS = 6.0
_log = structlog.get_logger()


@router.get("/status", summary="This instance")
async def get_status(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return version, pack, drill, the bridge's broker and when it was started."""
    del caller
    parts = state.parts
    return answer.json_answer(
        {
            "version": parts.version,
            "demo": parts.settings.demo,
            "bridge": parts.bridge(),
            "drill": dict(parts.drill()) if parts.drill else None,
            "pack": parts.pack.id,
            "title": wire.label(parts.pack.title),
            "timezone": parts.pack.timezone,
            "started_at": wire.moment(parts.started_at),
            "time": wire.moment(parts.clock.now()),
            "position": state.hub.position,
            "trouble": dict(parts.board.current()),
        }
    )


@router.get("/openapi.json", summary="This description")
async def openapi(request: Request, caller: Annotated[Caller, Depends(PEOPLE)]) -> Response:
    """Return the OpenAPI document; not public (S20)."""
    del caller
    return answer.json_answer(request.app.openapi())


@router.post("/csp-reports", summary="Report a broken content policy", status_code=204)
async def report(request: Request, caller: Annotated[Caller, Depends(REPORTERS)]) -> Response:
    """Log a browser's report, ten a minute at most; its words are data of a stranger and only quoted."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > REPORT_BYTES_MAX:
            raise BodyTooLargeError(f"at most {REPORT_BYTES_MAX} bytes")
    now = time.monotonic()
    if now - getattr(request.app.state, "reported_at", float("-inf")) >= REPORT_GAP_SECONDS:
        request.app.state.reported_at = now
        _log.warning("content_policy_broken", user=caller.principal.name, report=bytes(raw).decode(errors="replace"))
    return Response(status_code=204)
