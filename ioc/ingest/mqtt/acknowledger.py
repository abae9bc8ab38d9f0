"""What a commit lets a connection say: acknowledgements, and receipts to a client that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ioc.ingest.mqtt.ports import Pause, ReadingSide
from ioc.ingest.mqtt.sessions.session import ClientSession
from ioc.ingest.mqtt.writer import Writer


class ReceiptStorage(Protocol):
    """Where receipts go that outlive a connection."""

    def keep_receipts(self, session: ClientSession, payloads: Sequence[bytes], then: Callable[[], None]) -> None:
        """Store receipts, then call ``then``."""
        ...


class Acknowledger:
    """Says what is committed, in its order."""

    __slots__ = ("_hang_up", "_reader", "_session", "_storage", "_writer", "withheld")

    def __init__(
        self, *, writer: Writer, session: ClientSession, storage: ReceiptStorage, reader: ReadingSide,
        hang_up: Callable[[], None],
    ) -> None:  # fmt: skip
        """``hang_up`` ends the connection because something of it could not be committed."""
        self._writer = writer
        self._session = session
        self._storage = storage
        self._reader = reader
        self._hang_up = hang_up
        self.withheld = 0
        """Commits whose acknowledgements wait until their receipts are stored."""

    def acknowledge(self, acknowledgements: bytes, receipts: list[bytes]) -> None:
        """Write what a commit allows: acknowledgements always, receipts (payloads) as far as the client reads them.

        Receipts that outlive the connection are stored before the acknowledgements go: who has those, gets them.
        """
        if self.withheld or (receipts and self._session.receipts.qos):
            self.withheld += 1
            self._reader.pause(Pause.RECEIPTS)
            self._storage.keep_receipts(self._session, receipts, partial(self._receipts_kept, acknowledgements))
        else:
            self._writer.write(acknowledgements)
            self._writer.write_receipts(receipts)
        self._reader.resume(Pause.INFLIGHT)

    def _receipts_kept(self, acknowledgements: bytes) -> None:
        self.withheld -= 1
        self._writer.write(acknowledgements)
        if not self.withheld:
            self._reader.resume(Pause.RECEIPTS)
        self._reader.resume(Pause.INFLIGHT)

    def not_committed(self) -> None:
        """Hang up without acknowledging: the process stops, and the client sends it again elsewhere."""
        self._hang_up()
