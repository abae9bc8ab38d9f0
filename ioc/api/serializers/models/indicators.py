"""Indicators as they stand, and the imports that bring their figures."""

from ioc.api.serializers.models.base import AnswerModel, Day, LabelModel, Moment, Values, WholeListModel
from ioc.domain.indicators.indicator import Direction, ImportState, PeriodKind


class AgencyModel(AnswerModel):
    """The body that reports an indicator."""

    id: str
    name: LabelModel


class StandingModel(AnswerModel):
    """How an indicator stands in one period; null: it cannot be told."""

    period: str
    """`2026-10`, `2026-Q4` or `2026`."""
    plan: float | None
    actual: float | None
    achievement_pct: float | None
    """The actual as a part of the period's plan."""
    met: bool | None
    """Whether the period's plan is met, in the indicator's own direction."""
    cumulative_plan: float | None
    cumulative_actual: float | None
    """The year so far; null as soon as a period of it is missing."""
    year_plan: float | None
    year_pct: float | None
    """The year so far as a part of the year's plan."""
    due_pct: float | None
    """What was planned up to now as a part of the year's plan."""
    last_year: float | None
    """The actual of the same period of the year before."""
    yoy_change: float | None
    yoy_pct: float | None
    """Growth on the year before; null of what is a percentage itself."""
    due_on: Day
    """The last day on which its figure is in time."""
    late: bool


class IndicatorModel(AnswerModel):
    """An indicator, and how it stands in the period that was asked for or that is newest."""

    code: str
    label: LabelModel
    unit: str
    digits: int
    domain: str
    agency: AgencyModel
    feed: str
    area: str | None
    zone: str | None
    period_kind: PeriodKind
    direction: Direction
    accumulates: bool
    """Whether its periods add up over the year."""
    standing: StandingModel
    late_periods: list[str]
    """Periods since it was last reported whose figure should be there, newest first."""
    changed_at: Moment | None
    """When the period's figure was approved."""
    changed_by: str | None
    """The import that brought it."""


class IndicatorListModel(WholeListModel):
    """Indicators in the order of the pack."""

    items: list[IndicatorModel]


class IndicatorFigureModel(StandingModel):
    """One period of an indicator, with what is known beside plan and actual, and where it comes from."""

    extra: Values
    event: str | None
    """The key of its event in the log."""
    changed_at: Moment
    changed_by: str
    sent_by: str | None
    approved_by: str | None


class OneIndicatorModel(IndicatorModel):
    """An indicator with its figures, newest period first."""

    figures: list[IndicatorFigureModel]


class CellFaultModel(AnswerModel):
    """What is wrong in one cell of a sheet."""

    cell: str
    """Where, as people say it: `C17`; empty of the sheet as a whole."""
    row: int
    column: str
    code: str
    message: LabelModel


class PreviewRowModel(AnswerModel):
    """One row as it stands in the sheet, and what is known of its indicator and period now."""

    row: int
    cells: dict[str, str]
    """What is in its cells, by column."""
    indicator: str | None
    period: str | None
    plan_before: float | None
    actual_before: float | None
    ok: bool


class PreviewColumnModel(AnswerModel):
    """A column of the sheet."""

    id: str
    label: LabelModel


class ImportPreviewModel(AnswerModel):
    """What an import would bring, and every fault of it; nothing was stored."""

    rows: int
    """Rows with something in them."""
    valid_rows: int
    fault_count: int
    faults: list[CellFaultModel]
    unread_columns: list[str]
    """Columns of the sheet that are no columns of figures."""
    columns: list[PreviewColumnModel]
    items: list[PreviewRowModel]


class IndicatorImportModel(AnswerModel):
    """A sheet of figures that was sent, and what became of it."""

    id: str
    number: int
    state: ImportState
    version: int
    file_name: str | None
    row_count: int
    sent_by: str
    sent_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    undone_by: str | None
    undone_at: Moment | None
    reason: str | None


class IndicatorImportListModel(WholeListModel):
    """Imports, the last sent first."""

    items: list[IndicatorImportModel]


class ImportRowModel(AnswerModel):
    """One row of an import; ``*_before``: what stands, or stood when it was approved."""

    row: int
    indicator: str
    period: str
    plan: float | None
    actual: float | None
    extra: Values
    plan_before: float | None
    actual_before: float | None


class OneIndicatorImportModel(IndicatorImportModel):
    """An import with its rows."""

    rows: list[ImportRowModel]
