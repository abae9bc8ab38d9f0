"""What the command line does about what says who a person is: erase it."""

from __future__ import annotations

from typing import Any

from ioc.assembly.context import open_context
from ioc.settings import Settings
from ioc.store.personal.erasure import erase_person

ACTOR = "command line"


async def erase(settings: Settings, value: str, *, reason: str) -> dict[str, Any]:
    """Erase a person's value wherever it stands, and return {"rows", "left"} by `table.column`.

    Raises:
        InvalidInputError: the value is too short or too long.
    """
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        done = await erase_person(context.database, value, actor=ACTOR, reason=reason, now=context.wall.now())
    return {"rows": done.rows, "left": done.left}
