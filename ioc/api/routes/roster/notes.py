"""The shift log: a free line in five seconds, never changed; a correction is a new line that refers to the old."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import OPERATORS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, WHOLE, Input, Line, read_body, request_body
from ioc.api.http.filters import Moment, Page, Words
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.roster.entries import shift_row
from ioc.api.serializers.roster.models import ShiftNoteListModel, ShiftNoteModel
from ioc.api.serializers.roster.notes import note as note_json
from ioc.api.wall.caller import Caller
from ioc.api.wall.write_side import NAMES_ALERT
from ioc.domain.plain_name import plain_name
from ioc.domain.roster.note import NOTE_CHARS_MAX, ShiftNote
from ioc.errors import InvalidInputError, NotFoundError
from ioc.store.alerts.reader import get_alert
from ioc.store.audit.trail import Author
from ioc.store.roster.notes import NoteFilter, add_note, get_note, list_notes

router = APIRouter(prefix="/shift-notes", tags=["roster"])


class NoteForm(Input):
    """A line of the shift log."""

    text: Annotated[str, Field(min_length=1, max_length=NOTE_CHARS_MAX, pattern=r"\S"), STORABLE]
    """No name, number or address of a citizen."""
    alert: Annotated[Annotated[Line, Field(min_length=1, max_length=64)] | None, NAMES_ALERT] = None
    corrects: Annotated[int, Field(ge=1, le=2**53), WHOLE] | None = None


class NoteFilters(Page):
    """Which lines: of a shift, of a stretch of time, of an alert."""

    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None
    shift: Words | None = None
    alert: Words | None = None


@router.get("", summary="The shift log", **responses_of(ShiftNoteListModel))
async def get_notes(
    caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, filters: Annotated[NoteFilters, Query()]
) -> Response:
    """Return lines of the shift log, the newest first; `shift`: those between its beginning and its end."""
    start, end = filters.since, filters.until
    if filters.shift is not None:
        row = await shift_row(filters.shift, caller, state)
        start = row["starts_at"] if start is None else max(start, row["starts_at"])
        end = row["ends_at"] if end is None else min(end, row["ends_at"])
    scope = caller.within(filters.area, filters.zone)
    keys = responses.cursor_keys("shift-notes", filters, (int,))
    wanted = NoteFilter(since=start, until=end, alert=filters.alert)
    async with state.context.database.connection() as connection:
        rows = await list_notes(connection, wanted, scope, before=keys[0] if keys else None, limit=filters.limit + 1)
    following = responses.next_cursor("shift-notes", filters, rows, ("id",))
    items = [note_json(row, book=caller.book, today=caller.today) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


@router.post(
    "", summary="Add a line to the shift log", openapi_extra=request_body(NoteForm),
    **responses_of(ShiftNoteModel, status=201),
)  # fmt: skip
async def write_note(request: Request, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep) -> Response:
    """Add a line. Nobody changes or deletes one: a correction is a new line that names the old in `corrects`.

    It is of the place of its alert, else of the line that it corrects, else of the account, else of the whole site.
    """
    form = await read_body(request, NoteForm)
    text = plain_name(form.text)
    if not text:
        raise InvalidInputError("a line has letters that can be seen", field="text")
    context = state.context
    async with context.database.connection() as connection:
        alert = None if form.alert is None else await get_alert(connection, form.alert, caller.scope)
        old = None if form.corrects is None else await get_note(connection, form.corrects, caller.scope)
    for member, asked, found in (("alert", form.alert, alert), ("corrects", form.corrects, old)):
        if asked is not None and found is None:
            raise InvalidInputError(f"there is no such {'alert' if member == 'alert' else 'line'}", field=member)
    area, zone = _place(alert or old, caller)
    named = None if alert is None else str(alert["id"])
    note = ShiftNote(text=text, area=area, zone=zone, alert=named, corrects=form.corrects)
    author = Author(caller.principal.name, caller.address, context.clock.now(), context.wall.now())
    number = await add_note(context.database, note, author, scope=caller.scope)
    async with context.database.connection() as connection:
        row = await get_note(connection, number, caller.scope)
    if row is None:
        raise NotFoundError("no such line")
    return responses.json_response(note_json(row, book=caller.book, today=caller.today), status=201)


def _place(of: Mapping[str, Any] | None, caller: Caller) -> tuple[str | None, str | None]:
    """Return the area and the zone of a line: those of what it is about, else of the account."""
    if of is not None:
        return of["area"], of["zone"]
    own = caller.scope.areas
    if not own:
        return None, None
    whole = next((zone.code for zone in caller.book.zones if own == frozenset(zone.areas)), None)
    if whole is not None:
        return None, whole
    code = min(own)  # an account of a unit that was split sees several: any of them is inside its wall
    return code, next((zone.code for zone in caller.book.zones if code in zone.areas), None)
