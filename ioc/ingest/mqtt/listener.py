"""Sockets for the MQTT door: an address is judged before anything is spent on it, a TLS handshake has its deadline.

What it promises: a refused socket costs one system call; a socket that vanishes without a word is noticed by the
kernel (keep-alive probes, a bound on unacknowledged bytes); with no file descriptor left the door waits and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import socket
import ssl
import termios
from array import array
from collections.abc import Callable
from typing import Protocol

import structlog

BACKLOG = 1_024
ACCEPTS_AT_ONCE = 64
"""After so many accepted sockets the open connections have their turn."""
PAUSE_SECONDS = 0.5
SHUTDOWN_SECONDS = 2.0
"""A client has this long to answer the end of a TLS connection."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
TLSContext = Callable[[], ssl.SSLContext]
"""Returns the context for the next handshake, so that a new certificate serves from then on."""

SOCKET_OPTIONS = (
    ("SOL_SOCKET", "SO_KEEPALIVE", 1),
    ("IPPROTO_TCP", "TCP_KEEPIDLE", 60),
    ("IPPROTO_TCP", "TCP_KEEPINTVL", 15),
    ("IPPROTO_TCP", "TCP_KEEPCNT", 4),
    ("IPPROTO_TCP", "TCP_USER_TIMEOUT", 60_000),
    ("SOL_SOCKET", "SO_SNDBUF", 64 << 10),
    ("SOL_SOCKET", "SO_RCVBUF", 128 << 10),
)
"""Set on the listening socket: on Linux each accepted socket inherits them, which saves system calls.

The buffers bound what a connection costs the kernel while one side does not read; it doubles these figures, and without
them it grows each buffer to megabytes."""


def unread_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes lie in the socket of a connection, sent by its peer and not read yet."""
    sock = transport.get_extra_info("socket")
    waiting = array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), termios.FIONREAD, waiting, True)  # noqa: FBT003 - as ioctl has it
    except (OSError, ValueError, AttributeError):
        return 0  # it is closed already
    return waiting[0]


class ConnectionHandler(asyncio.Protocol):
    """A connection as its listener sees it."""

    began = False
    """It has its transport: from now on it tells the door itself when it is gone."""


class Acceptor(Protocol):
    """What a listener needs from the door behind it."""

    def arrives(self, host: str, *, tls: bool) -> str | None:
        """Return why a socket from ``host`` is not taken in, as the reason of a metric; None: it has its place."""
        ...

    def handler(self, host: str) -> ConnectionHandler:
        """Return the protocol that serves a socket which has its place."""
        ...

    def turned_away(self, host: str | None, reason: str) -> None:
        """Count a socket that never became a connection; with its ``host`` its place is free again."""
        ...


class Listener:
    """One listening address of the door."""

    def __init__(self, acceptor: Acceptor, *, tls: TLSContext | None, handshake_seconds: float) -> None:
        self._acceptor = acceptor
        self._tls = tls
        self._handshake_seconds = handshake_seconds
        self._sockets: list[socket.socket] = []
        self._shaking: set[asyncio.Task[None]] = set()
        self._closed = False

    def open(self, host: str, port: int, *, shared: bool = False) -> int:
        """Listen and return the bound port (``port`` 0 picks a free one); ``shared`` with other processes.

        Raises:
            OSError: the address is taken or not ours.
        """
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listening = socket.socket(family, kind, protocol)
            self._sockets.append(listening)
            try:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if shared:
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                _set_options(listening)
                listening.setblocking(False)  # noqa: FBT003 - the standard library's signature
                listening.bind((address[0], port, *address[2:]))
                listening.listen(BACKLOG)
            except OSError:
                self.close()
                raise
            port = port or listening.getsockname()[1]
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            loop.add_reader(listening, self._accept, listening)
        return port

    def close(self) -> None:
        """Listen no more, and drop those who are still shaking hands."""
        self._closed = True
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            loop.remove_reader(listening)
            listening.close()
        self._sockets.clear()
        for task in self._shaking:
            task.cancel()

    async def wait_closed(self) -> None:
        """Return when nobody shakes hands any more."""
        await asyncio.gather(*self._shaking, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                client, peer = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._pause(listening, error)
                    return
                continue  # that client has gone already (ECONNABORTED and its like)
            reason = self._acceptor.arrives(peer[0], tls=self._tls is not None)
            if reason is not None:
                self._acceptor.turned_away(None, reason)
                client.close()
                continue
            client.setblocking(False)  # noqa: FBT003 - the standard library's signature
            task = asyncio.get_running_loop().create_task(self._take_in(client, peer[0]), name="mqtt-accept")
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        """Accept nothing for a moment: the socket stays readable, so the loop would try for ever and serve nobody."""
        self._acceptor.turned_away(None, "files_max")
        structlog.get_logger().error(
            "no_file_descriptor", error=str(error), advice="raise the limit of open files: ulimit -n, LimitNOFILE="
        )
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(PAUSE_SECONDS, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        if not self._closed:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    async def _take_in(self, client: socket.socket, host: str) -> None:
        """Hand an accepted socket to a connection, through the TLS handshake where there is one."""
        handler = self._acceptor.handler(host)
        loop = asyncio.get_running_loop()
        try:
            if self._tls is None:
                await loop.connect_accepted_socket(lambda: handler, client)
            else:
                await loop.connect_accepted_socket(
                    lambda: handler,
                    client, ssl=self._tls(), ssl_handshake_timeout=self._handshake_seconds,
                    ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                )  # fmt: skip
        except (OSError, EOFError, asyncio.CancelledError) as error:
            if not handler.began:
                slow = isinstance(error, TimeoutError) or "timeout" in str(error) or "longer than" in str(error)
                self._acceptor.turned_away(host, "tls_timeout" if slow else "tls_handshake")
            with contextlib.suppress(OSError):
                client.close()
            if isinstance(error, asyncio.CancelledError) and not self._closed:
                raise


def _set_options(listening: socket.socket) -> None:
    for level, name, value in SOCKET_OPTIONS:
        number = getattr(socket, name, None)  # some are Linux's own
        if number is not None:
            listening.setsockopt(getattr(socket, level), number, value)
