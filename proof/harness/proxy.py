"""A TCP proxy that misbehaves on purpose: it delays, swallows, resets, or cuts a connection at a chosen byte.

It stands between an instance and its database. `swallow` is the worst of networks: what was sent is gone without a
word, no reset comes, and a connection that was open then stays a black hole for ever, as behind
a firewall that forgot it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

CHUNK = 64 << 10
Watch = Callable[[bytes], bool]


@dataclass(slots=True, eq=False)
class _Pair:
    """One client and its connection to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    swallowed: bool = False
    muted: bool = False

    def abort(self) -> None:
        """Reset both sides."""
        for writer in (self.client, self.server):
            writer.transport.abort()


@dataclass(slots=True)
class Proxy:
    """Forwards 127.0.0.1:`port` to a target, as long as it is told nothing else."""

    target_port: int
    target_host: str = "127.0.0.1"
    delay_seconds: float = 0.0
    lose_answer_after: Watch | None = None
    """Asked about each chunk that a client sends: true forwards it, but its answer never comes back; then a reset."""
    lost: int = 0
    _swallowing: bool = False
    _pairs: set[_Pair] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """The port to connect to."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def swallow(self) -> None:
        """From now on every byte is lost silently, on new connections too; those open now never come back."""
        self._swallowing = True
        for pair in self._pairs:
            pair.swallowed = True

    def heal(self) -> None:
        """Let new connections through again."""
        self._swallowing = False

    def reset(self) -> None:
        """Reset every open connection."""
        for pair in tuple(self._pairs):
            pair.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        pair: _Pair | None = None
        try:
            if self._swallowing:
                # Accept and never answer, like a host that vanishes right after the handshake: only a deadline ends it.
                while await reader.read(CHUNK):
                    pass
                return
            server_reader, server_writer = await asyncio.open_connection(self.target_host, self.target_port)
            pair = _Pair(writer, server_writer)
            self._pairs.add(pair)
            up = asyncio.create_task(self._pump(reader, server_writer, pair, up=True))
            down = asyncio.create_task(self._pump(server_reader, writer, pair, up=False))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            for half in (up, down):
                half.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        except OSError:
            pass
        finally:
            if pair is not None:
                self._pairs.discard(pair)
                pair.server.transport.abort()
            with contextlib.suppress(OSError):
                writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: _Pair, *, up: bool) -> None:
        while data := await reader.read(CHUNK):
            if pair.swallowed:
                continue
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            if up and self.lose_answer_after is not None and self.lose_answer_after(data):
                pair.muted = True
                self.lost += 1
            if not up and pair.muted:
                return  # the server has answered: nobody hears it, and both sides are reset
            writer.write(data)
            await writer.drain()
