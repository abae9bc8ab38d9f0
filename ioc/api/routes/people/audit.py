"""The audit trail, for administrators of every area, and the check of its chain."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api.auth import AUDITORS
from ioc.api.deps import StateDep
from ioc.api.http import paging, responses
from ioc.api.http.filters import AuditPage
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import people
from ioc.api.serializers.models.people import AuditListModel, AuditVerdictModel
from ioc.api.wall.caller import Caller
from ioc.store.audit import trail as audit

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", summary="Who did what", **responses_of(AuditListModel))
async def list_audit(
    caller: Annotated[Caller, Depends(AUDITORS)], state: StateDep, page: Annotated[AuditPage, Query()]
) -> Response:
    """Return the trail, newest first."""
    del caller
    keys = paging.read_cursor("audit", {}, page.cursor, (int,))
    async with state.context.database.connection() as connection:
        rows = await audit.read_audit(connection, before=keys[0] if keys else None, limit=page.limit + 1)
    more = len(rows) > page.limit
    following = paging.make_cursor("audit", {}, [rows[page.limit - 1]["id"]]) if more else None
    return responses.json_response({"items": [people.audit(row) for row in rows[: page.limit]], "next": following})


@router.get("/verification", summary="Check the chain", **responses_of(AuditVerdictModel))
async def verify(caller: Annotated[Caller, Depends(AUDITORS)], state: StateDep) -> Response:
    """Compute the chain again and hold it against its anchors: an edit, a deletion, a reorder, a cut-off end."""
    del caller
    anchors = await state.context.audit_anchors()
    async with state.context.database.connection() as connection:
        verdict = await audit.verify_chain(connection, anchors)
    told = {
        "checked": verdict.checked,
        "intact": verdict.broken_at is None,
        "broken_at": verdict.broken_at,
        "reason": verdict.reason,
        "anchored_id": max(anchors, default=None),
    }
    return responses.json_response({**told, "last_id": verdict.last_id, "last_hash": verdict.last_hash.hex()})
