"""The columns of a sheet of devices: those of a pack's devices.csv, the state, and a few that are there to be read."""

from __future__ import annotations

from ioc.domain.feed import Label
from ioc.sheets.table import Column

ID = Column("id", Label("Mã thiết bị", "Device id"), needed=True, width=24)
FEED = Column("feed", Label("Mã nguồn dữ liệu", "Feed"), width=20)
NAME_VI = Column("name_vi", Label("Tên tiếng Việt", "Vietnamese name"), width=34)
NAME_EN = Column("name_en", Label("Tên tiếng Anh", "English name"), width=34)
AREA = Column("area", Label("Mã xã, phường", "Area code"), width=14)
LAT = Column("lat", Label("Vĩ độ", "Latitude"), width=12, numeric=True)
LON = Column("lon", Label("Kinh độ", "Longitude"), width=12, numeric=True)
PARENT = Column("parent", Label("Mã thiết bị cấp trên", "Parent device"), width=24)
OWNER = Column("owner", Label("Mã đơn vị quản lý", "Owner"), width=20)
PLACE = Column("place", Label("Vị trí lắp đặt", "Place"), width=34)
PERIOD = Column("expected_period_seconds", Label("Chu kỳ gửi (giây)", "Expected period (s)"), width=16)
CRITICAL = Column("critical", Label("Quan trọng", "Critical"), width=12)
GATEWAY = Column("gateway", Label("Thiết bị tập trung", "Gateway"), width=14)
DEVICE_CLASS = Column("device_class", Label("Loại áp dụng ngưỡng", "Device class"), width=20)
STATE = Column("state", Label("Trạng thái sổ đăng ký", "State"), width=18)
WRITTEN = (ID, FEED, NAME_VI, NAME_EN, AREA, LAT, LON, PARENT, OWNER, PLACE, PERIOD, CRITICAL, GATEWAY, DEVICE_CLASS,
           STATE)  # fmt: skip
"""What an import reads."""
AREA_NAME = Column("area_name", Label("Tên xã, phường", "Area name"), width=24)
STATUS = Column("status", Label("Tình trạng", "Status"), width=16)
LAST_SEEN = Column("last_seen", Label("Lần cuối có số liệu", "Last seen"), width=24)
BATTERY = Column("battery", Label("Pin (%)", "Battery (%)"), width=10)
SIGNAL = Column("signal", Label("Sóng (dBm)", "Signal (dBm)"), width=12)
FIRMWARE = Column("firmware", Label("Phiên bản phần mềm", "Firmware"), width=18)
NUMBER = Column("number", Label("STT", "No."))
NOTE = Column("note", Label("Ghi chú", "Note"))
EXPORTED = (*WRITTEN, AREA_NAME, STATUS, LAST_SEEN, BATTERY, SIGNAL, FIRMWARE)
KNOWN = (*EXPORTED, NUMBER, NOTE)
"""All columns that a sheet may have; those beside what is written are passed over."""
PASSED_OVER = frozenset(column.id for column in KNOWN) - {column.id for column in WRITTEN}
AS_TEXT = tuple(column.label for column in WRITTEN if not column.numeric and column is not PERIOD)
"""What is typed there stays as typed: `04795` would turn into a number."""
