"""Limits as people read them: those of their places, each as it stands on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ioc.store.dated.rows import state_sql
from ioc.store.limits.kind import LIMITS
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
OF = "SELECT l.*, d.name_vi AS device_vi, d.name_en AS device_en"
FROM = "FROM dated_limit l LEFT JOIN device d ON d.id = l.device"
ASKING = """
SELECT body FROM rule WHERE NOT removed AND jsonb_path_exists(body, '$.**.table') ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class LimitFilter:
    """Which limits: of tables, of one device or class, valid on a day. ``places`` are codes that areas go by."""

    names: Sequence[str] | None = None
    device: str | None = None
    device_class: str | None = None
    places: Sequence[str] | None = None
    on: date | None = None
    with_inherited: bool = False
    """With a device, what its class and places have, too."""
    removed: bool = False
    """Those that were taken out, in place of those that stand."""


async def list_limits(
    connection: Connection, wanted: LimitFilter, scope: Scope, *, today: date, after: tuple[str, str] | None, limit: int
) -> list[Row]:
    """Return limits by table and id after ``after``; those of devices and areas beyond the wall are not.

    Their ``state`` is that of the day asked for, else of ``today``.
    """
    where = _seen(Where().add("l.removed = {}", wanted.removed), scope).one_of("l.name", wanted.names)
    if wanted.with_inherited:
        where.add(
            "(l.device = {} OR l.device_class = {} OR l.area = ANY({}::text[]))",
            wanted.device, wanted.device_class, list(wanted.places or ()),
        )  # fmt: skip
    else:
        for column, value in (("l.device", wanted.device), ("l.device_class", wanted.device_class)):
            if value is not None:
                where.add(f"{column} = {{}}", value)
        where.one_of("l.area", wanted.places)
    if wanted.on is not None:
        where.add("coalesce(l.valid_from <= {}, TRUE)", wanted.on).add("coalesce(l.valid_to >= {}, TRUE)", wanted.on)
    if after is not None:
        where.add("(l.name, l.id) > ({}, {})", *after)
    state = _state(where.value(wanted.on or today))
    sql = f"{OF}, {state} {FROM} WHERE {where.sql} ORDER BY l.name, l.id LIMIT {where.value(limit)}"
    rows: list[Row] = await connection.fetch(sql, *where.arguments)
    return rows


async def get_limit(
    connection: Connection, identifier: str, scope: Scope, *, today: date, with_removed: bool = False
) -> Row | None:
    """Return one limit inside the wall; None where it never was, or was taken out."""
    where = _seen(Where().add("l.id = {}", identifier), scope)
    if not with_removed:
        where.add("NOT l.removed")
    state = _state(where.value(today))
    row: Row | None = await connection.fetchrow(f"{OF}, {state} {FROM} WHERE {where.sql}", *where.arguments)
    return row


def _state(day: str) -> str:
    return f"{state_sql(LIMITS, of='l', day=f'{day}::date')} AS state"


async def read_asking_rules(connection: Connection) -> list[Mapping[str, Any]]:
    """Return the bodies of the rules that look a limit up."""
    return [row["body"] for row in await connection.fetch(ASKING)]


async def read_targets(connection: Connection) -> tuple[dict[str, str], frozenset[str]]:
    """Return the feed of each device that is not retired, and the classes that they have."""
    rows = await connection.fetch("SELECT id, feed, device_class FROM device WHERE state <> 'retired'")
    classes = frozenset(row["device_class"] for row in rows if row["device_class"] is not None)
    return {row["id"]: row["feed"] for row in rows}, classes


def _seen(where: Where, scope: Scope) -> Where:
    """Add the wall: limits of a class count everywhere, those of a device where it stands."""
    if scope.areas is not None:
        areas, zones = sorted(scope.areas), sorted(scope.zones)
        where.add(
            "(l.device_class IS NOT NULL OR l.area = ANY({}::text[]) OR l.area = ANY({}::text[]) "
            "OR d.area = ANY({}::text[]) OR (d.area IS NULL AND d.zone = ANY({}::text[])))",
            areas, zones, areas, zones,
        )  # fmt: skip
    if scope.hidden_feeds:
        where.add("(d.feed IS NULL OR NOT d.feed = ANY({}::text[]))", sorted(scope.hidden_feeds))
    return where
