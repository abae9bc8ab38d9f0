"""Reads alerts as the figures of performance need them: one row for each, and announcements by ten minutes."""

from __future__ import annotations

from datetime import datetime

from ioc.domain.severity import Severity
from ioc.performance.figures import SLOT, AlertFact
from ioc.store.alerts.reader import WORK_OF, WORK_STATE
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where
from ioc.store.postgres.statement import literals
from ioc.work.transitions import ENDED, ENDING, WorkAction

ALERTS_MAX = 20_000
"""Alerts of one account of performance, the newest; that there were more is said."""
ANNOUNCED = literals(("opened", "raised", "reopened"))
RECEIVED = literals((WorkAction.ACKNOWLEDGE, WorkAction.START, *ENDING))
# A lag of two among announcements: the third came within the ten minutes of the first.
OF_HISTORY = f"""
SELECT min(h.log_time) FILTER (WHERE h.actor IS NULL) AS seen_at,
  min(h.at) FILTER (WHERE h.actor IS NOT NULL AND h.kind IN ({RECEIVED})) AS received_at,
  max(h.at) FILTER (WHERE h.actor IS NOT NULL AND h.kind IN ({literals(ENDING)})) AS handled_at,
  count(*) FILTER (WHERE h.actor IS NULL AND h.kind IN ({ANNOUNCED})) AS announcements,
  coalesce(bool_or(h.third - h.log_time <= make_interval(secs => {SLOT.total_seconds()})), false) AS chattering
FROM (
  SELECT l.kind, l.actor, l.at, l.log_time, CASE WHEN l.actor IS NULL AND l.kind IN ({ANNOUNCED}) THEN
    lead(l.log_time, 2) OVER (PARTITION BY l.actor IS NULL AND l.kind IN ({ANNOUNCED}) ORDER BY l.number) END AS third
  FROM alert_history l WHERE l.alert = a.id
) h
"""  # noqa: S608 - own words
FACTS = f"""
a.rule, a.domain, a.area, a.peak_severity, a.title, a.cleared_at, a.ends, a.opened_at, a.retrospective,
{WORK_STATE} AS state, f.*
FROM alert a {WORK_OF} CROSS JOIN LATERAL ({OF_HISTORY}) f
"""


async def list_facts(
    connection: Connection, since: datetime, until: datetime, scope: Scope, *, limit: int = ALERTS_MAX
) -> list[AlertFact]:
    """Return the newest alerts inside the wall that opened in a span of time."""
    where = _where(since, until, scope)
    rows = await connection.fetch(
        f"SELECT {FACTS} WHERE {where.sql} ORDER BY a.opened_at DESC, a.id LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return [
        AlertFact(
            rule=row["rule"],
            domain=row["domain"],
            area=row["area"],
            severity=Severity(row["peak_severity"]),
            title=row["title"],
            seen_at=row["seen_at"] or row["opened_at"],
            received_at=row["received_at"],
            handled_at=row["handled_at"] if row["state"] in ENDED else None,
            over_at=row["handled_at"] if row["ends"] == "person" and row["state"] in ENDED else row["cleared_at"],
            announcements=row["announcements"],
            chattering=row["chattering"],
            is_false=row["state"] == "false_alarm",
            retrospective=row["retrospective"],
        )
        for row in rows
    ]


async def count_announcements(
    connection: Connection, since: datetime, until: datetime, scope: Scope
) -> dict[datetime, int]:  # fmt: skip
    """Return the announcements in each ten minutes from ``since`` on, of alerts that opened in the span."""
    where = _where(since, until, scope)
    where.add(f"h.actor IS NULL AND h.kind IN ({ANNOUNCED})")
    where.add("h.log_time >= {} AND h.log_time < {}", since, until)
    start = where.value(since)
    rows = await connection.fetch(
        f"SELECT date_bin('10 minutes', h.log_time, {start}) AS slot, count(*) AS number "  # noqa: S608 - own text
        f"FROM alert a JOIN alert_history h ON h.alert = a.id WHERE {where.sql} GROUP BY slot",
        *where.arguments,
    )
    return {row["slot"]: row["number"] for row in rows}


def _where(since: datetime, until: datetime, scope: Scope) -> Where:
    where = Where().scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")
    return where.add("a.opened_at >= {} AND a.opened_at < {}", since, until)
