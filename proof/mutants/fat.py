"""The mutant that gives each MQTT connection a read buffer of its own at once, as many servers do."""

from __future__ import annotations

from typing import Any

from ioc.ingest.mqtt.connection import MQTTConnection

BUFFER_BYTES = 64 << 10


def apply() -> None:
    """Let each connection hold a buffer from its beginning."""
    make = MQTTConnection.__init__

    def make_fat(self: MQTTConnection, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        self.buffer = bytearray(b"\1" * BUFFER_BYTES)  # type: ignore[attr-defined]

    MQTTConnection.__init__ = make_fat  # type: ignore[method-assign]
