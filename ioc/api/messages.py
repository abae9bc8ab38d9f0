"""Messages to devices: an administrator tells a device something over MQTT, and sees what became of it."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api import answer, paging, wire
from ioc.api.auth import ADMINS
from ioc.api.body import Input, Line, described, read_body
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.devices import existing
from ioc.api.filters import AuditPage
from ioc.domain.outbound import PAYLOAD_BYTES_MAX, SUFFIX, OutboundMessage, command_topic
from ioc.errors import InvalidInputError, NotSubscribedError, OutboundFullError
from ioc.store.audit import AuditEntry
from ioc.store.outbound import OutboundStore, list_outbound

router = APIRouter(prefix="/devices", tags=["devices"])
EXPIRES_SECONDS_MAX = 7 * 86_400


class NewMessage(Input):
    """Something to tell a device under `ioc/v1/commands/{device}` or a topic below it."""

    topic_suffix: Annotated[str, Field(max_length=512)] = ""
    payload: Annotated[Line, Field(max_length=PAYLOAD_BYTES_MAX)]
    qos: Annotated[int, Field(ge=0, le=2)] = 1
    expires_seconds: Annotated[int, Field(ge=1, le=EXPIRES_SECONDS_MAX)] = 86_400


def message_of(body: NewMessage, device: str, caller: Caller, state: APIState) -> OutboundMessage:
    """Return what a request wants told.

    Raises:
        InvalidInputError: the topic holds a wildcard or an empty level, or the payload is too long.
    """
    if body.topic_suffix and not SUFFIX.fullmatch(body.topic_suffix):
        raise InvalidInputError(
            "a suffix has one to eight levels of 1 to 64 letters, without wildcards", field="topic_suffix"
        )
    payload = body.payload.encode()
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise InvalidInputError(f"a payload has at most {PAYLOAD_BYTES_MAX} bytes", field="payload")
    return OutboundMessage(
        device=device,
        topic=command_topic(device, body.topic_suffix),
        payload=payload,
        qos=body.qos,
        expires_at=state.parts.clock.now() + timedelta(seconds=body.expires_seconds),
        created_by=caller.principal.name,
    )


@router.post("/{device}/messages", summary="Tell a device something", openapi_extra=described(NewMessage))
async def tell_device(
    request: Request, device: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep
) -> Response:
    """Queue a message for a device whose session asks for its topic; 202 means that it is stored and will be sent.

    409 `not_subscribed`: no session of the device asks for it, so it would never arrive. 409 `outbound_full`.
    """
    body = await read_body(request, NewMessage)
    await existing(device, caller, state)
    parts, message = state.parts, message_of(body, device, caller, state)
    store = OutboundStore(parts.database, waiting_max=parts.settings.outbound_waiting_max)
    detail: dict[str, Any] = {"topic": message.topic, "qos": message.qos, "bytes": len(message.payload)}
    audit = AuditEntry(caller.principal.name, "device.tell", device, caller.address, detail)
    try:
        number = await store.tell(message, parts.clock.now(), audit=audit)
    except NotSubscribedError:
        parts.metrics.outbound_refused.labels("not_subscribed").inc()
        raise
    except OutboundFullError:
        parts.metrics.outbound_refused.labels("full").inc()
        raise
    return answer.json_answer({"number": number, "device": device, "topic": message.topic}, status=202)


@router.get("/{device}/messages", summary="What a device was told")
async def list_messages(
    device: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep, page: Annotated[AuditPage, Query()]
) -> Response:
    """Return messages to a device, newest first, each with its outcome; null waits."""
    await existing(device, caller, state)
    keys = paging.read_cursor("messages", {"device": device}, page.cursor, (int,))
    async with state.parts.database.connection() as connection:
        rows = await list_outbound(connection, device, before=keys[0] if keys else None, limit=page.limit + 1)
    more = len(rows) > page.limit
    last = rows[page.limit - 1]["number"] if more else None
    following = paging.make_cursor("messages", {"device": device}, [last]) if more else None
    return answer.json_answer({"items": [wire.outbound(row) for row in rows[: page.limit]], "next": following})
