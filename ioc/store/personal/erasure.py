"""A person is erased: their value goes from person_data, and wherever else somebody has written it.

The log is append-only for everybody but this: where a value stands in a free text, or in an event of before there was
person_data, it is written over, and nothing else of the row is. The audit trail is chained and never rewritten; that
it holds no values is promised elsewhere, and looked after here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from ioc.errors import InvalidInputError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database

ERASED = "[đã xóa]"
CHARS_MIN, CHARS_MAX = 6, 200
"""A shorter text stands in too much that is nobody's."""
COLUMNS = """
SELECT c.table_name AS held_in, c.column_name AS held_as, c.data_type AS type
FROM information_schema.columns c
JOIN pg_class k ON k.relname = c.table_name AND k.relnamespace = current_schema()::regnamespace
WHERE c.table_schema = current_schema() AND k.relkind IN ('r', 'p') AND NOT k.relispartition
  AND c.data_type IN ('text', 'jsonb', 'bytea')
ORDER BY 1, 2
"""
DELETE = "DELETE FROM person_data WHERE position($1 IN value::text) > 0"
DEAD_LETTERS = "UPDATE dead_letter SET raw = ''::bytea WHERE position($1::bytea IN raw) > 0"
KEPT_AS_IT_IS = ("audit", "audit_anchor", "alembic_version")
PICTURES = ("media_content",)
"""No text stands in a picture: who is to be seen on one is erased by `ioc media remove`."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased: rows by `table.column`, and where the value still stands."""

    rows: dict[str, int]
    left: dict[str, int]


async def erase_person(database: Database, value: str, *, actor: str, reason: str, now: datetime) -> Erasure:
    """Erase a value that says who a person is, everywhere; the audit row says that, why and how much, never what.

    Raises:
        InvalidInputError: the value is too short or too long to be one person's.
    """
    value = value.strip()
    if not CHARS_MIN <= len(value) <= CHARS_MAX:
        raise InvalidInputError(
            f"give {CHARS_MIN} to {CHARS_MAX} characters that are of one person only", field="value"
        )
    inside = json.dumps(value, ensure_ascii=False)[1:-1]
    async with database.transaction() as connection:
        done = {
            "person_data.value": _count(await connection.execute(DELETE, inside)),
            "dead_letter.raw": _count(await connection.execute(DEAD_LETTERS, value.encode())),
        }
        columns = [dict(row) for row in await connection.fetch(COLUMNS) if row["held_in"] not in PICTURES]
        for column in columns:
            if column["held_in"] in KEPT_AS_IT_IS or column["held_in"] == "person_data" or column["type"] == "bytea":
                continue
            name = f"{column['held_in']}.{column['held_as']}"
            done[name] = _count(await connection.execute(*_overwrite(column, value, inside)))
        rows = {name: count for name, count in done.items() if count}
        entry = AuditEntry(actor, "person.erase", "person_data", None, {"reason": reason, "rows": rows})
        await append_audit(connection, entry, now)
        left = await _left(connection, columns, value, inside)
    return Erasure(rows, left)


def _overwrite(column: dict[str, str], value: str, inside: str) -> tuple[str, str, str]:
    table, name = _quoted(column["held_in"]), _quoted(column["held_as"])
    if column["type"] == "text":
        statement = f"UPDATE {table} SET {name} = replace({name}, $1, $2) WHERE position($1 IN {name}) > 0"  # noqa: S608 - names of our own tables
        return statement, value, ERASED
    statement = (
        f"UPDATE {table} SET {name} = replace({name}::text, $1, $2)::jsonb WHERE position($1 IN {name}::text) > 0"  # noqa: S608 - as above
    )
    return statement, inside, ERASED


async def _left(connection: Connection, columns: list[dict[str, str]], value: str, inside: str) -> dict[str, int]:
    """Return where the value stands after all, by `table.column`."""
    found = {}
    for column in columns:
        table, name, binary = _quoted(column["held_in"]), _quoted(column["held_as"]), column["type"] == "bytea"
        of = name if binary or column["type"] == "text" else f"{name}::text"
        asked: object = value.encode() if binary else value if column["type"] == "text" else inside
        kind = "bytea" if binary else "text"
        statement = f"SELECT count(*) FROM {table} WHERE position($1::{kind} IN {of}) > 0"  # noqa: S608 - as above
        count = await connection.fetchval(statement, asked)
        if count:
            found[f"{column['held_in']}.{column['held_as']}"] = int(count)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])
