"""What the command line does to accounts and keys that are there: a new password, the end of a key."""

from __future__ import annotations

from typing import Any

from ioc.api.identity.passwords import Passwords, one_time_password
from ioc.assembly.context import open_context
from ioc.settings import Settings
from ioc.store.accounts.accounts import Actor, set_password
from ioc.store.registry.keys import revoke_key

ACTOR = "command line"


async def reset_password(settings: Settings, username: str, *, temporary: bool) -> dict[str, Any]:
    """Give an account a new password and return {"username", "password"}; every session of it ends.

    Raises:
        NotFoundError: there is no such account.
    """
    password = one_time_password(username=username)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        await set_password(
            context.database, username, await Passwords().hash(password), temporary=temporary, keep_session=None,
            actor=Actor(ACTOR), now=context.wall.now(),
        )  # fmt: skip
    return {"username": username, "password": password}


async def revoke(settings: Settings, key_id: str) -> dict[str, Any]:
    """End a key, a device's too, and return {"id", "revoked"}; its connections and streams end within seconds.

    Raises:
        NotFoundError: there is no such live key.
    """
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        await revoke_key(context.database, key_id, actor=ACTOR, address=None, now=context.wall.now())
    return {"id": key_id, "revoked": True}
