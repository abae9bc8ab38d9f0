"""A Server-Sent Events client over a bare socket, which is cut after a random number of bytes and resumes.

It follows the standard: an event counts, and its id is remembered, only at the blank line that ends it. What a cut
leaves unfinished is forgotten, so that the server must send it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CONNECT_SECONDS = 3.0
SILENT_SECONDS = 5.0
"""The clock comes each second: a server silent for this long is gone."""


@dataclass(slots=True)
class BrowserEvent:
    """One event as a browser would dispatch it."""

    name: str
    id: str | None
    data: str


class EventParser:
    """Turns bytes, cut anywhere, into events."""

    def __init__(self) -> None:
        self._rest = b""
        self._name, self._id, self._data = "", "", list[str]()

    def feed(self, part: bytes) -> Iterator[BrowserEvent]:
        """Return the events that these bytes complete."""
        *done, self._rest = (self._rest + part).split(b"\n")
        for raw in done:
            line = raw.decode().removesuffix("\r")
            if line:
                self._field(line)
                continue
            if self._data:
                yield BrowserEvent(self._name or "message", self._id or None, "\n".join(self._data))
            self._name, self._id, self._data = "", "", []

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "id":
            self._id = value
        elif name == "data":
            self._data.append(value)


class Chunks:
    """Takes the chunked transfer coding off, cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0

    def feed(self, part: bytes) -> bytes:
        """Return the content of these bytes."""
        self._rest += part
        content = bytearray()
        while self._rest:
            if self._left == 0:
                line, found, after = self._rest.lstrip(b"\r\n").partition(b"\r\n")
                if not found:
                    break
                self._left, self._rest = int(line, 16), after
                if self._left == 0:
                    break
            content += self._rest[: self._left]
            taken = min(self._left, len(self._rest))
            self._left -= taken
            self._rest = self._rest[taken:]
        return bytes(content)


@dataclass(slots=True)
class StreamClient:
    """One screen: follows from ``start`` and notes the id of every event that it dispatched."""

    name: str
    port: int
    headers: Mapping[str, str]
    start: int
    seed: int
    cut_bytes: tuple[int, int] | None
    ids: list[int] = field(default_factory=list)
    resets: int = 0
    connections: int = 0
    cuts: int = 0
    refused: int = 0

    @property
    def position(self) -> int:
        """Return the last id, or where it began."""
        return self.ids[-1] if self.ids else self.start

    def stop_cutting(self) -> None:
        """Let the next connections live."""
        self.cut_bytes = None

    async def run(self) -> None:
        """Follow until cancelled."""
        dice = random.Random(f"{self.seed}/{self.name}")
        while True:
            with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError):
                await self._connection(dice)
            await asyncio.sleep(dice.uniform(0.05, 0.5))

    async def _connection(self, dice: random.Random) -> None:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), CONNECT_SECONDS)
        self.connections += 1
        try:
            writer.write(self._request())
            left = dice.randint(*self.cut_bytes) if self.cut_bytes is not None else None
            head, body = b"", None
            chunks, parser = Chunks(), EventParser()
            while True:
                size = 65_536 if left is None else min(65_536, left)
                part = await asyncio.wait_for(reader.read(size), SILENT_SECONDS)
                if not part:
                    return
                left = None if left is None else left - len(part)
                if body is None:
                    head += part
                    status, ended, rest = head.partition(b"\r\n\r\n")
                    if ended:
                        if b" 200 " not in status.split(b"\r\n", 1)[0]:
                            self.refused += 1
                            return
                        body, part = b"", rest
                if body is not None:
                    self._take(parser, chunks.feed(part))
                if left == 0:
                    self.cuts += 1
                    return
        finally:
            # End with a reset and no FIN, as the server sees it after a cable was pulled and plugged in again.
            writer.transport.abort()

    def _request(self) -> bytes:
        after = f"?after={self.start}" if not self.ids else ""
        lines = [f"GET /api/v1/stream{after} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Accept: text/event-stream"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Last-Event-ID: {self.position}"] if self.ids else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _take(self, parser: EventParser, content: bytes) -> None:
        for event in parser.feed(content):
            if event.name == "reset":
                self.resets += 1
            elif event.id is not None:
                self.ids.append(int(event.id))
