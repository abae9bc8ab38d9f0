"""The clock of a drill: one small file in memory that every role of the instance reads and only the conductor steps.

It never goes back, it outlives its processes, and it carries the little that the conductor and the others say to each
other: *ask* (all before this is sent: have you folded it?), *answer* (yes, and my next timer ends then), and up to
when the keeper has made partitions. In a tour the visitors' screens say there how fast they wish to go, whether it
pauses, and when somebody looked last. Whoever steps the clock only after the answer gets the same log at any speed.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ioc.errors import ServiceUnreachableError

FILE_BYTES = 4_096
MAGIC = b"IOCDRIL1"
CLOCK, SPEED, ASKED, ANSWERED, DUE, CHECK, PARTITIONS, WISHED, PAUSED, VISITED = range(8, 88, 8)
"""Offsets of the slots, eight bytes each: an aligned word is read and written whole."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WORD = struct.Struct("<q")
SPEED_UNIT = 1_000


def clock_file(data_dir: Path) -> Path:
    """Return where a drill keeps its clock."""
    return data_dir / "run" / "drill-clock"


class DrillClock:
    """A drill's clock, open in this process. Only the conductor calls :meth:`step_to` and :meth:`ask`."""

    def __init__(self, path: Path) -> None:
        """Open an existing clock.

        Raises:
            ServiceUnreachableError: there is none, or the file is something else.
        """
        try:
            with path.open("r+b") as file:
                self._memory = mmap.mmap(file.fileno(), FILE_BYTES)
        except (OSError, ValueError) as error:
            raise ServiceUnreachableError(f"{path}: no clock of a drill; start it with `ioc up --drill`") from error
        if self._memory[: len(MAGIC)] != MAGIC:
            raise ServiceUnreachableError(f"{path}: not the clock of a drill of this version")
        self.path = path

    @classmethod
    def make(cls, path: Path, start: datetime) -> DrillClock:
        """Open the clock; where there is none, make one that shows ``start``."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.write_bytes(MAGIC + WORD.pack(_to_us(start)) + bytes(FILE_BYTES - len(MAGIC) - WORD.size))
            draft.replace(path)
        return cls(path)

    def now(self) -> datetime:
        """Return the drill's time in UTC."""
        return _from_us(self._get(CLOCK))

    def step_to(self, moment: datetime) -> None:
        """Move forward to ``moment``; an earlier moment changes nothing."""
        self._put(CLOCK, max(self._get(CLOCK), _to_us(moment)))

    @property
    def speed(self) -> float:
        """Return the cap in seconds of the drill per second of the wall; 0: none."""
        return self._get(SPEED) / SPEED_UNIT

    @speed.setter
    def speed(self, speed: float) -> None:
        self._put(SPEED, round(speed * SPEED_UNIT))

    @property
    def wished(self) -> float | None:
        """Return the speed that visitors of a tour chose; None: nobody has."""
        return self._get(WISHED) / SPEED_UNIT or None

    @wished.setter
    def wished(self, speed: float) -> None:
        self._put(WISHED, round(speed * SPEED_UNIT))

    @property
    def paused(self) -> bool:
        """Tell whether the clock stands still until somebody goes on."""
        return self._get(PAUSED) != 0

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._put(PAUSED, int(paused))

    @property
    def visited(self) -> datetime | None:
        """Return when a visitor of a tour was seen last, by the wall; None: nobody yet."""
        value = self._get(VISITED)
        return None if value == 0 else _from_us(value)

    @visited.setter
    def visited(self, moment: datetime) -> None:
        self._put(VISITED, _to_us(moment))

    def ask(self) -> int:
        """Ask the engine to fold all that is in the log now and to tick what is due; return the question's number."""
        number = self._get(ASKED) + 1
        self._put(ASKED, number)
        return number

    def asked(self) -> int:
        """Return the number of the newest question."""
        return self._get(ASKED)

    def answer(self, number: int, due: datetime | None) -> None:
        """Say that everything before question ``number`` is folded, and when the next timer ends, if one runs."""
        due_us = 0 if due is None else _to_us(due)
        self._put(DUE, due_us)
        self._put(ANSWERED, number)
        self._put(CHECK, _check(number, due_us))

    def answered(self) -> tuple[int, datetime | None] | None:
        """Return the newest answer (number, due), or None while one is being written."""
        number, due_us = self._get(ANSWERED), self._get(DUE)
        if self._get(CHECK) != _check(number, due_us):
            return (0, None) if number == 0 else None
        return number, None if due_us == 0 else _from_us(due_us)

    @property
    def partitions_until(self) -> datetime:
        """Return up to when the keeper has made partitions: the clock stays before it."""
        return _from_us(self._get(PARTITIONS))

    @partitions_until.setter
    def partitions_until(self, moment: datetime) -> None:
        self._put(PARTITIONS, _to_us(moment))

    @contextlib.contextmanager
    def conducted(self) -> Iterator[None]:
        """Be the one conductor while the block runs.

        Raises:
            ServiceUnreachableError: another process steps this clock.
        """
        with self.path.with_name("drill-conductor").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ServiceUnreachableError(
                    "this drill is being played already: wait for its end, or stop it first"
                ) from error
            yield

    def _get(self, offset: int) -> int:
        value: int = WORD.unpack_from(self._memory, offset)[0]
        return value

    def _put(self, offset: int, value: int) -> None:
        WORD.pack_into(self._memory, offset, value)


def _check(number: int, due_us: int) -> int:
    """Return what proves that number and due belong together, in whatever order a processor shows the two."""
    return zlib.crc32(WORD.pack(number) + WORD.pack(due_us)) + 1


def _to_us(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _from_us(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)
