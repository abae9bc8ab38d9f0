"""Serves the built screens: hashed assets for ever, index.html always fresh and for every client route.

Only files that were there when the site was made are served, so no path can climb out of the folder.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
IMMUTABLE = "public, max-age=31536000, immutable"
FRESH = "no-cache"
NOT_BUILT = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>IOC</title></head>
<body><h1>Màn hình chưa được dựng</h1>
<p>Máy chủ đang chạy, nhưng thư mục màn hình còn trống. Hãy chạy <code>make build-screens</code> rồi khởi động lại.</p>
<h1 lang="en">The screens are not built</h1>
<p lang="en">The server runs, but the folder of its screens is empty.
Run <code>make build-screens</code> and start again.</p>
</body></html>
"""
API_PREFIXES = ("/api/", "/open311/", "/cap/")
KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}
"""What the machine's own table may lack or call otherwise."""
PROBLEM = (
    b'{"type":"urn:ioc:problem:not_found","title":"Not found","status":404,"detail":"Not found","code":"not_found"}'
)


PIECE_BYTES = 64 << 10


class CachedAnswer(Response):
    """A file from memory, sent in pieces: a client that does not read makes us hold one piece, not the file."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, piece by piece as the client takes it."""
        del receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = b"" if scope["method"] == "HEAD" else self.body
        for start in range(0, len(body) - PIECE_BYTES, PIECE_BYTES):
            await send({"type": "http.response.body", "body": body[start : start + PIECE_BYTES], "more_body": True})
        rest = max(len(body) - 1, 0) // PIECE_BYTES * PIECE_BYTES
        await send({"type": "http.response.body", "body": body[rest:]})


class Site:
    """An ASGI application for GET and HEAD; made once, after the screens were built."""

    def __init__(self, folder: Path = STATIC) -> None:
        root = folder.resolve()
        # All of it is a few megabytes: from memory a page costs no thread and no disk, whoever asks how often.
        self._files = (
            {f"/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*") if path.is_file()}
            if root.is_dir()
            else {}
        )

    @property
    def built(self) -> bool:
        """Tell whether there is anything to show."""
        return "/index.html" in self._files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        path = scope["path"]
        if path.startswith(API_PREFIXES) or scope["method"] not in ("GET", "HEAD"):
            return Response(PROBLEM, 404, media_type="application/problem+json")
        if path in self._files and path != "/index.html":
            return self._file(path, scope)
        if "." in path.rsplit("/", 1)[-1] and path != "/index.html" and not _is_page(scope):
            return Response("not found", 404, media_type="text/plain")
        if not self.built:
            return Response(NOT_BUILT, 503, {"Cache-Control": FRESH, "Retry-After": "10"}, "text/html; charset=utf-8")
        kept = self._files["/index.html"]
        return CachedAnswer(kept, headers={"Cache-Control": FRESH, "Vary": "Accept"}, media_type="text/html")

    def _file(self, path: str, scope: Scope) -> Response:
        """Return one file, in its smaller form where the build made one and the browser takes it."""
        caching = IMMUTABLE if path.startswith("/assets/") else FRESH
        headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
        kind = KINDS.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
        accepted = Headers(scope=scope).get("accept-encoding", "")
        for name, suffix in (("br", ".br"), ("gzip", ".gz")):
            if name in accepted and f"{path}{suffix}" in self._files:
                packed = self._files[f"{path}{suffix}"]
                return CachedAnswer(packed, headers={**headers, "Content-Encoding": name}, media_type=kind)
        return CachedAnswer(self._files[path], headers=headers, media_type=kind)


def _is_page(scope: Scope) -> bool:
    """Tell a visit to a client route such as /devices/a.b from a file that is not there: a visit wants HTML."""
    return not scope["path"].startswith("/assets/") and "text/html" in Headers(scope=scope).get("accept", "")
