"""Big answers are compressed for who accepts it; streams never are.

Pure ASGI. Only an answer that comes whole is touched, so a stream passes unbuffered, and nothing grows beyond it.
"""

import asyncio
import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BYTES_MIN = 1_024
"""Below this the headers cost what the body saves."""
INLINE_BYTES_MAX = 16 << 10
"""More than this is compressed in a thread: the loop serves others meanwhile."""
AT_ONCE = 2
LEVEL = 5
KINDS = ("application/json", "application/geo+json", "text/csv", "text/plain")


class Compression:
    """Compresses answers with gzip."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back, smaller where it can be."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_wanted = accepts_gzip(Headers(scope=scope).get("accept-encoding", ""))
        held: Message | None = None

        async def smaller(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith(KINDS) and "content-encoding" not in headers:
                    headers.add_vary_header("Accept-Encoding")
                    held = message if is_wanted and message["status"] == 200 else None  # noqa: PLR2004 - OK
                if held is None:
                    await send(message)
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body") and len(message.get("body", b"")) >= BYTES_MIN:
                    message = {**message, "body": await self._packed(message["body"])}
                    headers = MutableHeaders(scope=start)
                    headers["Content-Encoding"] = "gzip"
                    headers["Content-Length"] = str(len(message["body"]))
                await send(start)
            await send(message)

        await self._app(scope, receive, smaller)

    async def _packed(self, body: bytes) -> bytes:
        if len(body) <= INLINE_BYTES_MAX:
            return gzip.compress(body, LEVEL, mtime=0)
        async with self._slots:
            return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)


def accepts_gzip(header: str) -> bool:
    """Tell whether an Accept-Encoding header takes gzip."""
    for part in header[:400].lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "*"):
            quality = weight.replace(" ", "").removeprefix("q=")
            return not quality or quality.strip("0.") != ""
    return False
