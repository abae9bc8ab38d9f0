"""Signing in and out. A name nobody has, a wrong password and a disabled account look and last the same."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.api import answer, wire
from ioc.api.auth import PEOPLE, PUBLIC, check_origin, cookie_name
from ioc.api.body import Input, Line, described, read_body
from ioc.api.caller import Caller, scope_of
from ioc.api.deps import APIState, StateDep
from ioc.api.passwords import LENGTH_MAX, check_policy
from ioc.api.problems import PlainHTTPError, language_of
from ioc.errors import TooManyRequestsError, UnauthenticatedError
from ioc.store import accounts

router = APIRouter(prefix="/session", tags=["session"])
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


def set_cookie(response: Response, request: Request, value: str, *, seconds: int, drill: bool) -> None:
    """Set the session cookie, or end it with ``seconds`` 0."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        cookie_name(request.url.scheme, drill=drill),
        value,
        max_age=seconds,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def who(caller: Caller, *, name: str, must_change: bool) -> wire.JSONObject:
    """Return what a person is told about themselves."""
    areas = caller.principal.areas
    zones = [zone.code for zone in caller.book.zones if areas is not None and areas and areas <= frozenset(zone.areas)]
    return {
        "username": caller.principal.name,
        "name": name,
        "role": caller.principal.role,
        "areas": sorted(areas) if areas is not None else None,
        "zone": zones[0] if zones else None,
        "language": caller.language,
        "must_change": must_change,
    }


async def _check_password(state: APIState, request: Request, username: str, password: str) -> accounts.Row:
    """Return the account whose password fits.

    Raises:
        TooManyRequestsError: the account or the address has failed too often. UnauthenticatedError: it does not fit.
    """
    metrics = state.parts.metrics
    address = request.client.host if request.client else "unknown"
    try:
        state.address_throttle.begin(address)
        state.account_throttle.begin(username)
    except TooManyRequestsError:
        metrics.sign_in.labels("throttled").inc()
        raise
    async with state.parts.database.connection() as connection:
        account = await accounts.password_of(connection, username)
    stored = account["password_hash"] if account is not None else None
    fits = await state.passwords.verify(stored, password)
    if account is None or not fits or account["disabled"]:
        metrics.sign_in.labels("refused").inc()
        raise UnauthenticatedError("the name or the password is wrong")
    state.account_throttle.succeed(username)
    state.address_throttle.withdraw(address)
    metrics.sign_in.labels("accepted").inc()
    return account


@router.post("", summary="Sign in", dependencies=[Depends(PUBLIC)], openapi_extra=described(SignIn))
async def sign_in(request: Request, state: StateDep) -> Response:
    """Check the password and set the session cookie. Every sign-in makes a new session; an old cookie ends."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        check_origin(request, required=True)
    if request.url.scheme != "https" and not is_loopback(request):
        raise PlainHTTPError("this address is plain HTTP: open the centre over https://, or on its own machine")
    body = await read_body(request, SignIn)
    account = await _check_password(state, request, body.username, body.password)
    address = request.client.host if request.client else None
    now = state.parts.wall.now()
    old = request.cookies.get(cookie_name(request.url.scheme, drill=state.parts.drill is not None))
    former = await state.people.person(old) if old and len(old) <= LENGTH_MAX else None
    if former is not None and former.session_id is not None:
        await accounts.close_session(
            state.parts.database, former.session_id, username=former.name, address=address, now=now
        )
    _, cookie = await accounts.open_session(
        state.parts.database,
        account["username"],
        address=address,
        agent=request.headers.get("user-agent", "").replace("\x00", ""),
        now=now,
    )
    principal = await state.people.person(cookie)
    if principal is None:  # disabled between the check and here
        raise UnauthenticatedError("the name or the password is wrong")
    caller = Caller(
        principal=principal,
        scope=scope_of(principal, await state.areas.book(), state.parts.restricted_feeds),
        book=await state.areas.book(),
        today=state.parts.today(),
        address=address,
        language=language_of(request.headers.get("accept-language")),
    )
    response = answer.json_answer(who(caller, name=account["name"], must_change=account["must_change"]))
    drill, seconds = state.parts.drill is not None, state.parts.settings.session_hours_max * 3_600
    set_cookie(response, request, cookie, seconds=seconds, drill=drill)
    return response


@router.get("", summary="Who am I")
async def who_am_i(caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """Return who is signed in."""
    async with state.parts.database.connection() as connection:
        account = await accounts.get_account(connection, caller.principal.name)
    if account is None:
        raise UnauthenticatedError("sign in again")
    return answer.json_answer(who(caller, name=account["name"], must_change=account["must_change"]))


@router.delete("", summary="Sign out", status_code=204)
async def sign_out(request: Request, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """End the session; its cookie and its streams are worth nothing from now on."""
    await accounts.close_session(
        state.parts.database,
        caller.principal.session_id or "",
        username=caller.principal.name,
        address=caller.address,
        now=state.parts.wall.now(),
    )
    response = Response(status_code=204)
    set_cookie(response, request, "", seconds=0, drill=state.parts.drill is not None)
    if request.url.scheme == "https":
        response.headers["Clear-Site-Data"] = '"cookies", "storage"'
    return response


@router.put("/password", summary="Change my password", status_code=204, openapi_extra=described(NewPassword))
async def change_password(request: Request, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """Set a new password; every other session of the account ends."""
    body, username = await read_body(request, NewPassword), caller.principal.name
    check_policy(body.new, username=username)
    await _check_password(state, request, username, body.current)
    await accounts.set_password(
        state.parts.database,
        username,
        await state.passwords.hash(body.new),
        keep_session=caller.principal.session_id,
        actor=accounts.Actor(username, caller.address),
        now=state.parts.wall.now(),
    )
    return Response(status_code=204)
