"""Brings shelved alerts back, at their time and once their condition has risen or returned; part of the keeper.

Lists show an alert whose condition has moved as new from that move on, whether the keeper runs or not; here it gets its
line in the history and the audit trail. When it is due stands in its row, so nothing is forgotten over a restart.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ioc.domain.alert import Condition
from ioc.runtime.clock import LogClock
from ioc.runtime.due_work import do_due_work
from ioc.runtime.liveness import Beat, no_beat
from ioc.store.alerts.reader import WORK_OF
from ioc.store.alerts.work import HAS_RETURNED, READ, Work, record_of, write_work
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.statement import literals
from ioc.work.transitions import BROUGHT_BACK, WorkAction, WorkState

AT_ONCE_MAX = 100
"""Alerts looked at in one turn; the next turn follows at once while there are more."""
DUE = f"""
SELECT a.id FROM alert a {WORK_OF}
WHERE a.id IN (SELECT alert FROM alert_work WHERE state = 'shelved') AND (w.shelved_until <= $1 OR r.returned)
ORDER BY w.shelved_until, a.id LIMIT $2
"""  # noqa: S608 - own text
MOVED = f"""
SELECT h.kind FROM alert_history h WHERE h.alert = $1 AND h.kind IN ('raised', 'reopened')
AND h.number > (SELECT max(f.number) FROM alert_history f WHERE f.alert = $1 AND f.kind IN ({literals(BROUGHT_BACK)}))
ORDER BY h.number LIMIT 1
"""  # noqa: S608 - own words
REASONS = {None: "until_reached", "raised": "level_rose", "reopened": "fired_again"}
"""Why it came back, by what its condition did first; None: nothing."""


class ShelvedAlerts:
    """Looks again and again until cancelled; two of them do no harm, since each locks the alert and looks anew."""

    def __init__(self, *, database: Database, log_clock: LogClock, wall: LogClock, beat: Beat = no_beat) -> None:
        self._database = database
        self._log_clock = log_clock
        self._wall = wall
        self._beat = beat

    async def run(self) -> None:
        """Look every second; an unreachable database is waited for."""
        await do_due_work(self._work, name="shelved_alerts", log_clock=self._log_clock, beat=self._beat)

    async def _work(self, now: datetime) -> bool:
        return await self.work(now) == AT_ONCE_MAX

    async def work(self, now: datetime) -> int:
        """Bring back what is due, the longest due first, and return how many were looked at."""
        async with self._database.connection() as connection:
            due = [row["id"] for row in await connection.fetch(DUE, now, AT_ONCE_MAX)]
        for alert in due:
            async with self._database.transaction() as connection:
                await self._bring_back(connection, alert, now)
        return len(due)

    async def _bring_back(self, connection: Connection, identifier: str, now: datetime) -> None:
        """Bring one alert back, if nobody has done anything with it meanwhile."""
        alert = await connection.fetchrow(READ, identifier)
        row: Any = await connection.fetchrow("SELECT * FROM alert_work WHERE alert = $1", identifier)
        before = record_of(row)
        if before.state is not WorkState.SHELVED or before.shelved_until is None:
            return
        returned = bool(await connection.fetchval(HAS_RETURNED, identifier))
        if not returned and before.shelved_until > now:
            return
        moved = await connection.fetchval(MOVED, identifier) if returned else None
        work = Work(identifier, WorkAction.UNSHELVE, before.version, None, reason=REASONS[moved])
        after = before.after(work.deed(now), condition=Condition(alert["condition"]))
        await write_work(connection, work, alert, before=before, after=after, told={}, now=now, wall=self._wall.now())
