"""What this instance is, its OpenAPI description, and where browsers report broken content policy."""

import copy
import time
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from ioc.api.auth import EVERYBODY, READERS, REPORTERS, declare
from ioc.api.deps import APIState, StateDep
from ioc.api.description import docs_page
from ioc.api.description.openapi import describe
from ioc.api.http import responses
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.system import DescriptionModel, StatusModel
from ioc.api.wall.caller import Caller
from ioc.errors import BodyTooLargeError

router = APIRouter(tags=["status"])
REPORT_BYTES_MAX = 8 << 10
REPORT_GAP_SECONDS = 6.0
_log = structlog.get_logger()


@router.get("/status", summary="This instance", **responses_of(StatusModel))
async def get_status(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return version, pack, drill, the bridge's broker and when it was started."""
    del caller
    context = state.context
    return responses.json_response(
        {
            "version": context.version,
            "demo": context.settings.demo,
            "bridge": context.bridge(),
            "drill": dict(context.drill()) if context.drill else None,
            "pack": context.pack.id,
            "title": nouns.label(context.pack.title),
            "timezone": context.pack.timezone,
            "bbox": [context.pack.box.west, context.pack.box.south, context.pack.box.east, context.pack.box.north],
            "started_at": nouns.moment(context.started_at),
            "time": nouns.moment(context.clock.now()),
            "position": state.hub.position,
            "trouble": dict(context.board.current()),
        }
    )


@router.get("/openapi.json", summary="This description", **responses_of(DescriptionModel))
async def openapi(request: Request, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the OpenAPI document; not public (S20)."""
    del caller
    return responses.json_response(described_api(request.app, state))


@router.get("/docs", summary="This description as a page", response_class=HTMLResponse)
async def docs(request: Request, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the description as a page that asks nothing of any other machine; not public (S20)."""
    del caller
    return HTMLResponse(docs_page.render(described_api(request.app, state)))


@router.get("/docs/style.css", summary="The page's stylesheet", include_in_schema=False)
async def docs_style(caller: Annotated[Caller, Depends(READERS)]) -> Response:
    """Return it."""
    del caller
    return Response(docs_page.STYLE, media_type="text/css")


def described_api(app: FastAPI, state: APIState) -> dict[str, Any]:
    """Return the description, made once: it changes with the pack and the code only."""
    made: dict[str, Any] | None = getattr(app.state, "description", None)
    if made is None:
        # A copy: FastAPI keeps the document that it has written.
        document = declare(copy.deepcopy(app.openapi()), app.state.access)
        made = app.state.description = describe(document, app.state.access, state.context.pack)
    return made


@router.post("/csp-reports", summary="Report a broken content policy", **responses_of(refused=(413,)))
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
