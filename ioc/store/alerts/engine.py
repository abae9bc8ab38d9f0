"""The engine's side of an alert: its condition, its history with evidence, and the number said aloud.

Only the engine writes these columns; what people do is in `alert_work`, which gets its first row here and is theirs
from then on. Everything happens inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.alert_row import AlertRow, row_after
from ioc.domain.moment import LOCAL_ZONE
from ioc.domain.recorded import evidence_json
from ioc.store.changes.writer import ChangeRecord
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import columns_of, insert, named, update, values_of

NEXT_NUMBERS = """
INSERT INTO alert_number (day, number) VALUES ($1, $2)
ON CONFLICT (day) DO UPDATE SET number = alert_number.number + $2 RETURNING number
"""
COLUMNS = columns_of(AlertRow)
OPEN = insert("alert", (*COLUMNS, "number"))
OPEN_WITH_WORK = f"""
WITH opened AS ({OPEN.sql} RETURNING id, log_time)
INSERT INTO alert_work (alert, state, version, updated_at) SELECT id, 'new', 1, log_time FROM opened
"""  # noqa: S608 - own names
MOVE = update("alert", (name for name in COLUMNS if name != "id"), where="id = :id")
HOLD = f"SELECT {', '.join(COLUMNS)} FROM alert WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE"  # noqa: S608 - own names
"""What people do with an alert holds the same row: nobody resolves it while it reopens."""
HISTORY = named("""
INSERT INTO alert_history (alert, number, at, log_time, kind, severity, summary, reason, evidence, position)
SELECT :alert::text, coalesce(max(number), 0) + 1, :at::timestamptz, :log_time::timestamptz, :kind::text,
       :severity::text, :summary::jsonb, :reason::text, :evidence::jsonb, :position::bigint
FROM alert_history WHERE alert = :alert::text
""")
WORK_VERSIONS = "SELECT alert, version FROM alert_work WHERE alert = ANY($1::text[])"


async def write_transitions(
    connection: Connection, transitions: Sequence[Transition], *, number_prefix: str
) -> list[ChangeRecord]:
    """Write ``transitions`` in order and return the changes that people must see, one per alert, for the caller.

    Each alert's row is written once, as :func:`ioc.domain.alert_row.row_after` gives it after its last move.
    """
    opened = {made.alert_id for made in transitions if made.kind is TransitionKind.OPENED}
    moved = {made.alert_id for made in transitions} - opened
    rows: dict[str, AlertRow] = {}
    if moved:
        rows = {row["id"]: AlertRow(**row) for row in await connection.fetch(HOLD, sorted(moved))}
        assert rows.keys() == moved, f"moves of alerts that never opened: {sorted(moved - rows.keys())}"
    for made in transitions:
        rows[made.alert_id] = row_after(rows.get(made.alert_id), made)
    if moved:
        # Moves first, openings after: one alert fires for a rule and key, and the one before may clear in this batch.
        await connection.executemany(MOVE.sql, [MOVE.arguments(**values_of(rows[alert])) for alert in sorted(moved)])
    if opened:
        numbers = await _numbers(connection, transitions, number_prefix)
        new = [OPEN.arguments(**values_of(rows[alert]), number=number) for alert, number in numbers.items()]
        await connection.executemany(OPEN_WITH_WORK, new)
    await connection.executemany(HISTORY.sql, [_line(made) for made in transitions])
    # The rows are locked until the commit, so nobody can work on these alerts; nobody has yet on those that open.
    worked = await connection.fetch(WORK_VERSIONS, sorted(moved)) if moved else []
    versions = {row["alert"]: row["version"] for row in worked}
    in_order = dict.fromkeys(made.alert_id for made in transitions)
    return [_change(rows[alert], versions.get(alert, 1)) for alert in in_order]


def _change(row: AlertRow, work_version: int) -> ChangeRecord:
    """Return what people are told: whom it reaches goes by the alert's own place, as in the lists.

    What they know as the version counts the condition's moves and the work done on it.
    """
    return ChangeRecord(
        kind="alert",
        id=row.id,
        log_time=row.log_time,
        area=row.area,
        zone=row.zone,
        version=row.transitions + work_version,
        restricted=row.restricted,
    )


async def _numbers(connection: Connection, transitions: Sequence[Transition], prefix: str) -> Mapping[str, str]:
    """Return the number of each alert that opens, `HB-yymmdd-NNNN`, counted on the local day it is issued."""
    opening: dict[date, list[str]] = {}
    for transition in transitions:
        if transition.kind is TransitionKind.OPENED:
            opening.setdefault(transition.log_time.astimezone(LOCAL_ZONE).date(), []).append(transition.alert_id)
    numbers: dict[str, str] = {}
    for day, alerts in sorted(opening.items()):
        last: int = await connection.fetchval(NEXT_NUMBERS, day, len(alerts))
        for number, alert in enumerate(alerts, start=last - len(alerts) + 1):
            numbers[alert] = f"{prefix}-{day:%y%m%d}-{number:04d}"
    return numbers


def _line(made: Transition) -> tuple[object, ...]:
    return HISTORY.arguments(
        alert=made.alert_id, at=made.at, log_time=made.log_time, kind=str(made.kind), severity=str(made.severity),
        summary=asdict(made.summary), reason=made.reason, evidence=evidence_json(made), position=made.position,
    )  # fmt: skip
