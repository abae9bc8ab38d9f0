"""Dead letters that nobody has let in, by cause: feed, reason, field, and how many sources; and those of one choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.domain.release import KeptLetter, LetterChoice
from ioc.store.log.dead_letters import PLACED
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
SCAN_MAX = 100_000
"""The newest letters that groups are made of; beyond it they say so."""
SAMPLE_BYTES = 2_000
SOURCES_NAMED = 5
KEPT = "l.id, l.received_at, l.feed, l.device, l.topic, l.content_type, l.reason, l.raw, l.raw_bytes"


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which causes; ``by_source``: each source apart."""

    feeds: Sequence[str] | None = None
    reasons: Sequence[str] | None = None
    devices: Sequence[str] | None = None
    by_source: bool = False


async def list_groups(
    connection: Connection, chosen: GroupFilter, scope: Scope, *, limit: int
) -> tuple[list[Row], int]:  # fmt: skip
    """Return groups, the largest first, each with its newest letter; and how many letters were looked at."""
    where = Where().add("l.released_at IS NULL")
    where.scope(scope, area="coalesce(l.area, d.area)", zone="d.zone", feed="l.feed")
    where.one_of("l.feed", chosen.feeds).one_of("l.reason", chosen.reasons).one_of("l.device", chosen.devices)
    by = "feed, reason, field" + (", device" if chosen.by_source else "")
    rows: list[Row] = await connection.fetch(
        f"""
        WITH x AS (
          SELECT l.id, l.feed, l.reason, l.field, l.device, l.log_time FROM {PLACED} WHERE {where.sql}
          ORDER BY l.id DESC LIMIT {SCAN_MAX}
        ), g AS (
          SELECT {by}, count(*) AS letters, count(DISTINCT device) AS sources, min(log_time) AS first_at,
                 max(log_time) AS last_at, max(id) AS newest,
                 (array_agg(DISTINCT device) FILTER (WHERE device IS NOT NULL))[1:{SOURCES_NAMED}] AS devices
          FROM x GROUP BY {by} ORDER BY count(*) DESC, max(id) DESC LIMIT {where.value(limit)}
        )
        SELECT g.*, l.detail, l.topic, l.raw_bytes, substring(l.raw FROM 1 FOR {SAMPLE_BYTES}) AS raw,
               (SELECT count(*) FROM x) AS scanned
        FROM g JOIN dead_letter l ON l.id = g.newest ORDER BY g.letters DESC, g.newest DESC
        """,  # noqa: S608 - own text
        *where.arguments,
    )
    return rows, rows[0]["scanned"] if rows else 0


def letters_of(choice: LetterChoice, scope: Scope, *, after: int, upto: int | None) -> Where:
    """Return the condition of the letters of a choice inside the wall that nobody has let in."""
    where = Where().add("l.released_at IS NULL").add("l.id > {}", after)
    where.scope(scope, area="coalesce(l.area, d.area)", zone="d.zone", feed="l.feed")
    where.add("l.reason = {}", choice.reason)
    where.add("l.feed IS NOT DISTINCT FROM {}::text", choice.feed)
    where.add("l.field IS NOT DISTINCT FROM {}::text", choice.field)
    if choice.device is not None:
        where.add("l.device = {}", choice.device)
    if choice.letter is not None:
        where.add("l.id = {}", choice.letter)
    if upto is not None:
        where.add("l.id <= {}", upto)
    return where


async def choice_of_letter(connection: Connection, letter: int, scope: Scope) -> LetterChoice | None:
    """Return the choice of one letter inside the wall that nobody has let in; None where there is none."""
    where = Where().add("l.released_at IS NULL").add("l.id = {}", letter)
    where.scope(scope, area="coalesce(l.area, d.area)", zone="d.zone", feed="l.feed")
    row = await connection.fetchrow(
        f"SELECT l.feed, l.reason, l.field, l.device FROM {PLACED} WHERE {where.sql}",  # noqa: S608 - own text
        *where.arguments,
    )
    return None if row is None else LetterChoice(row["feed"], row["reason"], row["field"], row["device"], letter)


async def count_letters(
    connection: Connection, choice: LetterChoice, scope: Scope, *, after: int = 0, upto: int | None = None
) -> tuple[int, int]:
    """Return how many letters a choice has, at most the bound, and the newest of them."""
    where = letters_of(choice, scope, after=after, upto=upto)
    row = await connection.fetchrow(
        f"SELECT count(*) AS letters, coalesce(max(id), 0) AS newest FROM (SELECT l.id FROM {PLACED} "  # noqa: S608 - own text
        f"WHERE {where.sql} ORDER BY l.id LIMIT {SCAN_MAX}) x",
        *where.arguments,
    )
    return row["letters"], row["newest"]


async def read_letters(
    connection: Connection, choice: LetterChoice, scope: Scope, *, after: int, upto: int, limit: int, lock: bool = False
) -> list[KeptLetter]:
    """Return letters of a choice, oldest first; ``lock``: nobody else lets them in meanwhile."""
    where = letters_of(choice, scope, after=after, upto=upto)
    rows = await connection.fetch(
        f"SELECT {KEPT} FROM {PLACED} WHERE {where.sql} ORDER BY l.id LIMIT {where.value(limit)}"  # noqa: S608 - own text
        + (" FOR UPDATE OF l SKIP LOCKED" if lock else ""),
        *where.arguments,
    )
    return [KeptLetter(**{**dict(row), "raw": bytes(row["raw"])}) for row in rows]
