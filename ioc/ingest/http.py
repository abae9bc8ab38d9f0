"""The HTTP door: `POST /api/v1/feeds/{feed}/events` and `/cloudevents`. 202 comes after the commit."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ioc.clock import LogClock
from ioc.domain.account import KeyKind, KeyRecord
from ioc.domain.event import Outcome, Receipt
from ioc.domain.feed import FeedSpec
from ioc.errors import (
    BacklogHeldError,
    BodyTooLargeError,
    ForbiddenError,
    NotFoundError,
    StoreUnavailableError,
    UnauthenticatedError,
    UnreadableBodyError,
    UnsupportedMediaTypeError,
)
from ioc.ingest.cloudevents import CLOUDEVENT, CLOUDEVENT_BATCH, envelope_to_items
from ioc.ingest.decode import UnreadableError, inflate
from ioc.ingest.door import Delivery, Registry
from ioc.ingest.fairness import Lane
from ioc.ingest.pipeline import Pipeline

JSON = "application/json"
NDJSON = "application/x-ndjson"
DOOR = "http"
LANES_MAX = 4_096
TURN_SECONDS_MAX = 1.0
"""How long a request of a sender that catches up waits for its turn before it is told to come back."""


class HTTPDoor:
    """Takes events over HTTP for one process."""

    def __init__(
        self, *, pipeline: Pipeline, registry: Registry, feeds: Mapping[str, FeedSpec], log_clock: LogClock,
        body_bytes_max: int, answer_seconds_max: float,
    ) -> None:  # fmt: skip
        self._pipeline = pipeline
        self._registry = registry
        self._feeds = feeds
        self._log_clock = log_clock
        self._body_bytes_max = body_bytes_max
        self._answer_seconds_max = answer_seconds_max
        self._lanes: dict[str, Lane] = {}

    def router(self) -> APIRouter:
        """Return the routes, to be mounted under `/api/v1`."""
        router = APIRouter(tags=["ingest"])
        router.add_api_route(
            "/feeds/{feed}/events", self.post_events, methods=["POST"], status_code=202, summary="Send events",
            openapi_extra=_body_schema(JSON, NDJSON),
        )  # fmt: skip
        router.add_api_route(
            "/cloudevents", self.post_cloudevents, methods=["POST"], status_code=202, summary="Send CloudEvents 1.0",
            openapi_extra=_body_schema(CLOUDEVENT, CLOUDEVENT_BATCH),
        )  # fmt: skip
        return router

    async def post_events(
        self,
        request: Request,
        feed: str,
        device: Annotated[str | None, Query(max_length=64)] = None,
        history: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query parameter
    ) -> Response:
        """Take one event, an array of them or NDJSON; answer after the commit."""
        key = await self._authenticate(request)
        if feed not in self._feeds:
            raise NotFoundError(f"there is no feed {feed[:64]!r}")
        identity = _allowed(key, feed=feed, device=device)
        if history and key.kind is not KeyKind.FEED:
            raise ForbiddenError("recorded history comes in with a feed key")
        kind = _content_type(request)
        if kind not in (JSON, NDJSON):
            raise UnsupportedMediaTypeError(f"send {JSON} or {NDJSON}")
        lane = await self._turn(key)
        body = await self._body(request)
        delivery = Delivery(
            feed=feed, device=identity, body=body, received_at=self._log_clock.now(), door=DOOR,
            nonce=secrets.token_bytes(16), content_type=kind, history=history, newline_delimited=kind == NDJSON,
            lane=lane,
        )  # fmt: skip
        return await self._commit([delivery])

    async def post_cloudevents(self, request: Request) -> Response:
        """Take a structured or batch CloudEvent; each names its feed in `type` and its device in `source`."""
        key = await self._authenticate(request)
        kind = _content_type(request)
        if kind not in (CLOUDEVENT, CLOUDEVENT_BATCH):
            raise UnsupportedMediaTypeError(f"send {CLOUDEVENT} or {CLOUDEVENT_BATCH}")
        lane = await self._turn(key)
        body = await self._body(request)
        try:
            found = envelope_to_items(body, batch=kind == CLOUDEVENT_BATCH, feeds=self._feeds)
        except UnreadableError as error:
            raise UnreadableBodyError(error.refusal.detail, code=error.refusal.reason) from error
        deliveries = []
        now = self._log_clock.now()
        for item in found:
            device = _allowed(key, feed=item.feed, device=item.device) if item.feed in self._feeds else item.device
            deliveries.append(
                Delivery(
                    feed=item.feed,
                    device=device,
                    body=item.body,
                    received_at=now,
                    door=DOOR,
                    nonce=secrets.token_bytes(16),
                    content_type=kind,
                    lane=lane,
                )
            )
        return await self._commit(deliveries)

    async def _authenticate(self, request: Request) -> KeyRecord:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise UnauthenticatedError("send a key: Authorization: Bearer ioc_...")
        key = self._registry.key(secret)
        if key is None:
            await self._registry.refresh()
            key = self._registry.key(secret)
        if key is None:
            raise UnauthenticatedError("this key is not known, expired or revoked")
        return key

    async def _turn(self, key: KeyRecord) -> Lane:
        """Return the key's lane once it may send: at once, unless it catches up and others have their turn.

        Raises:
            BacklogHeldError: it must come back.
        """
        lane = self._lanes.get(key.id)
        if lane is None:
            if len(self._lanes) >= LANES_MAX:
                self._lanes.clear()  # who catches up shows itself again with its next request
            lane = self._lanes[key.id] = Lane()
        share = self._pipeline.share
        if not share.may_pass(lane) and not await share.take_turn(lane, seconds_max=TURN_SECONDS_MAX):
            self._pipeline.count_held(DOOR)
            raise BacklogHeldError("older readings wait while newer ones come in; send them again in a moment")
        return lane

    async def _body(self, request: Request) -> bytes:
        """Read the body up to the bound, unpacking gzip; never more than the bound is in memory."""
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise UnsupportedMediaTypeError("send it plain or as gzip")
        chunks = bytearray()
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > self._body_bytes_max:
                raise BodyTooLargeError(f"the body is larger than {self._body_bytes_max} bytes")
        body = bytes(chunks)
        if encoding == "identity":
            return body
        try:
            return inflate(body, bytes_max=self._body_bytes_max)
        except UnreadableError as error:
            if error.refusal.reason == "too_large":
                raise BodyTooLargeError(error.refusal.detail) from error
            raise UnreadableBodyError(error.refusal.detail, code=error.refusal.reason) from error

    async def _commit(self, deliveries: list[Delivery]) -> Response:
        """Submit, wait for the commit and answer. Past the deadline the outcome is unknown: the sender repeats."""
        self._pipeline.check_room(DOOR)
        waiting = [self._pipeline.submit(delivery) for delivery in deliveries]
        try:
            groups = await asyncio.wait_for(asyncio.gather(*waiting), self._answer_seconds_max)
        except TimeoutError as error:
            raise StoreUnavailableError("not committed in time; send the same events again") from error
        receipts = [receipt for group in groups for receipt in group]
        answer = _answer(receipts)
        nothing_read = all(receipt.key is None and receipt.reason in UNREADABLE for receipt in receipts)
        return Response(orjson.dumps(answer), status_code=400 if nothing_read else 202, media_type=JSON)


UNREADABLE = frozenset({"not_json", "not_utf8", "empty", "too_many_events", "too_deep", "number_too_large"})


def _answer(receipts: list[Receipt]) -> dict[str, Any]:
    return {
        "accepted": sum(receipt.outcome is Outcome.STORED for receipt in receipts),
        "duplicate": sum(receipt.outcome is Outcome.DUPLICATE for receipt in receipts),
        "rejected": [
            {"index": index, "reason": receipt.reason, "detail": receipt.detail}
            for index, receipt in enumerate(receipts)
            if receipt.outcome is Outcome.REFUSED
        ],
    }


def _allowed(key: KeyRecord, *, feed: str, device: str | None) -> str | None:
    """Return the device that the events come from, as far as the key decides it (SECURITY S24)."""
    if key.kind is KeyKind.DEVICE:
        if device is not None and device != key.device:
            raise ForbiddenError("a device key speaks for its own device only")
        return key.device
    if key.kind is KeyKind.FEED:
        if key.feed is not None and key.feed != feed:
            raise ForbiddenError(f"this key is for the feed {key.feed}")
        return device
    raise ForbiddenError(f"a {key.kind} key may not send events")


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


def _body_schema(*kinds: str) -> dict[str, Any]:
    schema = {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}
