"""What the command line does about pictures and papers: remove one for good."""

from __future__ import annotations

from ioc.assembly.context import open_context
from ioc.settings import Settings
from ioc.store.media.removal import remove_medium

ACTOR = "command line"


async def remove(settings: Settings, identifier: str, *, reason: str) -> list[str]:
    """Remove a medium and return every id that had its content.

    Raises:
        NotFoundError: there is none. TransitionError: it was removed already.
    """
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        return await remove_medium(context.database, identifier, actor=ACTOR, reason=reason, now=context.wall.now())
