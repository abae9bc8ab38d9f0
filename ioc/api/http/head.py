"""HEAD wherever there is GET: the same headers, and nothing after them.

Pure ASGI and outermost: what lies inside answers a GET and need not know. A stream ends as soon as its headers are out.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Answers HEAD with the headers of GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a HEAD on as a GET, and its headers back."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        is_started = is_over = False

        async def heard() -> Message:
            return {"type": "http.disconnect"} if is_started else await receive()

        async def without_body(message: Message) -> None:
            nonlocal is_started, is_over
            if message["type"] == "http.response.start":
                is_started = True
                await send(message)
            elif message["type"] == "http.response.body" and not is_over:
                is_over = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app({**scope, "method": "GET"}, heard, without_body)
