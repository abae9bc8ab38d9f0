"""Dead letters: what was refused at the doors, with its reason and raw bytes. For operators: it may hold anything."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api import answer, wire
from ioc.api.auth import OPERATORS
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.api.filters import DeadLetterFilters, many
from ioc.store import dead_letters

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


@router.get("", summary="List dead letters")
async def list_dead_letters(
    request: Request,
    caller: Annotated[Caller, Depends(OPERATORS)],
    state: StateDep,
    filters: Annotated[DeadLetterFilters, Query()],
) -> Response:
    """Return dead letters, newest first. With an area one sees those of its devices only."""
    keys = answer.cursor_keys("dead-letters", filters, (int,))
    chosen = dead_letters.DeadLetterFilter(many(filters.feed), many(filters.device), many(filters.reason))
    scope = caller.within(filters.area, filters.zone)
    async with state.parts.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await answer.begin_snapshot(connection)
        rows = await dead_letters.list_dead_letters(
            connection, chosen, scope, before=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = answer.next_cursor("dead-letters", filters, rows, ("id",))
    items = [wire.dead_letter(row) for row in rows[: filters.limit]]
    return answer.list_answer(request, items, following=following, position=position, name="dead-letters")
