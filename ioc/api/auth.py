"""Whether who asks may: one declaration per route, checked before its handler runs.

A route without an :class:`Access` (or :class:`Public`) dependency stops the start: see :func:`inventory`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from ioc.api.caller import USER, Caller, scope_of
from ioc.api.deps import APIState, get_state
from ioc.api.problems import CrossSiteError, language_of
from ioc.domain.account import KeyKind, Principal, Role
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, UnauthenticatedError

SECURE_COOKIE = "__Host-ioc"
LOOPBACK_COOKIE = "ioc_session"
DRILL_SUFFIX = "_drill"
"""A browser gives the cookies of a host to all its ports: a drill beside the instance must have its own."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RANKS: Mapping[Role, int] = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


def cookie_name(scheme: str, *, drill: bool = False) -> str:
    """Return the session cookie's name: the browser itself keeps `__Host-` to this host over TLS."""
    name = SECURE_COOKIE if scheme == "https" else LOOPBACK_COOKIE
    return name + DRILL_SUFFIX if drill else name


class Public:
    """Marks a route that needs no one: health and sign-in."""

    async def __call__(self, request: Request) -> None:
        """Refuse what could never be stored or was never declared."""
        check_request(request)


class Access:
    """Says who may call a route: people from a role upwards, machines by kind. The dependency is the declaration."""

    def __init__(self, role: Role | None, *kinds: KeyKind, forgery_check: bool = True) -> None:
        self.role = role
        self.kinds = frozenset(kinds)
        self._forgery_check = forgery_check

    async def __call__(self, request: Request) -> Caller:
        """Return the caller.

        Raises:
            UnauthenticatedError: nobody known.
            ForbiddenError: known, but not for this route; or a browser that does not prove its origin.
        """
        state = get_state(request)
        principal = await identify(request, state)
        if not self.admits(principal):
            raise ForbiddenError("this route is not for your role or kind of key")
        if principal.kind == USER and self._forgery_check:
            check_origin(request, required=request.method not in SAFE_METHODS)
        check_request(request)
        request.scope["ioc.principal"] = principal
        book = await state.areas.book()
        return Caller(
            principal=principal,
            scope=scope_of(principal, book, state.parts.restricted_feeds),
            book=book,
            today=state.parts.today(),
            address=request.client.host if request.client else None,
            language=language_of(request.headers.get("accept-language")),
        )

    def admits(self, principal: Principal) -> bool:
        """Tell whether the principal may call the route."""
        if principal.kind != USER:
            return principal.kind in self.kinds
        return self.role is not None and principal.role is not None and RANKS[principal.role] >= RANKS[self.role]


async def identify(request: Request, state: APIState) -> Principal:
    """Return who sent the request. A key in the header counts before a cookie.

    Raises:
        UnauthenticatedError: neither is valid.
    """
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        found = await state.people.machine(secret.strip()) if scheme.lower() == "bearer" else None
    else:
        cookie = request.cookies.get(cookie_name(request.url.scheme, drill=state.parts.drill is not None))
        found = await state.people.person(cookie) if cookie and len(cookie) <= 200 else None  # noqa: PLR2004
    if found is None:
        raise UnauthenticatedError("sign in, or send a valid key")
    return found


def check_origin(request: Request, *, required: bool) -> None:
    """Refuse a browser's request from another site (S7). ``required``: one that does not say is refused, too.

    Raises:
        CrossSiteError: it is.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if not required:
        return
    if site is None and origin is None:
        raise CrossSiteError("the request does not say which site it comes from (Origin)")
    if site not in (None, "same-origin"):
        raise CrossSiteError("the request comes from another site")
    if origin is not None and not same_origin(origin, request):
        raise CrossSiteError("the request comes from another origin")


def same_origin(origin: str, request: Request) -> bool:
    """Tell whether an Origin header names this server as the client addressed it."""
    parts = urlsplit(origin)
    return parts.scheme == request.url.scheme and parts.netloc.lower() == request.headers.get("host", "").lower()


def check_request(request: Request) -> None:
    """Refuse parameters that no declaration knows, that come twice or that cannot be stored.

    Raises:
        InvalidInputError: the parameter is named. NotFoundError: a path with a NUL.
    """
    if "\x00" in request.url.path or "%00" in request.url.path:
        raise NotFoundError("no such path")
    names = [name for name, _ in request.query_params.multi_items()]
    for name, value in request.query_params.multi_items():
        if names.count(name) > 1:
            raise InvalidInputError(f"the parameter {name:.40} came more than once", field=name[:40])
        if "\x00" in value or "\x00" in name:
            raise InvalidInputError("a NUL character cannot be searched for", field=name.replace("\x00", "")[:40])
    route = request.scope.get("route")
    if names and isinstance(route, APIRoute) and not _has_query(route.dependant):
        raise InvalidInputError(f"unknown parameter {names[0]:.40}", field=names[0][:40])


def _has_query(dependant: Dependant) -> bool:
    """Tell whether a route declares query parameters; those that do forbid unknown ones in their model."""
    return bool(dependant.query_params) or any(_has_query(part) for part in dependant.dependencies)


@dataclass(frozen=True, slots=True)
class RouteAccess:
    """One line of the inventory: ``access`` null means public, ``door`` that the ingest door authenticates itself."""

    method: str
    path: str
    access: Access | None
    door: bool = False


def _declared(dependant: Dependant) -> Iterator[Access | Public]:
    for part in dependant.dependencies:
        if isinstance(part.call, Access | Public):
            yield part.call
        yield from _declared(part)


def inventory(app: FastAPI, door_endpoints: Collection[Any] = ()) -> list[RouteAccess]:
    """Return every route with who may call it.

    Raises:
        RuntimeError: a route declares nothing, or two things: the application must not start.
    """
    lines: list[RouteAccess] = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            raise RuntimeError(f"the route {context.path} is outside the access check")  # noqa: TRY004 - a wiring mistake
        declared = list(_declared(route.dependant))
        door = route.endpoint in door_endpoints
        if len(declared) != (0 if door else 1):
            raise RuntimeError(f"the route {context.path} must declare its access once, not {len(declared)} times")
        access = declared[0] if declared and isinstance(declared[0], Access) else None
        lines.extend(RouteAccess(method, str(context.path), access, door) for method in sorted(route.methods or ()))
    return lines


EVERYBODY = Access(Role.VIEWER, KeyKind.DISTRICT, KeyKind.DISPLAY)
READERS = Access(Role.VIEWER, KeyKind.DISTRICT)
PEOPLE = Access(Role.VIEWER)
OPERATORS = Access(Role.OPERATOR)
ADMINS = Access(Role.ADMIN)
SCRAPERS = Access(Role.ADMIN, KeyKind.METRICS)
REPORTERS = Access(Role.VIEWER, forgery_check=False)
PUBLIC = Public()
