"""What the bench's devices say: rain gauges and river gauges with an id and a time of their own, and calm values.

One generator for every road of one run (door, broker, bare inserts, HTTP), so that all of them carry the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FEEDS = ("rainfall", "river_level")
STEP = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Gauge:
    """One device as the bench knows it."""

    device: str
    feed: str
    key: str = ""

    @property
    def topic(self) -> str:
        """Where it publishes."""
        return f"ioc/v1/{self.feed}/{self.device}"


def payloads(feed: str, count: int, *, tag: str, start: datetime) -> list[bytes]:
    """Return ``count`` readings of one device, a millisecond apart up to ``start``; ``tag`` makes their ids new."""
    made = []
    moment = start.astimezone(UTC) - count * STEP
    for number in range(count):
        moment += STEP
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if feed == "rainfall":
            made.append(
                b'{"id":"%s-%d","time":"%s","rain_mm":%.1f,"period_s":600,"rain_1h_mm":%.1f,"rain_24h_mm":%.1f}'
                % (tag.encode(), number, time.encode(), number % 7 / 10, number % 31 / 10, number % 101 / 10)
            )
        else:
            made.append(
                b'{"id":"%s-%d","time":"%s","level_cm":%.1f}'
                % (tag.encode(), number, time.encode(), 1_200 + number % 400 / 10)
            )
    return made


def share(count: int, gauges: Sequence[Gauge]) -> list[int]:
    """Return how many of ``count`` events each gauge sends: all alike, the first ones one more."""
    each, more = divmod(count, len(gauges))
    return [each + (number < more) for number in range(len(gauges))]
