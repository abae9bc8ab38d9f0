"""Who holds a function: the name under a reference in person_data, where it can be erased."""

from __future__ import annotations

from datetime import datetime

from ioc.domain.people.personal import new_reference
from ioc.store.personal.values import open_personal
from ioc.store.postgres.engine import Connection

FEED, FIELD = "contact", "person"
"""Where person_data says what a value is of; no feed is called so."""
KEEP = "INSERT INTO person_data (reference, feed, field, value) VALUES ($1, $2, $3, $4)"
RELEASE = "UPDATE person_data SET log_time = $2 WHERE reference = $1 AND event IS NULL"


async def keep_person(connection: Connection, name: str | None, *, held: str | None) -> str | None:
    """Keep a name and return its reference; ``held``, where the same name stands there already."""
    if name is None:
        return None
    if held is not None and (await open_personal(connection, [held])).get(held) == name:
        return held
    reference = new_reference()
    await connection.execute(KEEP, reference, FEED, FIELD, name)
    return reference


async def release_person(connection: Connection, reference: str, at: datetime | None) -> None:
    """Say since when nobody of this name holds the function: the keeper deletes it with readings of that day.

    None: it holds it again.
    """
    await connection.execute(RELEASE, reference, at)
