"""The mutant that every unbounded queue is: it takes in what it cannot store, until memory ends."""

from __future__ import annotations

from ioc.ingest.mqtt_door import MQTTDoor
from ioc.ingest.mqtt_ports import Connection
from ioc.ingest.pipeline import Pipeline


def apply() -> None:
    """Say that there is always room."""

    def has_room(self: Pipeline) -> bool:
        del self
        return True

    def may_submit(self: MQTTDoor, connection: Connection) -> bool:
        del self, connection
        return True

    Pipeline.has_room = property(has_room)  # type: ignore[assignment,method-assign]
    MQTTDoor.may_submit = may_submit  # type: ignore[method-assign]
