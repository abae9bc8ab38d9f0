"""Sheets of dated rows: what one would change, and what one has changed."""

from ioc.api.serializers.models.base import AnswerModel, Moment, WholeListModel
from ioc.api.serializers.models.dated.limits import LimitEntryModel
from ioc.api.serializers.models.dated.lookups import LookupEntryModel
from ioc.api.serializers.models.indicators import CellFaultModel, PreviewColumnModel
from ioc.domain.dated.row import RowImportState
from ioc.sheets.table import RowOutcome


class RowPreviewModel(AnswerModel):
    """One row as it stands in the sheet, and what would become of it."""

    row: int
    made: str | None
    """The id of what it says; null: the row has faults."""
    outcome: RowOutcome
    cells: dict[str, str]
    """What is in its cells, by column."""
    changed: list[str]
    """The columns that would change."""
    before: dict[str, str]
    """What those columns have now; one without a value is not there."""


class RowImportPreviewModel(AnswerModel):
    """What an import would change, and every fault of it; nothing was stored."""

    rows: int
    new_count: int
    changed_count: int
    unchanged_count: int
    fault_count: int
    faults: list[CellFaultModel]
    """The first 1,000."""
    columns: list[PreviewColumnModel]
    items: list[RowPreviewModel]
    """At most 500 rows: those with faults first, then those that change something."""


class RowImportModel(AnswerModel):
    """A sheet of limits, or of rows of a lookup table, that was imported, and whether it was undone."""

    id: str
    number: int
    state: RowImportState
    version: int
    file_name: str | None
    new_count: int
    changed_count: int
    unchanged_count: int
    why: str
    sent_by: str
    sent_at: Moment
    undone_by: str | None
    undone_at: Moment | None
    reason: str | None


class RowImportListModel(WholeListModel):
    """Imports, the last one first."""

    items: list[RowImportModel]


class ImportedLimitModel(AnswerModel):
    """A limit of an import: as the sheet says it, and as it was before; null: it is new."""

    id: str
    row: LimitEntryModel
    before: LimitEntryModel | None


class OneLimitImportModel(RowImportModel):
    """An import with its limits."""

    rows: list[ImportedLimitModel]


class ImportedLookupModel(AnswerModel):
    """A row of an import: as the sheet says it, and as it was before; null: it is new."""

    id: str
    row: LookupEntryModel
    before: LookupEntryModel | None


class OneLookupImportModel(RowImportModel):
    """An import with its rows."""

    rows: list[ImportedLookupModel]
