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
from ioc.domain.event import DeadLetter, Outcome, Receipt
from ioc.domain.feed import FeedSpec
from ioc.errors import (
    BacklogHeldError,
    BodyTooLargeError,
    ForbiddenError,
    NotFoundError,
    QueueFullError,
    StoreUnavailableError,
    UnauthenticatedError,
    UnreadableBodyError,
    UnsupportedMediaTypeError,
)
from ioc.ingest.cloudevents import CLOUDEVENT, CLOUDEVENT_BATCH, envelope_to_items
from ioc.ingest.decode import Refusal, UnreadableError, inflate
from ioc.ingest.door import Delivery, Registry
from ioc.ingest.fairness import Lane
from ioc.ingest.pipeline import Pipeline
from ioc.metrics import Metrics

JSON = "application/json"
NDJSON = "application/x-ndjson"
DOOR = "http"
LANES_MAX = 4_096
TURN_SECONDS_MAX = 1.0
"""How long a request of a sender that catches up waits for its turn before it is told to come back."""
HEAD_BYTES_MAX = 4_096
"""So much is kept of a body that the door does not take, as at the MQTT door."""
KIND_LETTERS_MAX = 100
INFLATE_BYTES_MAX = 2_048
"""So much gzip is unpacked at once: at a thousandfold it is two milliseconds."""


class HTTPDoor:
    """Takes events over HTTP for one process."""

    def __init__(
        self, *, pipeline: Pipeline, registry: Registry, feeds: Mapping[str, FeedSpec], log_clock: LogClock,
        metrics: Metrics, body_bytes_max: int, gathered_bytes_max: int, answer_seconds_max: float,
    ) -> None:  # fmt: skip
        self._pipeline = pipeline
        self._registry = registry
        self._feeds = feeds
        self._log_clock = log_clock
        self._metrics = metrics
        self._body_bytes_max = body_bytes_max
        self._gathered_bytes_max = gathered_bytes_max
        self._gathered_bytes = 0
        """Bytes of bodies that are half here, of all senders."""
        self._answer_seconds_max = answer_seconds_max
        self._inflating = asyncio.Semaphore(2)
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
        lane = await self._turn(key)
        body = await self._body(request, kinds=(JSON, NDJSON), feed=feed, device=identity)
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
        _allowed(key, feed=key.feed or "", device=None)
        lane = await self._turn(key)
        body = await self._body(request, kinds=(CLOUDEVENT, CLOUDEVENT_BATCH), feed=None, device=key.device)
        try:
            found = envelope_to_items(body, batch=kind == CLOUDEVENT_BATCH, feeds=self._feeds)
        except UnreadableError as error:
            await self._keep(request, error.refusal, raw=body, feed=None, device=key.device)
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

    async def _body(
        self, request: Request, *, kinds: tuple[str, ...], feed: str | None, device: str | None
    ) -> bytes:  # fmt: skip
        """Read the body up to the bound, unpacking gzip; never more than the bound is in memory.

        What cannot be taken leaves a dead letter with its first bytes, as at the MQTT door: the sender is known.

        Raises:
            UnsupportedMediaTypeError: another kind or encoding than this route takes.
            BodyTooLargeError: it is past the bound, as it comes or unpacked.
            UnreadableBodyError: it is no gzip.
            QueueFullError: the bodies of all senders together are at their bound.
        """
        refusal = _unsupported(request, kinds)
        if refusal is None and _declared_bytes(request) > self._body_bytes_max:
            refusal = self._too_large()
        bytes_max = self._body_bytes_max if refusal is None else HEAD_BYTES_MAX
        chunks = bytearray()
        try:
            async for chunk in request.stream():
                chunks += chunk
                self._gathered_bytes += len(chunk)
                if len(chunks) > bytes_max:
                    break
                if self._gathered_bytes > self._gathered_bytes_max:
                    self._metrics.ingest_full.labels(DOOR).inc()
                    raise QueueFullError("too many bodies are on their way; come back in a moment")
        finally:
            self._gathered_bytes -= len(chunks)
        body = bytes(chunks)
        if refusal is None and len(body) > bytes_max:
            refusal = self._too_large()
        elif refusal is None and _encoding(request) == "gzip":
            try:
                return await self._inflate(body)
            except UnreadableError as error:
                refusal = error.refusal
        if refusal is None:
            return body
        await self._keep(request, refusal, raw=body[:HEAD_BYTES_MAX], feed=feed, device=device)
        if refusal.reason == "too_large":
            raise BodyTooLargeError(refusal.detail)
        if refusal.reason == "not_gzip":
            raise UnreadableBodyError(refusal.detail, code=refusal.reason)
        raise UnsupportedMediaTypeError(refusal.detail)

    async def _inflate(self, body: bytes) -> bytes:
        """Unpack gzip; what takes long does so in a thread, two at once, so that nobody else waits for a bomb."""
        if len(body) < INFLATE_BYTES_MAX:
            return inflate(body, bytes_max=self._body_bytes_max)
        async with self._inflating:
            return await asyncio.to_thread(inflate, body, bytes_max=self._body_bytes_max)

    def _too_large(self) -> Refusal:
        return Refusal("too_large", f"the body is larger than {self._body_bytes_max} bytes")

    async def _keep(
        self, request: Request, refusal: Refusal, *, raw: bytes, feed: str | None, device: str | None
    ) -> None:  # fmt: skip
        """Commit a dead letter for a body that the door itself refuses, before the sender hears of it."""
        letter = DeadLetter(
            door=DOOR, feed=feed, device=device, reason=refusal.reason, detail=refusal.detail, raw=raw,
            received_at=self._log_clock.now(), content_type=_content_type(request)[:KIND_LETTERS_MAX],
        )  # fmt: skip
        await self._committed([self._pipeline.submit_letter(letter)])

    async def _committed(self, waiting: list[asyncio.Future[list[Receipt]]]) -> list[Receipt]:
        """Return the receipts once they are committed. Past the deadline the outcome is unknown: the sender repeats."""
        try:
            groups = await asyncio.wait_for(asyncio.gather(*waiting), self._answer_seconds_max)
        except TimeoutError as error:
            raise StoreUnavailableError("not committed in time; send the same events again") from error
        return [receipt for group in groups for receipt in group]

    async def _commit(self, deliveries: list[Delivery]) -> Response:
        """Submit, wait for the commit and answer."""
        self._pipeline.check_room(DOOR)
        receipts = await self._committed([self._pipeline.submit(delivery) for delivery in deliveries])
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


def _unsupported(request: Request, kinds: tuple[str, ...]) -> Refusal | None:
    """Return why a body of this kind or encoding is not taken, or None."""
    if _content_type(request) not in kinds:
        return Refusal("unsupported_type", f"send {' or '.join(kinds)}")
    if _encoding(request) not in ("identity", "gzip"):
        return Refusal("unsupported_encoding", "send it plain or as gzip")
    return None


def _declared_bytes(request: Request) -> int:
    """Return the length that the sender declares, 0 without one."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0  # noqa: PLR2004


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "identity").strip().lower()


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


def _body_schema(*kinds: str) -> dict[str, Any]:
    schema = {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}
