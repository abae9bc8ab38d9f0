"""Whether who asks may: one declaration per route, checked before its handler runs.

A route without an :class:`Access` (or :class:`Public`) dependency stops the start: see :func:`inventory`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from ioc.api.context import APIContext
from ioc.api.deps import APIState, get_state
from ioc.api.http.problems import CrossSiteError, PasswordChangeRequiredError, language_of
from ioc.api.http.versions import seen_version
from ioc.api.wall.caller import Caller, scope_of
from ioc.api.wall.write_side import Reach, check_path, fault
from ioc.domain.people.account import USER, KeyKind, Principal
from ioc.domain.people.capabilities import Capability, roles_with
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, UnauthenticatedError
from ioc.runtime.request_quota import SCOPE as QUOTA_SCOPE

SECURE_COOKIE = "__Host-ioc"
LOOPBACK_COOKIE = "ioc_session"
DRILL_SUFFIX, TOUR_SUFFIX = "_drill", "_tour"
"""A browser gives the cookies of a host to all its ports: a drill or a tour beside it must have its own."""
DECLARED = "x-ioc-access"
"""Where the API's description says who may call a route, and what a change reaches."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def cookie_name(scheme: str, context: APIContext) -> str:
    """Return the session cookie's name: the browser itself keeps `__Host-` to this host over TLS."""
    name = SECURE_COOKIE if scheme == "https" else LOOPBACK_COOKIE
    if context.tour is not None:
        return name + TOUR_SUFFIX
    return name + DRILL_SUFFIX if context.drill is not None else name


class Public:
    """Marks a route that needs no one: health and sign-in."""

    async def __call__(self, request: Request) -> None:
        """Refuse what could never be stored or was never declared."""
        check_request(request)


class Access:
    """Says who may call a route: people by a capability, machines by kind. The dependency is the declaration."""

    def __init__(
        self, capability: Capability, *kinds: KeyKind, reach: Reach = Reach.AREA, forgery_check: bool = True
    ) -> None:
        """``reach`` counts for changes only: what is read is filtered by the query."""
        self.capability = capability
        self.kinds = frozenset(kinds)
        self.reach = reach
        self._forgery_check = forgery_check

    async def __call__(self, request: Request) -> Caller:
        """Return the caller.

        Raises:
            UnauthenticatedError: nobody known.
            ForbiddenError: known, but not for this route; or a browser that does not prove its origin.
            NotFoundError: it would change something beyond the caller's wall.
        """
        state = get_state(request)
        principal = await identify(request, state)
        request.scope["ioc.principal"] = principal
        request.scope[QUOTA_SCOPE] = await state.quota.take(quota_name(principal))
        if not self.admits(principal):
            raise ForbiddenError("this route is not for your role or kind of key")
        if principal.temporary and self.reach is not Reach.OWN:
            raise PasswordChangeRequiredError("change your temporary password first: PUT /api/v1/session/password")
        if principal.kind == USER and self._forgery_check:
            check_origin(request, required=request.method not in SAFE_METHODS)
        check_request(request)
        book = await state.areas.book()
        caller = Caller(
            principal=principal,
            scope=scope_of(principal, book, state.context.restricted_feeds),
            book=book,
            today=state.context.today(),
            address=request.client.host if request.client else None,
            language=language_of(request.headers.get("accept-language")),
        )
        request.scope["ioc.caller"] = caller
        if self.reach is Reach.SITE and caller.scope.areas is not None:
            raise ForbiddenError("this counts for every area: only an administrator of every area may do it")
        if self.reach is Reach.AREA and request.method not in SAFE_METHODS:
            await check_path(request, caller, state.context.database)
        return caller

    def description(self) -> dict[str, Any]:
        """Return the declaration as the API's description shows it."""
        return {
            "capability": self.capability,
            "roles": roles_with(self.capability),
            "keys": sorted(self.kinds),
            "reach": self.reach,
        }

    def admits(self, principal: Principal) -> bool:
        """Tell whether the principal may call the route."""
        return principal.may(self.capability, self.kinds)


def quota_name(principal: Principal) -> str:
    """Return whose quota a request comes out of: an account's, whatever its sessions, or a key's."""
    return f"user {principal.name}" if principal.kind == USER else str(principal.key_id)


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
        cookie = request.cookies.get(cookie_name(request.url.scheme, state.context))
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
    """One line of the inventory: ``access`` null means public, ``door`` that the ingest door authenticates itself.

    ``versioned``: the route asks for the version seen (If-Match).
    """

    method: str
    path: str
    access: Access | None
    door: bool = False
    versioned: bool = False


def _declarations(dependant: Dependant) -> Iterator[Access | Public]:
    for part in dependant.dependencies:
        if isinstance(part.call, Access | Public):
            yield part.call
        yield from _declarations(part)


def _depends(dependant: Dependant, on: Callable[..., Any]) -> bool:
    """Tell whether a route asks for something, itself or by what it asks for."""
    return any(part.call is on or _depends(part, on) for part in dependant.dependencies)


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
        declared = list(_declarations(route.dependant))
        door = route.endpoint in door_endpoints
        if len(declared) != (0 if door else 1):
            raise RuntimeError(f"the route {context.path} must declare its access once, not {len(declared)} times")
        access = declared[0] if declared and isinstance(declared[0], Access) else None
        if access is not None and set(route.methods or ()) - SAFE_METHODS:
            why = fault(access.reach, set(route.param_convertors), _body_schema(route))
            if why is not None:
                raise RuntimeError(f"the route {context.path} {why}")
        versioned = _depends(route.dependant, seen_version)
        lines.extend(
            RouteAccess(method, str(context.path), access, door, versioned) for method in sorted(route.methods or ())
        )
    return lines


def _body_schema(route: APIRoute) -> Mapping[str, Any]:
    """Return the schema of a body that a route reads itself, empty where it reads none."""
    content = ((route.openapi_extra or {}).get("requestBody") or {}).get("content") or {}
    schema: Mapping[str, Any] = (content.get("application/json") or {}).get("schema") or {}
    return schema


def declare(document: dict[str, Any], lines: Iterable[RouteAccess]) -> dict[str, Any]:
    """Write into the API's description who may call each operation, and return it."""
    for line in lines:
        operation = document["paths"].get(line.path, {}).get(line.method.lower())
        if line.access is not None and operation is not None:
            operation[DECLARED] = line.access.description()
    return document


EVERYBODY = Access(Capability.SEE, KeyKind.DISTRICT, KeyKind.DISPLAY)
READERS = Access(Capability.SEE, KeyKind.DISTRICT)
PEOPLE = Access(Capability.SEE)
OPERATORS = Access(Capability.HANDLE)
BULK_HANDLERS = Access(Capability.HANDLE, reach=Reach.SHARED)
"""Each thing that such a request names is held against the wall by itself, where it is changed."""
SHEET_SENDERS = Access(Capability.HANDLE, reach=Reach.SHARED)
MEDIA_SENDERS = Access(Capability.HANDLE, KeyKind.FEED, KeyKind.DISTRICT, reach=Reach.SHARED)
"""What they send is theirs alone until it hangs on an event, which is looked up inside their wall."""
SILENCERS = Access(Capability.HANDLE, reach=Reach.SHARED)
"""What a silence names is held against the wall, and its bounds against what its author may, in the store."""
APPROVERS = Access(Capability.APPROVE, reach=Reach.SITE)
INTAKE_READERS = Access(Capability.INTAKE)
REGISTRARS = Access(Capability.REGISTRY)
SITE_REGISTRARS = Access(Capability.REGISTRY, reach=Reach.SITE)
DEVICE_SHEET_SENDERS = Access(Capability.REGISTRY, reach=Reach.SHARED)
"""Each row of a sheet is held against the wall by itself."""
KEY_ISSUERS = Access(Capability.KEYS)
ACCOUNT_KEEPERS = Access(Capability.ACCOUNTS, reach=Reach.SITE)
AUDITORS = Access(Capability.AUDIT, reach=Reach.SITE)
RULE_EDITORS = Access(Capability.RULES, reach=Reach.SITE)
RULE_WRITERS = Access(Capability.RULES, reach=Reach.SHARED)
DRILLERS = Access(Capability.DRILL, reach=Reach.SHARED)
VISITORS = Access(Capability.SEE, reach=Reach.SHARED)
ONESELF = Access(Capability.SEE, reach=Reach.OWN)
SCRAPERS = Access(Capability.METRICS, KeyKind.METRICS)
REPORTERS = Access(Capability.SEE, reach=Reach.OWN, forgery_check=False)
PUBLIC = Public()
