"""Media of an event: attached in the transaction that writes it, by who sent them in, each to one event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ioc.errors import InvalidFieldsError
from ioc.media.medium import ATTACHED_MAX
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.locks import AdvisoryLock, take_lock_of
from ioc.store.postgres.statement import named

COUNT = "SELECT count(*) FROM media WHERE event = $1"
ATTACH = named("""
UPDATE media SET event = :event, position = e.position, feed = e.feed, area = e.area, zone = e.zone, attached_at = :now
FROM event e
WHERE e.key = :event AND e.position = :position AND media.id = ANY(:ids::text[]) AND media.uploaded_by = :uploader
  AND media.event IS NULL AND media.sha256 IS NOT NULL
RETURNING media.id
""")


async def attach(
    connection: Connection, ids: Sequence[str], *, event: bytes, position: int, uploader: str, now: datetime
) -> None:
    """Attach media to an event inside the caller's transaction.

    Raises:
        InvalidFieldsError: one is not there, is somebody else's, or is attached already, told alike; or too many.
    """
    if not ids:
        return
    number = int.from_bytes(event[:4], "big", signed=True)
    # Of two who attach to it at once the second counts what the first has attached.
    await take_lock_of(connection, AdvisoryLock.ATTACHMENTS, number)
    if await connection.fetchval(COUNT, event) + len(ids) > ATTACHED_MAX:
        raise InvalidFieldsError(f"at most {ATTACHED_MAX} attachments", faults=[_fault("too_many_media")])
    rows = await connection.fetch(*ATTACH(event=event, position=position, ids=list(ids), uploader=uploader, now=now))
    missing = set(ids) - {row["id"] for row in rows}
    if missing:
        words = f"{len(missing)} attachments are not there any more: attach them again"
        raise InvalidFieldsError(words, faults=[_fault("unknown_media")])


def _fault(code: str) -> dict[str, str]:
    words = {
        "too_many_media": f"at most {ATTACHED_MAX} attachments",
        "unknown_media": "an attachment is not there any more, or is attached already: attach it again",
    }
    return {"field": "media", "code": code, "message": words[code]}
