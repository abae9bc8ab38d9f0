"""The engine's side of incidents: what a stretch of transitions makes of them, in the stretch's own transaction.

What the fold remembers is read from the tables where a transition asks for it and written back with it, so a crash
leaves nothing behind, and a stretch without transitions reads and writes nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

from ioc.domain.alert import Condition, Transition, TransitionKind
from ioc.domain.incidents.grouping import Grouping
from ioc.domain.moment import LOCAL_ZONE
from ioc.incidents.book import IncidentBook, IncidentState
from ioc.incidents.fold import IncidentMove, IncidentMoveKind, fold_incidents
from ioc.store.changes.writer import ChangeRecord
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import named

NUMBERS_BEGIN = "TH"
"""Before the number said aloud: tình huống."""
LAST_ORDINAL = "SELECT coalesce(max(ordinal), 0) FROM incident"
INCIDENTS = """
SELECT id, ordinal, family, key, opened_at, opened_position, changed_at, position, moves FROM incident i
WHERE id IN (SELECT incident FROM incident_member WHERE alert = ANY($1::text[]))
   OR ($2 AND (firing > 0 OR changed_at >= $3)) ORDER BY ordinal
"""
MEMBERS = """
SELECT m.incident, m.alert, a.lat, a.lon, a.condition FROM incident_member m JOIN alert a ON a.id = m.alert
WHERE m.incident = ANY($1::text[]) ORDER BY m.incident, m.number
"""
NEXT_NUMBERS = """
INSERT INTO incident_number (day, number) VALUES ($1, 1)
ON CONFLICT (day) DO UPDATE SET number = incident_number.number + 1 RETURNING number
"""
OPEN = named("""
INSERT INTO incident (id, ordinal, number, family, key, title, opened_at, opened_position, changed_at, position, moves,
                      firing)
VALUES (:id, :ordinal, :number, :family, :key, :title, :opened_at, :opened_position, :changed_at, :position, :moves,
        :firing)
""")
MOVE = named("""
UPDATE incident SET changed_at = :changed_at, position = :position, moves = :moves, firing = :firing WHERE id = :id
""")
JOIN = named("""
INSERT INTO incident_member (alert, incident, number, position) VALUES (:alert, :incident, :number, :position)
""")
LAST_MARK = "SELECT mark FROM incident_grouping ORDER BY position DESC LIMIT 1"
MARK = """
INSERT INTO incident_grouping (position, mark) VALUES ($1, $2) ON CONFLICT (position) DO UPDATE SET mark = excluded.mark
"""


async def fold_stretch(
    connection: Connection, grouping: Grouping, transitions: Sequence[Transition]
) -> list[IncidentMove]:
    """Return what transitions do to incidents; call it before their alerts are written."""
    if not grouping.families:
        return []
    opens = any(made.kind is TransitionKind.OPENED for made in transitions)
    since = transitions[0].log_time - timedelta(seconds=grouping.within_seconds_max)
    alerts = sorted({made.alert_id for made in transitions})
    book = IncidentBook(await connection.fetchval(LAST_ORDINAL) if opens else 0)
    incidents = {row["id"]: IncidentState(**row) for row in await connection.fetch(INCIDENTS, alerts, opens, since)}
    for row in await connection.fetch(MEMBERS, list(incidents)) if incidents else ():
        incident = incidents[row["incident"]]
        incident.members[row["alert"]] = None if row["lat"] is None else (row["lat"], row["lon"])
        if row["condition"] == Condition.FIRING:
            incident.firing.add(row["alert"])
    for incident in incidents.values():
        book.put(incident)
    return fold_incidents(grouping.families, book, transitions)


async def write_incidents(
    connection: Connection, grouping: Grouping, moves: Sequence[IncidentMove]
) -> list[ChangeRecord]:
    """Write what moved, once the alerts are written, and return the changes that people must see, for the caller.

    Each is told to those who see the alert by which the incident moved: of what others see nothing has changed.
    """
    if not moves:
        return []
    opened = {move.incident.id for move in moves if move.kind is IncidentMoveKind.OPENED}
    first = {move.incident.id: move.transition for move in reversed(moves)}
    incidents = {move.incident.id: move.incident for move in moves}
    for name, incident in incidents.items():
        moved = {
            "id": name, "changed_at": incident.changed_at, "position": incident.position, "moves": incident.moves,
            "firing": len(incident.firing),
        }  # fmt: skip
        if name not in opened:
            await connection.execute(*MOVE(**moved))
            continue
        made = first[name]
        title = grouping.title(incident.family, incident.key, area=made.area, zone=made.zone)
        number = await _number(connection, made.log_time.astimezone(LOCAL_ZONE).date())
        statement = OPEN(
            **moved, ordinal=incident.ordinal, number=number, family=incident.family, key=incident.key,
            title=asdict(title), opened_at=incident.opened_at, opened_position=incident.opened_position,
        )  # fmt: skip
        await connection.execute(*statement)
    joined = [move for move in moves if move.joins]
    size = Counter({name: len(incident.members) for name, incident in incidents.items()})
    size.subtract(Counter(move.incident.id for move in joined))
    lines = []
    for move in joined:
        size[move.incident.id] += 1
        lines.append(JOIN.arguments(
            alert=move.transition.alert_id, incident=move.incident.id, number=size[move.incident.id],
            position=move.transition.position,
        ))  # fmt: skip
    if lines:
        await connection.executemany(JOIN.sql, lines)
    told = {
        (move.incident.id, made.area, made.zone, made.restricted): ChangeRecord(
            kind="incident", id=move.incident.id, log_time=made.log_time, area=made.area, zone=made.zone,
            version=move.incident.moves, restricted=made.restricted,
        )
        for move in moves
        for made in (move.transition,)
    }  # fmt: skip
    return list(told.values())


async def _number(connection: Connection, day: date) -> str:
    """Return the next number of a local day, `TH-yymmdd-NNN`."""
    return f"{NUMBERS_BEGIN}-{day:%y%m%d}-{await connection.fetchval(NEXT_NUMBERS, day):03d}"


async def mark_grouping(connection: Connection, grouping: Grouping, after: int) -> None:
    """Note that what comes after a position is grouped by these families, where it was not before."""
    if await connection.fetchval(LAST_MARK) != grouping.mark:
        await connection.execute(MARK, after, grouping.mark)
