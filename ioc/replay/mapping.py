"""Which column becomes which field, and how its text becomes a value.

``field=column`` takes the column as it is; ``field=column*0.01`` and ``field=column*1+273.15`` change its unit;
``field=column:text`` keeps the text. A column whose own name looks like one of these wins over the arithmetic.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ioc.errors import InvalidInputError

FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
RESERVED = frozenset({"id", "time"})
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
FORMULA = re.compile(rf"(?P<column>.+?)\s*\*\s*(?P<factor>{_NUMBER})\s*(?P<offset>[+-]\s*\d+(?:\.\d*)?)?")
VALUE = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>.*)", re.DOTALL)
TEXT_SUFFIX = ":text"
MISSING = frozenset({"", "n/a", "na", "nan", "null", "none", "-", "--"})
UNITS = frozenset(
    {"%", "°c", "c", "k", "km/h", "m/s", "mm", "cm", "m", "m3/s", "m³/s", "µg/m³", "μg/m³", "ug/m3", "hpa", "s", "min"}
)
"""Units that may follow a number ("7.6 km/h"): dropped, never converted. Anything else makes the row bad."""
WHOLE_MAX = 2**53
DIGITS_KEPT = 12

Value = int | float | bool | str | dict[str, object] | list[object]


class BadValueError(ValueError):
    """A cell cannot become a value of its field."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """One field, the column it comes from and what happens on the way."""

    field: str
    column: str
    factor: float = 1.0
    offset: float = 0.0
    text: bool = False

    def value(self, cell: object) -> Value | None:
        """Return the field's value, or None where the cell says that there is none.

        Raises:
            BadValueError: the cell is neither.
        """
        if cell is None:
            return None
        if isinstance(cell, str):
            stripped = cell.strip()
            if stripped.casefold() in MISSING:
                return None
            return self._from_text(stripped)
        if isinstance(cell, bool | dict | list):
            return cell
        if isinstance(cell, int | float):
            return self._convert(cell)
        raise BadValueError(f"{self.column}: {cell!r:.40} is no value")

    def _from_text(self, text: str) -> Value:
        """Return a text as it is or as the number that it begins with."""
        if self.text:
            if not text.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in text):
                raise BadValueError(f"{self.column}: not UTF-8")
            return unicodedata.normalize("NFC", text)
        match = VALUE.fullmatch(text)
        if match is None or (match["unit"] and match["unit"].strip().casefold() not in UNITS):
            raise BadValueError(f"{self.column}: {text!r:.40} is no number")
        return self._convert(float(match["number"]))

    def _convert(self, number: float) -> int | float:
        """Apply factor and offset; a whole result is an integer, so that counts stay counts."""
        result = number * self.factor + self.offset
        if not math.isfinite(result):
            raise BadValueError(f"{self.column}: {number!r} is no finite number")
        if result == int(result) and abs(result) < WHOLE_MAX:
            return int(result)
        return float(f"{result:.{DIGITS_KEPT}g}")


def _resolve(text: str, columns: Collection[str], *, strict: bool) -> ColumnMapping:
    """Read one mapping against the columns that the file has.

    Raises:
        InvalidInputError: it is no mapping, or names a column that the file has not.
    """
    name, equals, right = text.partition("=")
    name, right = name.strip(), unicodedata.normalize("NFC", right.strip())
    if not equals or not right or not FIELD.fullmatch(name):
        raise InvalidInputError(f"--column {text!r}: expected FIELD=COLUMN", field="column")
    if name in RESERVED:
        raise InvalidInputError(f"--column {text!r}: {name!r} is given by the replay itself", field="column")
    if right in columns:
        return ColumnMapping(field=name, column=right)
    mapping = ColumnMapping(field=name, column=right)
    if right.endswith(TEXT_SUFFIX):
        mapping = ColumnMapping(field=name, column=right.removesuffix(TEXT_SUFFIX), text=True)
    elif match := FORMULA.fullmatch(right):
        offset = float((match["offset"] or "0").replace(" ", ""))
        mapping = ColumnMapping(field=name, column=match["column"], factor=float(match["factor"]), offset=offset)
    if strict and mapping.column not in columns:
        there = ", ".join(columns)
        raise InvalidInputError(f"--column {text!r}: no column {mapping.column!r}; there are: {there}", field="column")
    return mapping


def resolve_columns(texts: Sequence[str], columns: Collection[str], *, strict: bool) -> tuple[ColumnMapping, ...]:
    """Read all mappings; ``strict`` where the file's columns are fixed (CSV) and not each row's own (NDJSON).

    Raises:
        InvalidInputError: one is wrong, or two give the same field.
    """
    mappings = tuple(_resolve(text, columns, strict=strict) for text in texts)
    fields = [mapping.field for mapping in mappings]
    if len(set(fields)) != len(fields):
        raise InvalidInputError("--column: a field is given twice", field="column")
    return mappings
