"""People: accounts with a role and an area, made with a one-time password. An admin with an area makes none."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import ACCOUNT_KEEPERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, Input, Line, NotNull, read_body, request_body
from ioc.api.http.filters import WholeList
from ioc.api.http.openapi_responses import responses_of
from ioc.api.identity.passwords import one_time_password
from ioc.api.serializers import nouns, people
from ioc.api.serializers.models.people import NewUserModel, OneTimePasswordModel, UserListModel, UserModel
from ioc.api.wall.caller import Caller
from ioc.domain.people.capabilities import Role
from ioc.errors import NotFoundError
from ioc.store.accounts import accounts

router = APIRouter(prefix="/users", tags=["users"])
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
Name = Annotated[Line, Field(min_length=1, max_length=100)]
Place = Annotated[Line, Field(min_length=1, max_length=40)]


class NewUser(Input):
    """An account to make."""

    username: Annotated[str, Field(pattern=f"^{USERNAME.pattern}$"), STORABLE]
    role: Role
    name: Name | None = None
    area: Place | None = None


class UserPatch(Input):
    """What of an account may change; what is not sent stays. ``area`` null means every area."""

    name: Annotated[Name | None, NotNull()] = None
    role: Annotated[Role | None, NotNull()] = None
    area: Place | None = None
    disabled: Annotated[bool | None, NotNull()] = None


async def find_user(username: str, state: APIState) -> nouns.JSONObject:
    """Return an account as JSON.

    Raises:
        NotFoundError: there is none.
    """
    async with state.context.database.connection() as connection:
        row = await accounts.get_account(connection, username)
    if row is None:
        raise NotFoundError("no such user")
    return people.user(row)


@router.get("", summary="List users", **responses_of(UserListModel))
async def list_users(
    caller: Annotated[Caller, Depends(ACCOUNT_KEEPERS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return accounts by name."""
    del caller
    keys = responses.cursor_keys("users", page, (str,))
    async with state.context.database.connection() as connection:
        rows = await accounts.list_accounts(connection, after=keys[0] if keys else None, limit=page.limit + 1)
    following = responses.next_cursor("users", page, rows, ("username",))
    return responses.json_response({"items": [people.user(row) for row in rows[: page.limit]], "next": following})


@router.get("/{username}", summary="One user", **responses_of(UserModel))
async def get_user(username: str, caller: Annotated[Caller, Depends(ACCOUNT_KEEPERS)], state: StateDep) -> Response:
    """Return one account."""
    del caller
    return responses.json_response(await find_user(username, state))


@router.post(
    "",
    summary="Add a user",
    openapi_extra=request_body(NewUser),
    **responses_of(NewUserModel, status=201, refused=(409,)),
)
async def create_user(
    request: Request, caller: Annotated[Caller, Depends(ACCOUNT_KEEPERS)], state: StateDep
) -> Response:
    """Make an account and show its one-time password once."""
    body = await read_body(request, NewUser)
    if body.area is not None:
        caller.book.resolve(body.area, caller.today)
    password = one_time_password(username=body.username)
    await accounts.create_account(
        state.context.database,
        username=body.username,
        name=body.name or body.username,
        role=body.role,
        area=body.area,
        password_hash=await state.passwords.hash(password),
        temporary=True,
        actor=accounts.Actor(caller.principal.name, caller.address),
        now=state.context.wall.now(),
    )
    made = await find_user(body.username, state)
    return responses.json_response({**made, "password": password}, status=201)


@router.patch("/{username}", summary="Change a user", openapi_extra=request_body(UserPatch), **responses_of(UserModel))
async def patch_user(
    request: Request, username: str, caller: Annotated[Caller, Depends(ACCOUNT_KEEPERS)], state: StateDep
) -> Response:
    """Change name, role, area or disabled; any but the name ends every session of the account."""
    body = await read_body(request, UserPatch)
    values: dict[str, Any] = body.model_dump(exclude_unset=True)
    if values.get("area") is not None:
        caller.book.resolve(values["area"], caller.today)
    actor = accounts.Actor(caller.principal.name, caller.address)
    await accounts.patch_account(state.context.database, username, values, actor=actor, now=state.context.wall.now())
    return responses.json_response(await find_user(username, state))


@router.post(
    "/{username}/password", summary="Give a new one-time password", **responses_of(OneTimePasswordModel, status=201)
)
async def reset_password(
    username: str, caller: Annotated[Caller, Depends(ACCOUNT_KEEPERS)], state: StateDep
) -> Response:
    """Replace a lost password; every session of the account ends."""
    await find_user(username, state)
    password = one_time_password(username=username)
    await accounts.set_password(
        state.context.database,
        username,
        await state.passwords.hash(password),
        temporary=True,
        keep_session=None,
        actor=accounts.Actor(caller.principal.name, caller.address),
        now=state.context.wall.now(),
    )
    return responses.json_response({"username": username, "password": password}, status=201)
