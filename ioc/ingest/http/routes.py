"""The HTTP door: `POST /api/v1/feeds/{feed}/events`, `/adapters/{adapter}`, `/cloudevents`. 202 is after the commit."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ioc.domain.event import DeadLetter, Outcome, Receipt
from ioc.domain.feed import FeedSpec
from ioc.domain.people.account import KeyKind, KeyRecord
from ioc.domain.scope import Scope
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
from ioc.ingest.adapters.protocol import Adapter
from ioc.ingest.adapters.registry import ADAPTERS
from ioc.ingest.http.accepted import AcceptedModel
from ioc.ingest.mqtt.acks import remarks
from ioc.ingest.pipeline.backlog import Lane
from ioc.ingest.pipeline.batcher import Pipeline
from ioc.ingest.pipeline.decoder import DecodeError, Refusal, inflate
from ioc.ingest.pipeline.delivery import Delivery, Registry
from ioc.ingest.pipeline.ready import ReadyItem, RefusedItem, read_lines
from ioc.runtime.clock import LogClock
from ioc.runtime.metrics import Metrics
from ioc.runtime.request_quota import SCOPE as QUOTA_SCOPE
from ioc.runtime.request_quota import Headers

JSON = "application/json"
NDJSON = "application/x-ndjson"
DOOR = "http"
CLOUDEVENTS = "cloudevents"
NO_FEED = "unknown"
"""The feed of an event for which neither its body nor its key nor the registry names one."""
COMMITTED: dict[int | str, dict[str, Any]] = {202: {"model": AcceptedModel}}
LANES_MAX = 4_096
TURN_SECONDS_MAX = 1.0
"""How long a request of a sender that catches up waits for its turn before it is told to come back."""
HEAD_BYTES_MAX = 4_096
"""So much is kept of a body that the door does not take, as at the MQTT door."""
KIND_CHARS_MAX = 100
INFLATE_BYTES_MAX = 2_048
"""So much gzip is unpacked at once: at a thousandfold it is two milliseconds."""


class Quota(Protocol):
    """How many requests each key has."""

    async def take(self, name: str) -> Headers:
        """Use one request and return the headers that say what is left; TooManyRequestsError: none is."""
        ...


@dataclass(frozen=True, slots=True)
class HTTPBounds:
    """Every bound of the HTTP door."""

    events_max: int
    """Events of one body."""
    body_bytes_max: int
    """One body, as it comes and unpacked."""
    gathered_bytes_max: int
    """The bodies of all senders that are half here."""
    answer_seconds_max: float
    """How long a sender waits for the commit."""


class HTTPDoor:
    """Takes events over HTTP for one process."""

    def __init__(
        self, *, pipeline: Pipeline, registry: Registry, feeds: Mapping[str, FeedSpec], log_clock: LogClock,
        metrics: Metrics, quota: Quota, bounds: HTTPBounds,
    ) -> None:  # fmt: skip
        self._pipeline = pipeline
        self._registry = registry
        self._feeds = feeds
        self._log_clock = log_clock
        self._metrics = metrics
        self._quota = quota
        self._bounds = bounds
        self._gathered_bytes = 0
        """Bytes of bodies that are half here, of all senders."""
        self._inflating = asyncio.Semaphore(2)
        self._lanes: dict[str, Lane] = {}

    def router(self) -> APIRouter:
        """Return the routes, to be mounted under `/api/v1`."""
        router = APIRouter(tags=["ingest"])
        router.add_api_route(
            "/feeds/{feed}/events", self.post_events, methods=["POST"], status_code=202, summary="Send events",
            openapi_extra=_body_schema(JSON, NDJSON), responses=COMMITTED,
        )  # fmt: skip
        router.add_api_route(
            "/cloudevents", self.post_cloudevents, methods=["POST"], status_code=202, summary="Send CloudEvents 1.0",
            openapi_extra=_body_schema(*ADAPTERS[CLOUDEVENTS].content_types), responses=COMMITTED,
        )  # fmt: skip
        kinds = sorted({kind for adapter in ADAPTERS.values() for kind in adapter.content_types})
        router.add_api_route(
            "/adapters/{adapter}", self.post_adapter, methods=["POST"], status_code=202,
            summary="Send events in a foreign format", openapi_extra=_body_schema(*kinds), responses=COMMITTED,
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
        adapter = ADAPTERS.get(self._feeds[feed].adapter or "")
        kinds = (JSON, NDJSON) if adapter is None else adapter.content_types
        body = await self._body(request, kinds=kinds, feed=feed, device=identity)
        delivery = Delivery(
            feed=feed, device=identity, body=body, received_at=self._log_clock.now(), door=DOOR,
            nonce=secrets.token_bytes(16), content_type=kind, history=history,
            ready=self._lines(body) if kind == NDJSON and adapter is None else None, lane=lane, wall=_wall(key),
        )  # fmt: skip
        return await self._commit([delivery])

    def _lines(self, body: bytes) -> Sequence[ReadyItem | RefusedItem]:
        try:
            return read_lines(body, events_max=self._bounds.events_max)
        except DecodeError as error:
            return [RefusedItem(error.refusal, body)]

    async def post_cloudevents(self, request: Request) -> Response:
        """Take a structured or batch CloudEvent; each names its feed in `type` and its device in `source`."""
        return await self._adapt(request, ADAPTERS[CLOUDEVENTS])

    async def post_adapter(self, request: Request, adapter: str) -> Response:
        """Take a body of a foreign format, as its adapter reads it."""
        return await self._adapt(request, ADAPTERS.get(adapter))

    async def _adapt(self, request: Request, adapter: Adapter | None) -> Response:
        key = await self._authenticate(request)
        if adapter is None:
            raise NotFoundError("there is no such adapter")
        kind = _content_type(request)
        _allowed(key, feed=key.feed or "", device=None)
        lane = await self._turn(key)
        body = await self._body(request, kinds=adapter.content_types, feed=None, device=key.device)
        try:
            found = adapter.read(body, content_type=kind, feeds=self._feeds)
        except DecodeError as error:
            await self._keep(request, error.refusal, raw=body, feed=None, device=key.device)
            raise UnreadableBodyError(error.refusal.detail, code=error.refusal.reason) from error
        delivery = Delivery(
            feed=key.feed or NO_FEED, device=key.device, body=body, received_at=self._log_clock.now(), door=DOOR,
            nonce=secrets.token_bytes(16), content_type=kind, lane=lane, wall=_wall(key),
            ready=[item if isinstance(item, RefusedItem) else self._owned(key, item) for item in found],
        )  # fmt: skip
        return await self._commit([delivery])

    def _owned(self, key: KeyRecord, item: ReadyItem) -> ReadyItem:
        """Return an event with its feed and device: what the body does not say, the key or the registry does.

        Raises:
            ForbiddenError: the key may not speak for them.
        """
        device = item.device or key.device
        feed = item.feed or key.feed
        if feed is None and device is not None:
            registered = self._registry.device(device)
            feed = registered.feed if registered is not None else None
        if feed is not None and feed in self._feeds:
            device = _allowed(key, feed=feed, device=device)
        return ReadyItem(item.members, feed or NO_FEED, device)

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
        request.scope[QUOTA_SCOPE] = await self._quota.take(key.id)
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
        if refusal is None and _declared_bytes(request) > self._bounds.body_bytes_max:
            refusal = self._too_large()
        bytes_max = self._bounds.body_bytes_max if refusal is None else HEAD_BYTES_MAX
        chunks = bytearray()
        try:
            async for chunk in request.stream():
                chunks += chunk
                self._gathered_bytes += len(chunk)
                if len(chunks) > bytes_max:
                    break
                if self._gathered_bytes > self._bounds.gathered_bytes_max:
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
            except DecodeError as error:
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
            return inflate(body, bytes_max=self._bounds.body_bytes_max)
        async with self._inflating:
            return await asyncio.to_thread(inflate, body, bytes_max=self._bounds.body_bytes_max)

    def _too_large(self) -> Refusal:
        return Refusal("too_large", f"the body is larger than {self._bounds.body_bytes_max} bytes")

    async def _keep(
        self, request: Request, refusal: Refusal, *, raw: bytes, feed: str | None, device: str | None
    ) -> None:  # fmt: skip
        """Commit a dead letter for a body that the door itself refuses, before the sender hears of it."""
        letter = DeadLetter(
            door=DOOR, feed=feed, device=device, reason=refusal.reason, detail=refusal.detail, raw=raw,
            received_at=self._log_clock.now(), content_type=_content_type(request)[:KIND_CHARS_MAX],
        )  # fmt: skip
        await self._committed([self._pipeline.submit_letter(letter)])

    async def _committed(self, waiting: list[asyncio.Future[list[Receipt]]]) -> list[Receipt]:
        """Return the receipts once they are committed. Past the deadline the outcome is unknown: the sender repeats."""
        try:
            groups = await asyncio.wait_for(asyncio.gather(*waiting), self._bounds.answer_seconds_max)
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
    """Return how many stand, and which not and why; which event a duplicate repeats and what is marked, if any is."""
    answer: dict[str, Any] = {
        "accepted": sum(receipt.outcome is Outcome.STORED for receipt in receipts),
        "duplicate": sum(receipt.outcome is Outcome.DUPLICATE for receipt in receipts),
        "rejected": [
            {"index": index, "reason": receipt.reason, "detail": receipt.detail}
            for index, receipt in enumerate(receipts)
            if receipt.outcome is Outcome.REFUSED
        ],
    }
    for member, outcome in (("duplicates", Outcome.DUPLICATE), ("marked", Outcome.STORED)):
        found = [
            {"index": index, **said}
            for index, receipt in enumerate(receipts)
            if receipt.outcome is outcome and (said := remarks(receipt))
        ]
        if found:
            answer[member] = found
    return answer


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
    if key.kind is KeyKind.DISTRICT:
        if key.area is None:
            raise ForbiddenError("a district key sends for its own area: this one is bound to none, and only reads")
        return device
    raise ForbiddenError(f"a {key.kind} key may not send events")


def _wall(key: KeyRecord) -> Scope | None:
    """Return what a key may write into. A device speaks for itself wherever it has been moved to."""
    return None if key.kind is KeyKind.DEVICE else key.wall


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
    # Any JSON is taken: what is no object is refused alone, in `rejected`, so that its neighbours are kept.
    words = "An event or an array of events, each an object as its feed declares it; what is none is in `rejected`."
    schema = {"description": words, "anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}, {}]}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}
