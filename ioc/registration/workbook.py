"""Sheets of devices that people fill in or take away: the template and the registry as it is, as workbook or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ioc.domain.device import DeviceState
from ioc.domain.feed import Label
from ioc.registration.columns import AS_TEXT, CRITICAL, EXPORTED, FEED, GATEWAY, PERIOD, STATE, STATUS, WRITTEN
from ioc.registration.plan import ROWS_MAX
from ioc.sheets.workbook import Book

SHEET = Label("Thiết bị", "Devices")
FEEDS = Label("Nguồn dữ liệu", "Feeds")
FEED_COLUMNS = ((FEED.label, 24), (Label("Tên nguồn dữ liệu", "Name"), 60))
GUIDE_LINES = (
    Label("Mỗi dòng là một thiết bị. Một tệp có tối đa {rows} dòng.",
          "Each row is one device. A file has at most {rows} rows."),
    Label("Mã đã đăng ký: ô có chữ thì sửa, ô trống giữ nguyên, dấu - xóa (cấp trên, đơn vị, vị trí, chu kỳ, loại).",
          "A known id: a filled cell sets, an empty one leaves, - clears it (parent, owner, place, period, class)."),
    Label("Mã mới: cần mã nguồn dữ liệu (trang Nguồn dữ liệu). Không ghi xã, phường thì lấy theo tọa độ.",
          "A new id needs a feed (see the sheet of feeds). Without an area it is that of its point."),
    Label("Vĩ độ, kinh độ tính bằng độ, ví dụ 20,8172 và 105,3375. Chu kỳ gửi thay cho chu kỳ của nguồn dữ liệu.",
          "Latitude and longitude in degrees, such as 20.8172 and 105.3375. The period overrides the feed's."),
    Label("Quan trọng, Thiết bị tập trung: có hoặc không. Trạng thái: đang dùng, bảo trì, đã ngừng dùng.",
          "Critical, gateway: true or false. State: active, maintenance, retired."),
    Label("Tệp được kiểm tra từng ô; chỉ cần một ô lỗi thì chưa ghi gì. Sau khi nhập vẫn hoàn tác được.",
          "The file is checked cell by cell; with a single fault nothing is written. An import can be undone."),
)  # fmt: skip
YES_NO = Label("có|không", "true|false")
STATUSES: Mapping[str, Label] = {
    "online": Label("trực tuyến", "online"), "silent": Label("mất kết nối", "silent"),
    "never": Label("chưa gửi lần nào", "never heard"), "maintenance": Label("bảo trì", "maintenance"),
    "retired": Label("đã ngừng dùng", "retired"),
}  # fmt: skip
STATES = Label("đang dùng|bảo trì|đã ngừng dùng", "|".join(DeviceState))


def template(feeds: Mapping[str, Label], *, language: str) -> bytes:
    """Return the workbook to fill in; ``feeds`` are those that a device may be of."""
    with Book(language) as book:
        sheet = book.sheet(SHEET, [(column.label, column.width) for column in WRITTEN], typed_as_text=AS_TEXT)
        book.numbers_only(sheet, WRITTEN, ROWS_MAX)
        for column, values in ((CRITICAL, YES_NO), (GATEWAY, YES_NO), (STATE, STATES)):
            book.one_of(sheet, WRITTEN.index(column), book.said(values).split("|"), ROWS_MAX)
        names = book.sheet(FEEDS, FEED_COLUMNS)
        for row, (feed, label) in enumerate(feeds.items(), start=1):
            book.write(names, row, 0, feed)
            book.write(names, row, 1, book.said(label))
        book.guide(GUIDE_LINES, rows=ROWS_MAX)
    return book.content


def csv_template() -> bytes:
    """Return the head of a CSV file to fill in, with the mark by which Excel knows UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([column.id for column in WRITTEN])
    return out.getvalue().encode("utf-8-sig")


def export(rows: Sequence[Mapping[str, Any]], *, language: str) -> bytes:
    """Return the workbook of devices, which an import reads again; ``rows`` have the values by column."""
    with Book(language) as book:
        yes, no = book.said(YES_NO).split("|")
        states = dict(zip(DeviceState, book.said(STATES).split("|"), strict=True))
        sheet = book.sheet(SHEET, [(column.label, column.width) for column in EXPORTED], typed_as_text=AS_TEXT)
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(EXPORTED):
                value = row[column.id]
                if isinstance(value, bool):
                    value = yes if value else no
                elif column is STATUS:
                    value = book.said(STATUSES[value])
                elif column is STATE:
                    value = states[DeviceState(value)]
                book.write(sheet, number, place, value, digits=0 if column is PERIOD else 6)
    return book.content
