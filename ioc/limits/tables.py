"""What a row of a table of limits may say: of what, for which level, in which unit, as the rules look it up.

A row that no rule would ever look up is a slip of the pen that nobody would notice: the plant would go on under
another limit. So it is refused where it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ioc.domain.alert import Limit
from ioc.domain.dated.row import RowFault
from ioc.domain.rules.limit_row import LimitRow

DEVICE, CLASS, AREA, ZONE = "device", "class", "area", "zone"
TARGETS_VI: Mapping[str, str] = {DEVICE: "thiết bị", CLASS: "loại thiết bị", AREA: "xã, phường", ZONE: "vùng"}


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """What a rule goes by for whoever has no row; ``level``: the severity that it is for, None: every level."""

    rule: str
    level: str | None
    limit: Limit


@dataclass(frozen=True, slots=True)
class LimitTable:
    """A table as the rules ask for it."""

    name: str
    rules: tuple[str, ...]
    targets: frozenset[str]
    """What a row may be of so that each of the rules looks it up: device, class, area, zone."""
    units: frozenset[str]
    """Empty: what is compared has none."""
    levels: frozenset[str]
    """Severities that look it up."""
    feeds: frozenset[str]
    own: tuple[OwnLimit, ...] = ()


def fault_of(
    row: LimitRow,
    tables: Mapping[str, LimitTable],
    *,
    devices: Mapping[str, str],
    classes: Iterable[str],
    areas: Iterable[str],
    zones: Iterable[str],
) -> RowFault | None:
    """Return why a row would never count, None if it can. ``devices`` are those registered, with their feeds."""
    table = tables.get(row.name)
    if table is None:
        near = ", ".join(sorted(tables))
        return RowFault("name", "unknown_table",
                          f"không quy tắc nào dùng bảng '{row.name}'; hiện có {near or 'chưa có bảng nào'}",
                          f"no rule asks for the table {row.name!r}", f"there are {near or 'none yet'}")  # fmt: skip
    if row.level is not None and row.level not in table.levels:
        of = ", ".join(sorted(table.levels))
        return RowFault("level", "unknown_level", f"bảng này không có mức {row.level}; chọn trong {of}",
                          f"no level {row.level} looks it up", f"of {of}")  # fmt: skip
    if table.units and row.unit not in table.units:
        of = ", ".join(sorted(table.units))
        return RowFault("unit", "wrong_unit", f"'{row.unit}' không phải đơn vị được so sánh: ghi {of}",
                          f"{row.unit!r} is not what is compared", f"in {of}")  # fmt: skip
    zone_codes = set(zones)
    target = DEVICE if row.device else CLASS if row.device_class else ZONE if row.area in zone_codes else AREA
    if target not in table.targets:
        return _wrong_target(table, target)
    return _unknown(row, table, devices=devices, classes=set(classes), areas=set(areas) | zone_codes)


def _wrong_target(table: LimitTable, target: str) -> RowFault:
    word = "an area" if target in {AREA, ZONE} else f"a {target}"
    can = [name for name in TARGETS_VI if name in table.targets]
    return RowFault(
        AREA if target == ZONE else target, "wrong_target",
        f"bảng này không xét riêng theo {TARGETS_VI[target]}; chỉ theo {', '.join(TARGETS_VI[name] for name in can)}",
        f"the rules {', '.join(table.rules)} have keys of no single {target}: a limit of {word} would not count",
        f"give {' or '.join(sorted(table.targets))}",
    )  # fmt: skip


def _unknown(
    row: LimitRow, table: LimitTable, *, devices: Mapping[str, str], classes: set[str], areas: set[str]
) -> RowFault | None:
    if row.device is not None and row.device not in devices:
        return RowFault(DEVICE, "unknown_device", f"chưa có thiết bị {row.device}: đăng ký trước",
                          f"no device {row.device} is registered", "register it first")  # fmt: skip
    if row.device is not None and devices[row.device] not in table.feeds:
        feeds, sent = ", ".join(sorted(table.feeds)), devices[row.device]
        return RowFault(DEVICE, "wrong_feed", f"{row.device} gửi {sent}, còn bảng này là của {feeds}",
                          f"{row.device} sends {sent}, and the table is for {feeds}")  # fmt: skip
    if row.device_class is not None and row.device_class not in classes:
        return RowFault(CLASS, "unknown_class",
                          f"không thiết bị nào thuộc loại {row.device_class}: ghi loại cho thiết bị trước",
                          f"no device has the class {row.device_class}",
                          "give the devices their class first")  # fmt: skip
    if row.area is not None and row.area not in areas:
        return RowFault(AREA, "unknown_area", f"hiện nay không có xã, phường hoặc vùng mang mã {row.area}",
                          f"there is no unit or zone {row.area}", "a code that stands today, or a zone")  # fmt: skip
    return None
