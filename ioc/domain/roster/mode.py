"""A duty mode: how the room works beyond its ordinary days, as a person has declared it.

The civil-defence level is what an authority has declared, with the number of its decision; here it is only noted:
nothing declares one by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DutyMode(StrEnum):
    """How the room works."""

    NORMAL = "normal"
    """Thường: nothing is declared."""
    REINFORCED = "reinforced"
    """Tăng cường."""
    EMERGENCY = "emergency"
    """Khẩn cấp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeDeclaration:
    """A duty mode from one moment to another. No end: until somebody ends it."""

    id: str
    mode: DutyMode
    level: int | None
    """The civil-defence level that is declared: 1 commune, 2 province, 3 national; None: none."""
    decision: str | None
    """The number of the decision that declares the level."""
    starts_at: datetime
    ends_at: datetime | None
    why: str
    version: int = 1

    def holds(self, at: datetime) -> bool:
        """Tell whether it holds at a moment."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


def declaration_of(row: Mapping[str, Any]) -> ModeDeclaration:
    """Return the declaration of a row."""
    return ModeDeclaration(
        id=row["id"], mode=DutyMode(row["mode"]), level=row["level"], decision=row["decision"],
        starts_at=row["starts_at"], ends_at=row["ends_at"], why=row["why"], version=row["version"],
    )  # fmt: skip
