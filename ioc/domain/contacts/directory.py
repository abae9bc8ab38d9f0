"""Units and contacts: an agency or team that acts, and a function of it that can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ioc.domain.severity import Severity

Hours = Mapping[str, Any]
"""Days, periods and holidays, as a rule's `active` says them; empty: around the clock."""


class MethodKind(StrEnum):
    """How a contact is reached."""

    TEL = "tel"
    """Điện thoại."""
    RADIO = "radio"
    """Bộ đàm: a channel or call sign."""
    ZALO = "zalo"
    """Zalo: a number."""
    EMAIL = "email"
    """Thư điện tử."""


class DirectoryNoun(StrEnum):
    """What the directory holds."""

    UNIT = "unit"
    """Đơn vị."""
    CONTACT = "contact"
    """Đầu mối."""


class DirectoryAction(StrEnum):
    """What was done to a unit or a contact."""

    PUT = "put"
    """It was written, new or anew."""
    REMOVE = "remove"
    """It was taken out."""
    UNDO = "undo"
    """The step before was taken back."""
    PACK = "pack"
    """The pack brought it, changed it or no longer has it."""


class DirectoryOrigin(StrEnum):
    """Whose word it is."""

    PACK = "pack"
    SITE = "site"
    """People's: a pack never overwrites it."""


@dataclass(frozen=True, slots=True)
class ContactMethod:
    """One way to reach a contact: a number, a channel or an address."""

    kind: MethodKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """An agency or team that acts. No domain: every one; no area: everywhere."""

    id: str
    name_vi: str
    name_en: str
    function_vi: str | None = None
    function_en: str | None = None
    rank: int = 100
    """Of units that are alike near, the lowest is called first."""
    domains: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    """Codes of today's areas, and zones."""
    hours: Hours | None = None
    """When it is there; None: around the clock."""
    parent: str | None = None
    """The unit that it is part of."""
    next_level: str | None = None
    """Who is called where nobody of it can be."""

    def entry(self) -> dict[str, Any]:
        """Return it by column, JSON-ready."""
        return {
            "id": self.id,
            "name_vi": self.name_vi,
            "name_en": self.name_en,
            "function_vi": self.function_vi,
            "function_en": self.function_en,
            "rank": self.rank,
            "domains": list(self.domains),
            "areas": list(self.areas),
            "hours": None if self.hours is None else dict(self.hours),
            "parent": self.parent,
            "next_level": self.next_level,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A function of a unit, such as its duty desk, with the ways to reach it in the order in which they are tried."""

    id: str
    unit: str
    title_vi: str
    title_en: str
    rank: int = 0
    """The lowest of a unit is called first."""
    methods: tuple[ContactMethod, ...] = ()
    hours: Hours | None = None
    """When it can be called; None: in the unit's hours."""
    severity_from: Severity = Severity.INFO
    """The lowest severity that it is called for."""
    deputy: str | None = None
    """The contact of the same unit that stands in outside its hours."""
    person: str | None = None
    """The reference of who holds the function, in person_data."""

    def entry(self) -> dict[str, Any]:
        """Return it by column, JSON-ready."""
        return {
            "id": self.id,
            "unit": self.unit,
            "title_vi": self.title_vi,
            "title_en": self.title_en,
            "rank": self.rank,
            "methods": [{"kind": str(one.kind), "value": one.value} for one in self.methods],
            "hours": None if self.hours is None else dict(self.hours),
            "severity_from": str(self.severity_from),
            "deputy": self.deputy,
            "person": self.person,
        }


def unit_of(row: Mapping[str, Any]) -> Unit:
    """Return the unit of a row or an entry."""
    values = {name: row[name] for name in Unit.__dataclass_fields__}
    return Unit(**{**values, "domains": tuple(row["domains"]), "areas": tuple(row["areas"])})


def contact_of(row: Mapping[str, Any]) -> Contact:
    """Return the contact of a row or an entry."""
    values = {name: row[name] for name in Contact.__dataclass_fields__}
    methods = tuple(ContactMethod(MethodKind(one["kind"]), one["value"]) for one in row["methods"])
    return Contact(**{**values, "methods": methods, "severity_from": Severity(row["severity_from"])})
