"""What the parts of the MQTT door need from each other: the door, its connections and the intake behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Protocol

from ioc.clock import IOClock, LogClock
from ioc.domain.event import DeadLetter
from ioc.ingest.door import Bundle, Delivery
from ioc.ingest.fairness import Lane, Share
from ioc.ingest.mqtt.reasons import ReasonCode
from ioc.ingest.mqtt_client_session import ClientSession, Desk
from ioc.ingest.mqtt_welcome import LiveRegistry, MQTTBounds
from ioc.metrics import Metrics

DOOR = "mqtt"


class Phase(Enum):
    """How far a connection has come."""

    WAITING = "waiting"
    """No CONNECT yet, or its key is being looked up."""
    LIVE = "live"
    """The client is known."""
    ENDING = "ending"
    """Our last packet is written; what still comes is thrown away."""
    GONE = "gone"
    """The socket is closed."""


class Pause(Enum):
    """Why nothing is read from a socket."""

    LOOKUP = "lookup"
    """The database is asked for an unknown key."""
    SESSION = "session"
    """The client's session is read, or its subscriptions are stored."""
    RECEIPTS = "receipts"
    """Receipts are stored for a session that outlives its connection."""
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


class Intake(Protocol):
    """The pipeline as a door sees it."""

    @property
    def has_room(self) -> bool:
        """Tell whether another delivery may be submitted."""
        ...

    @property
    def share(self) -> Share:
        """What backlogs may send."""
        ...

    async def wait_for_room(self) -> None:
        """Return when there is room again."""
        ...

    def add(self, delivery: Delivery, bundle: Bundle | None = None) -> Bundle:
        """Queue a delivery, in its sender's last bundle while that is open; its future is done after its commit."""
        ...

    def add_letter(self, letter: DeadLetter, bundle: Bundle | None = None) -> Bundle:
        """Queue what the door itself refused, in the same way."""
        ...


class Connection(Protocol):
    """A connection as its door sees it."""

    device: str
    """The authenticated identity; empty before the CONNECT."""
    lane: Lane
    """Whether it catches up, and its turn."""
    host: str
    """The address that the socket came from."""

    @property
    def waiting_count(self) -> int:
        """How many messages wait for their commit."""
        ...

    def pause(self, reason: Pause) -> None:
        """Read nothing more until every pause is over."""
        ...

    def resume(self, reason: Pause) -> None:
        """End one pause."""
        ...

    def looked_up(self, *, readable: bool) -> None:
        """Judge a CONNECT again; ``readable`` False: the database does not answer."""
        ...

    def registry_changed(self) -> None:
        """Look again at what the registry allows."""
        ...

    def check(self, seconds: float, now: datetime) -> None:
        """Look at the deadlines: I/O clock ``seconds``, log clock ``now``."""
        ...

    def end(self, reason: ReasonCode | None, label: str | None) -> None:
        """Say why (MQTT 5) and hang up; ``label`` counts it."""
        ...

    def abort(self) -> None:
        """Close the socket at once."""
        ...


class DoorDesk(Desk, Protocol):
    """What a connection needs from the door's desk, beside what its session needs."""

    @property
    def is_full(self) -> bool:
        """Tell whether so many arrivals and departures wait that nobody should be let in."""
        ...

    def keep_receipts(self, session: ClientSession, payloads: Sequence[bytes], then: Callable[[], None]) -> None:
        """Store receipts, then call ``then``."""
        ...

    def foreign(self, device: str, topic: str) -> None:
        """Take note that a device spoke on a topic that is not its own."""
        ...


class Door(Protocol):
    """What a connection needs from the door that it came in by."""

    @property
    def desk(self) -> DoorDesk:
        """The business with the sessions."""
        ...

    @property
    def bounds(self) -> MQTTBounds:
        """Every bound."""
        ...

    @property
    def registry(self) -> LiveRegistry:
        """Devices and keys."""
        ...

    @property
    def revoked(self) -> frozenset[str]:
        """Fingerprints of client certificates that are worth nothing any more."""
        ...

    @property
    def intake(self) -> Intake:
        """The pipeline."""
        ...

    @property
    def metrics(self) -> Metrics:
        """The metrics of this process."""
        ...

    @property
    def log_clock(self) -> LogClock:
        """Dates what enters the log."""
        ...

    @property
    def io_clock(self) -> IOClock:
        """Measures deadlines."""
        ...

    def opened(self, connection: Connection) -> bool:
        """Tell whether there is place for one more connection."""
        ...

    def may_connect(self, device: str) -> bool:
        """Tell whether a device that has proved itself may connect once more now."""
        ...

    def refused(self, host: str) -> float:
        """Take note of a refused CONNECT; return how many seconds its answer should wait."""
        ...

    def admitted(self, connection: Connection) -> None:
        """Take note of who it is; an older connection of the same device must go."""
        ...

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        ...

    def may_submit(self, connection: Connection) -> bool:
        """Tell whether the intake has room and it is this connection's turn."""
        ...

    def wait_for_room(self, connection: Connection) -> None:
        """Call ``resume(Pause.INTAKE)`` on the connection when its turn has come."""
        ...

    def may_read(self, cost: int) -> bool:
        """Tell whether this turn of the event loop may read another message of ``cost`` bytes, and count it."""
        ...

    def wait_for_slice(self, connection: Connection) -> None:
        """Call ``resume(Pause.SLICE)`` on the connection in the next turn of the event loop, or one of the next."""
        ...

    def wait_for_turn(self, connection: Connection) -> None:
        """Call ``resume(Pause.BACKLOG)`` on the connection when a backlog may send and it is its turn."""
        ...

    def ask_again(self, connection: Connection) -> None:
        """Read the registry again, at most so often, then call ``looked_up`` on the connection."""
        ...

    def acknowledged(self) -> None:
        """Take note that a connection has no message waiting any more."""
        ...
