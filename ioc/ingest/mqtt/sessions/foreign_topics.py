"""Which devices spoke on topics that are not theirs: at most one line of the audit trail a minute and device. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from ioc.runtime.metrics import Metrics

FOREIGN_MAX = 1_000
"""Devices whose foreign publishes one door writes into the audit trail in a minute."""
FOREIGN_EVERY = timedelta(minutes=1)
FOREIGN_AT_ONCE = 50
"""Lines of one transaction: each row of the audit trail is chained to the one before, one after the other."""


class ForeignPublishes:
    """What is to be written into the audit trail, and the devices of which a line was written within the minute."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._topics: dict[str, str] = {}
        self._seen_at: dict[str, datetime] = {}

    def add(self, device: str, topic: str, now: datetime) -> bool:
        """Take note of a publish; tell whether it is to be written."""
        seen = self._seen_at
        while seen and now - next(iter(seen.values())) >= FOREIGN_EVERY:
            del seen[next(iter(seen))]  # the oldest stands first
        if device in seen:
            return False
        if len(seen) >= FOREIGN_MAX:
            self._metrics.mqtt_refused.labels("audit_full").inc()
            return False
        seen[device] = now
        self._topics[device] = topic
        return True

    def batch(self) -> list[tuple[str, str]]:
        """Return the next (device, topic) to be written."""
        return list(islice(self._topics.items(), FOREIGN_AT_ONCE))

    def done(self, batch: list[tuple[str, str]]) -> None:
        """Take note that these are written."""
        for device, _ in batch:
            self._topics.pop(device, None)
