"""A lookup table: what is known of a device, or of a code that readings carry, in columns that the pack declares."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ioc.domain.feed import Label
from ioc.domain.plain_name import plain_name

ROWS_MAX = 50_000
"""Rows of all tables together."""
KEY_CHARS_MAX = 64
VALUE_CHARS_MAX = 400
KEY_OF_DEVICES = Label("Mã thiết bị", "Device")
STANDARD: Mapping[str, Label] = {
    "source": Label("Nguồn", "Source"), "verified": Label("Đã đối chiếu", "Verified"),
    "valid_from": Label("Từ ngày", "Valid from"), "valid_to": Label("Đến hết ngày", "Last day"),
    "name": Label("Tên thiết bị", "Name of the device"), "state": Label("Tình trạng", "State"),
    "number": Label("STT", "No."), "note": Label("Ghi chú", "Note"),
}  # fmt: skip
"""Columns that every sheet of rows has, or may have: no table has one of its own that is called so."""


class ColumnType(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    WORD = "word"
    """One of the words that the pack lists."""


class KeyMatch(StrEnum):
    """When two keys are the same."""

    DEVICE = "device"
    """They are the id of a device."""
    TEXT = "text"
    """They are the same text, capitals or not, however many spaces stand between the words."""
    PLATE = "plate"
    """They have the same letters and digits: spaces, dots, dashes, capitals and marks count for nothing."""


@dataclass(frozen=True, slots=True)
class LookupColumn:
    """One column of a table."""

    id: str
    label: Label
    type: ColumnType = ColumnType.TEXT
    unit: str = ""
    needed: bool = False
    words: Mapping[str, Label] = field(default_factory=dict)
    """What people are told of each word that there is."""


@dataclass(frozen=True, slots=True)
class LookupTable:
    """One table. Its key is a device of its feeds, or the text that a field of theirs holds."""

    id: str
    label: Label
    noun: Label
    """What people call one row: `giấy phép`."""
    match: KeyMatch
    key_label: Label
    feeds: tuple[str, ...]
    columns: tuple[LookupColumn, ...]
    field: str = ""
    """Empty: the key is a device."""
    restricted: bool = False
    """No wall display, no machine and no title gets a row of it; every look is audited."""

    @property
    def of_devices(self) -> bool:
        """Whether its key is a device."""
        return self.match is KeyMatch.DEVICE

    def column(self, name: str) -> LookupColumn | None:
        """Return a column, None where there is none."""
        return next((column for column in self.columns if column.id == name), None)

    def match_key(self, key: str) -> str:
        """Return what of a key is compared: empty where nothing of it is left."""
        text = plain_name(key)
        if self.match is KeyMatch.DEVICE:
            return text
        if self.match is KeyMatch.TEXT:
            return text.upper()
        # Cameras read D where a plate has Đ; marks are none of a plate.
        bare = unicodedata.normalize("NFKD", text.upper()).replace("Đ", "D")
        return "".join(letter for letter in bare if letter.isalnum() and letter.isascii())
