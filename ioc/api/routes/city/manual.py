"""Readings that people enter by hand: a telephone call, a telegram; corrected with a reason, taken back with one."""

import math
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, Field

from ioc.api.auth import OPERATORS, READERS
from ioc.api.context import ManualDoor
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Line, Why, read_body, request_body
from ioc.api.http.filters import ManualFilters, Moment, check_values
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.serializers import nouns
from ioc.api.serializers.media import medium_json
from ioc.api.serializers.models.manual import ManualEntryModel, ManualHistoryModel, ManualPageModel
from ioc.api.wall.caller import Caller
from ioc.api.wall.write_side import NAMES_DEVICE
from ioc.domain.event import Flag, hash16
from ioc.domain.manual_entry import DESK, EntryChange, ManualAction, ManualReading
from ioc.errors import InvalidFieldsError, NotFoundError, QueueFullError, TransitionError, VersionConflictError
from ioc.media.medium import ATTACHED_MAX, MEDIA_ID
from ioc.store.log import manual_entries as entries
from ioc.store.log import manual_reader as reader
from ioc.store.media.reader import media_of_events

router = APIRouter(prefix="/manual", tags=["manual entry"])
KEY_BYTES = 16
MEMBERS_MAX = 200
NAME_CHARS_MAX = 64
CHANGED = responses_of(ManualEntryModel, tagged=True, refused=(409,))


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no log can keep: numbers without an end, a NUL."""
    for name, value in values.items():
        if "\x00" in name or (isinstance(value, str) and "\x00" in value):
            raise ValueError("a NUL character cannot be kept")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("a number must be finite")
    return values


Values = Annotated[
    dict[Annotated[str, Field(max_length=NAME_CHARS_MAX)], float | int | bool | str],
    Field(max_length=MEMBERS_MAX),
    AfterValidator(_finite),
]


def _once(ids: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(ids)) != len(ids):
        raise ValueError("each attachment once")
    return ids


Attached = Annotated[
    tuple[Annotated[str, Field(pattern=MEDIA_ID)], ...],
    Field(max_length=ATTACHED_MAX, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_once),
]


class ReadingForm(Input):
    """One reading as a person enters it. ``id`` is the sender's own: sent twice, it is one entry.

    ``media`` are those that the same person has sent to `POST /api/v1/media`.
    """

    id: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")] = None
    device: Annotated[Line | None, Field(max_length=NAME_CHARS_MAX), NAMES_DEVICE] = None
    time: Annotated[Moment | None, Field(strict=False)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    values: Values
    media: Attached = ()


class Correction(Input):
    """The values as they should have been, all of them, and why; ``media`` come to those that it has."""

    values: Values
    reason: Why
    media: Attached = ()


class Withdrawal(Input):
    """Why an entry is taken back."""

    reason: Why


def rendered(row: reader.Row, state: APIState, media: Sequence[reader.Row] = ()) -> nouns.JSONObject:
    """Return a revision of an entry, with what is attached to it."""
    event = nouns.event(row, state.context.pack.feeds)
    withdrawn = Flag.WITHDRAWN in row["flags"]
    kept = ("feed", "time", "flags", "area", "zone", "lat", "lon", "revision", "position", "log_time")
    return {
        **{name: event[name] for name in kept},
        "device": _device_of(row),
        "event": event["key"],
        "action": row["action"],
        "actor": row["actor"],
        "reason": row["reason"],
        "entered_by": row["entered_by"],
        "entered_at": nouns.moment(row["entered_at"]),
        "data": {} if withdrawn else event["data"],
        "withheld": [] if withdrawn else event["withheld"],
        "media": [] if withdrawn else [medium_json(each) for each in media],
    }


def _device_of(row: reader.Row) -> str | None:
    """Return the device of an entry, null where it is of none: the log has an id of the door there."""
    return None if row["device"] == DESK else row["device"]


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise NotFoundError("no such entry")
    return key


async def _existing(state: APIState, caller: Caller, key: bytes) -> tuple[reader.Row, Sequence[reader.Row]]:
    """Return an entry inside the caller's wall, and its media.

    Raises:
        NotFoundError: there is none; a foreign one and none at all are told the same.
    """
    async with state.context.database.connection() as connection:
        row = await reader.get_entry(connection, key, caller.scope)
        media = {} if row is None else await media_of_events(connection, [key])
    if row is None:
        raise NotFoundError("no such entry")
    return row, media.get(key, [])


def _door(state: APIState) -> ManualDoor:
    if state.context.manual is None:
        raise QueueFullError("this process takes nothing in")
    return state.context.manual


async def _answer(state: APIState, caller: Caller, key: bytes, *, status: int = 200) -> Response:
    row, media = await _existing(state, caller, key)
    headers = {"ETag": f'"{row["revision"]}"'}
    return responses.json_response(rendered(row, state, media), status=status, headers=headers)


@router.get("", summary="What people entered", **responses_of(ManualPageModel))
async def list_entries(
    request: Request,
    caller: Annotated[Caller, Depends(READERS)],
    state: StateDep,
    filters: Annotated[ManualFilters, Query()],
) -> Response:
    """Return entries by their newest revision, the last entered first; `mine`: those that the caller entered."""
    check_values(filters, state.context.pack)
    keys = responses.cursor_keys("manual", filters, (int,))
    chosen = reader.EntryFilter(filters.feed, caller.principal.name if filters.mine else None)
    scope = caller.within(filters.area, filters.zone)
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        rows = await reader.list_entries(
            connection, chosen, scope, before=keys[0] if keys else None, limit=filters.limit + 1
        )
        media = await media_of_events(connection, [row["event"] for row in rows[: filters.limit]])
    following = responses.next_cursor("manual", filters, rows, ("entered_position",))
    items = [rendered(row, state, media.get(bytes(row["event"]), [])) for row in rows[: filters.limit]]
    return responses.list_response(request, items, following=following, position=position, name="manual")


@router.post(
    "/{feed}", summary="Enter a reading", openapi_extra=request_body(ReadingForm),
    **responses_of(ManualEntryModel, status=201, tagged=True),
)  # fmt: skip
async def enter(
    request: Request, feed: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep
) -> Response:
    """Store one reading that a person enters, and answer after the commit; sent again with its `id` it is one entry.

    Each field that does not fit is named (422). The rules see it as they see any other reading.
    """
    body = await read_body(request, ReadingForm)
    if (body.lat is None) != (body.lon is None):
        raise InvalidFieldsError(
            "lat and lon come together",
            faults=[{"field": "place", "code": "bad_place", "message": "lat and lon come together"}],
        )
    context, now = state.context, state.context.clock.now()
    # Of two people whose programs number their entries alike each has an entry of their own.
    own = hash16(caller.principal.name.encode(), feed.encode(), (body.id or secrets.token_hex(16)).encode()).hex()
    reading = ManualReading(feed, body.device, own, body.time or now, body.lat, body.lon, body.values)
    message = await _door(state).message(reading, wall=caller.scope, now=now)
    change = EntryChange(ManualAction.ENTERED, caller.principal.name, caller.address, submission=own, media=body.media)
    key, new = await entries.enter(context.database, context.log, message, change, now=now, wall=context.wall.now())
    if new:
        _door(state).count(message)
    return await _answer(state, caller, key, status=201)


@router.get("/entries/{event}", summary="One entry", **responses_of(ManualEntryModel, tagged=True))
async def get_entry(event: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return an entry by its newest revision."""
    return await _answer(state, caller, _key(event))


@router.get("/entries/{event}/history", summary="Every revision of an entry", **responses_of(ManualHistoryModel))
async def get_history(event: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return who entered, corrected and took it back, when, why, and what it said each time; oldest first."""
    key = _key(event)
    _, media = await _existing(state, caller, key)
    async with state.context.database.connection() as connection:
        rows = await reader.entry_history(connection, key)
    return responses.json_response({"items": [rendered(row, state, media) for row in rows], "next": None})


@router.post("/entries/{event}/correct", summary="Correct an entry", openapi_extra=request_body(Correction), **CHANGED)
async def correct(
    request: Request, event: str, caller: Annotated[Caller, Depends(OPERATORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Store a revision with other values and the reason; time, device and place stay: for another, take it back.

    `If-Match` is the revision that was seen. What was taken back is entered anew (409).
    """
    body = await read_body(request, Correction)
    key, context, now = _key(event), state.context, state.context.clock.now()
    row, _ = await _existing(state, caller, key)
    reading = ManualReading(row["feed"], _device_of(row), row["id"], row["time"], row["lat"], row["lon"], body.values)
    message = await _door(state).message(reading, wall=None, now=now)
    # A form shows nobody's contact, so a correction that has none leaves the one that is there.
    feed = context.pack.feeds.get(row["feed"])
    kept = {name: value for name, value in (row["data"] or {}).items() if feed is not None and feed.withholds(name)}
    message = message._replace(data={**kept, **message.data})
    message = message._replace(key=key, lat=row["lat"], lon=row["lon"], area=row["area"], zone=row["zone"])
    change = EntryChange(ManualAction.CORRECTED, caller.principal.name, caller.address, body.reason, media=body.media)
    try:
        await entries.correct(
            context.database,
            context.log,
            message,
            change,
            seen=version,
            scope=caller.scope,
            now=now,
            wall=context.wall.now(),
        )
    except (VersionConflictError, TransitionError) as error:
        raise await _lost(state, caller, key, error) from error
    _door(state).count(message)
    return await _answer(state, caller, key)


@router.post(
    "/entries/{event}/withdraw", summary="Take an entry back", openapi_extra=request_body(Withdrawal), **CHANGED
)
async def withdraw(
    request: Request, event: str, caller: Annotated[Caller, Depends(OPERATORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Store that an entry is taken back, and why: charts drop it, and alerts that rest on it are judged without it."""
    body = await read_body(request, Withdrawal)
    key, context = _key(event), state.context
    change = EntryChange(ManualAction.WITHDRAWN, caller.principal.name, caller.address, body.reason)
    try:
        await entries.withdraw(
            context.database, context.log, key, change, seen=version, scope=caller.scope, now=context.clock.now(),
            wall=context.wall.now(),
        )  # fmt: skip
    except (VersionConflictError, TransitionError) as error:
        raise await _lost(state, caller, key, error) from error
    return await _answer(state, caller, key)


async def _lost(state: APIState, caller: Caller, key: bytes, error: Exception) -> Exception:
    """Return the refusal, with the present entry where somebody else was first."""
    if not isinstance(error, VersionConflictError):
        return error
    row, media = await _existing(state, caller, key)
    return VersionConflictError(str(error), current=rendered(row, state, media))
