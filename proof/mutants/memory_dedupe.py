"""The mutant that many gateways are: it remembers in its own memory what it has seen, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from ioc.domain.batch import BatchToken
from ioc.domain.event import DeadLetter, Message, Outcome, Receipt
from ioc.store.log.event_log import EventLog


def apply() -> None:
    """Tell repeats by memory; to the tables every message that is new to this process is new."""
    append = EventLog.append
    seen: dict[bytes, bytes] = {}

    async def append_remembering(
        self: EventLog, batch: Sequence[Message | DeadLetter], now: datetime, *, token: BatchToken | None = None
    ) -> list[Receipt]:
        del token  # it names the whole batch, and here each message is one
        receipts: list[Receipt] = []
        for item in batch:
            if isinstance(item, Message) and item.key in seen:
                same = seen[item.key] == item.content
                reason = None if same else "conflict"
                receipts.append(Receipt(Outcome.DUPLICATE if same else Outcome.REFUSED, item.key, reason=reason))
                continue
            if isinstance(item, Message):
                seen[item.key] = item.content
                item = item._replace(key=os.urandom(16))  # noqa: PLW2901 - the tables must not know it again
            receipts += await append(self, [item], now)
        return receipts

    EventLog.append = append_remembering  # type: ignore[method-assign]
