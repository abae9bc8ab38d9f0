"""The HTTP door as a client sees it: batches in, what became of each reading out, patience when it is full or away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from ioc.errors import (
    ForbiddenError,
    InvalidInputError,
    IOCError,
    NotFoundError,
    ServiceUnreachableError,
    UnauthenticatedError,
)

ACCEPTED = 202
TOO_LARGE = 413
RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
ERRORS: dict[int, type[IOCError]] = {401: UnauthenticatedError, 403: ForbiddenError, 404: NotFoundError}
RETRY_FIRST_SECONDS = 0.5
RETRY_MAX_SECONDS = 30.0
TIMEOUT_SECONDS = 30.0
DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reading that the door refused: its index in the batch, the code and the sentence."""

    index: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch."""

    stored: int = 0
    duplicate: int = 0
    rejected: tuple[Rejection, ...] = ()


@dataclass(slots=True)
class DoorClient:
    """Posts batches to one feed. ``waiting`` hears why and how long it waits; ``sleep`` is asyncio's but in tests."""

    client: httpx2.AsyncClient
    url: str
    feed: str
    key: str = field(repr=False)
    device: str | None = None
    history: bool = False
    give_up_seconds: float = 60.0
    waiting: Callable[[str, float], None] = lambda _why, _seconds: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def send(self, batch: Sequence[bytes]) -> Answer:
        """Post one batch of JSON objects; one that is too large goes in halves.

        Raises:
            ServiceUnreachableError: it was full or away for longer than ``give_up_seconds``.
            UnauthenticatedError, ForbiddenError, NotFoundError, InvalidInputError: trying again cannot help.
        """
        response = await self._post(b"[" + b",".join(batch) + b"]")
        if response.status_code == TOO_LARGE:
            if len(batch) == 1:
                return Answer(rejected=(Rejection(0, "too_large", _detail(response)),))
            middle = len(batch) // 2
            return _joined(await self.send(batch[:middle]), await self.send(batch[middle:]), middle)
        if response.status_code != ACCEPTED:
            kind = ERRORS.get(response.status_code, InvalidInputError)
            raise kind(f"the door answered {response.status_code}: {_detail(response)}")
        return _read_answer(response)

    async def _post(self, body: bytes) -> httpx2.Response:
        """Post until the door answers for good; its Retry-After is honoured within a bound."""
        refused_seconds, attempt = 0.0, 0
        while True:
            try:
                response = await self.client.post(
                    f"{self.url.rstrip('/')}/api/v1/feeds/{self.feed}/events",
                    params=self._params(),
                    content=body,
                    headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
                )
            except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
                raise InvalidInputError(f"--url: {error}", field="url") from error
            except httpx2.TransportError as error:
                why, pause = str(error) or type(error).__name__, _backoff(attempt)
            else:
                if response.status_code not in RETRY_STATUSES:
                    return response
                why, pause = f"{response.status_code} {_detail(response)}", _retry_after(response, attempt)
            if refused_seconds + pause > self.give_up_seconds:
                raise ServiceUnreachableError(f"{self.url} took nothing for {refused_seconds:.0f} s: {why}")
            self.waiting(why, pause)
            await self.sleep(pause)
            refused_seconds += pause
            attempt += 1

    def _params(self) -> dict[str, str]:
        """Return the query of the request."""
        device = {"device": self.device} if self.device is not None else {}
        return device | ({"history": "true"} if self.history else {})


def _backoff(attempt: int) -> float:
    """Return the pause before the next try: doubling, bounded."""
    return float(min(RETRY_MAX_SECONDS, RETRY_FIRST_SECONDS * 2 ** min(attempt, 10)))


def _retry_after(response: httpx2.Response, attempt: int) -> float:
    """Return the seconds that the door asks for, within the bound, or our own backoff."""
    asked = response.headers.get("Retry-After", "").strip()
    return min(RETRY_MAX_SECONDS, float(asked)) if asked.isdigit() else _backoff(attempt)


def _detail(response: httpx2.Response) -> str:
    """Return the sentence of a problem answer, or the beginning of whatever came."""
    try:
        problem = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text[:DETAIL_CHARACTERS].strip()
    if isinstance(problem, dict):
        return str(problem.get("detail") or problem.get("title") or problem)[:DETAIL_CHARACTERS]
    return str(problem)[:DETAIL_CHARACTERS]


def _read_answer(response: httpx2.Response) -> Answer:
    """Read the body of a 202.

    Raises:
        InvalidInputError: it is not what the contract says; this is no IOC door.
    """
    try:
        body: Any = orjson.loads(response.content)
        rejected = tuple(
            Rejection(int(item["index"]), str(item["reason"]), str(item.get("detail") or ""))
            for item in body["rejected"]
        )
        return Answer(stored=int(body["accepted"]), duplicate=int(body["duplicate"]), rejected=rejected)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(f"the door's answer cannot be read: {response.text[:DETAIL_CHARACTERS]}") from error


def _joined(first: Answer, second: Answer, offset: int) -> Answer:
    """Return the answer of both halves, the second's indexes moved by ``offset``."""
    moved = tuple(Rejection(item.index + offset, item.reason, item.detail) for item in second.rejected)
    return Answer(first.stored + second.stored, first.duplicate + second.duplicate, first.rejected + moved)
