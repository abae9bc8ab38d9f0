"""The check of figures, cell by cell: every fault is named with where it is, what was found there and what to do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ioc.domain.feed import FieldType, Label
from ioc.domain.indicators.indicator import Indicator, Period, PeriodKind
from ioc.domain.search import words_of
from ioc.indicators.cells import read_period
from ioc.sheets.cells import read_number, shown
from ioc.sheets.table import Cell, CellFault, Column, FaultList, SheetRow, SheetTable

ROWS_MAX = 2_000
"""Rows of one import."""
EITHER = re.compile(r"-?\d{1,3}[.,]\d{3}")
"""A thousand and some, or one and a bit: nobody guesses which."""
KIND_WORDS = {
    PeriodKind.MONTH: Label("tháng, như 10/2026", "a month, such as 2026-10"),
    PeriodKind.QUARTER: Label("quý, như Q4/2026", "a quarter, such as 2026-Q4"),
    PeriodKind.YEAR: Label("năm, như 2026", "a year, such as 2026"),
}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One row that passed: what it says of one indicator in one period; None leaves what is known as it is."""

    number: int
    indicator: str
    period: Period
    plan: float | None
    actual: float | None
    extra: Mapping[str, Any]


@dataclass(slots=True)
class Checked(FaultList):
    """The rows that passed and the faults of the others."""

    rows: list[FigureRow] = field(default_factory=list)


def check_sheet(
    sheet: SheetTable, indicators: Mapping[str, Indicator], columns: Sequence[Column], today: date
) -> Checked:
    """Return what a sheet says of these indicators, and each fault of it."""
    checked = Checked()
    first: dict[tuple[str, Period], SheetRow] = {}
    checked.note_missing(sheet)
    if not sheet.missing and not sheet.rows:
        text = Label("không có dòng nào có số liệu", "no row has a figure")
        checked.note([CellFault("", 0, "", "no_rows", text)])
    for row in sheet.rows:
        check = _RowCheck(row, indicators, columns, today)
        made = check.figure()
        if made is not None:
            other = first.setdefault((made.indicator, made.period), row)
            if other is not row:
                check.fault("period", "twice", f"chỉ tiêu và kỳ này đã có ở dòng {other.number}",
                            f"this indicator and period stand in row {other.number} already")  # fmt: skip
        checked.note(check.faults)
        if made is not None and not check.faults:
            checked.rows.append(made)
    return checked


class _RowCheck:
    """The check of one row."""

    def __init__(
        self, row: SheetRow, indicators: Mapping[str, Indicator], columns: Sequence[Column], today: date
    ) -> None:
        self.faults: list[CellFault] = []
        self._row = row
        self._indicators = indicators
        self._columns = columns
        self._today = today

    def figure(self) -> FigureRow | None:
        """Return what the row says, None where not even its indicator and period can be told."""
        indicator = self._indicator()
        period = self._period(indicator)
        plan, actual = self._number("plan", indicator), self._number("actual", indicator)
        extra = dict(self._extras(indicator)) if indicator is not None else {}
        if indicator is not None:
            self._same(indicator.unit, "unit", "đơn vị tính", "the unit")
            self._same_agency(indicator)
        if self._row.value("plan") is None and self._row.value("actual") is None:
            self.fault("actual", "no_figure", "nhập kế hoạch hoặc thực hiện", "enter the plan or the actual")
        if indicator is None or period is None:
            return None
        if actual is not None:
            self._may_be_reported(indicator, period)
        return FigureRow(self._row.number, indicator.code, period, plan, actual, extra)

    def fault(self, column: str, code: str, vi: str, en: str) -> None:
        """Note what is wrong in a column."""
        cell = self._row.cells.get(column, Cell(f"{column} {self._row.number}", None))
        self.faults.append(CellFault(cell.place, self._row.number, column, code, Label(vi, en)))

    def _indicator(self) -> Indicator | None:
        value = self._row.value("indicator")
        if value is None:
            self.fault("indicator", "no_indicator", "thiếu mã chỉ tiêu", "the indicator's code is missing")
            return None
        found = self._indicators.get(str(value).strip().lower())
        if found is None:
            said = shown(value)
            self.fault("indicator", "unknown_indicator", f"không có chỉ tiêu '{said}'; mã có trong tệp mẫu",
                       f"there is no indicator '{said}'; the template has the codes")  # fmt: skip
        return found

    def _period(self, indicator: Indicator | None) -> Period | None:
        value = self._row.value("period")
        if value is None:
            self.fault("period", "no_period", "thiếu kỳ", "the period is missing")
            return None
        period, said = read_period(value), shown(value)
        if period is None:
            self.fault("period", "bad_period", f"'{said}' không phải kỳ: viết 10/2026, Q4/2026 hoặc 2026",
                       f"'{said}' is no period: write 2026-10, 2026-Q4 or 2026")  # fmt: skip
            return None
        if indicator is not None and period.kind not in (indicator.period_kind, PeriodKind.YEAR):
            wanted = KIND_WORDS[indicator.period_kind]
            self.fault("period", "wrong_period", f"'{said}': chỉ tiêu này báo cáo theo {wanted.vi}",
                       f"'{said}': this indicator is reported by {wanted.en}")  # fmt: skip
            return None
        if period.year > self._today.year + 1:
            self.fault("period", "far_period", f"'{said}' ở quá xa", f"'{said}' lies too far ahead")
            return None
        return period

    def _may_be_reported(self, indicator: Indicator, period: Period) -> None:
        if period.kind is not indicator.period_kind:
            wanted = KIND_WORDS[indicator.period_kind]
            self.fault("actual", "plan_only", f"cả năm chỉ có kế hoạch; thực hiện nhập theo {wanted.vi}",
                       f"of the whole year there is a plan only; actuals come by {wanted.en}")  # fmt: skip
        elif period.first_day > self._today:
            self.fault("actual", "future_period", "kỳ này chưa bắt đầu, chưa thể có thực hiện",
                       "this period has not begun: it can have no actual")  # fmt: skip

    def _number(self, column: str, indicator: Indicator | None) -> float | None:
        value = self._row.value(column)
        if value is None:
            return None
        number, said = read_number(value), shown(value)
        if number is None:
            self._no_number(column, said)
            return None
        if indicator is not None and not _within(number, indicator.possible_min, indicator.possible_max):
            low, high = _edge(indicator.possible_min), _edge(indicator.possible_max)
            self.fault(column, "out_of_range", f"{said} nằm ngoài khoảng có thể ({low} đến {high} {indicator.unit})",
                       f"{said} is outside what is possible ({low} to {high} {indicator.unit})")  # fmt: skip
            return None
        return number

    def _no_number(self, column: str, said: str) -> None:
        if EITHER.fullmatch(said):
            self.fault(column, "two_numbers", f"'{said}' đọc được hai cách: nhập vào ô dạng số, không phải chữ",
                       f"'{said}' can be read in two ways: enter it as a number, not as text")  # fmt: skip
        else:
            self.fault(column, "not_a_number", f"'{said}' không phải số", f"'{said}' is no number")

    def _extras(self, indicator: Indicator) -> Iterator[tuple[str, Any]]:
        own = {spec.name: spec for spec in indicator.columns}
        for column in self._columns:
            value = self._row.value(column.id)
            if column.spec is None or value is None:
                continue
            spec, said = own.get(column.id), shown(value)
            if spec is None:
                self.fault(column.id, "not_of_indicator", "chỉ tiêu này không có cột này: để trống",
                           "this indicator has no such column: leave it empty")  # fmt: skip
                continue
            if spec.type not in (FieldType.NUMBER, FieldType.INTEGER):
                if spec.values and str(value) not in spec.values:
                    self.fault(column.id, "unknown_value", f"'{said}' không có trong: {', '.join(spec.values)}",
                               f"'{said}' is none of: {', '.join(spec.values)}")  # fmt: skip
                elif len(str(value)) > spec.length_max:
                    self.fault(column.id, "too_long", f"tối đa {spec.length_max} ký tự",
                               f"at most {spec.length_max} characters")  # fmt: skip
                yield spec.name, str(value)
                continue
            number = read_number(value)
            if number is None or (spec.type is FieldType.INTEGER and not number.is_integer()):
                self._no_number(column.id, said)
            elif not _within(number, spec.possible_min, spec.possible_max):
                low, high = _edge(spec.possible_min), _edge(spec.possible_max)
                self.fault(column.id, "out_of_range", f"{said} nằm ngoài khoảng có thể ({low} đến {high})",
                           f"{said} is outside what is possible ({low} to {high})")  # fmt: skip
            else:
                yield spec.name, int(number) if spec.type is FieldType.INTEGER else number

    def _same(self, expected: str, column: str, vi: str, en: str) -> None:
        value = self._row.value(column)
        if value is not None and _bare(str(value)) != _bare(expected):
            self.fault(column, f"wrong_{column}", f"'{shown(value)}' khác {vi} của chỉ tiêu: {expected}",
                       f"'{shown(value)}' is not {en} of the indicator: {expected}")  # fmt: skip

    def _same_agency(self, indicator: Indicator) -> None:
        value, agency = self._row.value("agency"), indicator.agency
        known = {words_of(text) for text in (agency.name.vi, agency.name.en, agency.id)}
        if value is not None and words_of(str(value)) not in known:
            self.fault("agency", "wrong_agency", f"'{shown(value)}' không phải cơ quan báo cáo: {agency.name.vi}",
                       f"'{shown(value)}' is not the agency that reports it: {agency.name.en}")  # fmt: skip


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split()).lower()


def _edge(number: float | None) -> str:
    return "…" if number is None else f"{number:g}"
