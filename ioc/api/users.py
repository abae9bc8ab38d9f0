"""People: accounts with a role and an area, made with a one-time password. An admin with an area makes none."""

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.api import answer, wire
from ioc.api.auth import ADMINS
from ioc.api.body import Input, Line, described, read_body
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.passwords import one_time_password
from ioc.domain.account import Role
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError
from ioc.store import accounts

router = APIRouter(prefix="/users", tags=["users"])
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
RoleName = Literal["admin", "operator", "viewer"]
Name = Annotated[Line, Field(min_length=1, max_length=100)]
Place = Annotated[Line, Field(min_length=1, max_length=40)]


class NewUser(Input):
    """An account to make."""

    username: Annotated[Line, Field(pattern=f"^{USERNAME.pattern}$")]
    role: RoleName
    name: Name | None = None
    area: Place | None = None


class UserPatch(Input):
    """What of an account may change; what is not sent stays. ``area`` null means every area."""

    name: Name | None = None
    role: RoleName | None = None
    area: Place | None = None
    disabled: bool | None = None


def whole_admin(caller: Caller) -> None:
    """Accept only an administrator of every area: accounts have no wall of their own.

    Raises:
        ForbiddenError: this one has an area.
    """
    if caller.scope.areas is not None:
        raise ForbiddenError("accounts are for administrators of every area")


async def existing(username: str, state: APIState) -> wire.JSONObject:
    """Return an account as JSON.

    Raises:
        NotFoundError: there is none.
    """
    async with state.parts.database.connection() as connection:
        row = await accounts.get_account(connection, username)
    if row is None:
        raise NotFoundError("no such user")
    return wire.user(row)


@router.get("", summary="List users")
async def list_users(caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Return every account."""
    whole_admin(caller)
    async with state.parts.database.connection() as connection:
        rows = await accounts.list_accounts(connection)
    return answer.json_answer({"items": [wire.user(row) for row in rows], "next": None})


@router.get("/{username}", summary="One user")
async def get_user(username: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Return one account."""
    whole_admin(caller)
    return answer.json_answer(await existing(username, state))


@router.post("", summary="Add a user", openapi_extra=described(NewUser))
async def create_user(request: Request, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Make an account and show its one-time password once."""
    body = await read_body(request, NewUser)
    whole_admin(caller)
    if body.area is not None:
        caller.book.resolve(body.area, caller.today)
    password = one_time_password()
    await accounts.create_account(
        state.parts.database,
        username=body.username,
        name=body.name or body.username,
        role=Role(body.role),
        area=body.area,
        password_hash=await state.passwords.hash(password),
        actor=accounts.Actor(caller.principal.name, caller.address),
        now=state.parts.wall.now(),
    )
    made = await existing(body.username, state)
    return answer.json_answer({**made, "password": password}, status=201)


@router.patch("/{username}", summary="Change a user", openapi_extra=described(UserPatch))
async def patch_user(
    request: Request, username: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep
) -> Response:
    """Change name, role, area or disabled; any but the name ends every session of the account."""
    body = await read_body(request, UserPatch)
    whole_admin(caller)
    values: dict[str, Any] = body.model_dump(exclude_unset=True)
    for name in ("name", "role", "disabled"):
        if name in values and values[name] is None:
            raise InvalidInputError(f"{name} cannot be null", field=name)
    if values.get("area") is not None:
        caller.book.resolve(values["area"], caller.today)
    actor = accounts.Actor(caller.principal.name, caller.address)
    await accounts.patch_account(state.parts.database, username, values, actor=actor, now=state.parts.wall.now())
    return answer.json_answer(await existing(username, state))


@router.post("/{username}/password", summary="Give a new one-time password")
async def reset_password(username: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Replace a lost password; every session of the account ends."""
    whole_admin(caller)
    await existing(username, state)
    password = one_time_password()
    await accounts.set_password(
        state.parts.database,
        username,
        await state.passwords.hash(password),
        keep_session=None,
        actor=accounts.Actor(caller.principal.name, caller.address),
        now=state.parts.wall.now(),
    )
    return answer.json_answer({"username": username, "password": password}, status=201)
