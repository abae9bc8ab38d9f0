"""The mutant that most batch writers are: what PostgreSQL refuses fails the whole batch, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ioc.store.log.event_log import EventLog


def apply() -> None:
    """Let a batch stand or fall as one."""

    async def give_up(
        self: EventLog, batch: Sequence[Any], now: datetime, error: Exception, token: object
    ) -> list[Any]:
        from ioc.errors import StoreUnavailableError

        del self, now, token
        raise StoreUnavailableError(f"{len(batch)} rows failed together: {error}")

    EventLog._bisect = give_up  # type: ignore[method-assign] # noqa: SLF001 - to break it is the purpose
