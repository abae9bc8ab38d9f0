"""Media as people see them: whoever may see the event that they hang on; what hangs on nothing, who sent it in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ioc.domain.event import Flag
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
LISTED_MAX = 50
"""Media of one alert."""
COLUMNS = (
    "m.id, m.type, m.uploaded_by, m.uploaded_at, m.event, m.removed_at, m.sha256, c.bytes, c.width, c.height, "
    "c.thumbnail IS NOT NULL AS has_thumbnail"
)
TABLES = """
media m LEFT JOIN media_content c ON c.sha256 = m.sha256
LEFT JOIN LATERAL (
  SELECT o.area, o.zone, o.feed, o.flags FROM event o WHERE o.key = m.event AND o.kind = 'event'
  ORDER BY o.revision DESC LIMIT 1
) e ON m.event IS NOT NULL
"""
"""With where the event's newest revision lies; of an event that the log no longer keeps, where it lay."""
PLACE = {
    "area": "CASE WHEN e.feed IS NULL THEN m.area ELSE e.area END",
    "zone": "CASE WHEN e.feed IS NULL THEN m.zone ELSE e.zone END",
    "feed": "m.feed",
}


async def find_medium(connection: Connection, identifier: str, scope: Scope, uploader: str) -> Row | None:
    """Return one medium that the reader may see, without its content; None: there is none, or it is not for them."""
    where = Where().scope(scope, **PLACE)
    seen = f"(m.event IS NULL AND m.uploaded_by = {where.value(uploader)}) OR (m.event IS NOT NULL AND {where.sql})"
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE m.id = {where.value(identifier)} AND ({seen})",  # noqa: S608 - own text
        *where.arguments,
    )
    return row


async def read_content(connection: Connection, sha256: bytes, *, thumbnail: bool) -> bytes | None:
    """Return the bytes of a content, or of its thumbnail."""
    column = "thumbnail" if thumbnail else "content"
    found = await connection.fetchval(f"SELECT {column} FROM media_content WHERE sha256 = $1", sha256)  # noqa: S608 - own text
    return None if found is None else bytes(found)


async def media_of_events(connection: Connection, events: Sequence[bytes]) -> dict[bytes, list[Row]]:
    """Return the media of events that the reader may see, by the event's key, in the order of their sending."""
    found: dict[bytes, list[Row]] = {}
    if events:
        rows = await connection.fetch(
            f"SELECT {COLUMNS} FROM media m LEFT JOIN media_content c ON c.sha256 = m.sha256 "  # noqa: S608 - own text
            "WHERE m.event = ANY($1::bytea[]) ORDER BY m.uploaded_at, m.id",
            list(events),
        )
        for row in rows:
            found.setdefault(bytes(row["event"]), []).append(row)
    return found


async def media_of_positions(
    connection: Connection, positions: Sequence[int], until: datetime, scope: Scope
) -> list[Row]:
    """Return the media of the events at some positions of the log up to ``until``, inside the wall.

    Those of an entry that was taken back are not among them.
    """
    if not positions:
        return []
    where = Where().scope(scope, **PLACE).add("m.event IS NOT NULL")
    where.add("NOT coalesce({} = ANY(e.flags), false)", str(Flag.WITHDRAWN))
    where.add(
        "(m.position = ANY({}::bigint[]) OR m.event IN ("
        "SELECT key FROM event WHERE kind = 'event' AND position = ANY({}::bigint[]) AND log_time <= {}))",
        list(positions), list(positions), until,
    )  # fmt: skip
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {where.sql} ORDER BY m.uploaded_at DESC, m.id LIMIT {LISTED_MAX}",  # noqa: S608 - own text
        *where.arguments,
    )
    return rows
