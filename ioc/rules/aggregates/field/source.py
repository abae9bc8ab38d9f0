"""Where a legal figure comes from, and whether somebody has read the text itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text that a table is taken from; an unverified one is shown as "chưa kiểm chứng"."""

    text: str
    """Number of the decision or regulation, as people cite it."""
    verified: bool
    """Whether somebody has read the text itself, not a quotation of it."""
    valid_from: date | None
    """First day in force; None: not retrieved."""
    note: str = ""
    """What whoever relies on the table must know."""
