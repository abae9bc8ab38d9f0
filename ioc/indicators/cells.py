"""Periods as people type them into cells: as they write them in Vietnam, and never guessed."""

from __future__ import annotations

import re
from datetime import date

from ioc.domain.indicators.indicator import Period, PeriodKind
from ioc.domain.search import words_of

ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
QUARTERS, MONTHS = 4, 12


def read_period(value: object) -> Period | None:
    """Return the period of a cell: `2026-10`, `10/2026`, `Tháng 10/2026`, `Quý IV/2026`, `Q4/2026`, `2026`, a date.

    A spreadsheet turns `10/2026` into a date by itself: the month that it lies in is meant.
    """
    if isinstance(value, date):
        return Period.holding(PeriodKind.MONTH, value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Period.of_code(str(value))
    if not isinstance(value, str):
        return None
    exact = Period.of_code(value.strip().upper())
    return exact if exact is not None else _period_of_words(words_of(value))


def _period_of_words(words: tuple[str, ...]) -> Period | None:
    parts = [word for word in words if word != "nam"]
    if not parts or not re.fullmatch(r"[0-9]{4}", parts[-1]):
        return None
    head, year = parts[:-1], parts[-1]
    if not head:
        return Period.of_code(year)
    kind, said = "month", head[-1]
    if head[0] in ("quy", "q") and len(head) > 1:
        kind = "quarter"
    elif re.fullmatch(r"q[1-4]", said):
        kind, said = "quarter", said[1:]
    elif re.fullmatch(r"t[0-9]{1,2}", said):
        said = said[1:]
    elif head[0] not in ("thang", "t") and len(head) > 1:
        return None
    number = ROMAN.get(said) if kind == "quarter" and said in ROMAN else int(said) if said.isdecimal() else None
    if number is None or len(head) > 2 or not 1 <= number <= (QUARTERS if kind == "quarter" else MONTHS):  # noqa: PLR2004
        return None
    return Period.of_code(f"{year}-Q{number}" if kind == "quarter" else f"{year}-{number:02}")
