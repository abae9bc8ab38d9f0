"""A line of the shift log: what somebody notes on their shift; never changed, a correction is a new line."""

from __future__ import annotations

from dataclasses import dataclass

NOTE_CHARS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftNote:
    """What is noted. Without a place it is of the whole site."""

    text: str
    area: str | None = None
    zone: str | None = None
    alert: str | None = None
    corrects: int | None = None
    """The line that it corrects; that one stays as it was written."""
