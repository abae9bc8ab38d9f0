"""The mutant that every broker without durable acknowledgements is: it answers first and commits afterwards."""

from __future__ import annotations

from ioc.domain.event import DeadLetter, Message, Outcome, Receipt
from ioc.ingest.pipeline.batcher import Pipeline
from ioc.ingest.pipeline.delivery import Bundle


def apply() -> None:
    """Let the pipeline acknowledge what it has queued."""
    queue = Pipeline._add  # noqa: SLF001 - to break it is the purpose

    def queue_and_acknowledge(
        self: Pipeline, items: list[Message | DeadLetter], body_bytes: int, bundle: Bundle | None
    ) -> Bundle:
        del bundle
        early = queue(self, items, body_bytes, None)
        early.done.set_result([Receipt(Outcome.STORED, getattr(item, "key", None)) for item in items])
        early.is_open = False
        return early

    Pipeline._add = queue_and_acknowledge  # type: ignore[method-assign] # noqa: SLF001
