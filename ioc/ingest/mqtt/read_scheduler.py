"""Who of the connections of one MQTT door reads next: slices of the event loop, room in the intake, turns of backlogs.

What it promises: each queue has a connection at most once and serves in turn, so that a burst of one keeps nobody else
waiting for longer than a slice, and who has gone is forgotten. It reads nothing itself: it says who may.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from ioc.ingest.mqtt.ports import DOOR, Pause, ReadingSide, Spawn
from ioc.ingest.pipeline.backlog import TURN_EVENTS
from ioc.ingest.pipeline.delivery import Room
from ioc.runtime.metrics import Metrics

SLICE_BYTES = 32 << 10
"""How much one turn of the event loop reads before it looks at everything else: about 2 ms of work."""
MESSAGE_BYTES = 128
"""What a message costs of a slice beside its payload."""


class ReadScheduler:
    """The turns of all connections of one door."""

    def __init__(self, *, room: Room, metrics: Metrics, spawn: Spawn) -> None:
        self._room = room
        self._metrics = metrics
        self._spawn = spawn
        self._slice_left = SLICE_BYTES
        self._is_slicing = False
        self._sliced: deque[ReadingSide] = deque()  # for the next turn of the event loop, each once
        self._waiting: deque[ReadingSide] = deque()  # for room in the intake, each once, in turn
        self._turn: ReadingSide | None = None
        self._is_giving_room = False
        self._catching_up: deque[ReadingSide] = deque()  # backlogs that wait for their turn, each once
        self._is_giving_turns = False

    def obstacle(self, reader: ReadingSide, cost: int) -> Pause | None:
        """Return why a message of ``cost`` bytes must wait, or None: it may be submitted, and is counted.

        A burst of all devices at once would keep the loop for a tenth of a second; the commit that is under way has
        half a dozen questions to PostgreSQL, and each would be asked only after the whole burst. So they take turns:
        a slice of reading, then whatever else the loop has heard.
        """
        if self._slice_left <= 0:
            return Pause.SLICE
        self._slice_left -= cost + MESSAGE_BYTES
        if not self._is_slicing:
            self._is_slicing = True
            asyncio.get_running_loop().call_soon(self._next_slice)
        if not self.may_submit(reader):
            return Pause.INTAKE
        if reader.lane.is_backlog and not self._room.share.may_pass(reader.lane):
            return Pause.BACKLOG
        return None

    def may_submit(self, reader: ReadingSide) -> bool:
        """Tell whether the intake has room and no other connection has waited longer for it."""
        return self._room.has_room and (not self._waiting or self._turn is reader)

    def wait(self, reader: ReadingSide, reason: Pause) -> None:
        """Call ``resume(reason)`` on the reader when its turn has come; ``reason`` is what :meth:`obstacle` said."""
        if reason is Pause.SLICE:
            self._sliced.append(reader)
        elif reason is Pause.INTAKE:
            self._wait_for_room(reader)
        else:
            self._wait_for_turn(reader)

    def forget(self, reader: ReadingSide) -> None:
        """Let go of a connection that is gone: who comes and goes during an outage must not pile up here."""
        for queue in (self._waiting, self._catching_up):
            with contextlib.suppress(ValueError):
                queue.remove(reader)

    # -- slices of the event loop

    def _next_slice(self) -> None:
        self._slice_left = SLICE_BYTES
        self._is_slicing = False
        for _ in range(len(self._sliced)):
            if self._slice_left <= 0:
                break
            self._sliced.popleft().resume(Pause.SLICE)
        if self._sliced and not self._is_slicing:
            self._is_slicing = True
            asyncio.get_running_loop().call_soon(self._next_slice)

    # -- room in the intake

    def _wait_for_room(self, reader: ReadingSide) -> None:
        self._metrics.ingest_full.labels(DOOR).inc()
        self._waiting.append(reader)
        if not self._is_giving_room:
            self._is_giving_room = True
            self._spawn(self._give_room(), "mqtt-room")

    async def _give_room(self) -> None:
        try:
            while self._waiting:
                await self._room.wait_for_room()
                if not self._waiting:
                    return  # who waited has gone
                self._turn = self._waiting.popleft()
                try:
                    self._turn.resume(Pause.INTAKE)
                finally:
                    self._turn = None
                await asyncio.sleep(0)  # with room to spare the loop would not let anybody else in
        finally:
            self._is_giving_room = False

    # -- turns of backlogs

    def _wait_for_turn(self, reader: ReadingSide) -> None:
        self._metrics.ingest_backlog_held.labels(DOOR).inc()
        # A turn that was cut short, because the share was used up, goes on first; whose turn is over goes to the end.
        queue = self._catching_up.appendleft if reader.lane.turn_left > 0 else self._catching_up.append
        queue(reader)
        if not self._is_giving_turns:
            self._is_giving_turns = True
            self._spawn(self._give_turns(), "mqtt-backlog")

    async def _give_turns(self) -> None:
        try:
            while self._catching_up:
                await self._room.share.wait()
                if not self._catching_up:
                    return  # who waited has gone
                reader = self._catching_up.popleft()
                if reader.lane.turn_left <= 0:
                    reader.lane.turn_left += TURN_EVENTS  # a large array is paid for with several turns
                if reader.lane.turn_left <= 0:
                    self._catching_up.append(reader)
                else:
                    reader.resume(Pause.BACKLOG)
                await asyncio.sleep(0)
        finally:
            self._is_giving_turns = False
