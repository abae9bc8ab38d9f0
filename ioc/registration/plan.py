"""What a sheet of devices would change in the registry, row by row, with every fault at its cell.

A row whose id is registered changes that device: a filled cell sets, an empty one leaves, `-` clears.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ioc.domain.device import Device, DeviceState
from ioc.domain.feed import Label
from ioc.domain.places.location import WORLD, Box
from ioc.domain.scope import Scope
from ioc.registration.cells import READERS
from ioc.registration.columns import WRITTEN
from ioc.sheets.cells import shown
from ioc.sheets.readers import CellError
from ioc.sheets.table import CellFault, FaultList, RowOutcome, SheetRow, SheetTable

ROWS_MAX = 5_000
CLEARED = "-"
CLEARABLE = frozenset({"parent", "owner", "place", "expected_period_seconds", "device_class"})
AS_KNOWN = frozenset({"parent", "owner", "device_class"})
"""What stands in the registry as it was written elsewhere is taken as it is: an export is read again."""
CODE_DIGITS = 5
EVERYWHERE = Scope()


class PlaceFinder(Protocol):
    """What finds the unit of a point, and the zone of a unit."""

    def area_at(self, lat: float, lon: float) -> str | None:
        """Return the code of the unit that holds the point, or None."""
        ...

    def zone_of(self, code: str | None) -> str | None:
        """Return the zone of a unit of today."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """New values of some columns of a registered device, planned while it had ``version``."""

    device: str
    version: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlannedDevice:
    """One row: the device that it speaks of, what becomes of it, and the columns that change."""

    row: SheetRow
    device: str | None
    outcome: RowOutcome
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class ImportPlan(FaultList):
    """What an import would do, and every fault that forbids it."""

    rows: list[PlannedDevice] = field(default_factory=list)
    created: list[Device] = field(default_factory=list)
    changed: list[DeviceChange] = field(default_factory=list)

    def count(self, outcome: RowOutcome) -> int:
        """Return how many rows come to this."""
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def does_something(self) -> bool:
        """Whether anything would be written."""
        return bool(self.created or self.changed)


@dataclass(frozen=True, slots=True)
class RegistryView:
    """What rows are held against: devices, feeds, the units of today, where things lie, and the sender's wall."""

    devices: Mapping[str, Device]
    feeds: Collection[str]
    units: Collection[str]
    places: PlaceFinder
    now: datetime
    box: Box = WORLD
    """Where the site lies."""
    scope: Scope = EVERYWHERE

    def sees(self, device: Device) -> bool:
        """Tell whether a device lies inside the wall."""
        return self.scope.sees(area=device.area, zone=device.zone, feed=device.feed)


def plan_import(table: SheetTable, registry: RegistryView) -> ImportPlan:
    """Return what the rows of a sheet would do."""
    plan = ImportPlan()
    plan.note_head(table, Label("không có dòng thiết bị nào", "there is no row of a device"))
    if len(table.rows) > ROWS_MAX:
        text = Label(f"có hơn {ROWS_MAX} dòng: chia thành nhiều tệp", f"more than {ROWS_MAX} rows: send it in parts")
        plan.note([CellFault("", 0, "", "too_many_rows", text)])
        return plan
    checks = [_DeviceRowCheck(row, registry, ragged=row.number in table.ragged) for row in table.rows]
    first: dict[str, _DeviceRowCheck] = {}
    for check in checks:
        check.read()
        if check.id is not None and first.setdefault(check.id, check) is not check:
            check.fault("id", "twice", f"mã này đã có ở dòng {first[check.id].number}",
                        f"this id stands in row {first[check.id].number} already")  # fmt: skip
    parents = {device.id: device.parent for device in registry.devices.values()}
    parents |= {name: check.parent for name, check in first.items()}
    for check in checks:
        check.hold(first, parents)
        plan.note(check.faults)
        plan.rows.append(check.planned(plan))
    return plan


class _DeviceRowCheck:
    """The check of one row."""

    def __init__(self, row: SheetRow, registry: RegistryView, *, ragged: bool) -> None:
        self.faults: list[CellFault] = []
        self.number = row.number
        self.id: str | None = None
        self._known: Device | None = None
        self._row = row
        self._registry = registry
        self._ragged = ragged
        self._values: dict[str, Any] = {}

    @property
    def parent(self) -> str | None:
        """The device above this one once the row counts."""
        before = self._known.parent if self._known is not None else None
        return self._values.get("parent", before)

    def fault(self, column: str, code: str, vi: str, en: str) -> None:
        """Note what is wrong in a column."""
        # A column that the sheet does not have has no cell: the row's first one stands for it.
        cell = self._row.cells.get(column) or self._row.cells["id"]
        self.faults.append(CellFault(cell.place, self.number, column, code, Label(vi, en)))

    def read(self) -> None:
        """Read the cells, each by itself."""
        if self._ragged:
            self.fault("", "ragged_row", "số ô khác dòng tiêu đề: đặt chữ có dấu phẩy trong ngoặc kép",
                       "the row does not have the cells of the head: quote text that holds a comma")  # fmt: skip
            return
        said = self._row.value("id")
        if said is None:
            self.fault("id", "no_id", "thiếu mã thiết bị", "the id of the device is missing")
        else:
            self.id = self._cell("id", said)
        self._known = None if self.id is None else self._registry.devices.get(self.id)
        for column in WRITTEN[1:]:
            value = self._row.value(column.id)
            if value is None:
                continue
            if value == CLEARED:
                self._clear(column.id)
            elif self._known is not None and column.id in AS_KNOWN and value == getattr(self._known, column.id):
                self._values[column.id] = value
            else:
                read = self._cell(column.id, value)
                if read is not None:
                    self._values[column.id] = read

    def _cell(self, column: str, value: object) -> Any:
        try:
            return READERS[column](value)
        except CellError as error:
            self.fault(column, error.code, error.message.vi, error.message.en)
            return None

    def _clear(self, column: str) -> None:
        if column in CLEARABLE:
            self._values[column] = None
        else:
            self.fault(column, "cannot_clear", "cột này không xóa được: để trống để giữ nguyên",
                       "this cannot be cleared: leave it empty to leave it as it is")  # fmt: skip

    def hold(self, rows: Mapping[str, _DeviceRowCheck], parents: Mapping[str, str | None]) -> None:
        """Hold what was read against the registry and the other rows."""
        if self._ragged:
            return
        if self._known is not None and not self._registry.sees(self._known):
            self.fault("id", "not_yours", "mã này là thiết bị ngoài phạm vi của bạn",
                       "this is the id of a device that is not yours")  # fmt: skip
            return
        self._hold_feed()
        self._hold_point()
        self._hold_area()
        self._hold_parent(rows, parents)

    def _hold_feed(self) -> None:
        feed, known = self._values.pop("feed", None), self._known
        if feed is None:
            # Without a readable id nobody knows whether the device is new.
            if known is None and self.id is not None and "feed" not in {one.column for one in self.faults}:
                self.fault("feed", "no_feed", "thiết bị mới cần mã nguồn dữ liệu", "a new device needs a feed")
        elif feed not in self._registry.feeds:
            self.fault("feed", "unknown_feed", f"không có nguồn dữ liệu '{shown(feed)}'; mã có trong tệp mẫu",
                       f"there is no feed {shown(feed)}; the template has them")  # fmt: skip
        elif known is not None and feed != known.feed:
            self.fault("feed", "other_feed", f"đã đăng ký cho {known.feed}: thiết bị giữ nguyên nguồn dữ liệu",
                       f"it is registered for {known.feed}: a device keeps its feed")  # fmt: skip
        elif feed in self._registry.scope.hidden_feeds:
            self.fault("feed", "not_yours", "nguồn dữ liệu này không thuộc quyền của bạn", "this feed is not yours")
        elif known is None:
            self._values["feed"] = feed

    def _hold_point(self) -> None:
        if {"lat", "lon"} & {one.column for one in self.faults}:
            return
        lat, lon = self._values.get("lat"), self._values.get("lon")
        if (lat is None) != (lon is None):
            self.fault("lat" if lat is None else "lon", "half_point", "vĩ độ và kinh độ phải đi cùng nhau",
                       "lat and lon come together")  # fmt: skip
        elif lat is not None and lon is not None and not self._registry.box.holds(lat, lon):
            swapped = self._registry.box.holds(lon, lat)
            vi = "có thể vĩ độ và kinh độ bị đổi chỗ" if swapped else "kiểm tra lại tọa độ"
            en = "did you swap lat and lon?" if swapped else f"this site lies at {self._registry.box}"
            self.fault("lat", "outside_site", f"{lat:g}, {lon:g} nằm ngoài địa bàn: {vi}",
                       f"{lat:g}, {lon:g} lies outside of this site: {en}")  # fmt: skip

    def _hold_area(self) -> None:
        registry, known, code = self._registry, self._known, self._values.get("area")
        before = len(self.faults)
        if code is None:
            lat, lon = self._values.get("lat"), self._values.get("lon")
            if known is None and lat is not None and lon is not None:
                code = registry.places.area_at(lat, lon)
        elif code not in registry.units:
            # A spreadsheet makes a number of 04795.
            padded = code.zfill(CODE_DIGITS) if code.isdigit() else code
            if padded not in registry.units:
                self.fault("area", "unknown_area", f"không có xã, phường nào hiện nay mang mã {shown(code)}",
                           f"no unit of today has the code {shown(code)}")  # fmt: skip
                return
            code = padded
        if code is not None:
            self._values["area"], self._values["zone"] = code, registry.places.zone_of(code)
        is_new = known is None and self.id is not None
        if (code is not None or is_new) and before == len(self.faults):
            zone = self._values.get("zone")
            if not registry.scope.sees(area=code, zone=zone):
                self.fault("area", "not_yours",
                           "ghi mã xã, phường thuộc phạm vi của bạn" if code is None
                           else f"{code} ngoài phạm vi của bạn",
                           "name an area of yours" if code is None else f"{code} is not yours")  # fmt: skip

    def _hold_parent(self, rows: Mapping[str, _DeviceRowCheck], parents: Mapping[str, str | None]) -> None:
        parent = self._values.get("parent")
        if parent is None:
            return
        above = self._registry.devices.get(parent)
        seen = self._registry.sees(above) if above is not None else parent in rows
        if not seen or parent == self.id:
            self.fault("parent", "unknown_parent", f"không có thiết bị nào khác mang mã {shown(parent)}",
                       f"no other device {shown(parent)}: register it, or add its row")  # fmt: skip
            return
        passed, here = {self.id}, parents.get(str(self.id))
        while here is not None and here not in passed:
            passed.add(here)
            here = parents.get(here)
        if here == self.id:
            self.fault("parent", "loop", f"{shown(parent)} lại nằm dưới thiết bị này",
                       f"{shown(parent)} is itself below this device")  # fmt: skip

    def planned(self, plan: ImportPlan) -> PlannedDevice:
        """Return what becomes of the row, and add it to what the plan writes."""
        if self.faults or self.id is None:
            return PlannedDevice(self._row, self.id, RowOutcome.FAULTY)
        values, known = dict(self._values), self._known
        if known is None:
            columns = tuple(sorted(set(values) - {"zone"}))
            plan.created.append(self._new(values))
            return PlannedDevice(self._row, self.id, RowOutcome.NEW, columns)
        old = {**{name: getattr(known, name) for name in values if not name.startswith("name_")},
               "name_vi": known.name.vi, "name_en": known.name.en}  # fmt: skip
        new = {name: value for name, value in values.items() if old[name] != value}
        if not new:
            return PlannedDevice(self._row, self.id, RowOutcome.UNCHANGED)
        plan.changed.append(DeviceChange(self.id, known.version, new))
        return PlannedDevice(self._row, self.id, RowOutcome.CHANGED, tuple(sorted(set(new) - {"zone"})))

    def _new(self, values: dict[str, Any]) -> Device:
        assert self.id is not None
        vi = values.pop("name_vi", None) or self.id
        label = Label(vi, values.pop("name_en", None) or vi)
        state = DeviceState(values.pop("state", DeviceState.ACTIVE))
        filled = {name: value for name, value in values.items() if value is not None}
        return Device(id=self.id, name=label, registered_at=self._registry.now, state=state, **filled)
