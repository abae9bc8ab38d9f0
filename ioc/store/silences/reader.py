"""Silences as people read them, each with how many open alerts it hides, and what a new one would hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilencePlan
from ioc.store.alerts.reader import MAY_BE_OPEN, OPEN, WORK_OF
from ioc.store.alerts.silenced import OF_SILENCE, fitting
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
STATE = "CASE WHEN s.running_until IS NOT NULL THEN 'running' WHEN s.due_at IS NULL THEN 'over' ELSE 'planned' END"
SHOWN_MAX = 20
LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SilenceFilter:
    """Which silences; null does not filter."""

    states: Sequence[str] | None = None
    owner: str | None = None
    id: str | None = None


async def list_silences(
    connection: Connection, wanted: SilenceFilter, scope: Scope, *, inside: Sequence[str] | None,
    after: tuple[datetime, str] | None, limit: int,
) -> list[Row]:  # fmt: skip
    """Return silences that hide something inside the wall, those that end last first.

    ``inside``: the places of the wall. `devices_inside` are the devices that the reader may know of, `hides` the open
    alerts of theirs that are under it now.
    """
    where = Where()
    of_device = Where([], where.arguments).add("d.id = ANY(s.devices)").scope(
        scope, area="d.area", zone="d.zone", feed="d.feed"
    )  # fmt: skip
    of_alert = Where([], where.arguments).add(MAY_BE_OPEN).add(OPEN).scope(
        scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted"
    )  # fmt: skip
    where.one_of(STATE, wanted.states)
    if inside is not None:
        where.add(
            "((cardinality(s.areas) = 0 AND cardinality(s.devices) = 0) OR s.areas && {}::text[] "  # noqa: S608 - own text
            f"OR EXISTS (SELECT 1 FROM device d WHERE {of_device.sql}))",
            list(inside),
        )
    for column, value in (("s.owner", wanted.owner), ("s.id", wanted.id)):
        if value is not None:
            where.add(f"{column} = {{}}", value)
    if after is not None:
        where.add("(s.ends_at, s.id) < ({}, {})", *after)
    rows: list[Row] = await connection.fetch(
        f"SELECT s.*, ARRAY(SELECT d.id FROM device d WHERE {of_device.sql} ORDER BY 1) AS devices_inside, "  # noqa: S608 - own text
        f"CASE WHEN s.running_until IS NULL THEN 0 ELSE (SELECT count(*) FROM alert a {WORK_OF} WHERE {of_alert.sql} "
        f"AND a.severity_rank <= s.severity_rank_max AND {OF_SILENCE}) END AS hides "
        f"FROM silence s WHERE {where.sql} ORDER BY s.ends_at DESC, s.id DESC LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows


@dataclass(frozen=True, slots=True)
class Preview:
    """What a silence would hide inside a wall: open alerts now, and what opened in the last seven days."""

    open: int
    shown: Sequence[Row]
    """The gravest of the open ones, at most twenty."""
    graver: int
    """Open alerts that it names and leaves alone, because they are graver than it silences."""
    opened: Mapping[Severity, int]


async def preview_silence(connection: Connection, plan: SilencePlan, scope: Scope, now: datetime) -> Preview:
    """Return what a plan would hide if it held now."""

    def inside() -> Where:
        return Where().scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")

    now_open = fitting(inside().add(MAY_BE_OPEN).add(OPEN), plan, up_to_severity=False)
    rank = now_open.value(plan.severity_max.rank)
    counted = await connection.fetchrow(
        f"SELECT count(*) FILTER (WHERE a.severity_rank <= {rank}) AS open, "  # noqa: S608 - own text
        f"count(*) FILTER (WHERE a.severity_rank > {rank}) AS graver FROM alert a {WORK_OF} WHERE {now_open.sql}",
        *now_open.arguments,
    )
    assert counted is not None, "an aggregate has a row"
    listed = fitting(inside().add(MAY_BE_OPEN).add(OPEN), plan)
    shown = await connection.fetch(
        f"SELECT a.id, a.number, a.severity, a.title, a.area, a.opened_at FROM alert a {WORK_OF} "  # noqa: S608 - own text
        f"WHERE {listed.sql} ORDER BY a.severity_rank DESC, a.opened_at, a.id LIMIT {listed.value(SHOWN_MAX)}",
        *listed.arguments,
    )
    past = fitting(inside().add("a.opened_at >= {}", now - LOOK_BACK), plan)
    rows = await connection.fetch(
        f"SELECT a.severity, count(*) AS n FROM alert a WHERE {past.sql} GROUP BY 1",  # noqa: S608 - own text
        *past.arguments,
    )
    opened = {Severity(row["severity"]): row["n"] for row in rows}
    return Preview(counted["open"], shown, counted["graver"], opened)
