"""Failed sign-ins and refused changes as rows of the audit trail, so many an hour: a flood must not bury the trail."""

from collections import OrderedDict
from datetime import datetime

from ioc.errors import StoreUnavailableError
from ioc.runtime.clock import IOClock
from ioc.runtime.metrics import Metrics
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Database

ROWS_PER_HOUR_MAX = 200
SAME_SECONDS = 600.0
"""The same refusal of the same caller is written once in this time."""
REMEMBERED_MAX = 1_000
HOUR_SECONDS = 3_600.0


class Refusals:
    """Writes refusals down, each kind for each caller once in ten minutes, and counts what it leaves out."""

    def __init__(self, database: Database, clock: IOClock, metrics: Metrics) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._written: OrderedDict[tuple[str, str, str, str | None], float] = OrderedDict()
        self._left = float(ROWS_PER_HOUR_MAX)
        self._seen = clock.seconds()

    async def note(self, entry: AuditEntry, now: datetime) -> None:
        """Write one refusal, unless it was written just now or the hour has enough."""
        seconds = self._clock.seconds()
        key = (entry.actor, entry.action, entry.object, entry.address)
        self._left = min(
            float(ROWS_PER_HOUR_MAX), self._left + (seconds - self._seen) * ROWS_PER_HOUR_MAX / HOUR_SECONDS
        )
        self._seen = seconds
        if seconds - self._written.get(key, float("-inf")) < SAME_SECONDS or self._left < 1.0:
            self._metrics.refusals_unrecorded.inc()
            return
        self._left -= 1.0
        self._written[key] = seconds
        self._written.move_to_end(key)
        while len(self._written) > REMEMBERED_MAX:
            self._written.popitem(last=False)
        try:
            async with self._database.transaction() as connection:
                await append_audit(connection, entry, now)
        except StoreUnavailableError:
            self._metrics.refusals_unrecorded.inc()
