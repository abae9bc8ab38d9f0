"""A row of a lookup table: what is known of one device or code, from its first day to its last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ioc.domain.dated.row import day_of, day_text, row_id

PLAIN = ("key", "match_key", "device", "source", "verified")


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRow:
    """One row. ``data`` has the values by column, JSON-ready: days as text, words by their codes."""

    table_id: str
    key: str
    """As people write it."""
    match_key: str
    """What of it is compared."""
    data: Mapping[str, Any]
    source: str
    verified: bool
    device: str | None = None
    """The key of a table of devices: the wall goes by where it stands."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Its last day."""

    @property
    def id(self) -> str:
        """Return its id: of the table, what is compared of the key, and its first day; none of these changes."""
        return row_id("lkr", (self.table_id, self.match_key, day_text(self.valid_from) or ""))

    @property
    def told(self) -> str:
        """Return its table and key."""
        return f"{self.table_id} {self.key}"

    def entry(self) -> dict[str, Any]:
        """Return its full value as its history keeps it, JSON-ready."""
        return {
            "table": self.table_id,
            "key": self.key,
            "match_key": self.match_key,
            "device": self.device,
            "data": dict(self.data),
            "source": self.source,
            "verified": self.verified,
            "valid_from": day_text(self.valid_from),
            "valid_to": day_text(self.valid_to),
        }


def row_of_entry(value: Mapping[str, Any]) -> LookupRow:
    """Return the row that a line of its history holds."""
    plain: dict[str, Any] = {name: value[name] for name in PLAIN}
    return LookupRow(
        **plain, table_id=value["table"], data=value["data"], valid_from=day_of(value, "valid_from"),
        valid_to=day_of(value, "valid_to"),
    )  # fmt: skip
