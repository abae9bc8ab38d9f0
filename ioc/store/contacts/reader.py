"""The directory as people read it: units that act in their places, contacts of these, and the history of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.domain.contacts.directory import Contact, DirectoryNoun, Unit, contact_of, unit_of
from ioc.domain.places.area_book import AreaBook
from ioc.domain.scope import Scope
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Where

Row = Mapping[str, Any]
HISTORY = """
SELECT * FROM directory_history WHERE noun = $1 AND id = $2 AND ($3::integer IS NULL OR number < $3)
ORDER BY number DESC LIMIT $4
"""
CALLS = """
SELECT DISTINCT ON (call ->> 'contact') call ->> 'contact' AS contact, call ->> 'outcome' AS outcome, at, actor
FROM alert_history WHERE alert = $1 AND kind = 'call' AND call IS NOT NULL
ORDER BY call ->> 'contact', number DESC
"""
UNITS_READ = 2_000
"""As many units as the bound of the store lets there be."""
OF_CONTACT = "FROM contact c JOIN unit u ON u.id = c.unit AND NOT u.removed"


@dataclass(frozen=True, slots=True)
class DirectoryFilter:
    """Which units or contacts. ``places``: codes and zones that a unit names which acts there."""

    ids: Sequence[str] | None = None
    domain: str | None = None
    places: Sequence[str] | None = None
    unit: str | None = None
    removed: bool = False


def places_of(scope: Scope, book: AreaBook) -> list[str] | None:
    """Return the codes and zones by which a unit acts somewhere inside a wall; None: everywhere."""
    if scope.areas is None:
        return None
    touched = [zone.code for zone in book.zones if not scope.areas.isdisjoint(zone.areas)]
    return sorted({*scope.areas, *touched})


async def list_units(
    connection: Connection, wanted: DirectoryFilter, *, inside: Sequence[str] | None, after: str | None, limit: int
) -> list[Row]:
    """Return units by id after ``after``; ``inside``: the places of the reader's wall."""
    where = _unit_where(wanted, inside).add("u.removed = {}", wanted.removed).one_of("u.id", wanted.ids)
    if after is not None:
        where.add("u.id > {}", after)
    sql = f"SELECT u.* FROM unit u WHERE {where.sql} ORDER BY u.id LIMIT {where.value(limit)}"  # noqa: S608 - a scope clause
    rows: list[Row] = await connection.fetch(sql, *where.arguments)
    return rows


async def list_contacts(
    connection: Connection, wanted: DirectoryFilter, *, inside: Sequence[str] | None, after: str | None, limit: int
) -> list[Row]:
    """Return contacts of units that stand, by id after ``after``."""
    where = _unit_where(wanted, inside).add("c.removed = {}", wanted.removed).one_of("c.id", wanted.ids)
    if wanted.unit is not None:
        where.add("c.unit = {}", wanted.unit)
    if after is not None:
        where.add("c.id > {}", after)
    sql = (
        f"SELECT c.*, u.name_vi AS unit_name_vi, u.name_en AS unit_name_en {OF_CONTACT} "
        f"WHERE {where.sql} ORDER BY c.id LIMIT {where.value(limit)}"
    )
    rows: list[Row] = await connection.fetch(sql, *where.arguments)
    return rows


async def get_entry(
    connection: Connection, noun: DirectoryNoun, identifier: str, *, inside: Sequence[str] | None, with_removed: bool
) -> Row | None:
    """Return a unit or a contact inside the wall, one that was taken out only where that is asked."""
    listed = list_units if noun is DirectoryNoun.UNIT else list_contacts
    for removed in (False, True) if with_removed else (False,):
        wanted = DirectoryFilter([identifier], removed=removed)
        rows = await listed(connection, wanted, inside=inside, after=None, limit=1)
        if rows:
            return rows[0]
    return None


async def read_history(
    connection: Connection, noun: DirectoryNoun, identifier: str, *, before: int | None, limit: int
) -> list[Row]:
    """Return the steps of a unit or contact, newest first, before a number."""
    rows: list[Row] = await connection.fetch(HISTORY, noun, identifier, before, limit)
    return rows


async def read_directory(connection: Connection) -> tuple[list[Unit], list[Contact]]:
    """Return every unit that stands, and every contact of these: as many as the bounds of the store let there be."""
    units = await connection.fetch("SELECT * FROM unit WHERE NOT removed ORDER BY id")
    contacts = await connection.fetch(f"SELECT c.* {OF_CONTACT} WHERE NOT c.removed ORDER BY c.id")
    return [unit_of(row) for row in units], [contact_of(row) for row in contacts]


async def read_calls(connection: Connection, alert: str) -> dict[str, Row]:
    """Return the newest call of each contact about an alert, by contact."""
    return {row["contact"]: row for row in await connection.fetch(CALLS, alert)}


def _unit_where(wanted: DirectoryFilter, inside: Sequence[str] | None) -> Where:
    where = Where()
    if inside is not None:
        where.add("(u.areas = '{{}}' OR u.areas && {}::text[])", list(inside))
    if wanted.places is not None:
        where.add("(u.areas = '{{}}' OR u.areas && {}::text[])", list(wanted.places))
    if wanted.domain is not None:
        where.add("(u.domains = '{{}}' OR {} = ANY(u.domains))", wanted.domain)
    return where
