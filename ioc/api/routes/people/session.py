"""Signing in and out. A name nobody has, a wrong password and a disabled account look and last the same."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.api.auth import ONESELF, PUBLIC, check_origin, cookie_name
from ioc.api.context import APIContext
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Line, read_body, request_body
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.problems import PlainHTTPError, language_of
from ioc.api.identity.passwords import LENGTH_MAX, check_policy, normal
from ioc.api.serializers import nouns
from ioc.api.serializers.models.people import SessionModel
from ioc.api.wall.caller import Caller, scope_of
from ioc.domain.people.capabilities import Capability
from ioc.errors import InvalidInputError, TooManyRequestsError, UnauthenticatedError
from ioc.store.accounts import accounts
from ioc.store.accounts.known_browsers import KEPT, knows_device, remember_device
from ioc.store.audit.trail import AuditEntry

router = APIRouter(prefix="/session", tags=["session"])
DEVICE_SUFFIX = "_device"
DEVICE_BYTES = 32
DEVICE = re.compile(r"[0-9A-Za-z_-]{43}")
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LOOPBACK = ("127.", "::1", "::ffff:127.")


class SignIn(Input):
    """A name and a password."""

    username: Annotated[Line, Field(min_length=1, max_length=64)]
    password: Annotated[Line, Field(min_length=1, max_length=LENGTH_MAX)]


class NewPassword(Input):
    """The present password and the one to come."""

    current: Annotated[Line, Field(min_length=1, max_length=LENGTH_MAX)]
    new: Annotated[Line, Field(min_length=1, max_length=LENGTH_MAX * 4)]


def is_loopback(request: Request) -> bool:
    """Tell whether the peer is this machine."""
    return request.client is not None and request.client.host.startswith(LOOPBACK)


def set_cookie(response: Response, request: Request, value: str, *, seconds: int, context: APIContext) -> None:
    """Set the session cookie, or end it with ``seconds`` 0."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        cookie_name(request.url.scheme, context),
        value,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def who(caller: Caller, account: accounts.Row) -> nouns.JSONObject:
    """Return what a person is told about themselves."""
    areas = caller.principal.areas
    zones = [zone.code for zone in caller.book.zones if areas is not None and areas and areas <= frozenset(zone.areas)]
    return {
        "username": caller.principal.name,
        "name": account["name"],
        "role": caller.principal.role,
        "capabilities": [one for one in Capability if caller.principal.has(one)],
        "areas": sorted(areas) if areas is not None else None,
        "zone": zones[0] if zones else None,
        "language": caller.language,
        "must_change": account["must_change"],
        "change_required": account["temporary"],
    }


def device_cookie(request: Request, state: APIState) -> tuple[str, str | None]:
    """Return the name of the cookie by which a browser is known again, and what it holds, null without one."""
    name = cookie_name(request.url.scheme, state.context) + DEVICE_SUFFIX
    given = request.cookies.get(name)
    return name, given if given is not None and DEVICE.fullmatch(given) else None


async def _check_password(state: APIState, request: Request, username: str, password: str) -> accounts.Row:
    """Return the account whose password fits.

    Raises:
        TooManyRequestsError: there were too many failures. UnauthenticatedError: it does not fit.
    """
    context, now = state.context, state.context.wall.now()
    address = request.client.host if request.client else "unknown"
    _, cookie = device_cookie(request, state)
    async with context.database.connection() as connection:
        account = await accounts.password_of(connection, username)
        known = cookie is not None and await knows_device(connection, cookie, now, username=username)
    device = cookie if known else None
    try:
        state.throttle.begin(username, address, device=device)
    except TooManyRequestsError:
        context.metrics.sign_in.labels("throttled").inc()
        await _refuse(state, username, address, why="throttled")
        raise
    fits = await state.passwords.verify(account["password_hash"] if account is not None else None, password)
    if account is None or not fits or account["disabled"]:
        context.metrics.sign_in.labels("refused").inc()
        await _refuse(state, username, address, why="wrong")
        raise UnauthenticatedError("the name or the password is wrong")
    state.throttle.succeed(username, address, device=device)
    context.metrics.sign_in.labels("accepted").inc()
    return account


async def _refuse(state: APIState, username: str, address: str, *, why: str) -> None:
    """Leave a row in the audit trail; what can be no account's name may be a password in the wrong field."""
    name = username if USERNAME.fullmatch(username) else "?"
    await state.refusals.note(AuditEntry("anonymous", f"session.{why}", name, address), state.context.wall.now())


async def _know_device(request: Request, response: Response, username: str, state: APIState) -> None:
    """Let this browser prove later that the account has signed in with it. A cookie that somebody chose is replaced."""
    name, cookie = device_cookie(request, state)
    now = state.context.wall.now()
    async with state.context.database.transaction() as connection:
        if cookie is None or not await knows_device(connection, cookie, now):
            cookie = secrets.token_urlsafe(DEVICE_BYTES)
        await remember_device(connection, username, cookie, now)
    response.set_cookie(
        name, cookie, max_age=int(KEPT.total_seconds()), path="/", secure=request.url.scheme == "https",
        httponly=True, samesite="strict",
    )  # fmt: skip


@router.post(
    "",
    summary="Sign in",
    dependencies=[Depends(PUBLIC)],
    openapi_extra=request_body(SignIn),
    **responses_of(SessionModel),
)
async def sign_in(request: Request, state: StateDep) -> Response:
    """Check the password and set the session cookie. Every sign-in makes a new session; an old cookie ends."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        check_origin(request, required=True)
    if request.url.scheme != "https" and not is_loopback(request):
        raise PlainHTTPError("this address is plain HTTP: open the centre over https://, or on its own machine")
    body = await read_body(request, SignIn)
    account = await _check_password(state, request, body.username, body.password)
    return await answer_session(request, state, account["username"])


async def answer_session(request: Request, state: APIState, username: str) -> Response:
    """Open a session for a person who has proved who they are, and end the one that the browser had.

    Raises:
        UnauthenticatedError: the account was disabled meanwhile.
    """
    address = request.client.host if request.client else None
    now = state.context.wall.now()
    old = request.cookies.get(cookie_name(request.url.scheme, state.context))
    former = await state.people.person(old) if old and len(old) <= LENGTH_MAX else None
    if former is not None and former.session_id is not None:
        await accounts.close_session(
            state.context.database, former.session_id, username=former.name, address=address, now=now
        )
    _, cookie = await accounts.open_session(
        state.context.database,
        username,
        address=address,
        agent=request.headers.get("user-agent", "").replace("\x00", ""),
        now=now,
    )
    principal = await state.people.person(cookie)
    if principal is None:  # disabled between the check and here
        raise UnauthenticatedError("the name or the password is wrong")
    caller = Caller(
        principal=principal,
        scope=scope_of(principal, await state.areas.book(), state.context.restricted_feeds),
        book=await state.areas.book(),
        today=state.context.today(),
        address=address,
        language=language_of(request.headers.get("accept-language")),
    )
    async with state.context.database.connection() as connection:
        account = await accounts.get_account(connection, username)
    if account is None:
        raise UnauthenticatedError("sign in again")
    response = responses.json_response(who(caller, account))
    seconds = state.context.settings.session_hours_max * 3_600
    set_cookie(response, request, cookie, seconds=seconds, context=state.context)
    await _know_device(request, response, username, state)
    return response


@router.get("", summary="Who am I", **responses_of(SessionModel))
async def who_am_i(caller: Annotated[Caller, Depends(ONESELF)], state: StateDep) -> Response:
    """Return who is signed in."""
    async with state.context.database.connection() as connection:
        account = await accounts.get_account(connection, caller.principal.name)
    if account is None:
        raise UnauthenticatedError("sign in again")
    return responses.json_response(who(caller, account))


@router.delete("", summary="Sign out", **responses_of())
async def sign_out(request: Request, caller: Annotated[Caller, Depends(ONESELF)], state: StateDep) -> Response:
    """End the session; its cookie and its streams are worth nothing from now on."""
    await accounts.close_session(
        state.context.database,
        caller.principal.session_id or "",
        username=caller.principal.name,
        address=caller.address,
        now=state.context.wall.now(),
    )
    response = Response(status_code=204)
    set_cookie(response, request, "", seconds=0, context=state.context)
    if request.url.scheme == "https":
        response.headers["Clear-Site-Data"] = '"cookies", "storage"'
    return response


@router.put("/password", summary="Change my password", openapi_extra=request_body(NewPassword), **responses_of())
async def change_password(request: Request, caller: Annotated[Caller, Depends(ONESELF)], state: StateDep) -> Response:
    """Set a new password; every other session of the account ends."""
    body, username = await read_body(request, NewPassword), caller.principal.name
    check_policy(body.new, username=username)
    if normal(body.new) == normal(body.current):
        raise InvalidInputError("the new password is the old one", field="new")
    await _check_password(state, request, username, body.current)
    await accounts.set_password(
        state.context.database,
        username,
        await state.passwords.hash(body.new),
        temporary=False,
        keep_session=caller.principal.session_id,
        actor=accounts.Actor(username, caller.address),
        now=state.context.wall.now(),
    )
    return Response(status_code=204)
