"""A limit of a table: of a device, of a class of devices or of an area, from one day to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ioc.domain.dated.row import day_of, day_text, row_id

PLAIN = ("name", "level", "device", "area", "unit", "source", "verified")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One limit. Exactly one of ``device``, ``device_class`` and ``area`` says what it is of."""

    name: str
    """The table, which rules name."""
    value: float
    unit: str
    source: str
    verified: bool
    level: str | None = None
    """The severity that it is for; None: every level."""
    device: str | None = None
    device_class: str | None = None
    area: str | None = None
    """A unit or a zone."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Its last day."""

    @property
    def id(self) -> str:
        """Return its id: of the table, level, what it is of and its first day, so that these never change of one."""
        target = next(f"{name} {value}" for name, value in self.targets.items() if value is not None)
        return row_id("lim", (self.name, self.level or "", target, day_text(self.valid_from) or ""))

    @property
    def told(self) -> str:
        """Return its table and what it is of."""
        return f"{self.name} {self.device or self.device_class or self.area}"

    @property
    def targets(self) -> Mapping[str, str | None]:
        """Return what it may be of, by the names of the log's entry."""
        return {"device": self.device, "class": self.device_class, "area": self.area}

    def entry(self) -> dict[str, Any]:
        """Return its full value as the log keeps it, JSON-ready."""
        return {
            "name": self.name,
            "level": self.level,
            **self.targets,
            "value": self.value,
            "unit": self.unit,
            "source": self.source,
            "verified": self.verified,
            "valid_from": day_text(self.valid_from),
            "valid_to": day_text(self.valid_to),
        }

    def valid_on(self, day: date) -> bool:
        """Tell whether it holds on a local day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


def row_of_entry(value: Mapping[str, Any]) -> LimitRow:
    """Return the limit that an entry of the log holds."""
    plain: dict[str, Any] = {name: value.get(name) for name in PLAIN}
    return LimitRow(
        **plain,
        device_class=value.get("class"),
        value=float(value["value"]),
        valid_from=day_of(value, "valid_from"),
        valid_to=day_of(value, "valid_to"),
    )
