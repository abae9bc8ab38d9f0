"""The conductor of a drill: steps its clock from reading to reading and from timer to timer, and never ahead of itself.

Before each step everything that was sent is acknowledged and folded, and no timer that is due is passed over. So what
the drill leads to is a function of its record: the speed is only a cap, and any two runs have the same log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

import orjson

from ioc.domain.moment import format_time
from ioc.errors import InvalidInputError, ServiceUnreachableError
from ioc.replay.publisher import DeviceKey, Publisher
from ioc.replay.scenario import Turn
from ioc.runtime.drill_clock import DrillClock

POLL_SECONDS = 0.001
POLL_SECONDS_MAX = 0.05
SMOOTH_SECONDS = 0.1
"""While it waits for a step's turn the clock goes on in steps this long, so that the screens see it go."""
SETTLE_SECONDS = 120.0
SPAN_MAX = timedelta(days=400)
"""Each day of a drill is a partition of the log: a record of years belongs in `--history`."""
REASONS_MAX = 10


class ReadingSender(Protocol):
    """How one device's readings come in; the MQTT door's :class:`Publisher` unless the conductor is told otherwise."""

    async def publish(self, payload: bytes) -> int:
        """Send one reading and return 0 once it is committed, else the reason code of its refusal."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class PersonAction:
    """What a person does at a moment of the record: it finds everything before it folded."""

    moment: datetime
    perform: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class PlayReport:
    """How far a drill has come: readings sent, acknowledged as stored or known, refused with the first reasons."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    steps: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Conductor:
    """Plays readings into a running drill.

    ``speed`` caps the drill's seconds per second of the wall; 0: as fast as acknowledgements and folding come.
    ``told`` hears how far it is; ``stepped`` of each moment at which something may happen, once the clock is there.
    """

    clock: DrillClock
    host: str
    port: int
    keys: Mapping[str, DeviceKey]
    speed: float
    told: Callable[[PlayReport], None] = lambda _played: None
    waiting: Callable[[str], None] = lambda _why: None
    stepped: Callable[[datetime], None] = lambda _moment: None
    sender: Callable[[DeviceKey], ReadingSender] | None = None
    """None: each device connects to the MQTT door at ``host``, ``port``."""
    played: PlayReport = field(default_factory=PlayReport)
    _publishers: dict[str, ReadingSender] = field(default_factory=dict)
    _due: datetime | None = None
    _first: datetime | None = None

    async def play(self, turns: Iterable[Turn | PersonAction], until: datetime) -> PlayReport:
        """Play readings and actions at their moments, let the clock run on to ``until``; return what became of them.

        Raises:
            ServiceUnreachableError: the door or the engine did not answer in time; start again to go on from here.
            InvalidInputError: a reading's device is not registered in the drill, or the record is too long.
        """
        with self.clock.conducted():
            self.clock.speed = self.speed
            try:
                await self._settle()
                for moment, together in groupby(turns, key=lambda turn: turn.moment):
                    if moment < self.clock.now():
                        continue  # an earlier run sent these, and stepped on only after they were acknowledged
                    await self._advance(moment)
                    for turn in together:
                        await (self._act(turn) if isinstance(turn, PersonAction) else self._send(turn))
                    await self._settle()
                    self.told(self.played)
                await self._advance(until)
            finally:
                await asyncio.gather(*(publisher.close() for publisher in self._publishers.values()))
        return self.played

    async def _advance(self, target: datetime) -> None:
        """Bring the clock to ``target``, stopping at each timer that is due on the way."""
        self._first = self._first or self.clock.now()
        if target - self._first > SPAN_MAX:
            raise InvalidInputError(f"a drill spans at most {SPAN_MAX.days} days; {format_time(target)} is later")
        while self._due is not None and self._due <= target:
            await self._go_to(self._due)
            await self._settle()
        await self._go_to(target)

    async def _go_to(self, target: datetime) -> None:
        """Let the clock run to ``target``, no faster than the cap and no further than there are partitions."""
        loop = asyncio.get_running_loop()
        reached, since = self.clock.now(), loop.time()
        self.played.steps += 1
        while self._pace() > 0 and (left := (target - reached).total_seconds() / self.speed) > 0:
            await asyncio.sleep(min(left, SMOOTH_SECONDS))
            passed, since = loop.time() - since, loop.time()
            if not self.clock.paused:
                reached += timedelta(seconds=passed * self.speed)
            # The last step is taken below: what is due at the target must find the clock exactly there.
            self.clock.step_to(min(reached, target, self.clock.partitions_until))
        await self._until(lambda: target < self.clock.partitions_until, "the keeper makes no partitions")
        self.clock.step_to(target)
        self.stepped(target)

    def _pace(self) -> float:
        """Return the cap on the speed: what the visitors of a tour wish, else what it was begun with."""
        wished = self.clock.wished
        if wished is not None and wished != self.speed:
            self.clock.speed = self.speed = wished
        return self.speed

    async def _settle(self) -> None:
        """Return once everything sent is folded and what is due is ticked; learn when the next timer ends."""
        while True:
            number = self.clock.ask()
            await self._until(
                lambda number=number: (self.clock.answered() or (0, None))[0] == number,  # type: ignore[misc]
                "the rule engine does not answer",
            )
            answered = self.clock.answered()
            self._due = answered[1] if answered is not None else None
            if answered is not None and (self._due is None or self._due > self.clock.now()):
                return

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for another process of the instance, which may be started again meanwhile."""
        loop = asyncio.get_running_loop()
        deadline, pause, told = loop.time() + SETTLE_SECONDS, POLL_SECONDS, loop.time() + 5.0
        while not holds():
            if loop.time() > deadline:
                raise ServiceUnreachableError(f"{what} for {SETTLE_SECONDS:.0f} s: is the drill still running?")
            if loop.time() > told:
                self.waiting(what)
                told += 5.0
            await asyncio.sleep(pause)
            pause = min(pause * 1.2, POLL_SECONDS_MAX)

    async def _act(self, action: PersonAction) -> None:
        """Let a person act once all that was sent is folded, also what came at the same moment."""
        await self._settle()
        await action.perform()

    async def _send(self, turn: Turn) -> None:
        """Publish one reading and wait for its acknowledgement: the order of the log is the record's."""
        publisher = self._publishers.get(turn.device)
        if publisher is None:
            key = self.keys.get(turn.device)
            if key is None or key.feed != turn.feed:
                raise InvalidInputError(
                    f"the drill has no device {turn.device} of feed {turn.feed}: name it under `stations`, "
                    "or add it with `ioc device add`",
                    field="device",
                )
            publisher = self._connect(key)
            self._publishers[turn.device] = publisher
        body = orjson.dumps(turn.body)
        code = await publisher.publish(body)
        self.played.sent += 1
        if code == 0:
            self.played.acknowledged += 1
            return
        self.played.refused += 1
        if len(self.played.reasons) < REASONS_MAX:
            self.played.reasons.append(f"{turn.device} {format_time(turn.moment)}: refused, reason {code:#04x}")

    def _connect(self, key: DeviceKey) -> ReadingSender:
        if self.sender is not None:
            return self.sender(key)
        return Publisher(self.host, self.port, key, waiting=self.waiting)
