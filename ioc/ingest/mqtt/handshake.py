"""One CONNECT from its arrival to its answer: whose it is, whether it comes in, and with which session.

A client that is let in is a :class:`LiveClient`, complete from its first moment. Where an earlier connection may have
left a session, that is attached before the client is welcome. Every way out of here is an answer or the connection's
end.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from functools import partial
from typing import Protocol

from ioc.errors import QueueFullError
from ioc.ingest.mqtt.acknowledger import Acknowledger
from ioc.ingest.mqtt.client_cert import Certificate, named_by
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import Connect
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import Client, ConnectRefused, Grant, client_of, refusal, welcome
from ioc.ingest.mqtt.context import DoorContext
from ioc.ingest.mqtt.live import LiveClient
from ioc.ingest.mqtt.ports import Pause, ReadingSide
from ioc.ingest.mqtt.publish import Uplink
from ioc.ingest.mqtt.sessions.session import CONNECTION_BITS, ClientSession
from ioc.ingest.mqtt.sessions.wills import refused_will, will_of
from ioc.ingest.mqtt.writer import Writer

CLIENT_ID_BYTES = 8


class Applicant(ReadingSide, Protocol):
    """A connection whose client wants to come in."""

    host: str
    """The address that it came from."""

    def welcome(self, live: LiveClient) -> None:
        """Go on with a client that is let in, just before it is told."""
        ...

    def end(self, reason: ReasonCode | None, label: str | None) -> None:
        """Say why (MQTT 5) and hang up; ``label`` counts it."""
        ...

    def retire(self) -> None:
        """Hang up, once what the client has sent is read."""
        ...


class Handshake:
    """The CONNECT of one connection."""

    __slots__ = (
        "_answers", "_applicant", "_certificate", "_connect", "_context", "_is_asking", "_is_open", "_live",
        "_transport", "answer_at",
    )  # fmt: skip

    def __init__(
        self, *, connect: Connect, certificate: Certificate | None, context: DoorContext, applicant: Applicant,
        transport: asyncio.Transport,
    ) -> None:  # fmt: skip
        self._connect = connect
        self._certificate = certificate
        self._context = context
        self._applicant = applicant
        self._transport = transport
        self._is_open = True
        self._is_asking = False
        """The registry is read for it."""
        self._live: LiveClient | None = None
        """Let in, while its session is attached."""
        self._answers: dict[bool, bytes] = {}
        """The CONNACK of who is let in, by whether an earlier session goes on."""
        self.answer_at = float("-inf")
        """When a refusal is told, in seconds of the I/O clock: that wait is ours, not the client's."""

    def begin(self) -> None:
        """Judge the CONNECT."""
        self._judge()

    # -- whose it is

    def looked_up(self, *, readable: bool) -> None:
        """Judge it again, now that the registry is fresh; ``readable`` False: the database does not answer."""
        if self._is_open and self._is_asking:
            self._is_asking = False
            self._judge(last=True, readable=readable)
            self._applicant.resume(Pause.LOOKUP)

    def _judge(self, *, last: bool = False, readable: bool = True) -> None:
        verdict = self._context.gate.judge(self._connect, self._certificate)
        if not isinstance(verdict, ConnectRefused):
            self._enter(verdict)
        elif verdict.ask_again and not last:
            self._is_asking = True
            self._applicant.pause(Pause.LOOKUP)
            self._context.gate.ask_again(self)
        elif verdict.ask_again and not readable:
            self._refuse(ConnectRefused(ReasonCode.SERVER_UNAVAILABLE))
        else:
            self._refuse(verdict)

    # -- whether it comes in

    def _enter(self, grant: Grant) -> None:
        live = self._admitted(grant)
        if isinstance(live, ConnectRefused):
            self._refuse(live)
            return
        if live.session.may_wait:
            self._live = live
            self._applicant.pause(Pause.SESSION)
        else:
            self._welcome(live, resumed=False)
        live.session.begin()

    def _admitted(self, grant: Grant) -> LiveClient | ConnectRefused:
        """Return the client whose key or certificate is proved, its session not yet begun, or why it is sent away."""
        context, connect, device = self._context, self._connect, grant.device or ""
        bounds, connection = context.bounds, secrets.randbits(CONNECTION_BITS) + 1
        client = client_of(connect, bounds, device=device)
        will = will_of(
            connect, connection, context.registry, device=device, body_bytes_max=bounds.body_bytes_max,
            delay_seconds_max=bounds.session_seconds_max,
        )  # fmt: skip
        if isinstance(will, ConnectRefused):
            letter = refused_will(connect, will, device=device, now=context.log_clock.now())
            if letter is not None:
                with contextlib.suppress(QueueFullError):  # the next try leaves another
                    context.intake.add_letter(letter)
            return will
        assigned = f"{device}-{secrets.token_hex(CLIENT_ID_BYTES)}"
        for resumed in (False, True):
            told = welcome(connect, bounds, assigned_client_id=assigned, resumed=resumed)
            self._answers[resumed] = encode(told, client.level)
        if len(self._answers[False]) > client.packet_bytes_max:
            return ConnectRefused(ReasonCode.PACKET_TOO_LARGE)  # it takes no packet as long as our bounds
        if not context.gate.may_connect(device):
            return ConnectRefused(ReasonCode.CONNECTION_RATE_EXCEEDED)
        if context.sessions.is_full:
            return ConnectRefused(ReasonCode.SERVER_BUSY)
        applicant = self._applicant
        writer = Writer(
            client=client, transport=self._transport, reader=applicant, metrics=context.metrics,
            buffer_bytes_max=bounds.write_buffer_bytes_max, retire=applicant.retire,
        )  # fmt: skip
        session = ClientSession(
            client=client, connection=connection, will=will, bounds=bounds, sessions=context.sessions,
            messages=context.sessions, outlet=writer, reader=applicant, entrance=self,
        )  # fmt: skip
        return self._live_client(client, grant, writer=writer, session=session)

    def _live_client(self, client: Client, grant: Grant, *, writer: Writer, session: ClientSession) -> LiveClient:
        context, applicant = self._context, self._applicant
        acknowledger = Acknowledger(
            writer=writer, session=session, storage=context.sessions, reader=applicant,
            hang_up=partial(applicant.end, ReasonCode.SERVER_SHUTTING_DOWN, "not_committed"),
        )  # fmt: skip
        uplink = Uplink(
            client=client, lane=applicant.lane, receipts=session.receipts, outlet=acknowledger, intake=context.intake,
            registry=context.registry, foreign=context.sessions, bounds=context.bounds,
        )  # fmt: skip
        return LiveClient(
            client=client, grant=grant, session=session, writer=writer, acknowledger=acknowledger, uplink=uplink
        )

    def _welcome(self, live: LiveClient, *, resumed: bool) -> None:
        self._is_open, self._live = False, None
        self._applicant.welcome(live)
        live.writer.welcome(self._answers[resumed])
        self._answers.clear()

    # -- with which session

    def session_ready(self, *, resumed: bool) -> None:
        """Welcome the client, whose session is attached."""
        if self._is_open and self._live is not None:
            self._welcome(self._live, resumed=resumed)
            self._applicant.resume(Pause.SESSION)

    def session_unavailable(self) -> None:
        """Send the client away: whether it has a session cannot be known now."""
        if self._live is not None:
            self._answer(ConnectRefused(ReasonCode.SERVER_UNAVAILABLE))

    # -- its end

    def _refuse(self, refused: ConnectRefused) -> None:
        """Refuse it; who is refused often waits for the answer, so that guessing and loops are slow."""
        context, username = self._context, self._connect.username or named_by(self._certificate)
        wait = context.gate.refused(refused, username=username, host=self._applicant.host)
        if not wait:
            self._answer(refused)
            return
        self.answer_at = context.io_clock.seconds() + wait
        self._applicant.pause(Pause.REFUSAL)
        asyncio.get_running_loop().call_later(wait, self._answer, refused)

    def _answer(self, refused: ConnectRefused) -> None:
        if self._is_open:
            level = self._connect.protocol_level
            self._transport.write(encode(refusal(refused, level), level))
            self._applicant.end(None, refused.name)

    def over(self, reason: ReasonCode | None, *, is_lost: bool) -> None:
        """Take note that the connection has ended before an answer; one that was let in gives its session back."""
        self._is_open = False
        live, self._live = self._live, None
        if live is not None and is_lost:
            live.lost()
        elif live is not None:
            live.ended(reason)
