"""One MQTT connection: bytes in, packets to their places, answers out.

What it promises: what is framed is stored or kept as a dead letter, then acknowledged; where something is full (the
intake, what waits for its commit, the client's own reading) nothing more is read from this socket and nothing is lost;
only protocol violations, deadlines and a lost key hang up.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import cast

from ioc.errors import QueueFullError
from ioc.ingest.fairness import Lane
from ioc.ingest.mqtt.decoder import Decoder
from ioc.ingest.mqtt.encode import encode
from ioc.ingest.mqtt.packets import (
    LEVEL_5,
    LEVEL_311,
    REASONS_IN,
    Connack,
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
from ioc.ingest.mqtt.reasons import ProtocolViolation, ReasonCode
from ioc.ingest.mqtt_admission import admit
from ioc.ingest.mqtt_answers import Answers
from ioc.ingest.mqtt_certificates import Certificate, certificate_of
from ioc.ingest.mqtt_limits import Pace, Watch
from ioc.ingest.mqtt_listener import Guest
from ioc.ingest.mqtt_ports import Door, Pause, Phase
from ioc.ingest.mqtt_uplink import Uplink
from ioc.ingest.mqtt_welcome import DELAYED, Client, Grant, Refused, judge, still_granted

KEEP_ALIVE_FACTOR = 1.5


class MQTTConnection(Guest):
    """Serves one client from its first byte to its last."""

    def __init__(self, door: Door, host: str = "") -> None:
        self._door = door
        bounds = door.bounds
        self.host = host
        self._pace = Pace(bounds.limits, door.io_clock.seconds())
        self._watch = Watch(bounds.limits)
        self._decoder = Decoder(bounds.packet_bytes_max, max_connect_bytes=bounds.connect_bytes_max)
        self._phase = Phase.WAITING
        self._pauses: set[Pause] = set()
        self._held: Publish | Oversize | None = None  # decoded, and there was no room for it
        self._connect: Connect | None = None  # while its key is looked up
        self._client: Client
        self._uplink: Uplink | None = None
        self._certificate: Certificate | None = None
        self._grant: Grant | None = None
        self._since = self._heard_at = door.io_clock.seconds()
        self._transport: asyncio.Transport
        self.lane = Lane()
        """Whether it catches up, and its turn."""
        self.device = ""
        """The authenticated identity; empty before the CONNECT."""
        self._answers: Answers | None = None

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new socket in, if there is place."""
        self.began = True
        self._transport = cast("asyncio.Transport", transport)
        self._certificate = certificate_of(transport.get_extra_info("ssl_object"))
        self._transport.set_write_buffer_limits(high=self._door.bounds.write_buffer_bytes_max)
        if not self._door.opened(self):
            # Before the CONNECT nothing can be said that the client would understand.
            self._count("connections_max")
            self._phase = Phase.GONE
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the socket; what is submitted commits all the same, and nobody is told."""
        del exc
        self._phase = Phase.GONE
        self._held = self._connect = None
        self._pauses.clear()
        if self._answers is not None:
            self._answers.lost()
        self._door.closed(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._phase in (Phase.ENDING, Phase.GONE):
            return
        self._heard_at = self._door.io_clock.seconds()
        self._watch.bytes += len(data)
        self._pace.bytes_left -= len(data)
        self._decoder.feed(data)
        if not self._pauses:
            self._read()
            if self._pace.bytes_left < 0:
                self._slow_down()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read."""
        self.pause(Pause.UNREAD)

    def resume_writing(self) -> None:
        """Read again."""
        self.resume(Pause.UNREAD)
        if self._answers is not None:
            self._answers.session.room_again()

    # -- the door's side

    @property
    def waiting_count(self) -> int:
        """How many messages wait for their commit."""
        if self._uplink is None or self._answers is None:
            return 0
        return len(self._uplink) + self._answers.withheld

    def pause(self, reason: Pause) -> None:
        """Read nothing more until every pause is over."""
        if self._phase in (Phase.ENDING, Phase.GONE):
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
        self._heard_at = self._door.io_clock.seconds()
        self._read()
        if not self._pauses and self._phase in (Phase.WAITING, Phase.LIVE) and not self._transport.is_closing():
            self._transport.resume_reading()

    def check(self, seconds: float, now: datetime) -> None:
        """Look at the deadlines: I/O clock ``seconds``; a key may also have an end, by the log's ``now``."""
        bounds = self._door.bounds
        if self._phase is Phase.WAITING:
            if seconds - self._since > bounds.connect_seconds:
                if self._answers is not None:
                    self.session_unavailable()
                self.end(None, "connect_timeout")
        elif self._phase is Phase.ENDING:
            if seconds - self._since > bounds.linger_seconds:
                self.abort()
        elif self._phase is Phase.LIVE:
            expires_at = self._grant.expires_at if self._grant is not None else None
            silent_max = self._client.keep_alive_seconds * KEEP_ALIVE_FACTOR
            if expires_at is not None and expires_at <= now:
                self.end(ReasonCode.NOT_AUTHORIZED, "key_gone")
            # While it is we who do not read, its silence says nothing; but who does not read us, is silent.
            elif silent_max and self._pauses <= {Pause.UNREAD} and seconds - self._heard_at > silent_max:
                self.end(ReasonCode.KEEP_ALIVE_TIMEOUT, "keep_alive_timeout")
            else:
                self._check_progress(seconds)

    def _check_progress(self, seconds: float) -> None:
        """Hang up on who does not finish a packet, and on who does not read."""
        if self._watch.is_unread(seconds, unread=Pause.UNREAD in self._pauses):
            self._count("unread")
            self.abort()  # what we would say does not get there either
        elif self._watch.is_overdue(seconds, amid_packet=not self._pauses and self._decoder.is_amid_packet):
            self.end(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "packet_timeout")

    def registry_changed(self) -> None:
        """Forget what the registry allowed; hang up when the key is gone (SECURITY S23)."""
        if self._phase is not Phase.LIVE or self._grant is None or self._uplink is None:
            return
        self._uplink.forget_routes()
        self._grant = still_granted(self._grant, self._door.registry, self._door.revoked)
        if self._grant is None:
            self.end(ReasonCode.NOT_AUTHORIZED, "key_gone")

    def end(self, reason: ReasonCode | None, label: str | None) -> None:
        """Say why (MQTT 5), throw away what still comes, and hang up once the client had time to read it."""
        if self._phase in (Phase.ENDING, Phase.GONE):
            return
        if label is not None:
            self._count(label)
        if self._phase is Phase.LIVE and self._client.level == LEVEL_5 and reason is not None:
            self._transport.write(encode(Disconnect(reason), LEVEL_5))
        if self._answers is not None:
            self._answers.ended(reason)
        was_paused = bool(self._pauses)
        self._phase = Phase.ENDING
        self._since = self._door.io_clock.seconds()
        self._held = self._connect = None
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
        self._door.metrics.mqtt_refused.labels(label).inc()

    # -- reading

    def _read(self) -> None:
        """Work through what is decoded until nothing is left or something is full."""
        now = self._door.log_clock.now()
        held, self._held = self._held, None
        if held is not None and not self._message(held, now):
            return
        pace, watch = self._pace, self._watch
        try:
            for packet in self._decoder:
                watch.packets += 1
                pace.packets_left -= 1
                if pace.packets_left < 0:
                    self._slow_down()  # this packet is still served
                if type(packet) is Publish or type(packet) is Oversize:
                    if not self._message(packet, now) or self._pauses:
                        return
                    continue
                self._other(packet)
                if self._pauses or self._phase in (Phase.ENDING, Phase.GONE):
                    return
        except ProtocolViolation as violation:
            self._violated(violation)

    def _message(self, packet: Publish | Oversize, now: datetime) -> bool:
        """Submit a message; return False when it must wait or the connection ends."""
        uplink = self._uplink
        assert uplink is not None, "the decoder lets nothing pass before a CONNECT, and a pause lasts until its answer"
        if not self._door.may_read(len(packet.payload) if type(packet) is Publish else 0):
            self._held = packet
            self.pause(Pause.SLICE)
            self._door.wait_for_slice(self)
            return False
        bounds = self._door.bounds
        if len(uplink) >= bounds.inflight_max or uplink.waiting_bytes >= bounds.limits.inflight_bytes_max:
            self._held = packet
            self.pause(Pause.INFLIGHT)
            return False
        if not self._door.may_submit(self):
            self._held = packet
            self.pause(Pause.INTAKE)
            self._door.wait_for_room(self)
            return False
        if self.lane.is_backlog and not self._door.intake.share.may_pass(self.lane):
            self._held = packet
            self.pause(Pause.BACKLOG)
            self._door.wait_for_turn(self)
            return False
        try:
            uplink.take(packet, now)
        except QueueFullError:  # it has room and refuses: the process is stopping
            self.end(ReasonCode.SERVER_SHUTTING_DOWN, "stopping")
            return False
        return True

    def _slow_down(self) -> None:
        """Read nothing until the connection is within its rate again."""
        wait = self._pace.wait_seconds(self._door.io_clock.seconds())
        if wait > 0 and self._phase in (Phase.WAITING, Phase.LIVE):
            self._door.metrics.mqtt_slowed.inc()
            self.pause(Pause.RATE)
            asyncio.get_running_loop().call_later(wait, self.resume, Pause.RATE)

    def _violated(self, violation: ProtocolViolation) -> None:
        code = violation.reason_code
        if self._phase is Phase.LIVE:
            known = code in REASONS_IN[PacketType.DISCONNECT]
            self.end(code if known else ReasonCode.PROTOCOL_ERROR, code.name.lower())
            return
        level = self._decoder.protocol_level
        if level is None and code is ReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
            level = LEVEL_311  # older clients understand this one answer
        if level is not None:
            known = code in REASONS_IN[PacketType.CONNACK]
            self._transport.write(encode(Connack(reason_code=code if known else ReasonCode.PROTOCOL_ERROR), level))
        self.end(None, code.name.lower())

    def _other(self, packet: Packet | Oversize) -> None:
        match packet:
            case Connect():
                self._judge(packet)
            case Pingreq():
                self._send(Pingresp())
            case Pubrel():
                # No inbound state is kept at QoS 2: the message is committed, whichever it was.
                self._send(Pubcomp(packet.packet_id))
            case Disconnect():
                if self._answers is not None:
                    self._answers.session.said_goodbye(packet)
                self.end(None, None)
            case _ if self._answers is not None:
                self._answers.session.take(cast("Packet", packet))
            case _:
                raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "this packet has no meaning here")

    # -- writing

    def _send(self, packet: Packet) -> None:
        written = encode(packet, self._client.level)
        if len(written) <= self._client.packet_bytes_max:
            self._transport.write(written)

    # -- the CONNECT

    def session_ready(self, *, resumed: bool) -> None:
        """Welcome the client, whose session is attached."""
        if self._connect is not None and self._answers is not None and self._phase is Phase.WAITING:
            self._welcome(self._answers, resumed=resumed)
            self.resume(Pause.SESSION)

    def session_unavailable(self) -> None:
        """Send the client away: whether it has a session cannot be known now."""
        if self._connect is not None:
            self._answer_refused(self._connect.protocol_level, ReasonCode.SERVER_UNAVAILABLE)

    def looked_up(self, *, readable: bool) -> None:
        """Judge a CONNECT again, now that the registry is fresh; ``readable`` False: the database does not answer."""
        connect = self._connect
        if connect is None:
            return
        self._judge(connect, last=True, readable=readable)
        self.resume(Pause.LOOKUP)

    def _judge(self, connect: Connect, *, last: bool = False, readable: bool = True) -> None:
        revoked = self._door.revoked
        verdict = judge(connect, self._door.registry, certificate=self._certificate, revoked=revoked)
        if not isinstance(verdict, Refused):
            self._admit(connect, verdict)
            return
        if verdict.ask_again and not last:
            self._connect = connect
            self.pause(Pause.LOOKUP)
            self._door.ask_again(self)
            return
        self._refuse(connect, verdict, readable=readable)

    def _refuse(self, connect: Connect, verdict: Refused, *, readable: bool) -> None:
        """Refuse a CONNECT; who is refused often waits for the answer, so that guessing and loops are slow."""
        code = verdict.reason_code
        if verdict.ask_again and not readable:
            code = ReasonCode.SERVER_UNAVAILABLE
        wait = self._door.refused(self.host) if code in DELAYED else 0.0
        if not wait:
            self._answer_refused(connect.protocol_level, code)
            return
        self._since = self._door.io_clock.seconds() + wait  # the wait is ours, not the client's
        self.pause(Pause.REFUSAL)
        asyncio.get_running_loop().call_later(wait, self._answer_refused, connect.protocol_level, code)

    def _answer_refused(self, level: int, code: ReasonCode) -> None:
        if self._phase is Phase.WAITING:
            self._transport.write(encode(Connack(reason_code=code), level))
            self.end(None, code.name.lower())

    def _admit(self, connect: Connect, grant: Grant) -> None:
        verdict = admit(connect, device=grant.device or "", door=self._door, connection=self, transport=self._transport)
        if isinstance(verdict, ReasonCode):
            self._refuse(connect, Refused(verdict), readable=True)
            return
        self._grant, self._client, self._answers = grant, verdict.client, verdict
        if verdict.session.may_wait:
            self._connect = connect
            self.pause(Pause.SESSION)
        else:
            self._welcome(verdict, resumed=False)
        verdict.session.begin()

    def _welcome(self, answers: Answers, *, resumed: bool) -> None:
        self._connect, self.device = None, answers.client.device
        self._uplink = Uplink(door=self._door, client=answers.client, outlet=answers)
        self._phase = Phase.LIVE
        self._door.admitted(self)
        answers.welcome(resumed=resumed)
