"""What a row of a lookup table may say: a key that is one, and in each column what its type holds.

A row whose key no alert could ever name is a slip of the pen that nobody would notice, so it is refused where it is
written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ioc.domain.dated.row import RowFault
from ioc.domain.lookups.row import LookupRow
from ioc.domain.lookups.table import KEY_CHARS_MAX, VALUE_CHARS_MAX, ColumnType, LookupColumn, LookupTable
from ioc.domain.plain_name import plain_name


def make_row(
    table: LookupTable,
    *,
    key: str,
    data: Mapping[str, Any],
    source: str,
    verified: bool,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> LookupRow:
    """Return a row as it is kept: texts without anything unseen, no value where there is none."""
    kept = {name: plain_name(value) if isinstance(value, str) else value for name, value in data.items()}
    return LookupRow(
        table_id=table.id,
        key=plain_name(key),
        match_key=table.match_key(key),
        device=plain_name(key) if table.of_devices else None,
        data={name: value for name, value in kept.items() if value is not None and value != ""},
        source=plain_name(source),
        verified=verified,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def unknown_table(name: str, tables: Iterable[LookupTable]) -> RowFault:
    """Return the fault of a table that the pack does not declare."""
    near = ", ".join(table.id for table in tables)
    return RowFault("table", "unknown_table", f"không có bảng '{name}'; hiện có {near or 'chưa có bảng nào'}",
                    f"there is no table {name!r}", f"there are {near or 'none yet'}")  # fmt: skip


def fault_of(row: LookupRow, table: LookupTable, *, devices: Mapping[str, str]) -> RowFault | None:
    """Return the first thing wrong with a row; ``devices`` are those registered, with their feeds."""
    found = _key_fault(row, table, devices) or _source_fault(row)
    if found is not None:
        return found
    for name in row.data:
        if table.column(name) is None:
            known = ", ".join(column.id for column in table.columns)
            return RowFault(name, "unknown_column", f"bảng này không có cột '{name}'; hiện có {known}",
                            f"this table has no column {name!r}", f"there are {known}")  # fmt: skip
    for column in table.columns:
        if column.id not in row.data:
            if column.needed:
                vi, en = column.label.vi, column.label.en
                return RowFault(column.id, "missing", f"thiếu “{vi}”: mỗi dòng cần ô này", f"{en} is missing")
            continue
        found = value_fault(column, row.data[column.id])
        if found is not None:
            return found
    if row.valid_from is not None and row.valid_to is not None and row.valid_to < row.valid_from:
        return RowFault("valid_to", "ends_before", "ngày cuối trước ngày đầu", "its last day is before its first")
    return None


def _key_fault(row: LookupRow, table: LookupTable, devices: Mapping[str, str]) -> RowFault | None:
    if not row.match_key:
        what = "không có chữ cái hoặc chữ số nào" if row.key else "thiếu"
        return RowFault("key", "empty_key", f"{table.key_label.vi}: {what}", "nothing of the key is left to compare",
                        "letters or digits")  # fmt: skip
    if len(row.key) > KEY_CHARS_MAX:
        return RowFault("key", "too_long", f"dài {len(row.key)} ký tự, tối đa {KEY_CHARS_MAX}",
                        f"{len(row.key)} characters, at most {KEY_CHARS_MAX}")  # fmt: skip
    if not table.of_devices:
        return None
    if row.key not in devices:
        return RowFault("key", "unknown_device", f"chưa có thiết bị {row.key}: đăng ký trước",
                        f"no device {row.key} is registered", "register it first")  # fmt: skip
    if devices[row.key] not in table.feeds:
        feeds, sent = ", ".join(table.feeds), devices[row.key]
        return RowFault("key", "wrong_feed", f"{row.key} gửi {sent}, còn bảng này là của {feeds}",
                        f"{row.key} sends {sent}, and the table is for {feeds}")  # fmt: skip
    return None


def _source_fault(row: LookupRow) -> RowFault | None:
    if not row.source:
        return RowFault("source", "missing", "thiếu nguồn: ghi văn bản hoặc nơi lấy thông tin", "its source is missing")
    if len(row.source) > VALUE_CHARS_MAX:
        return _too_long("source", row.source)
    return None


def value_fault(column: LookupColumn, value: Any) -> RowFault | None:
    """Return why a column cannot hold a value; that of no value is not asked here."""
    if column.type is ColumnType.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return RowFault(column.id, "bad_number", f"“{column.label.vi}” phải là số",
                            f"{column.label.en} is a number")  # fmt: skip
        return None
    if not isinstance(value, str):
        return RowFault(column.id, "wrong_type", f"“{column.label.vi}” phải là chữ", f"{column.label.en} is a text")
    if column.type is ColumnType.DATE and _day(value) is None:
        return RowFault(column.id, "bad_day", f"“{column.label.vi}”: viết ngày như 2027-12-31",
                        f"{column.label.en} is no day", "write 2027-12-31")  # fmt: skip
    if column.type is ColumnType.WORD and value not in column.words:
        vi = ", ".join(word.vi for word in column.words.values())
        return RowFault(column.id, "unknown_word", f"“{column.label.vi}”: chọn trong {vi}",
                        f"{column.label.en} has no {value:.40}", f"one of {', '.join(column.words)}")  # fmt: skip
    return _too_long(column.id, value) if len(value) > VALUE_CHARS_MAX else None


def _too_long(member: str, value: str) -> RowFault:
    return RowFault(member, "too_long", f"dài {len(value)} ký tự, tối đa {VALUE_CHARS_MAX}: rút ngắn lại",
                    f"{len(value)} characters, at most {VALUE_CHARS_MAX}", "shorten it")  # fmt: skip


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.isoformat() == text else None
