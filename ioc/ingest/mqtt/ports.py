"""What the parts of the MQTT door share: how far a connection has come, why it reads nothing, and their small ports."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Protocol

from ioc.ingest.pipeline.backlog import Lane

DOOR = "mqtt"
Spawn = Callable[[Coroutine[None, None, None], str], None]
"""Runs a task of the door, which ends with the door, and the door with it."""


class ConnectionPhase(Enum):
    """How far a connection has come."""

    WAITING = "waiting"
    """No CONNECT yet, or its answer is not decided."""
    LIVE = "live"
    """The client is welcome."""
    ENDING = "ending"
    """Our last packet is written; what still comes is thrown away."""
    GONE = "gone"
    """The socket is closed."""


HEARING = (ConnectionPhase.WAITING, ConnectionPhase.LIVE)
"""Phases in which packets are read."""
OVER = (ConnectionPhase.ENDING, ConnectionPhase.GONE)
"""Phases in which nothing is read any more."""


class Pause(Enum):
    """Why nothing is read from a socket."""

    LOOKUP = "lookup"
    """The database is asked for an unknown key."""
    SESSION = "session"
    """The client's session is read, or its subscriptions are stored."""
    RECEIPTS = "receipts"
    """Receipts are stored for a session that outlives its connection."""
    UNSENT = "unsent"
    """Receipts wait for the client to read."""
    INTAKE = "intake"
    """The pipeline is full."""
    BACKLOG = "backlog"
    """The client catches up, and it is not its turn (fair intake)."""
    INFLIGHT = "inflight"
    """Too many messages of this connection, or too long ones, wait for their commit."""
    SLICE = "slice"
    """This turn of the event loop has read enough: first the others, and the database, are heard."""
    RATE = "rate"
    """The client sends more than one connection may."""
    REFUSAL = "refusal"
    """The answer to a CONNECT that is refused waits."""
    UNREAD = "unread"
    """The client does not read our answers."""
    STOPPING = "stopping"
    """The process is about to stop."""


class ReadingSide(Protocol):
    """The reading side of a connection, as those see it who stop it and let it go on."""

    lane: Lane
    """Whether its client catches up, and its turn."""

    def pause(self, reason: Pause) -> None:
        """Read nothing more until every pause is over."""
        ...

    def resume(self, reason: Pause) -> None:
        """End one pause."""
        ...


class ReadTurns(Protocol):
    """Who may read now, and who when."""

    def obstacle(self, reader: ReadingSide, cost: int) -> Pause | None:
        """Return why a message of ``cost`` bytes must wait, or None: it may be submitted, and is counted."""
        ...

    def wait(self, reader: ReadingSide, reason: Pause) -> None:
        """Call ``resume(reason)`` on the reader when its turn has come; ``reason`` is what :meth:`obstacle` said."""
        ...
