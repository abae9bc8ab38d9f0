"""The mutant that every unbounded queue is: it takes in what it cannot store, until memory ends."""

from __future__ import annotations

from ioc.ingest.mqtt.ports import ReadingSide
from ioc.ingest.mqtt.read_scheduler import ReadScheduler
from ioc.ingest.pipeline.batcher import Pipeline


def apply() -> None:
    """Say that there is always room."""

    def has_room(self: Pipeline) -> bool:
        del self
        return True

    def may_submit(self: ReadScheduler, reader: ReadingSide) -> bool:
        del self, reader
        return True

    Pipeline.has_room = property(has_room)  # type: ignore[assignment,method-assign]
    ReadScheduler.may_submit = may_submit  # type: ignore[method-assign]
