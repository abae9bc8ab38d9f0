"""When a reading is sent and which time it carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.replay.reading import RecordedReading, RecordReader


@dataclass(frozen=True, slots=True)
class Timing:
    """How recorded time becomes time to send (seconds since the start) and time to carry.

    ``speed`` 0 means unpaced. ``first`` is the first reading's recorded time. ``shift`` moves all times by the
    same amount; ``sent_from`` gives each reading the time at which its turn comes, for a paced and shifted replay:
    at speed 60 an hour takes a minute, and a time an hour ahead would be a clock fault.
    """

    first: datetime
    speed: float = 0.0
    shift: timedelta = timedelta(0)
    sent_from: datetime | None = None

    def due_seconds(self, reading: RecordedReading) -> float:
        """Return when the reading's turn comes, in seconds since the start."""
        if self.speed <= 0:
            return 0.0
        return max(0.0, (reading.moment - self.first).total_seconds() / self.speed)

    def time(self, reading: RecordedReading) -> datetime:
        """Return the time that the reading carries."""
        if self.sent_from is not None:
            return self.sent_from + timedelta(seconds=self.due_seconds(reading))
        return reading.moment + self.shift


def span(reader: RecordReader) -> tuple[datetime, datetime] | None:
    """Return the first reading's time and the latest time of all, in one pass, or None when there is no reading."""
    first: datetime | None = None
    last: datetime | None = None
    for item in reader.readings():
        if isinstance(item, RecordedReading):
            first = first or item.moment
            last = item.moment if last is None else max(last, item.moment)
    return None if first is None or last is None else (first, last)


def first_moment(reader: RecordReader) -> datetime | None:
    """Return the first reading's time, reading no further."""
    return next((item.moment for item in reader.readings() if isinstance(item, RecordedReading)), None)


def plan_timing(reader: RecordReader, *, speed: float, paced: bool, shift: bool, now: datetime) -> Timing | None:
    """Return the timing of a replay that starts ``now``, or None when there is nothing to replay.

    Paced and shifted: the first reading is now, the others follow at their turn. Shifted only: the latest
    recorded time becomes now and the spacing stays.
    """
    if shift and not paced:
        ends = span(reader)
        return None if ends is None else Timing(first=ends[0], shift=now - ends[1])
    first = first_moment(reader)
    if first is None:
        return None
    return Timing(first=first, speed=speed if paced else 0.0, sent_from=now if shift else None)
