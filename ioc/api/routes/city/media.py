"""Pictures and papers: taken in, drawn anew, attached to what people enter, and shown to who may see that."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ioc.api.auth import MEDIA_SENDERS, READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.city.events import find_event
from ioc.api.serializers.media import medium_json
from ioc.api.serializers.models.events import MediumModel
from ioc.api.wall.caller import Caller
from ioc.domain.event import ID_CHARS_MAX
from ioc.errors import (
    BodyTooLargeError,
    IntakePausedError,
    InvalidInputError,
    IOCError,
    MediaFullError,
    NotFoundError,
    QueueFullError,
    UnreadableBodyError,
    UnsupportedMediaTypeError,
)
from ioc.media.file_type import TAKEN, check_content, check_declared
from ioc.media.medium import MediaContent, MediaType, is_media_id
from ioc.runtime.health_conditions import DISK
from ioc.store.log import reader as events
from ioc.store.media import reader, uploads

router = APIRouter(prefix="/media", tags=["media"])
MEBIBYTE = 1 << 20
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": dict.fromkeys(TAKEN, BINARY)}}
SENT = responses_of(MediumModel, status=201, refused=(400, 507))
CONTENT_TAG: dict[str, Any] = {"type": "string", "pattern": '^"[0-9a-f]{64}"$'}
FILE: dict[str, Any] = {
    "status_code": 200,
    "responses": {
        200: {
            "content": {str(kind): BINARY for kind in MediaType},
            "description": "Its bytes.",
            "headers": {"ETag": {"description": "Of its content.", "schema": CONTENT_TAG}},
        },
        304: {"description": "It is as If-None-Match has it."},
    },
}
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Whatever a browser makes of it runs nothing, asks for nothing and stands in no page."""
SUFFIX = {MediaType.JPEG: "jpg", MediaType.PDF: "pdf"}
OUTCOMES: tuple[tuple[type[IOCError], str], ...] = (
    (UnsupportedMediaTypeError, "wrong_type"),
    (BodyTooLargeError, "too_large"),
    (UnreadableBodyError, "damaged"),
    (IntakePausedError, "disk"),
    (QueueFullError, "busy"),
)


class MediaQuery(BaseModel):
    """What a file is sent for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    event: Annotated[
        str | None, Field(pattern=r"^[0-9a-f]{32}$", description="Attach it to the event of this key.")
    ] = None
    feed: Annotated[str | None, Field(max_length=64, description="Or to one by its feed,")] = None
    device: Annotated[str | None, Field(max_length=64, description="who sent it,")] = None
    id: Annotated[str | None, Field(max_length=ID_CHARS_MAX, description="and its sender's id.")] = None


@router.post("", summary="Send a picture or a paper", openapi_extra=FILE_BODY, **SENT)
async def send(
    request: Request,
    caller: Annotated[Caller, Depends(MEDIA_SENDERS)],
    state: StateDep,
    asked: Annotated[MediaQuery, Query()],
) -> Response:
    """Keep a picture (JPEG, PNG, WebP) or a PDF until what is entered names its `id`; unnamed it is gone after a day.

    With `event`, or `feed`, `device` and `id`, it is attached to that event at once, at most five. A key of a feed or
    district sends only so: first the event, then its pictures, so that an alert waits for none.

    The body is the file, its type the header Content-Type. A picture is drawn anew as JPEG, upright and at most 2,560
    pixels long, without position, time and whatever else a camera writes into it.
    """
    metrics, uploader = state.context.metrics, _uploader(caller)
    to = await _target(asked, caller, state)
    try:
        content = await _content(request, uploader, state)
        identifier = await uploads.keep_medium(
            state.context.database, content, uploads.Uploader(uploader, caller.address),
            bounds=_bounds(state), now=state.context.wall.now(), to=to,
        )  # fmt: skip
    except MediaFullError as error:
        metrics.media_uploads.labels(f"{error.reason}_full").inc()
        raise
    except IOCError as error:
        outcome = next((word for kind, word in OUTCOMES if isinstance(error, kind)), "other")
        metrics.media_uploads.labels(outcome).inc()
        raise
    metrics.media_uploads.labels("stored").inc()
    async with state.context.database.connection() as connection:
        row = await reader.find_medium(connection, identifier, caller.scope, uploader)
    if row is None:  # somebody has removed it meanwhile
        raise NotFoundError("no such medium")
    return responses.json_response(medium_json(row), status=201)


@router.get("/{medium}", summary="A picture or a paper", response_class=Response, **FILE)
async def get_medium(
    request: Request, medium: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep
) -> Response:
    """Return the bytes to whoever may see the event that it is attached to; before that, to who sent it in."""
    return await _file(request, medium, caller, state, thumbnail=False)


@router.get("/{medium}/thumbnail", summary="A small picture of it", response_class=Response, **FILE)
async def get_thumbnail(
    request: Request, medium: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep
) -> Response:
    """Return the picture at most 320 pixels long; a paper has none (404)."""
    return await _file(request, medium, caller, state, thumbnail=True)


def _uploader(caller: Caller) -> str:
    """Return the name under which a caller's media are: an account's, or that of a key, which no account has."""
    principal = caller.principal
    return principal.name if principal.role is not None else f"key {principal.key_id}"


async def _target(asked: MediaQuery, caller: Caller, state: APIState) -> uploads.AttachedTo | None:
    """Return the event that a file is sent for, which lies inside the caller's wall and, of a key of a feed, in that.

    Raises:
        NotFoundError: there is none, or it is foreign: told alike.
        InvalidInputError: it is named by halves, or a key names none.
    """
    principal, named = caller.principal, [asked.feed, asked.device, asked.id]
    if asked.event is None and named == [None, None, None]:
        if principal.role is None:
            raise InvalidInputError("name the event that it is of: ?feed=&device=&id=, as it was sent", field="id")
        return None
    by_key, by_name = asked.event is not None, None not in named
    if by_key == by_name or (by_key and named != [None, None, None]):
        raise InvalidInputError("name the event by its key, or by feed, device and id", field="event")
    row: events.Row | None
    async with state.context.database.connection() as connection:
        if asked.event is not None:
            row = await find_event(connection, asked.event, caller)
        else:
            feed, device, identifier = (str(name) for name in named)
            row = await events.find_sent(connection, feed, device, identifier, caller.scope)
    if row is None or (principal.feed is not None and row["feed"] != principal.feed):
        raise NotFoundError("no such event")
    return uploads.AttachedTo(bytes(row["key"]), row["position"])


def _bounds(state: APIState) -> uploads.MediaBounds:
    settings = state.context.settings
    return uploads.MediaBounds(
        account_bytes_per_day=settings.media_account_mib_per_day * MEBIBYTE,
        total_bytes_max=settings.media_total_mib_max * MEBIBYTE,
    )


async def _content(request: Request, uploader: str, state: APIState) -> MediaContent:
    """Return what is stored of the body.

    Raises:
        UnsupportedMediaTypeError, BodyTooLargeError, UnreadableBodyError: of the file.
        QueueFullError: too many are sent at this moment, of this sender or of all. IntakePausedError: the disk is full.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    check_declared(declared)
    full = state.context.board.why(DISK)
    if full is not None:
        raise IntakePausedError(f"{DISK}: {full}", reason=DISK)
    bytes_max = state.context.settings.media_bytes_max
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > bytes_max:
        raise _too_large(bytes_max)
    with state.photos.place(uploader):
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > bytes_max:
                raise _too_large(bytes_max)
        return await state.photos.content(bytes(raw), check_content(bytes(raw), declared))


def _too_large(bytes_max: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"a file has at most {bytes_max / MEBIBYTE:.3g} MiB: send a smaller one")


async def _file(request: Request, medium: str, caller: Caller, state: APIState, *, thumbnail: bool) -> Response:
    """Answer with the bytes; the wall is asked each time, also where the browser has them already.

    Raises:
        NotFoundError: there is none, it is not for the caller, or it was removed.
    """
    async with state.context.database.connection() as connection:
        row = (
            await reader.find_medium(connection, medium, caller.scope, _uploader(caller))
            if is_media_id(medium)
            else None
        )
        if row is None:
            raise NotFoundError("no such medium")
        if row["sha256"] is None:
            raise NotFoundError("it was removed")
        if thumbnail and not row["has_thumbnail"]:
            raise NotFoundError("a paper has no thumbnail")
        etag = f'"{bytes(row["sha256"]).hex()}"'
        kind = MediaType(row["type"])
        way = "inline" if kind is MediaType.JPEG else "attachment"
        headers = {
            "ETag": etag,
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": SANDBOX,
            "Content-Disposition": f'{way}; filename="{medium}.{SUFFIX[kind]}"',
        }
        if etag in {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}:
            return Response(status_code=304, headers=headers)
        body = await reader.read_content(connection, row["sha256"], thumbnail=thumbnail)
    if body is None:
        raise NotFoundError("it was removed")
    return Response(body, 200, headers, str(kind))
