"""`GET /api/v1/stream`: Server-Sent Events over the hub, ended at once when the hub or the client says so."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ioc.api.auth import EVERYBODY
from ioc.api.deps import StateDep
from ioc.api.stream.frames import FRAMES
from ioc.api.stream.hub import Hub, HubClient
from ioc.api.wall.caller import Caller
from ioc.errors import InvalidInputError

router = APIRouter(tags=["stream"])
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
POSITION_MAX = 2**63 - 1
EVENT_DATA = ("Alert", "Device", "StreamGone", "Clock", "Reset")
EVENTS = {
    "type": "object",
    "description": "One Server-Sent Event. The data of `alert` is an Alert or a StreamGone, that of `device` a Device "
    "or a StreamGone, that of `clock` a Clock, that of `reset` a Reset; the others have an object with id and version.",
    "properties": {
        "event": {
            "type": "string",
            "enum": [*FRAMES, "clock", "reset"],
        },
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "The change position, where it has one."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [
                    *({"$ref": f"#/components/schemas/{name}"} for name in EVENT_DATA),
                    {"type": "object", "required": ["id", "version"]},
                ]
            },
        },
        "retry": {"type": "integer", "description": "Milliseconds before a new connection is tried."},
    },
}
"""OpenAPI 3.1 has no words for a sequence of events: by custom its schema is that of each one."""


class StreamStart(BaseModel):
    """Where a stream begins."""

    model_config = ConfigDict(extra="forbid")
    after: Annotated[int | None, Field(ge=0, le=POSITION_MAX, description="a change position")] = None


class EventStream(Response):
    """An answer without end. Three things end it: the client left, the hub says so, or a write failed.

    A client that does not read blocks only its own write; the hub's word cancels that write.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, client: HubClient, chunks: AsyncGenerator[bytes]) -> None:
        super().__init__(headers=HEADERS, media_type=self.media_type)
        self._hub = hub
        self._client = client
        self._chunks = chunks
        # A stream has no length; the base class has just said that it has one.
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until something ends it."""
        del scope  # the request was read already
        work = asyncio.create_task(self._write(send))
        gone = asyncio.create_task(_disconnect(receive))
        over = asyncio.create_task(self._client.over.wait())
        try:
            await asyncio.wait({work, gone, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, gone, over):
                task.cancel()
            results = await asyncio.gather(work, gone, over, return_exceptions=True)
            await self._chunks.aclose()
            self._hub.leave(self._client)
        if self._client.ended != "left":
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(send({"type": "http.response.body", "body": b"", "more_body": False}), 0.5)
        if isinstance(results[0], Exception) and not isinstance(results[0], OSError):
            raise results[0]

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for part in self._chunks:
            await send({"type": "http.response.body", "body": part, "more_body": True})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/stream",
    summary="Follow changes",
    response_class=Response,
    responses={200: {"description": "events without end", "content": {"text/event-stream": {"schema": EVENTS}}}},
)
async def stream(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    start: Annotated[StreamStart, Query()],
) -> Response:
    """Follow `alert`, `device`, `rule` and `clock` events; resume by Last-Event-ID, which counts before `after`."""
    last, after = request.headers.get("last-event-id"), start.after
    if last:
        if not last.isascii() or not last.isdigit() or int(last[:20]) > POSITION_MAX:
            raise InvalidInputError("Last-Event-ID is not a position", field="Last-Event-ID")
        after = int(last)
    client, chunks = await state.hub.follow(caller, after)
    return EventStream(state.hub, client, chunks)
