"""Which names this server answers to: a page of another site cannot make a browser ask us under its own name.

Without the check a foreign page whose name is pointed at this machine (DNS rebinding) is of one origin with us.
"""

import ipaddress
import socket
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ioc.api.http.problems import Problem, language_of, render

UNKNOWN_HOST = Problem(400, "unknown_host", "Tên máy chủ không đúng", "This server does not go by that name")
HINT = "this server does not go by the name in Host: IOC_HTTP_HOSTS says which it answers to"
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def host_name(header: str) -> str:
    """Return the name or address of a Host header, without its port."""
    text = header.strip().lower().rstrip(".")
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name, colon, port = text.rpartition(":")
    return name.rstrip(".") if colon and port.isdigit() else text


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address: no name, so nobody can point it elsewhere."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def own_names() -> frozenset[str]:
    """Return this machine's own name, as it is and as the local network calls it."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    return frozenset({name, short, f"{short}.local"})


def known_hosts(setting: str) -> Callable[[str], bool]:
    """Return what tells a name of this server.

    ``setting`` lists names with commas, `*.` before one for all below it; `*` alone is any name. Empty: every address,
    localhost and the machine's own name. This machine itself is always known.
    """
    names = frozenset(part.strip().lower() for part in setting.split(",") if part.strip())
    if "*" in names:
        return bool
    if not names:
        own = own_names()
        return lambda host: host in LOCAL or host in own or host.endswith(".localhost") or is_address(host)
    endings = tuple(name[1:] for name in names if name.startswith("*."))
    return lambda host: host in LOCAL or host in names or bool(endings and host.endswith(endings))


class KnownHosts:
    """Refuses what is asked of another name."""

    def __init__(self, app: ASGIApp, *, setting: str) -> None:
        self._app = app
        self._is_known = known_hosts(setting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it names this server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.getlist("host")
        if len(given) == 1 and self._is_known(host_name(given[0])):
            await self._app(scope, receive, send)
            return
        answer = render(UNKNOWN_HOST, language=language_of(headers.get("accept-language")), detail=HINT)
        await answer(scope, receive, send)
