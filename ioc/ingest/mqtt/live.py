"""A client that is let in, and everything that serves it, made at once when its CONNECT is accepted."""

from __future__ import annotations

from ioc.domain.messaging.presence import PresenceReason
from ioc.ingest.mqtt.acknowledger import Acknowledger
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import Client, Grant
from ioc.ingest.mqtt.publish import Uplink
from ioc.ingest.mqtt.sessions.session import ClientSession
from ioc.ingest.mqtt.writer import Writer


class LiveClient:
    """Who it is, what that rests on, its session, what it sends and what it is written."""

    __slots__ = ("acknowledger", "client", "grant", "session", "uplink", "writer")

    def __init__(
        self, *, client: Client, grant: Grant, session: ClientSession, writer: Writer, acknowledger: Acknowledger,
        uplink: Uplink,
    ) -> None:  # fmt: skip
        self.client = client
        self.grant = grant
        """What lets it in, as the registry had it last."""
        self.session = session
        self.writer = writer
        self.acknowledger = acknowledger
        self.uplink = uplink

    @property
    def waiting_count(self) -> int:
        """How many messages wait for their commit, or their acknowledgements for their receipts."""
        return len(self.uplink) + self.acknowledger.withheld

    def room_again(self) -> None:
        """Go on with what waits: the client reads again."""
        self.writer.flush()
        if not self.writer.has_unsent:
            self.session.room_again()

    def lost(self) -> None:
        """Take note that the socket is gone."""
        self.writer.end()
        self.session.leave(PresenceReason.LOST)

    def ended(self, reason: ReasonCode | None) -> None:
        """Take note that the door ends the connection, with this reason."""
        self.writer.end()
        if reason is ReasonCode.SERVER_SHUTTING_DOWN:
            self.session.abandon()
        else:
            silent = reason is ReasonCode.KEEP_ALIVE_TIMEOUT
            self.session.leave(PresenceReason.LOST if silent else PresenceReason.CLOSED)
