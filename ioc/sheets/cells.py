"""What people type into cells, read as numbers as they write them in Vietnam, and never guessed."""

from __future__ import annotations

import math
import re

LETTERS = 26
SHOWN_CHARS_MAX = 60
NUMBER = re.compile(r"-?\d+")
GROUPED = re.compile(r"-?\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|-?\d{1,3}(?:\.\d{3})+,\d+")
"""1.234.567 and 1.234,5: points between thousands, a comma before decimals."""
DECIMAL = re.compile(r"-?\d+[.,](?:\d{1,2}|\d{4,})|-?0[.,]\d+|-?\d{4,}[.,]\d+")
"""12,5 and 12.5; `1.234` could be either, so nobody guesses."""


def column_letters(index: int) -> str:
    """Return the letters of a column, A for 0."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_number(value: object) -> float | None:
    """Return the number of a cell; None: it is none, or could be two."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    text = re.sub(r"[\s\u00a0\u202f]", "", value)
    if NUMBER.fullmatch(text):
        return float(text)
    if GROUPED.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return float(text.replace(",", ".")) if DECIMAL.fullmatch(text) else None


def shown(value: object) -> str:
    """Return what is in a cell as it is quoted to people."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)[:SHOWN_CHARS_MAX]
