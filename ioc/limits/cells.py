"""What people type into the cells of a limit: read as they mean it, or refused with what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ioc.domain.search import words_of
from ioc.domain.severity import Severity
from ioc.sheets.cells import shown
from ioc.sheets.readers import CellError, as_text, day, number, text, yes

ID_CHARS_MAX = 64
UNIT_CHARS_MAX = 32
SOURCE_CHARS_MAX = 400
CODE_DIGITS = 5
LEVELS: Mapping[str, Severity] = {
    **{str(severity): severity for severity in Severity},
    "thong tin": Severity.INFO, "luu y": Severity.LOW, "trung binh": Severity.MEDIUM, "cao": Severity.HIGH,
    "khan cap": Severity.CRITICAL,
}  # fmt: skip


def name(value: object) -> str:
    """Return the name of a table, the id of a device or a class: whether there is one is another question."""
    return text(value, most=ID_CHARS_MAX)


def area(value: object) -> str:
    """Return the code of a unit, whose leading zeros a spreadsheet drops, or of a zone."""
    found = text(value, most=ID_CHARS_MAX)
    return found.zfill(CODE_DIGITS) if found.isdecimal() and found.isascii() else found


def level(value: object) -> str:
    """Return a severity."""
    found = LEVELS.get(" ".join(words_of(as_text(value))))
    if found is None:
        raise CellError("bad_level", f"'{shown(value)}': viết thông tin, lưu ý, trung bình, cao hoặc khẩn cấp",
                        f"'{shown(value)}': write info, low, medium, high or critical")  # fmt: skip
    return str(found)


def unit(value: object) -> str:
    """Return a unit."""
    return text(value, most=UNIT_CHARS_MAX)


def source(value: object) -> str:
    """Return what the limit rests on."""
    return text(value, most=SOURCE_CHARS_MAX)


READERS: Mapping[str, Callable[[object], Any]] = {
    "name": name, "level": level, "device": name, "class": name, "area": area, "value": number, "unit": unit,
    "source": source, "verified": yes, "valid_from": day, "valid_to": day,
}  # fmt: skip
"""What reads the cells of each column; raises :class:`CellError`."""
