"""The figures that count, by indicator and period. Writing is for :mod:`ioc.store.indicators.approval` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.domain.indicators.indicator import Figure
from ioc.domain.moment import format_time, parse_time
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import columns_of, values_of

COLUMNS = columns_of(Figure)
READ = f"SELECT {', '.join(COLUMNS)} FROM indicator_figure WHERE indicator = ANY($1::text[])"  # noqa: S608 - own names
DELETE = "DELETE FROM indicator_figure WHERE (indicator, period) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
_PLACES = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
_MOVED = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in ("indicator", "period"))
WRITE = (
    f"INSERT INTO indicator_figure ({', '.join(COLUMNS)}) VALUES ({_PLACES}) "  # noqa: S608 - own names
    f"ON CONFLICT (indicator, period) DO UPDATE SET {_MOVED}"
)


async def read_figures(connection: Connection, indicators: Sequence[str]) -> dict[tuple[str, str], Figure]:
    """Return every figure of some indicators by indicator and period."""
    rows = await connection.fetch(READ, list(indicators))
    return {(row["indicator"], row["period"]): Figure(**dict(row)) for row in rows}


async def write_figures(connection: Connection, figures: Sequence[Figure]) -> None:
    """Write figures, in the place of those of the same indicator and period."""
    rows = [tuple(values_of(figure)[name] for name in COLUMNS) for figure in figures]
    if rows:
        await connection.executemany(WRITE, rows)


async def delete_figures(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Take figures out."""
    await connection.execute(DELETE, [key[0] for key in keys], [key[1] for key in keys])


def by_period(figures: Mapping[tuple[str, str], Figure], indicator: str) -> dict[str, Figure]:
    """Return those of one indicator by period."""
    return {period: figure for (code, period), figure in figures.items() if code == indicator}


def figure_json(figure: Figure | None) -> Mapping[str, Any] | None:
    """Return a figure as an import's row remembers it."""
    if figure is None:
        return None
    values = values_of(figure)
    return {
        **values,
        "extra": dict(figure.extra),
        "changed_at": format_time(figure.changed_at),
        "event": None if figure.event is None else figure.event.hex(),
        "event_time": None if figure.event_time is None else figure.event_time.isoformat(),
    }


def figure_of_json(body: Mapping[str, Any] | None) -> Figure | None:
    """Return the figure that an import's row remembers."""
    if body is None:
        return None
    told = dict(body)
    told["changed_at"] = parse_time(told["changed_at"])
    told["event"] = None if told["event"] is None else bytes.fromhex(told["event"])
    told["event_time"] = None if told["event_time"] is None else parse_time(told["event_time"])
    return Figure(**told)
