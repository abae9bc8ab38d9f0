"""The outermost layer: security headers on every answer (S8) and the count of answers.

Pure ASGI, so that streams pass unbuffered.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api.problems import answer_unforeseen
from ioc.metrics import Metrics

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

        started = False

        async def finish(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
                self._metrics.http_requests.labels(scope["method"], route_of(scope), message["status"]).inc()
            await send(message)

        try:
            await self._app(scope, receive, finish)
        except ClientDisconnect:
            # The sender left in the middle of its body: nobody is there to be answered, and nothing went wrong here.
            return
        except Exception as error:
            if started:
                raise
            # The framework's own last resort lies outside of here: its answer would lack these headers.
            response = answer_unforeseen(scope["path"], Headers(scope=scope).get("accept-language"), error)
            await response(scope, receive, finish)


def route_of(scope: Scope) -> str:
    """Return the template of the matched route: a bounded label, never a path that a client made up."""
    path = getattr(scope.get("route"), "path_format", None)
    return str(path) if path else "other"
