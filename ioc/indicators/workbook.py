"""Workbooks that people fill in or take away: the template, and how indicators stand. Text is text, never a formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ioc.domain.feed import Label
from ioc.domain.indicators.indicator import Indicator
from ioc.indicators.check import ROWS_MAX
from ioc.indicators.columns import PERIOD, columns_of
from ioc.indicators.standing import Standing
from ioc.sheets.workbook import Book

SHEET = Label("Chỉ tiêu", "Indicators")
GUIDE_LINES = (
    Label("Mỗi dòng là một chỉ tiêu của một kỳ. Một tệp có tối đa {rows} dòng.",
          "Each row is one indicator of one period. A file has at most {rows} rows."),
    Label("Kỳ: tháng 2026-10 hoặc 10/2026, quý 2026-Q4 hoặc Q4/2026, năm 2026.",
          "Period: month 2026-10 or 10/2026, quarter 2026-Q4 or Q4/2026, year 2026."),
    Label("Kế hoạch cả năm của chỉ tiêu tháng, quý: thêm một dòng với kỳ là năm, chỉ nhập cột Kế hoạch.",
          "The year's plan of an indicator by month or quarter: a row whose period is the year, the plan alone."),
    Label("Ô để trống giữ nguyên số đã có. Nhập số vào ô dạng số, dấu thập phân theo máy của bạn.",
          "An empty cell leaves what is known. Enter numbers as numbers, with your program's decimal sign."),
    Label("Cột Tên chỉ tiêu để đọc; Đơn vị tính và Cơ quan báo cáo phải đúng như mẫu hoặc để trống.",
          "The indicator's name is for reading; unit and agency are as in the template, or empty."),
    Label("Tệp được kiểm tra từng ô, chỉ có hiệu lực khi một tài khoản khác phê duyệt.",
          "The file is checked cell by cell, and counts once another account has approved it."),
)  # fmt: skip
STANDING_COLUMNS: Sequence[tuple[str, Label, int]] = (
    ("code", Label("Mã chỉ tiêu", "Indicator code"), 26),
    ("name", Label("Tên chỉ tiêu", "Indicator"), 56),
    ("unit", Label("Đơn vị tính", "Unit"), 14),
    ("agency", Label("Cơ quan báo cáo", "Agency"), 34),
    ("period", Label("Kỳ", "Period"), 12),
    ("plan", Label("Kế hoạch", "Plan"), 16),
    ("actual", Label("Thực hiện", "Actual"), 16),
    ("achievement_pct", Label("Thực hiện/kế hoạch (%)", "Actual of plan (%)"), 20),
    ("cumulative_actual", Label("Lũy kế từ đầu năm", "Year to date"), 18),
    ("year_plan", Label("Kế hoạch năm", "Year's plan"), 16),
    ("year_pct", Label("Lũy kế/kế hoạch năm (%)", "Year to date of the year's plan (%)"), 22),
    ("last_year", Label("Cùng kỳ năm trước", "Same period last year"), 18),
    ("yoy_pct", Label("Tăng so với cùng kỳ (%)", "Growth on last year (%)"), 20),
    ("yoy_change", Label("Chênh so với cùng kỳ", "Change on last year"), 18),
    ("due_day", Label("Hạn báo cáo", "Due"), 14),
    ("late", Label("Quá hạn", "Late"), 10),
)


def template(indicators: Sequence[Indicator], *, language: str) -> bytes:
    """Return the workbook that agencies fill in: a row for each indicator."""
    columns = columns_of(indicators)
    with Book(language) as book:
        sheet = book.sheet(SHEET, [(column.label, column.width) for column in columns],
                           typed_as_text=(PERIOD.label,))  # fmt: skip
        for row, indicator in enumerate(indicators, start=1):
            known = _known(indicator, language)
            for place, column in enumerate(columns):
                if column.id in known:
                    book.write(sheet, row, place, known[column.id])
        book.numbers_only(sheet, columns, ROWS_MAX)
        book.guide(GUIDE_LINES, rows=ROWS_MAX)
    return book.content


def standings(rows: Iterable[tuple[Indicator, Standing]], *, language: str) -> bytes:
    """Return the workbook of how indicators stand."""
    with Book(language) as book:
        sheet = book.sheet(SHEET, [(label, width) for _, label, width in STANDING_COLUMNS],
                           typed_as_text=(PERIOD.label,))  # fmt: skip
        for row, (indicator, stands) in enumerate(rows, start=1):
            values = {
                **{name: getattr(stands, name, None) for name, _, _ in STANDING_COLUMNS},
                "code": indicator.code,
                **_known(indicator, language),
                "period": stands.period.code,
                "due_day": stands.due_day.isoformat(),
                "late": book.said(Label("quá hạn", "late")) if stands.late else None,
            }
            for place, (name, _, _) in enumerate(STANDING_COLUMNS):
                book.write(sheet, row, place, values[name], digits=None if name.endswith("_pct") else indicator.digits)
    return book.content


def _known(indicator: Indicator, language: str) -> Mapping[str, str]:
    """Return what a row says of its indicator before anybody fills it in."""
    vi = language == "vi"
    return {
        "indicator": indicator.code,
        "name": indicator.label.vi if vi else indicator.label.en,
        "unit": indicator.unit,
        "agency": indicator.agency.name.vi if vi else indicator.agency.name.en,
    }
