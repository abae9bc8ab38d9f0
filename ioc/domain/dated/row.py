"""What every dated row shares: what is done to it, how it stands on a day, its id, and why one is refused."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Protocol

from ioc.domain.event import hash16

ID_BYTES = 10


class RowAction(StrEnum):
    """What was done to a row."""

    PUT = "put"
    """It was written, new or anew."""
    REMOVE = "remove"
    """It was taken out of its table."""
    IMPORT = "import"
    """A sheet brought it."""
    UNDO = "undo"
    """The step before was taken back."""
    PACK = "pack"
    """The pack brought it, changed it or no longer has it."""


class RowImportState(StrEnum):
    """What became of a sheet of rows."""

    APPLIED = "applied"
    """What it brought stands in the tables, or stood there until somebody changed it."""
    UNDONE = "undone"
    """It was taken back; what was before stands again."""


class RowState(StrEnum):
    """How a row stands on a day, among those of its table that are of the same thing."""

    HOLDS = "holds"
    """It is what counts."""
    REPLACED = "replaced"
    """The day is one of its own, and another that began later holds."""
    COMING = "coming"
    """It has not begun."""
    ENDED = "ended"
    """Its last day is over."""


class RowOrigin(StrEnum):
    """Whose word a row is."""

    PACK = "pack"
    SITE = "site"
    """People's: a pack never overwrites it."""


class DatedRow(Protocol):
    """One row: its id is of what never changes of it, its first day among that."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def told(self) -> str:
        """What people call it, in a line of theirs: its table and what it is of."""
        ...

    def entry(self) -> dict[str, Any]:
        """Return its full value, JSON-ready, as its history keeps it."""
        ...


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row, and what to do: ``detail`` and ``hint`` in English, ``vi`` both in Vietnamese."""

    member: str
    code: str
    vi: str
    detail: str
    hint: str = ""

    @property
    def told(self) -> str:
        """Return it in one English sentence."""
        return f"{self.detail} ({self.hint})" if self.hint else self.detail


def row_id(prefix: str, parts: Iterable[str]) -> str:
    """Return an id that is the same for the same parts, wherever it is made."""
    digest = hash16(*[part.encode() for part in parts])[:ID_BYTES]
    return f"{prefix}_{base64.b32encode(digest).decode().lower()}"


def day_text(day: date | None) -> str | None:
    """Return a day as entries have it."""
    return None if day is None else day.isoformat()


def day_of(value: Mapping[str, Any], name: str) -> date | None:
    """Return a day of an entry."""
    text = value.get(name)
    return None if text is None else date.fromisoformat(text)
