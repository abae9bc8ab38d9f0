"""What waits for the worker of one door's sessions: a bounded batch of each kind in turn, and how long each has waited.

A round of the worker takes at most one batch of every queue, so no kind of work keeps another waiting for longer than
one round, however much of it arrives. Waits are measured; one that is too long leaves a line in the log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

import structlog

from ioc.runtime.clock import IOClock
from ioc.runtime.metrics import Metrics, observe_all

Item = TypeVar("Item")
SLOW_SECONDS = 2.0
"""A wait that is longer is told in the log."""
SLOW_EVERY_SECONDS = 10.0
"""So often at most, for each kind of work."""


class QueueStep(StrEnum):
    """A kind of work with sessions."""

    MOVE = "move"
    """Devices come and go."""
    GRANT = "grant"
    """Subscriptions are stored; SUBACK waits for it."""
    RECEIPT = "receipt"
    """Receipts are stored; PUBACK waits for it."""
    RELEASE = "release"
    """Confirmations at QoS 2 are stored; PUBREL waits for it."""
    CLOSING = "closing"
    """Messages to devices have ended."""
    DELIVERY = "delivery"
    """Messages to devices are read."""
    BEAT = "beat"
    """The door says that it lives; its wait is how late it does."""


class Waits:
    """How long the work of each step waited."""

    def __init__(self, *, io_clock: IOClock, metrics: Metrics) -> None:
        self._io_clock = io_clock
        self._seconds = {step: metrics.mqtt_session_wait_seconds.labels(str(step)) for step in QueueStep}
        self._told_at: dict[QueueStep, float] = {}

    def now(self) -> float:
        """Return the I/O clock's seconds."""
        return self._io_clock.seconds()

    def record(self, step: QueueStep, since: Iterable[float], *, waiting: int) -> None:
        """Take note that work which waited ``since`` those moments is done; ``waiting`` pieces of it are left."""
        now = self.now()
        waited = [now - one for one in since]
        if not waited:
            return
        observe_all(self._seconds[step], waited)
        longest = max(waited)
        if longest > SLOW_SECONDS and now - self._told_at.get(step, float("-inf")) >= SLOW_EVERY_SECONDS:
            self._told_at[step] = now
            structlog.get_logger().warning(
                "session_work_slow", step=str(step), waited_seconds=round(longest, 2), waiting=waiting
            )


class StepQueue(Generic[Item]):
    """Work of one step, first come, first served."""

    def __init__(self, step: QueueStep, waits: Waits) -> None:
        self._step = step
        self._waits = waits
        self._items: deque[tuple[float, Item]] = deque()

    def __len__(self) -> int:
        """How much waits."""
        return len(self._items)

    def add(self, item: Item) -> None:
        """Queue a piece of work."""
        self._items.append((self._waits.now(), item))

    def batch(self, count: int) -> list[Item]:
        """Return the oldest ``count`` pieces; they stay queued until :meth:`done`."""
        return [self._items[place][1] for place in range(min(count, len(self._items)))]

    def done(self, count: int) -> None:
        """Take the oldest ``count`` pieces off: they are committed."""
        since = [self._items.popleft()[0] for _ in range(count)]
        self._waits.record(self._step, since, waiting=len(self._items))

    def done_some(self, done: Sequence[Item]) -> None:
        """Take these pieces off, wherever they stand: they are committed."""
        gone = set(map(id, done))
        since = [at for at, item in self._items if id(item) in gone]
        self._items = deque(one for one in self._items if id(one[1]) not in gone)
        self._waits.record(self._step, since, waiting=len(self._items))

    def all(self) -> list[Item]:
        """Return everything that waits."""
        return [item for _, item in self._items]


class MoveQueue(Generic[Item]):
    """Arrivals and departures: each device's own in order, and the devices in turn.

    A device that comes and goes many times a second has one move in a batch, as everybody has, and then goes to the end
    of the turn. So a batch is as large as the number of devices that wait allows, and short connections cost no more
    than the two batches that a device's arrival and departure need.
    """

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._moves: dict[str, deque[tuple[float, Item]]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many moves wait."""
        return self._count

    def add(self, device: str, move: Item) -> None:
        """Queue a device's move behind its others."""
        self._moves.setdefault(device, deque()).append((self._waits.now(), move))
        self._count += 1

    def batch(self, count: int) -> dict[str, Item]:
        """Return the next move of each of the ``count`` devices whose turn it is; they stay queued until `done`."""
        chosen: dict[str, Item] = {}
        for device, moves in self._moves.items():
            if len(chosen) >= count:
                break
            chosen[device] = moves[0][1]
        return chosen

    def done(self, devices: Iterable[str]) -> None:
        """Take the next move of these devices off; whoever has more goes to the end of the turn."""
        since = []
        for device in devices:
            moves = self._moves.pop(device)
            since.append(moves.popleft()[0])
            if moves:
                self._moves[device] = moves
        self._count -= len(since)
        self._waits.record(QueueStep.MOVE, since, waiting=self._count)

    def take_out(self, unwanted: Iterable[tuple[str, Item]]) -> None:
        """Take moves out that will not be made."""
        for device, move in unwanted:
            moves = self._moves[device]
            kept = deque(one for one in moves if one[1] is not move)
            self._count -= len(moves) - len(kept)
            if kept:
                self._moves[device] = kept
            else:
                del self._moves[device]

    def all(self) -> list[tuple[str, Item]]:
        """Return every device's moves."""
        return [(device, move) for device, moves in self._moves.items() for _, move in moves]
