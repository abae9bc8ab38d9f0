"""Messages to devices: an administrator tells a device something over MQTT, and sees what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.body import WHOLE, Input, Line, read_body, request_body
from ioc.api.http.filters import AuditPage
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.devices.devices import find_device
from ioc.api.serializers import nouns
from ioc.api.serializers.models.devices import DeviceMessageListModel, QueuedMessageModel
from ioc.api.wall.caller import Caller
from ioc.domain.messaging.outbound import PAYLOAD_BYTES_MAX, SUFFIX, OutboundMessage, command_topic, relayed_topic
from ioc.errors import InvalidInputError, NotSubscribedError, OutboundFullError
from ioc.store.audit.trail import AuditEntry
from ioc.store.registry.devices import is_gateway
from ioc.store.sessions.outbound import OutboundStore, list_outbound

router = APIRouter(prefix="/devices", tags=["devices"])
EXPIRES_SECONDS_MAX = 7 * 86_400


class NewMessage(Input):
    """Something to tell a device under `ioc/v1/commands/{device}` or a topic below it."""

    topic_suffix: Annotated[str, Field(max_length=512)] = ""
    payload: Annotated[Line, Field(max_length=PAYLOAD_BYTES_MAX)]
    qos: Annotated[int, Field(ge=0, le=2), WHOLE] = 1
    expires_seconds: Annotated[int, Field(ge=1, le=EXPIRES_SECONDS_MAX), WHOLE] = 86_400


def message_of(body: NewMessage, device: str, caller: Caller, state: APIState) -> OutboundMessage:
    """Return what a request wants told, to the device itself.

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
        expires_at=state.context.clock.now() + timedelta(seconds=body.expires_seconds),
        created_by=caller.principal.name,
    )


async def gateway_of(row: Mapping[str, Any], state: APIState) -> str | None:
    """Return the gateway that a device stands behind, or None."""
    if row["parent"] is None:
        return None
    async with state.context.database.connection() as connection:
        return row["parent"] if await is_gateway(connection, row["parent"]) else None


@router.post(
    "/{device}/messages",
    summary="Tell a device something",
    openapi_extra=request_body(NewMessage),
    **responses_of(QueuedMessageModel, status=202, refused=(409,)),
)
async def tell_device(
    request: Request, device: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Queue a message for a device whose session asks for its topic; 202 means that it is stored and will be sent.

    409 `not_subscribed`: no session of the device asks for it, so it would never arrive. 409 `outbound_full`.
    A device without such a session that stands behind a gateway is told through it, on the gateway's own topic
    `ioc/v1/commands/{gateway}/devices/{device}/...`.
    """
    body = await read_body(request, NewMessage)
    row = await find_device(device, caller, state)
    message = message_of(body, device, caller, state)
    try:
        number = await _tell(message, caller, state)
    except NotSubscribedError:
        gateway = await gateway_of(row, state)
        if gateway is None:
            _count_refused(state, "not_subscribed")
            raise
        topic = relayed_topic(gateway, device, body.topic_suffix)
        message = replace(message, device=gateway, topic=topic, meant_for=device)
        try:
            number = await _tell(message, caller, state)
        except NotSubscribedError as error:
            _count_refused(state, "not_subscribed")
            raise NotSubscribedError(f"neither {device} nor its gateway has a session that asks for it") from error
    answered = {"number": number, "device": device, "session": message.device, "topic": message.topic}
    return responses.json_response(answered, status=202)


async def _tell(message: OutboundMessage, caller: Caller, state: APIState) -> int:
    """Store one message with its audit row and return its number in its session."""
    context = state.context
    store = OutboundStore(context.database, waiting_max=context.settings.outbound_waiting_max)
    detail: dict[str, Any] = {"topic": message.topic, "qos": message.qos, "bytes": len(message.payload)}
    device = message.meant_for or message.device
    audit = AuditEntry(caller.principal.name, "device.tell", device, caller.address, detail)
    try:
        return await store.tell(message, context.clock.now(), audit=audit)
    except OutboundFullError:
        _count_refused(state, "full")
        raise


def _count_refused(state: APIState, reason: str) -> None:
    state.context.metrics.outbound_refused.labels(reason).inc()


@router.get("/{device}/messages", summary="What a device was told", **responses_of(DeviceMessageListModel))
async def list_messages(
    device: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep, page: Annotated[AuditPage, Query()]
) -> Response:
    """Return messages to a device, newest first, each with its outcome; null waits."""
    await find_device(device, caller, state)
    keys = paging.read_cursor("messages", {"device": device}, page.cursor, (datetime, str, int))
    before = (keys[0], keys[1], keys[2]) if keys else None
    async with state.context.database.connection() as connection:
        rows = await list_outbound(connection, device, before=before, limit=page.limit + 1)
    more = len(rows) > page.limit
    last = rows[page.limit - 1] if more else {}
    after = [last.get("created_at"), last.get("device"), last.get("number")]
    following = paging.make_cursor("messages", {"device": device}, after) if more else None
    return responses.json_response({"items": [nouns.outbound(row) for row in rows[: page.limit]], "next": following})
