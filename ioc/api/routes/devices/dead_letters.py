"""Dead letters: what was refused at the doors, with its reason and raw bytes. For operators: it may hold anything."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import INTAKE_READERS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.filters import DeadLetterFilters, many
from ioc.api.http.openapi_responses import CSV_TYPE, GEOJSON_TYPE, responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.devices import DeadLetterPageModel
from ioc.api.wall.caller import Caller
from ioc.store.log import dead_letters

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


@router.get("", summary="List dead letters", **responses_of(DeadLetterPageModel, forms=(CSV_TYPE, GEOJSON_TYPE)))
async def list_dead_letters(
    request: Request,
    caller: Annotated[Caller, Depends(INTAKE_READERS)],
    state: StateDep,
    filters: Annotated[DeadLetterFilters, Query()],
) -> Response:
    """Return dead letters, newest first. With an area one sees those of its devices only."""
    keys = responses.cursor_keys("dead-letters", filters, (int,))
    chosen = dead_letters.DeadLetterFilter(many(filters.feed), many(filters.device), many(filters.reason))
    scope = caller.within(filters.area, filters.zone)
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        rows = await dead_letters.list_dead_letters(
            connection, chosen, scope, before=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = responses.next_cursor("dead-letters", filters, rows, ("id",))
    items = [nouns.dead_letter(row) for row in rows[: filters.limit]]
    return responses.list_response(request, items, following=following, position=position, name="dead-letters")
