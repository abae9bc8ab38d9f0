"""The mutant that every broker without durable acknowledgements is: it answers first and commits afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ioc.domain.event import DeadLetter, Message, Outcome, Receipt
from ioc.ingest.pipeline import Pipeline


def apply() -> None:
    """Let the pipeline acknowledge what it has queued."""
    queue = Pipeline._queue_group  # noqa: SLF001 - to break it is the purpose

    def queue_and_acknowledge(
        self: Pipeline, items: Sequence[Message | DeadLetter], body_bytes: int
    ) -> asyncio.Future[list[Receipt]]:
        queue(self, items, body_bytes)
        early: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        early.set_result([Receipt(Outcome.STORED, getattr(item, "key", None)) for item in items])
        return early

    Pipeline._queue_group = queue_and_acknowledge  # type: ignore[method-assign] # noqa: SLF001
