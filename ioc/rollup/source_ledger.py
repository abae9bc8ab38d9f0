"""The account of each source, hour by hour: what was stored, with which marks, how long after it was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ioc.domain.event import Entry, Flag
from ioc.domain.feed import FeedSpec

HOUR = timedelta(hours=1)
MEASURED_AGE_MAX = timedelta(days=31)
"""What was measured longer before it came fills no hour: nobody asks for the completeness of back then."""


@dataclass(slots=True)
class SourceCounts:
    """What one source stored in one hour of the log's time; lags are seconds from the measurement to the log.

    ``measured`` alone counts by the readings' own time: those of that hour, whenever they came.
    """

    stored: int = 0
    released: int = 0
    history: int = 0
    late: int = 0
    suspect: int = 0
    clock_fault: int = 0
    skewed: int = 0
    measured: int = 0
    lags: int = 0
    lag_sum: float = 0.0
    lag_min: float | None = None
    lag_max: float | None = None

    def add_lag(self, seconds: float) -> None:
        """Take in the lag of one reading."""
        self.lags += 1
        self.lag_sum += seconds
        self.lag_min = seconds if self.lag_min is None or seconds < self.lag_min else self.lag_min
        self.lag_max = seconds if self.lag_max is None or seconds > self.lag_max else self.lag_max


SourceLedger = dict[tuple[str, str, datetime], SourceCounts]
"""By feed, device and the begin of the hour."""


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_source(ledger: SourceLedger, entries: Iterable[Entry], feed: FeedSpec | None) -> None:
    """Count the events of one device in one feed. What a person took back is no reading that came in."""
    late_after = None if feed is None else feed.late_after.total_seconds()
    begins = ends = measured_begins = measured_ends = datetime.min.replace(tzinfo=UTC)
    counts = measured = SourceCounts()
    for entry in entries:
        event, log_time = entry.event, entry.log_time
        assert event is not None, "a pile has events alone"
        flags = event.flags
        if flags and Flag.WITHDRAWN in flags:
            continue
        if not begins <= log_time < ends:
            begins = _hour(log_time)
            ends = begins + HOUR
            counts = ledger.setdefault((event.feed, event.device, begins), SourceCounts())
        counts.stored += 1
        is_history = has_clock_fault = False
        if flags:
            is_history, has_clock_fault = event.history, Flag.CLOCK_FAULT in flags
            counts.released += Flag.RELEASED in flags
            counts.history += is_history
            counts.suspect += Flag.SUSPECT in flags
            counts.skewed += Flag.SKEWED in flags
            counts.clock_fault += has_clock_fault
        effective = event.effective
        if not event.revision and log_time - effective <= MEASURED_AGE_MAX:
            if not measured_begins <= effective < measured_ends:
                measured_begins = _hour(effective)
                measured_ends = measured_begins + HOUR
                measured = ledger.setdefault((event.feed, event.device, measured_begins), SourceCounts())
            measured.measured += 1
        if is_history or has_clock_fault:
            continue  # the one is old by intent, of the other nobody knows when it was measured
        seconds = (log_time - effective).total_seconds()
        counts.add_lag(seconds)
        if late_after is not None and seconds > late_after:
            counts.late += 1
