"""Nobody waits for a database that does not answer: its requests are answered 503 within seconds, and at once later.

Pure ASGI. It speaks only for what reads and works on the database over the API. A stream lives on (its clock says what
is wrong), and the ingest door has its own rule: its answer comes after the commit or its own deadline.
"""

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.http.problems import PROBLEMS, STORE_RETRY_SECONDS, language_of, render
from ioc.errors import StoreUnavailableError
from ioc.runtime.health_conditions import DATABASE, HealthConditions

PREFIX = "/api/v1/"
STREAM = "/api/v1/stream"
PATIENCE_SECONDS = 3.0
"""A request that is older than this ends once the database is known not to answer."""
LOOK_SECONDS = 0.5


class RequestDeadline:
    """Ends requests that wait for a database that does not answer."""

    def __init__(self, app: ASGIApp, *, board: HealthConditions) -> None:
        self._app = app
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and answer in its place when it is of no use to wait."""
        if scope["type"] != "http" or not _is_ours(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._board.why(DATABASE) is not None:
            await self._refuse(scope, receive, send)
            return
        began, started = time.monotonic(), False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, note))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=LOOK_SECONDS)
                late = time.monotonic() - began >= PATIENCE_SECONDS
                if late and not work.done() and not started and self._board.why(DATABASE) is not None:
                    break
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        if work.cancelled() and not started:
            await self._refuse(scope, receive, send)
        else:
            work.result()

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = render(
            PROBLEMS[StoreUnavailableError],
            language=language_of(Headers(scope=scope).get("accept-language")),
            headers={"Retry-After": str(STORE_RETRY_SECONDS)},
        )
        await answer(scope, receive, send)


def _is_ours(method: str, path: str) -> bool:
    """Tell whether a request is one that the API answers from the database."""
    if not path.startswith(PREFIX) or path == STREAM:
        return False
    is_door = path.endswith("/events") or path == "/api/v1/cloudevents" or path.startswith("/api/v1/adapters/")
    return not (method == "POST" and is_door)
