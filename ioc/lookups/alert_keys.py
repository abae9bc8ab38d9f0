"""What an alert asks the lookup tables: its devices and the codes in its readings; and which row answers on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ioc.domain.dated.row import RowState
from ioc.domain.lookups.table import LookupTable

KEYS_MAX = 200
"""Keys that one alert asks with: the readings that it rests on are at most fifty."""
TOLD_MAX = 10
"""Answers that an alert tells; the others are counted."""


@dataclass(frozen=True, slots=True)
class AskedKey:
    """One key of a table, as the device or the reading has it."""

    table: LookupTable
    key: str

    @property
    def match_key(self) -> str:
        """What of it is compared."""
        return self.table.match_key(self.key)


@dataclass(frozen=True, slots=True)
class LookupAnswer:
    """What a table says of a key; no row: nothing. ``state`` is that of the row on the day, `missing` without one."""

    asked: AskedKey
    row: Mapping[str, Any] | None
    state: str


MISSING = "missing"


def keys_of(
    tables: Sequence[LookupTable], devices: Mapping[str, str], readings: Iterable[Mapping[str, Any]]
) -> list[AskedKey]:
    """Return what is asked: devices by their feeds, then the codes of readings (`feed`, `data`), each once."""
    rows = list(readings)
    found: dict[tuple[str, str], AskedKey] = {}
    for table in tables:
        if table.of_devices:
            named = [device for device, feed in devices.items() if feed in table.feeds]
        else:
            values = [(row["data"] or {}).get(table.field) for row in rows if row["feed"] in table.feeds]
            named = [value for value in values if isinstance(value, str)]
        for key in named:
            asked = AskedKey(table, key)
            if asked.match_key and len(found) < KEYS_MAX:
                found.setdefault((table.id, asked.match_key), asked)
    return list(found.values())


def answers(asked: Sequence[AskedKey], rows: Iterable[Mapping[str, Any]], day: date) -> list[LookupAnswer]:
    """Return what the tables say of the keys on a day. Of a code that no table knows nothing is said."""
    of_key: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        of_key.setdefault((row["table_id"], row["match_key"]), []).append(row)
    found = [_answer(one, of_key.get((one.table.id, one.match_key), []), day) for one in asked]
    return [answer for answer in found if answer.row is not None or answer.asked.table.of_devices]


def _answer(asked: AskedKey, rows: Sequence[Mapping[str, Any]], day: date) -> LookupAnswer:
    """Choose the row that holds on the day; else the last that has ended; else the first that is to come."""
    holding = [row for row in rows if _state(row, day) is RowState.HOLDS]
    if holding:
        return LookupAnswer(asked, max(holding, key=lambda row: row["valid_from"] or date.min), RowState.HOLDS)
    ended = [row for row in rows if _state(row, day) is RowState.ENDED]
    if ended:
        return LookupAnswer(asked, max(ended, key=lambda row: row["valid_to"]), RowState.ENDED)
    if rows:
        return LookupAnswer(asked, min(rows, key=lambda row: row["valid_from"]), RowState.COMING)
    return LookupAnswer(asked, None, MISSING)


def _state(row: Mapping[str, Any], day: date) -> RowState:
    if row["valid_to"] is not None and row["valid_to"] < day:
        return RowState.ENDED
    if row["valid_from"] is not None and row["valid_from"] > day:
        return RowState.COMING
    return RowState.HOLDS
