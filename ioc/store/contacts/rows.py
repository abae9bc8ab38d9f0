"""The row of a unit or a contact and its history. Call inside a transaction that holds the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.contacts.directory import (
    Contact,
    DirectoryAction,
    DirectoryNoun,
    DirectoryOrigin,
    Unit,
    contact_of,
    unit_of,
)
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.statement import insert, upsert

NEXT_NUMBER = """
(SELECT coalesce(max(number), 0) + 1 FROM directory_history WHERE noun = :noun AND id = :id)
"""
BEFORE = """
SELECT body FROM directory_history WHERE noun = $1 AND id = $2
ORDER BY number DESC OFFSET 1 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class DirectoryStep:
    """Who changes the directory, when, how and why; no actor: the pack. ``address`` is where they sit."""

    at: datetime
    action: DirectoryAction
    why: str
    actor: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A unit or a contact as it stands, also one that was taken out."""

    value: Unit | Contact
    origin: DirectoryOrigin
    version: int
    removed: bool = False

    @property
    def noun(self) -> DirectoryNoun:
        """Return which of the two it is."""
        return noun_of(self.value)


def noun_of(value: Unit | Contact) -> DirectoryNoun:
    """Return what a value is."""
    return DirectoryNoun.UNIT if isinstance(value, Unit) else DirectoryNoun.CONTACT


def value_of(noun: DirectoryNoun, row: Mapping[str, Any]) -> Unit | Contact:
    """Return the unit or contact of a row or of a body of the history."""
    return unit_of(row) if noun is DirectoryNoun.UNIT else contact_of(row)


async def lock_directory(connection: Connection) -> None:
    """Wait until nobody else changes the directory; held until the end of the transaction."""
    await take_lock(connection, AdvisoryLock.DIRECTORY)


async def read_stored(connection: Connection, noun: DirectoryNoun, ids: Sequence[str]) -> dict[str, Stored]:
    """Return units or contacts by id, also those that were taken out."""
    rows = await connection.fetch(f"SELECT * FROM {noun} WHERE id = ANY($1::text[])", list(ids))  # noqa: S608 - own names
    return {row["id"]: stored_of(noun, row) for row in rows}


def stored_of(noun: DirectoryNoun, row: Mapping[str, Any]) -> Stored:
    """Return what a row of table `unit` or `contact` holds."""
    return Stored(value_of(noun, row), DirectoryOrigin(row["origin"]), row["version"], row["removed"])


async def read_before(connection: Connection, noun: DirectoryNoun, identifier: str) -> Mapping[str, Any] | None:
    """Return how it stood before its newest step; None: it was not there."""
    body: Mapping[str, Any] | None = await connection.fetchval(BEFORE, noun, identifier)
    return body


async def write_stored(connection: Connection, stored: Sequence[Stored], step: DirectoryStep) -> None:
    """Write how units or contacts of one kind stand after a step, and a line of each one's history."""
    if not stored:
        return
    noun = stored[0].noun
    rows = [
        {
            **one.value.entry(), "origin": str(one.origin), "version": one.version, "removed": one.removed,
            "changed_at": step.at, "changed_by": step.actor, "changed_why": step.why,
        }
        for one in stored
    ]  # fmt: skip
    lines = [
        {
            "noun": str(noun), "id": one.value.id, "at": step.at, "actor": step.actor, "action": str(step.action),
            "why": step.why, "version": one.version, "body": None if one.removed else one.value.entry(),
        }
        for one in stored
    ]  # fmt: skip
    write = upsert(str(noun), rows[0], key="id")
    await connection.executemany(write.sql, [write.arguments(**row) for row in rows])
    note = insert("directory_history", (*lines[0], "number"), computed={"number": NEXT_NUMBER})
    await connection.executemany(note.sql, [note.arguments(**line) for line in lines])
