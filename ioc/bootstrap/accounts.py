"""The first account of an instance: no default password exists, a one-time one is said once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from ioc.api.identity.passwords import Passwords, one_time_password
from ioc.assembly.context import ProcessContext
from ioc.domain.people.capabilities import Role
from ioc.store.accounts.accounts import Actor, create_account, get_account, list_accounts, set_password

DEMO_NAME = "operator"
FIRST_NAME = "admin"


async def first_account(context: ProcessContext) -> tuple[str | None, str | None]:
    """Make the first account, or renew the demo's; return its name and one-time password, or (None, None).

    A demo or a drill signs in as an administrator named `operator`, with a new password at each start. Elsewhere only
    an empty instance gets an `admin`.
    """
    if context.mark is not None and context.settings.drill_accounts_file is not None:
        await _take_people(context, context.settings.drill_accounts_file)
        return None, None
    if context.mark is not None and context.mark.tour:
        return None, None  # visitors come signed in from the instance that started it, each with a code of one use
    renewed = context.settings.demo or context.mark is not None
    name = DEMO_NAME if renewed else FIRST_NAME
    async with context.database.connection() as connection:
        exists = await get_account(connection, name)
        people = await list_accounts(connection)
    if people and not (renewed and exists):
        return None, None
    password = one_time_password(username=name)
    password_hash = await Passwords().hash(password)
    now = context.wall.now()
    if exists is None:
        await create_account(
            context.database,
            username=name,
            name="Trực ban" if renewed else "Quản trị hệ thống",
            role=Role.ADMIN,
            area=None,
            password_hash=password_hash,
            temporary=False,
            actor=Actor("system"),
            now=now,
        )
    if renewed:
        # Set in the account's own name, so that a demo or drill does not begin with a change of password.
        await set_password(
            context.database, name, password_hash, temporary=False, keep_session=None, actor=Actor(name), now=now
        )
    return name, password


async def _take_people(context: ProcessContext, path: Path) -> None:
    """Give the people of the instance that started this drill their accounts here, then remove the file."""
    people = await asyncio.to_thread(_read_people, path)
    now = context.wall.now()
    for person in people:
        async with context.database.connection() as connection:
            known = await get_account(connection, person["username"])
        if known is None:
            await create_account(
                context.database, username=person["username"], name=person["name"], role=Role(person["role"]),
                area=person["area"], password_hash=person["password_hash"], temporary=False,
                actor=Actor("drill"), now=now,
            )  # fmt: skip
            # In their own name: nobody is asked for a new password in the middle of a drill.
            await set_password(
                context.database, person["username"], person["password_hash"], temporary=False, keep_session=None,
                actor=Actor(person["username"]), now=now,
            )  # fmt: skip
    await asyncio.to_thread(path.unlink, missing_ok=True)


def _read_people(path: Path) -> list[dict[str, Any]]:
    """Return the people of the file; none when an earlier start of this drill took them."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
