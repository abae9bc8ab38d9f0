"""One guarded HTTP connection: uvicorn's own protocol on h11, with the guard's bounds around it.

A refusal is an RFC 9457 problem where one can still be written, and always a count. What a refused client sends
afterwards is thrown away for two seconds, so that it can read the answer before the socket closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any, ClassVar, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ioc.api.http.headers import SECURITY
from ioc.api.http.problems import OF_STATUS, Problem, language_of, render
from ioc.edge.http_guard import HTTPGuard, RequestPhase, RequestRefusal

SEND_BUFFER_BYTES = 128 << 10
"""The kernel's share of what a slow reader may hold; its own default grows to megabytes for each connection."""
USER_TIMEOUT_SECONDS = 30
DRAIN_BYTES_MAX = 1 << 20
LINGER_BYTES_MAX = 4 << 20
CHUNKS_FREE = 2_048
"""A device that sends byte by byte is honest; a million chunks of a byte are not."""
CHUNK_BYTES_MIN = 512
RETRY_SECONDS = 2
PROBLEMS = {
    400: Problem(400, "malformed_request", "Yêu cầu HTTP không hợp lệ", "Malformed HTTP request"),
    408: Problem(408, "request_timeout", "Gửi yêu cầu quá chậm", "The request came too slowly"),
    413: OF_STATUS[413],
    429: Problem(429, "too_many_connections", "Quá nhiều kết nối từ địa chỉ này", "Too many connections from here"),
    431: Problem(431, "header_too_large", "Phần đầu yêu cầu quá lớn", "Request header too large"),
    503: Problem(503, "no_room", "Máy chủ đã đủ kết nối", "The server has no room for another connection"),
}


class RefusedError(h11.RemoteProtocolError):
    """The guard refuses what came; uvicorn treats it like any request that h11 refuses."""

    def __init__(self, refused: RequestRefusal) -> None:
        super().__init__(refused.reason, error_status_hint=refused.status)
        self.refused = refused


class GuardedConnection(H11Protocol):
    """One connection. ``guard`` is the port's; :func:`guarded_by` makes the class that has it."""

    guard: ClassVar[HTTPGuard]

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _HTTPParser(self, self.guard.bounds.header_bytes_max)
        self.logger = logging.getLogger("ioc.http")  # whoever sends junk must not fill the log: it is counted
        self.phase = RequestPhase.FRESH
        self.since = self.guard.now()
        self.peer = ""
        self._requests = 0
        self._pipelines = False
        self._counted: str | None = None
        self._body_limit = self._body_bytes = self._chunks = 0
        self._body_waited = 0.0
        self._unsent_bytes = 0
        self._unsent_seconds = 0.0
        self._sent_on = False
        self._refusal = RequestRefusal(400, "malformed")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or say why not."""
        super().connection_made(cast("asyncio.Transport", _LingeringTransport(transport, self)))
        self.peer = self.client[0] if self.client else ""
        raw = transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_SECONDS * 1_000)
        refused = self.guard.admit(self)
        if refused is not None:
            self.refuse(refused)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._end_request()
        self.guard.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless this connection is refused already."""
        if self.phase is RequestPhase.LINGERING:
            self._body_bytes += len(data)
            if self._body_bytes > LINGER_BYTES_MAX:
                self.transport.abort()
            return
        if self.phase in (RequestPhase.FRESH, RequestPhase.IDLE) and not self._pipelines:
            self._enter(RequestPhase.HEADER)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Wait for the next request, or throw the rest of this one away."""
        self._end_request()
        if self.phase is RequestPhase.LINGERING:
            return
        whole = self.phase is RequestPhase.ANSWERING
        self._enter(RequestPhase.IDLE if whole else RequestPhase.DRAINING)
        if self._pipelines and whole:
            self.guard.pace(self)
        else:
            self.go_on()

    def go_on(self) -> None:
        """Read on after an answer."""
        self._pipelines = False
        if self.phase is RequestPhase.LINGERING:
            return
        super().on_response_complete()
        # If part of the next request has already arrived, its header deadline starts now.
        if self.phase is RequestPhase.IDLE and self.conn.trailing_data[0]:
            self._enter(RequestPhase.HEADER)

    def waits_behind(self) -> None:
        """Note that more came before the request under way is answered."""
        self._pipelines = self.phase is RequestPhase.ANSWERING

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._sent_on = True
        super().resume_writing()

    def shutdown(self) -> None:
        """Close, after the answer that is under way."""
        if self.phase is RequestPhase.LINGERING:
            self.transport.abort()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer what h11 or the guard has refused."""
        del msg
        self.refuse(self._refusal)

    def refuse(self, refused: RequestRefusal) -> None:
        """Count, answer if nothing was answered yet, and end the connection once the client could read it."""
        self.guard.count(refused.reason)
        cycle = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        if not self.transport.is_closing() and not (under_way and cycle.response_started):
            self.transport.write(_answer_bytes(refused.status, self.headers))
        if under_way:
            # Tell the application that its client has left; whatever it still answers is dropped.
            cycle.disconnected = True
            cycle.message_event.set()
        self.linger()

    def linger(self) -> None:
        """Close for writing and throw away what still comes: closed at once, the socket would take our answer back."""
        self._enter(RequestPhase.LINGERING)
        self._body_bytes = 0
        if self.transport.is_closing():
            self.transport.abort()
            return
        if self.transport.can_write_eof():  # TLS cannot; there the client closes, or its time ends
            self.transport.write_eof()
        self.flow.resume_reading()

    def evict(self) -> None:
        """End it to make room for somebody who has something to say."""
        self._enter(RequestPhase.LINGERING)
        self.transport.abort()

    def check(self, now: float, passed: float) -> None:
        """End the connection if it holds something for too long."""
        bounds, age = self.guard.bounds, now - self.since
        self._measure_reader(passed)
        if self._unsent_seconds >= bounds.write_seconds:
            self._abort("slow_reader")
        elif self.phase is RequestPhase.FRESH and age > bounds.header_seconds:
            self._abort("silent")
        elif self.phase is RequestPhase.HEADER and age > bounds.header_seconds:
            self.refuse(RequestRefusal(408, "slow_header"))
        elif self.phase is RequestPhase.BODY and self._body_too_slow(passed):
            self.refuse(RequestRefusal(408, "slow_body"))
        elif self.phase is RequestPhase.DRAINING and age > bounds.drain_seconds:
            self._abort("unfinished_body")
        elif self.phase is RequestPhase.LINGERING and age > bounds.linger_seconds:
            self.transport.abort()
        elif self.phase is RequestPhase.IDLE and age > bounds.idle_seconds and not self.transport.is_closing():
            self.transport.close()

    def request_begins(self, request: h11.Request) -> h11.Request:
        """Check a request's header, and say from whom it comes.

        Raises:
            RefusedError: the header or the declared body is too large, or its sender has too many requests open.
        """
        bounds = self.guard.bounds
        size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size > bounds.header_bytes_max:
            raise RefusedError(RequestRefusal(431, "header_too_large"))
        self.headers = list(request.headers)  # a refusal from here on is answered in the sender's language
        self._enter(RequestPhase.BODY)
        self._body_bytes = self._chunks = 0
        self._body_waited = 0.0
        self._body_limit = bounds.body_limit(request.target.decode("latin-1"))
        self._requests += 1
        self._identify(request)
        if self._requests >= bounds.requests_per_connection_max:
            headers = [*request.headers, (b"connection", b"close")]
            return h11.Request(
                method=request.method, target=request.target, headers=headers, http_version=request.http_version
            )
        return request

    def body_arrives(self, length: int) -> None:
        """Count a piece of a body.

        Raises:
            RefusedError: the body is longer than its route takes, or comes in crumbs that cost more than they carry.
        """
        self._body_bytes += length
        self._chunks += 1
        if self.phase is RequestPhase.DRAINING:
            if self._body_bytes > self._body_limit + DRAIN_BYTES_MAX:
                raise RefusedError(RequestRefusal(413, "body_too_large"))
        elif self._body_bytes > self._body_limit:
            raise RefusedError(RequestRefusal(413, "body_too_large"))
        if self._chunks > CHUNKS_FREE + self._body_bytes // CHUNK_BYTES_MIN:
            raise RefusedError(RequestRefusal(400, "crumbs"))

    def body_ends(self) -> None:
        """Let the house answer in its own time."""
        self._enter(RequestPhase.IDLE if self.phase is RequestPhase.DRAINING else RequestPhase.ANSWERING)

    def remember(self, error: h11.RemoteProtocolError) -> None:
        """Keep why h11 or the guard refuses: uvicorn's handler does not get to see it."""
        if isinstance(error, RefusedError):
            self._refusal = error.refused
        elif error.error_status_hint == 431:  # noqa: PLR2004 - the status itself
            self._refusal = RequestRefusal(431, "header_too_large")
        else:
            self._refusal = RequestRefusal(400, "malformed")

    def _identify(self, request: h11.Request) -> None:
        if not self.guard.is_trusted(self.peer):
            return
        address, scheme = self.guard.forwarded_sender(request.headers)
        self.client = (address or self.peer, 0)
        self.scheme = "https" if scheme == "https" else "http"
        if address is not None:
            if not self.guard.begin_request(address):
                raise RefusedError(RequestRefusal(429, "address_requests"))
            self._counted = address

    def _end_request(self) -> None:
        if self._counted is not None:
            self.guard.end_request(self._counted)
            self._counted = None

    def _enter(self, phase: RequestPhase) -> None:
        self.phase = phase
        self.since = self.guard.now()

    def _body_too_slow(self, passed: float) -> bool:
        if not self.flow.read_paused:  # while we do not read, the sender is not to blame
            self._body_waited += passed
        due = (self._body_waited - self.guard.bounds.grace_seconds) * self.guard.bounds.body_bytes_per_second
        return self._body_bytes < due

    def _measure_reader(self, passed: float) -> None:
        """Add up for how long the client has not read what waits for it, at the rate that a body must have."""
        unsent = self.transport.get_write_buffer_size()
        enough = self._unsent_bytes - self.guard.bounds.body_bytes_per_second * passed
        reads = not unsent or self._sent_on or unsent <= enough
        self._unsent_seconds = 0.0 if reads else self._unsent_seconds + passed
        self._unsent_bytes, self._sent_on = unsent, False

    def _abort(self, reason: str) -> None:
        self.guard.count(reason)
        self._enter(RequestPhase.LINGERING)
        self._unsent_seconds = 0.0
        self.transport.abort()


class _LingeringTransport:
    """The transport as uvicorn sees it: closing it lingers while something is unread."""

    def __init__(self, transport: asyncio.Transport, connection: GuardedConnection) -> None:
        self._transport = transport
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close; where something is unread, of this body or of further requests, linger."""
        connection = self._connection
        if connection.phase is RequestPhase.BODY or connection.flow.read_paused or connection.conn.trailing_data[0]:
            connection.linger()
        elif self._connection.phase is not RequestPhase.LINGERING:
            self._transport.close()


class _HTTPParser(h11.Connection):
    """h11 that shows each event to the guarded connection before uvicorn gets it."""

    def __init__(self, connection: GuardedConnection, header_bytes_max: int) -> None:
        super().__init__(h11.SERVER, header_bytes_max)
        self._connection = connection

    def next_event(self) -> Any:
        """Return the next event."""
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                event = self._connection.request_begins(event)
            elif isinstance(event, h11.Data):
                self._connection.body_arrives(len(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._connection.body_ends()
            elif event is h11.PAUSED:
                self._connection.waits_behind()
        except h11.RemoteProtocolError as error:
            self._connection.remember(error)
            raise
        return event


def guarded_by(guard: HTTPGuard) -> type[GuardedConnection]:
    """Return the protocol class that uvicorn makes connections of."""
    logging.getLogger("ioc.http").setLevel(logging.ERROR)
    return type("GuardedConnection", (GuardedConnection,), {"guard": guard})


def _answer_bytes(status: int, headers: list[tuple[bytes, bytes]] | None) -> bytes:
    """Return a whole answer as bytes: h11 may be in any state."""
    asked = dict(headers or ()).get(b"accept-language", b"").decode("latin-1")
    retry = {"Retry-After": str(RETRY_SECONDS)} if status in (408, 429, 503) else {}
    answer = render(PROBLEMS[status], language=language_of(asked), headers={**SECURITY, **retry, "Connection": "close"})
    lines = [b"HTTP/1.1 %d %s" % (status, PROBLEMS[status].en.encode())]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(answer.body)
