"""Rows of lookup tables as people read them, and those of the keys that an alert names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ioc.store.dated.rows import state_sql
from ioc.store.lookups.kind import LOOKUPS
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where, in_words

Row = Mapping[str, Any]
Key = tuple[str, str]
"""A table, and what of a key is compared."""
OF = "SELECT l.*, d.name_vi AS device_vi, d.name_en AS device_en"
FROM = "FROM lookup_row l LEFT JOIN device d ON d.id = l.device"
FOUND_MAX = 1_000
"""Rows of all keys that one alert names: each has as many as people have given it days."""


@dataclass(frozen=True, slots=True)
class LookupFilter:
    """Which rows, of which tables: of one key or device, by words, valid on a day; or those that were taken out."""

    tables: Sequence[str]
    keys: Sequence[Key] | None = None
    device: str | None = None
    words: Sequence[str] = ()
    """Each begins a word of the key as people write it, or of the device's name."""
    part: str = ""
    """Or what is compared of the key has it somewhere."""
    on: date | None = None
    removed: bool = False


async def list_rows(
    connection: Connection, wanted: LookupFilter, scope: Scope, *, today: date, after: tuple[str, str, str] | None,
    limit: int,
) -> list[Row]:  # fmt: skip
    """Return rows by table and key after ``after``; those of devices beyond the wall are not.

    Their ``state`` is that of the day asked for, else of ``today``.
    """
    where = _seen(Where().add("l.removed = {}", wanted.removed), scope).one_of("l.table_id", wanted.tables)
    if wanted.keys is not None:
        _of_keys(where, wanted.keys)
    if wanted.device is not None:
        where.add("l.device = {}", wanted.device)
    if wanted.words or wanted.part:
        text = in_words("concat_ws(' ', l.key, d.name_vi, d.name_en)")
        ways = [" AND ".join([f"strpos({text}, {{}}) > 0"] * len(wanted.words))] if wanted.words else []
        values = [f" {word}" for word in wanted.words]
        if wanted.part:
            ways.append("strpos(upper(l.match_key), {}) > 0")
            values.append(wanted.part)
        where.add("(" + " OR ".join(ways) + ")", *values)
    if wanted.on is not None:
        where.add("coalesce(l.valid_from <= {}, TRUE)", wanted.on).add("coalesce(l.valid_to >= {}, TRUE)", wanted.on)
    if after is not None:
        where.add("(l.table_id, l.match_key, l.id) > ({}, {}, {})", *after)
    state = _state(where.value(wanted.on or today))
    order = "ORDER BY l.table_id, l.match_key, l.id"
    rows: list[Row] = await connection.fetch(
        f"{OF}, {state} {FROM} WHERE {where.sql} {order} LIMIT {where.value(limit)}", *where.arguments
    )
    return rows


async def get_row(
    connection: Connection, identifier: str, tables: Sequence[str], scope: Scope, *, today: date,
    with_removed: bool = False,
) -> Row | None:  # fmt: skip
    """Return one row of these tables inside the wall; None where it never was, or was taken out."""
    where = _seen(Where().add("l.id = {}", identifier), scope).one_of("l.table_id", tables)
    if not with_removed:
        where.add("NOT l.removed")
    state = _state(where.value(today))
    row: Row | None = await connection.fetchrow(f"{OF}, {state} {FROM} WHERE {where.sql}", *where.arguments)
    return row


async def find_rows(connection: Connection, keys: Sequence[Key], scope: Scope) -> list[Row]:
    """Return all rows of some keys inside the wall, whatever their days, the newest first day first."""
    if not keys:
        return []
    where = _of_keys(_seen(Where().add("NOT l.removed"), scope), keys)
    rows: list[Row] = await connection.fetch(
        f"{OF} {FROM} WHERE {where.sql} "
        f"ORDER BY l.table_id, l.match_key, l.valid_from DESC NULLS LAST LIMIT {FOUND_MAX}",
        *where.arguments,
    )
    return rows


async def count_rows(connection: Connection, scope: Scope) -> dict[str, int]:
    """Return how many rows each table has inside the wall, also one that the pack no longer declares."""
    where = _seen(Where().add("NOT l.removed"), scope)
    rows = await connection.fetch(
        f"SELECT l.table_id, count(*) AS rows {FROM} WHERE {where.sql} GROUP BY l.table_id",
        *where.arguments,
    )
    return {row["table_id"]: row["rows"] for row in rows}


async def read_devices(connection: Connection, ids: Sequence[str] | None = None) -> dict[str, str]:
    """Return the feed of each device that is not retired; with ``ids`` of these alone."""
    rows = await connection.fetch(
        "SELECT id, feed FROM device WHERE state <> 'retired' AND ($1::text[] IS NULL OR id = ANY($1))",
        None if ids is None else list(ids),
    )
    return {row["id"]: row["feed"] for row in rows}


def _state(day: str) -> str:
    return f"{state_sql(LOOKUPS, of='l', day=f'{day}::date')} AS state"


def _of_keys(where: Where, keys: Sequence[Key]) -> Where:
    return where.add(
        "(l.table_id, l.match_key) IN (SELECT * FROM unnest({}::text[], {}::text[]))",
        [table for table, _ in keys], [key for _, key in keys],
    )  # fmt: skip


def _seen(where: Where, scope: Scope) -> Where:
    """Add the wall: rows of a device are seen where it stands, those of a code everywhere."""
    if scope.areas is not None:
        where.add(
            "(l.device IS NULL OR d.area = ANY({}::text[]) OR (d.area IS NULL AND d.zone = ANY({}::text[])))",
            sorted(scope.areas), sorted(scope.zones),
        )  # fmt: skip
    if scope.hidden_feeds:
        where.add("(d.feed IS NULL OR NOT d.feed = ANY({}::text[]))", sorted(scope.hidden_feeds))
    return where
