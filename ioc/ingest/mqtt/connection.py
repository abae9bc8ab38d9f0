"""One MQTT connection: bytes in, packets to their places, answers out.

What it promises: what is framed is stored or kept as a dead letter, then acknowledged; where something is full (the
intake, what waits for its commit, the client's own reading) nothing more is read from this socket and nothing is lost;
only protocol violations, deadlines and a lost key hang up. Until its CONNECT is answered a :class:`Handshake` serves
its client, from then on a :class:`LiveClient` does.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Protocol, cast

from ioc.errors import QueueFullError
from ioc.ingest.mqtt.client_cert import Certificate, certificate_of
from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    LEVEL_5,
    REASONS_IN,
    Connect,
    Disconnect,
    Oversize,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Pubcomp,
    Publish,
    Pubrel,
)
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.connect import answer_to_violation
from ioc.ingest.mqtt.context import DoorContext
from ioc.ingest.mqtt.handshake import Handshake
from ioc.ingest.mqtt.limits import ConnectionRate, Watch
from ioc.ingest.mqtt.listener import ConnectionHandler, unread_bytes
from ioc.ingest.mqtt.live import LiveClient
from ioc.ingest.mqtt.ports import HEARING, OVER, ConnectionPhase, Pause
from ioc.ingest.pipeline.backlog import Lane

KEEP_ALIVE_FACTOR = 1.5


class Connections(Protocol):
    """Where a connection says what becomes of it."""

    def opened(self, connection: MQTTConnection) -> bool:
        """Tell whether there is place for one more connection, and take it in."""
        ...

    def admitted(self, connection: MQTTConnection) -> None:
        """Take note of whose it is; an older connection of the same device must go."""
        ...

    def retire(self, older: MQTTConnection) -> None:
        """End a connection whose device has a newer one, once what lies in its socket is read."""
        ...

    def closed(self, connection: MQTTConnection) -> None:
        """Forget a connection."""
        ...


class MQTTConnection(ConnectionHandler):
    """Serves one client from its first byte to its last."""

    def __init__(self, context: DoorContext, connections: Connections, host: str = "") -> None:
        self._context = context
        self._connections = connections
        bounds = context.bounds
        self.host = host
        """The address that the socket came from."""
        self._rate = ConnectionRate(bounds.limits, context.io_clock.seconds())
        self._watch = Watch(bounds.limits)
        self._decoder = Decoder(bounds.packet_bytes_max, max_connect_bytes=bounds.connect_bytes_max)
        self._phase = ConnectionPhase.WAITING
        self._pauses: set[Pause] = set()
        self._held: Publish | Oversize | None = None  # decoded, and there was no room for it
        self._certificate: Certificate | None = None
        self._since = self._heard_at = context.io_clock.seconds()
        self._transport: asyncio.Transport
        self._handshake: Handshake | None = None  # from the CONNECT to its answer
        self._live: LiveClient | None = None  # from the welcome on
        self.lane = Lane()
        """Whether its client catches up, and its turn."""
        self.device = ""
        """The authenticated identity; empty before the welcome."""

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new socket in, if there is place."""
        self.began = True
        self._transport = cast("asyncio.Transport", transport)
        self._certificate = certificate_of(transport.get_extra_info("ssl_object"))
        self._transport.set_write_buffer_limits(high=self._context.bounds.write_buffer_bytes_max)
        if not self._connections.opened(self):
            # Before the CONNECT nothing can be said that the client would understand.
            self._count("connections_max")
            self._phase = ConnectionPhase.GONE
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the socket; what is submitted commits all the same, and nobody is told."""
        del exc
        self._phase = ConnectionPhase.GONE
        self._held = None
        self._pauses.clear()
        if self._live is not None:
            self._live.lost()
        elif self._handshake is not None:
            self._handshake.over(None, is_lost=True)
        self._connections.closed(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._phase in OVER:
            return
        self._heard_at = self._context.io_clock.seconds()
        self._watch.bytes += len(data)
        self._rate.bytes.left -= len(data)
        self._decoder.feed(data)
        if not self._pauses:
            self._read()
            if self._rate.bytes.left < 0:
                self._slow_down()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read."""
        self.pause(Pause.UNREAD)

    def resume_writing(self) -> None:
        """Read again."""
        self.resume(Pause.UNREAD)
        if self._live is not None:
            self._live.room_again()

    # -- the door's side

    @property
    def waiting_count(self) -> int:
        """How many messages wait for their commit."""
        return 0 if self._live is None else self._live.waiting_count

    @property
    def has_unread(self) -> bool:
        """Whether something that the client sent is not taken yet, here or in its socket."""
        return self._phase is ConnectionPhase.LIVE and (
            self._held is not None or not self._pauses <= {Pause.UNREAD} or unread_bytes(self._transport) > 0
        )

    def pause(self, reason: Pause) -> None:
        """Read nothing more until every pause is over."""
        if self._phase in OVER:
            return
        if not self._pauses and not self._transport.is_closing():
            self._transport.pause_reading()
        self._pauses.add(reason)

    def resume(self, reason: Pause) -> None:
        """End one pause; after the last one, what was held back goes first, then the socket is read again."""
        if reason not in self._pauses:
            return
        self._pauses.discard(reason)
        if self._pauses:
            return
        self._heard_at = self._context.io_clock.seconds()
        self._read()
        if not self._pauses and self._phase in HEARING and not self._transport.is_closing():
            self._transport.resume_reading()

    def check(self, seconds: float, now: datetime) -> None:
        """Look at the deadlines: I/O clock ``seconds``; a key may also have an end, by the log's ``now``."""
        bounds = self._context.bounds
        if self._phase is ConnectionPhase.WAITING:
            handshake = self._handshake
            since = self._since if handshake is None else max(self._since, handshake.answer_at)
            if seconds - since > bounds.connect_seconds:
                if handshake is not None:
                    handshake.session_unavailable()
                self.end(None, "connect_timeout")
        elif self._phase is ConnectionPhase.ENDING:
            if seconds - self._since > bounds.linger_seconds:
                self.abort()
        elif self._phase is ConnectionPhase.LIVE and self._live is not None:
            self._check_live(self._live, seconds, now)

    def _check_live(self, live: LiveClient, seconds: float, now: datetime) -> None:
        live.writer.flush()
        expires_at = live.grant.expires_at
        silent_max = live.client.keep_alive_seconds * KEEP_ALIVE_FACTOR
        if expires_at is not None and expires_at <= now:
            self.end(ReasonCode.NOT_AUTHORIZED, "key_gone")
        # While we do not read, the client may be sending: its silence proves nothing. A client that does not read us
        # (UNREAD) could still send, so it is held to its keep-alive.
        elif silent_max and self._pauses <= {Pause.UNREAD} and seconds - self._heard_at > silent_max:
            self.end(ReasonCode.KEEP_ALIVE_TIMEOUT, "keep_alive_timeout")
        elif self._watch.is_unread(seconds, unread=Pause.UNREAD in self._pauses):
            self._count("unread")
            self.abort()  # it would not read a DISCONNECT either
        elif self._watch.is_overdue(seconds, amid_packet=not self._pauses and self._decoder.is_amid_packet):
            self.end(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "packet_timeout")

    def registry_changed(self) -> None:
        """Forget what the registry allowed; hang up when the key is gone (SECURITY S23)."""
        live = self._live
        if self._phase is not ConnectionPhase.LIVE or live is None:
            return
        live.uplink.forget_routes()
        grant = self._context.gate.still_granted(live.grant)
        if grant is None:
            self.end(ReasonCode.NOT_AUTHORIZED, "key_gone")
        else:
            live.grant = grant

    def welcome(self, live: LiveClient) -> None:
        """Go on with a client that is let in, just before it is told."""
        self._handshake, self._live = None, live
        self.device = live.client.device
        self._phase = ConnectionPhase.LIVE
        self._connections.admitted(self)

    def retire(self) -> None:
        """Hang up, once what the client has sent is read: its device has a newer connection."""
        self._connections.retire(self)

    def end(self, reason: ReasonCode | None, label: str | None) -> None:
        """Say why (MQTT 5), throw away what still comes, and hang up once the client had time to read it."""
        if self._phase in OVER:
            return
        if label is not None:
            self._count(label)
        live, handshake = self._live, self._handshake
        if live is not None:
            if live.client.level == LEVEL_5 and reason is not None:
                self._transport.write(encode(Disconnect(reason), LEVEL_5))
            live.ended(reason)
        elif handshake is not None:
            handshake.over(reason, is_lost=False)
        was_paused = bool(self._pauses)
        self._phase = ConnectionPhase.ENDING
        self._since = self._context.io_clock.seconds()
        self._held = self._handshake = None
        self._pauses.clear()
        if self._transport.is_closing():
            return
        # Closing at once with unread bytes in the socket would send a reset, which can overtake our last packet.
        with contextlib.suppress(OSError):  # the client may have gone and the loop not know yet
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:  # TLS says goodbye by itself
                self._transport.close()
        if was_paused:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close the socket at once."""
        self._transport.abort()

    def _count(self, label: str) -> None:
        self._context.metrics.mqtt_refused.labels(label).inc()

    # -- reading

    def _read(self) -> None:
        """Work through what is decoded until nothing is left or something is full."""
        now = self._context.log_clock.now()
        held, self._held = self._held, None
        if held is not None and not self._message(held, now):
            return
        rate, watch = self._rate.packets, self._watch
        try:
            for packet in self._decoder:
                watch.packets += 1
                rate.left -= 1
                if rate.left < 0:
                    self._slow_down()  # this packet is still served
                if type(packet) is Publish or type(packet) is Oversize:
                    if not self._message(packet, now) or self._pauses:
                        return
                    continue
                self._other(packet)
                if self._pauses or self._phase in OVER:
                    return
        except ProtocolViolation as violation:
            self._violated(violation)

    def _message(self, packet: Publish | Oversize, now: datetime) -> bool:
        """Submit a message; return False when it must wait or the connection ends."""
        live = self._live
        assert live is not None, "the decoder lets nothing pass before a CONNECT, and a pause lasts until its answer"
        uplink, context, bounds = live.uplink, self._context, self._context.bounds
        if len(uplink) >= bounds.inflight_max or uplink.waiting_bytes >= bounds.limits.inflight_bytes_max:
            self._hold(packet, Pause.INFLIGHT)  # until a commit
            return False
        reason = context.turns.obstacle(self, len(packet.payload) if type(packet) is Publish else 0)
        if reason is not None:
            self._hold(packet, reason)
            context.turns.wait(self, reason)
            return False
        try:
            uplink.take(packet, now)
        except ProtocolViolation as violation:
            self._violated(violation)
        except QueueFullError:  # it has room and refuses: the process is stopping
            self.end(ReasonCode.SERVER_SHUTTING_DOWN, "stopping")
        else:
            return True
        return False

    def _hold(self, packet: Publish | Oversize, reason: Pause) -> None:
        """Keep a message for which there is no room yet, and read nothing more."""
        self._held = packet
        self.pause(reason)

    def _slow_down(self) -> None:
        """Read nothing until the connection is within its rate again."""
        wait = self._rate.wait_seconds(self._context.io_clock.seconds())
        if wait > 0 and self._phase in HEARING:
            self._context.metrics.mqtt_slowed.inc()
            self.pause(Pause.RATE)
            asyncio.get_running_loop().call_later(wait, self.resume, Pause.RATE)

    def _violated(self, violation: ProtocolViolation) -> None:
        code = violation.reason_code
        if self._phase is ConnectionPhase.LIVE:
            known = code in REASONS_IN[PacketType.DISCONNECT]
            self.end(code if known else ReasonCode.PROTOCOL_ERROR, code.name.lower())
            return
        self._transport.write(answer_to_violation(code, self._decoder.protocol_level))
        self.end(None, code.name.lower())

    def _other(self, packet: Packet | Oversize) -> None:
        live = self._live
        if live is not None:
            self._serve(live, packet)
        elif isinstance(packet, Connect) and self._handshake is None:
            self._handshake = Handshake(
                connect=packet, certificate=self._certificate, context=self._context, applicant=self,
                transport=self._transport,
            )  # fmt: skip
            self._handshake.begin()
        else:
            raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "this packet has no meaning here")

    def _serve(self, live: LiveClient, packet: Packet | Oversize) -> None:
        match packet:
            case Pingreq():
                self._send(live, Pingresp())
            case Pubrel():
                # What was sent under it at QoS 2 is committed, whichever it was.
                live.uplink.released(packet.packet_id)
                self._send(live, Pubcomp(packet.packet_id))
            case Disconnect():
                live.session.said_goodbye(packet)
                self.end(None, None)
            case _:
                live.session.take(cast("Packet", packet))

    def _send(self, live: LiveClient, packet: Packet) -> None:
        written = encode(packet, live.client.level)
        if len(written) <= live.client.packet_bytes_max:
            self._transport.write(written)
