"""Who is not let in at the MQTT door: what a technician at the mast needs to read when nothing arrives."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api.auth import INTAKE_READERS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.filters import WholeList
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers.connect_refusals import connect_refusal
from ioc.api.serializers.models.devices import ConnectRefusalPageModel
from ioc.api.wall.caller import Caller
from ioc.store.sessions import connect_refusals as refusals

router = APIRouter(prefix="/devices/connect-refusals", tags=["devices"])
ROUTE = "connect-refusals"


@router.get("", summary="List refused MQTT connections", **responses_of(ConnectRefusalPageModel))
async def list_connect_refusals(
    caller: Annotated[Caller, Depends(INTAKE_READERS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return refused CONNECTs by user name, address and reason, the last one first.

    The 500 newest of the last 30 days are kept. User names that no device has are seen by those who see every area.
    """
    found = responses.cursor_keys(ROUTE, page, (datetime, str, str, str))
    before = (found[0], found[1], found[2], found[3]) if found else None
    async with state.context.database.connection() as connection:
        rows = await refusals.list_refusals(connection, caller.scope, before=before, limit=page.limit + 1)
    following = responses.next_cursor(ROUTE, page, rows, ("last_at", "username", "address", "reason"))
    items = [connect_refusal(row) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})
