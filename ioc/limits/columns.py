"""The columns of a sheet of limits: those of a limit, and a few that are there to be read."""

from __future__ import annotations

from ioc.domain.feed import Label
from ioc.sheets.table import Column

NAME = Column("name", Label("Mã bảng", "Table"), needed=True, width=22)
LEVEL = Column("level", Label("Mức", "Level"), width=14)
DEVICE = Column("device", Label("Mã thiết bị", "Device"), width=24)
CLASS = Column("class", Label("Loại thiết bị", "Class"), width=20)
AREA = Column("area", Label("Mã địa bàn", "Area"), width=16)
VALUE = Column("value", Label("Giá trị", "Value"), needed=True, width=12, numeric=True)
UNIT = Column("unit", Label("Đơn vị", "Unit"), width=12)
SOURCE = Column("source", Label("Số giấy phép hoặc văn bản", "Permit or regulation"), needed=True, width=44)
VERIFIED = Column("verified", Label("Đã đối chiếu", "Verified"), width=14)
VALID_FROM = Column("valid_from", Label("Từ ngày", "Valid from"), width=14)
VALID_TO = Column("valid_to", Label("Đến hết ngày", "Last day"), width=14)
WRITTEN = (NAME, LEVEL, DEVICE, CLASS, AREA, VALUE, UNIT, SOURCE, VERIFIED, VALID_FROM, VALID_TO)
"""What an import reads."""
RULES = Column("rules", Label("Quy tắc", "Rules"), width=44)
TARGET = Column("target", Label("Áp dụng cho", "For"), width=34)
STATE = Column("state", Label("Tình trạng", "State"), width=20)
NUMBER = Column("number", Label("STT", "No."))
NOTE = Column("note", Label("Ghi chú", "Note"))
EXPORTED = (*WRITTEN, RULES, TARGET, STATE)
KNOWN = (*EXPORTED, NUMBER, NOTE)
"""All columns that a sheet may have; those beside what is written are passed over."""
PASSED_OVER = frozenset(column.id for column in KNOWN) - {column.id for column in WRITTEN}
AS_TEXT = tuple(column.label for column in WRITTEN if not column.numeric)
"""What is typed there stays as typed: `04795` would turn into a number, `3/4/2027` into another day."""
