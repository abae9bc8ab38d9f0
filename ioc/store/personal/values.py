"""Personal values under their references: written in the transaction that writes the event, and opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ioc.domain.event import Message
from ioc.domain.people.personal import is_reference
from ioc.store.postgres.engine import Connection

KEEP = """
INSERT INTO person_data (reference, event, feed, field, value, log_time)
SELECT u.reference, u.event, u.feed, u.field, u.value, $6
FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::jsonb[]) AS u (reference, event, feed, field, value)
ON CONFLICT (reference) DO NOTHING
"""
OPEN = "SELECT reference, value FROM person_data WHERE reference = ANY($1::text[])"


async def keep_personal(connection: Connection, messages: Sequence[Message], log_time: datetime) -> None:
    """Keep the personal values of messages that are stored; those of repeats are never written."""
    found = [(one, message) for message in messages for one in message.personal]
    await connection.execute(
        KEEP,
        [one.reference for one, _ in found],
        [message.key for _, message in found],
        [message.feed for _, message in found],
        [one.field for one, _ in found],
        [one.value for one, _ in found],
        log_time,
    )


async def open_personal(connection: Connection, values: Iterable[object]) -> dict[str, Any]:
    """Return what stands under those of some values that are references; what was erased is not among them."""
    asked = [value for value in values if is_reference(value)]
    return {row["reference"]: row["value"] for row in await connection.fetch(OPEN, asked)} if asked else {}
