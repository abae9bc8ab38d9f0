"""The outermost layer: security headers on every answer (S8) and the count of answers.

Pure ASGI, so that streams pass unbuffered.
"""

import time
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.http.problems import answer_unforeseen
from ioc.runtime.metrics import METHODS, Metrics, closed
from ioc.runtime.request_quota import SCOPE as QUOTA_SCOPE

CSP = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data: blob:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "worker-src 'self' blob:; "
    "manifest-src 'self'; "
    "media-src 'self'; "
    "object-src 'none'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'; "
    "report-uri /api/v1/csp-reports"
)
SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
}
HSTS = "max-age=31536000; includeSubDomains"


class SecurityHeaders:
    """Sets the headers that an answer lacks; HSTS only over TLS, `no-store` on everything but the screens' files."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and finish its first answer message."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started, began = False, time.perf_counter()

        async def finish(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                headers.raw.extend(scope.get(QUOTA_SCOPE, ()))
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
                self._metrics.http_seconds.labels(route_of(scope)).observe(time.perf_counter() - began)
                method = closed(scope["method"], METHODS)
                self._metrics.http_requests.labels(method, route_of(scope), message["status"]).inc()
            await send(message)

        try:
            await self._app(scope, receive, finish)
        except ClientDisconnect:
            # The client disconnected while sending its body: nobody is left to answer, and it is no fault of ours.
            return
        except Exception as error:
            if started:
                raise
            # The framework's own error page is made outside this middleware and would lack these headers.
            response = answer_unforeseen(scope["path"], Headers(scope=scope).get("accept-language"), error)
            await response(scope, receive, finish)


def route_of(scope: Scope) -> str:
    """Return the template of the matched route: a bounded label, never a path that a client made up."""
    path = getattr(scope.get("route"), "path_format", None)
    return str(path) if path else "other"
