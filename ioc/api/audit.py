"""The audit trail, for administrators of every area, and the check of its chain."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api import answer, paging, wire
from ioc.api.auth import ADMINS
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.api.filters import AuditPage
from ioc.api.users import whole_admin
from ioc.store import audit

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", summary="Who did what")
async def list_audit(
    caller: Annotated[Caller, Depends(ADMINS)], state: StateDep, page: Annotated[AuditPage, Query()]
) -> Response:
    """Return the trail, newest first."""
    whole_admin(caller)
    keys = paging.read_cursor("audit", {}, page.cursor, (int,))
    async with state.parts.database.connection() as connection:
        rows = await audit.read_audit(connection, before=keys[0] if keys else None, limit=page.limit + 1)
    more = len(rows) > page.limit
    following = paging.make_cursor("audit", {}, [rows[page.limit - 1]["id"]]) if more else None
    return answer.json_answer({"items": [wire.audit(row) for row in rows[: page.limit]], "next": following})


@router.get("/verification", summary="Check the chain")
async def verify(caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Compute the chain again; an edit, a deletion inside or a reorder is named by its row.

    A cut at the end is found by `ioc verify audit` against an exported anchor.
    """
    whole_admin(caller)
    async with state.parts.database.connection() as connection:
        verdict = await audit.verify_chain(connection)
    told = {
        "checked": verdict.checked,
        "intact": verdict.broken_at is None,
        "broken_at": verdict.broken_at,
        "reason": verdict.reason,
    }
    return answer.json_answer({**told, "last_id": verdict.last_id, "last_hash": verdict.last_hash.hex()})
