"""What reads the cells of any sheet of people, and how a cell that does not say what its column needs is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from ioc.domain.feed import Label
from ioc.domain.plain_name import plain_name
from ioc.domain.search import words_of
from ioc.sheets.cells import read_number, shown

YEAR_MIN, YEAR_MAX = 1900, 2200
LOCAL_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
YES: Mapping[str, bool] = {
    **dict.fromkeys(("true", "co", "yes", "x", "1"), True), **dict.fromkeys(("false", "khong", "no", "0"), False),
}  # fmt: skip


class CellError(Exception):
    """A cell does not say what its column needs; ``code`` and ``message`` are those of its fault."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.message = Label(vi, en)


def as_text(value: object) -> str:
    """Return a cell as the text that people see in it, in NFC and without anything unseen."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return plain_name(str(value))


def yes(value: object) -> bool:
    """Return yes or no."""
    found = YES.get(" ".join(words_of(as_text(value))))
    if found is None:
        raise CellError("bad_yes", f"'{shown(value)}': viết có hoặc không", f"'{shown(value)}': write true or false")
    return found


def number(value: object) -> float:
    """Return a value."""
    found = read_number(value)
    if found is None:
        raise CellError("bad_number", f"'{shown(value)}' không rõ là số nào: viết như 1250 hoặc 12,5",
                        f"'{shown(value)}' is no number, or could be two: write 1250 or 12.5")  # fmt: skip
    return found


def day(value: object) -> date:
    """Return a day, as 31/12/2027, 2027-12-31 or a date cell."""
    found = value if isinstance(value, date) else _day(as_text(value))
    if found is None or not YEAR_MIN <= found.year <= YEAR_MAX:
        raise CellError("bad_day", f"'{shown(value)}' không phải ngày: viết như 31/12/2027",
                        f"'{shown(value)}' is no day: write 31/12/2027 or 2027-12-31")  # fmt: skip
    return found


def _day(text: str) -> date | None:
    local, iso = LOCAL_DAY.fullmatch(text), ISO_DAY.fullmatch(text)
    parts = local.group(3, 2, 1) if local else iso.groups() if iso else None
    try:
        return None if parts is None else date(*map(int, parts))
    except ValueError:
        return None


def text(value: object, *, most: int) -> str:
    """Return a text of at most so many characters."""
    found = as_text(value)
    if not found:
        raise CellError("unseen", "không có chữ nào nhìn thấy được", "nothing of it can be seen")
    if len(found) > most:
        raise CellError("too_long", f"dài {len(found)} ký tự, tối đa {most}: rút ngắn lại",
                        f"{len(found)} characters, at most {most}: shorten it")  # fmt: skip
    return found
