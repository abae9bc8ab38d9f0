"""SQL with named parameters, and statements made of a noun's fields: a column is named once, in the noun.

A noun is a frozen dataclass whose fields are the columns of its table. asyncpg knows $1, $2, ... only: names become
places once, where a statement is made, and each call gives its values by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
PARAMETER = re.compile(r"(?<![:\w]):([a-z]\w*)")
"""`:name`; the two colons of a cast are none."""
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as PostgreSQL takes it, and the names of its parameters in the order of their places."""

    sql: str
    names: tuple[str, ...]

    def arguments(self, **values: Any) -> tuple[Any, ...]:
        """Return the values in their places. A name too few or too many is a mistake of the caller."""
        if values.keys() != set(self.names):
            raise TypeError(f"parameters {sorted(values.keys() ^ set(self.names))} of: {self.sql:.80}")
        return tuple(values[name] for name in self.names)

    def __call__(self, **values: Any) -> tuple[Any, ...]:
        """Return what the methods of a connection take: `await connection.fetchval(*READ(alert=alert))`."""
        return (self.sql, *self.arguments(**values))


def named(text: str) -> Statement:
    """Return SQL with parameters such as `:alert`, each of which has one place however often it stands there."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return Statement(PARAMETER.sub(place, text), tuple(names))


def columns_of(noun: type) -> tuple[str, ...]:
    """Return the columns of a noun: its fields, in order."""
    return tuple(each.name for each in fields(noun))


def values_of(noun: object) -> dict[str, Any]:
    """Return the values of a noun by column; unlike ``asdict`` it leaves them as they are."""
    return {name: getattr(noun, name) for name in columns_of(type(noun))}


def select_list(columns: Iterable[str], *, of: str, prefix: str = "", computed: Mapping[str, str] = NOTHING) -> str:
    """Return what stands behind SELECT: columns of the table ``of``, or in their place what is ``computed``."""
    return ", ".join(f"{computed.get(name, f'{of}.{name}')} AS {prefix}{name}" for name in columns)


def arrays(table: Table, columns: Iterable[str]) -> str:
    """Return a source `t` of many rows, one array for each column, named like it and of the type that it has."""
    names = tuple(columns)
    types = {name: table.c[name].type.compile(dialect=DIALECT) for name in names}
    places = ", ".join(f":{name}::{types[name]}[]" for name in names)
    return f"unnest({places}) AS t({', '.join(map(quoted, names))})"


def arrays_of(rows: Sequence[object], columns: Iterable[str]) -> dict[str, list[Any]]:
    """Return the values of nouns for :func:`arrays`."""
    return {name: [getattr(row, name) for row in rows] for name in columns}


def quoted(name: str) -> str:
    """Return a column's name as SQL takes it, whatever word it is."""
    return f'"{name}"'


def literals(words: Iterable[str]) -> str:
    """Return words of our own as SQL has them in a list: `'resolved', 'false_alarm'`."""
    return ", ".join(f"'{word}'" for word in words)


def insert(table: str, columns: Iterable[str], *, computed: Mapping[str, str] = NOTHING) -> Statement:
    """Return the INSERT of a row, its parameters named as its columns are, but for what PostgreSQL is to compute."""
    names = tuple(columns)
    places = ", ".join(computed.get(name, f":{name}") for name in names)
    return named(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})")  # noqa: S608 - own names


def upsert(table: str, columns: Iterable[str], *, key: str) -> Statement:
    """Return the INSERT of a row that takes the place of the one with the same ``key``."""
    names = tuple(columns)
    moved = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
    made = insert(table, names)
    return Statement(f"{made.sql} ON CONFLICT ({key}) DO UPDATE SET {moved}", made.names)


def update(table: str, columns: Iterable[str], *, where: str) -> Statement:
    """Return the UPDATE of columns, its parameters named as they are; those of ``where`` come on top."""
    moved = ", ".join(f"{name} = :{name}" for name in columns)
    return named(f"UPDATE {table} SET {moved} WHERE {where}")  # noqa: S608 - own names
