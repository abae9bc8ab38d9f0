"""What all connections of one MQTT door have in common."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.ingest.mqtt.connect import LiveRegistry, MQTTBounds
from ioc.ingest.mqtt.gate import ConnectGate
from ioc.ingest.mqtt.ports import ReadTurns
from ioc.ingest.mqtt.sessions.worker import SessionWorker
from ioc.ingest.pipeline.delivery import Submission
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class DoorContext:
    """Made once by the door, before its first connection."""

    bounds: MQTTBounds
    registry: LiveRegistry
    gate: ConnectGate
    turns: ReadTurns
    intake: Submission
    sessions: SessionWorker
    log_clock: LogClock
    """Dates what enters the log."""
    io_clock: IOClock
    """Measures deadlines."""
    metrics: Metrics
