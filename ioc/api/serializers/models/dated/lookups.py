"""Lookup tables, their rows, and what they say of an alert."""

from typing import Any, Literal

from ioc.api.serializers.models.base import AnswerModel, Day, LabelModel, Moment, WholeListModel
from ioc.domain.dated.row import RowAction, RowState
from ioc.domain.lookups.table import ColumnType, KeyMatch


class LookupWordModel(AnswerModel):
    """One word that a column may hold, and what people are told."""

    value: str
    label: LabelModel


class LookupColumnModel(AnswerModel):
    """A column of a table."""

    id: str
    label: LabelModel
    type: ColumnType
    unit: str
    needed: bool
    words: list[LookupWordModel]
    """Those of a word; of any other type none."""


class LookupKeyModel(AnswerModel):
    """What the rows of a table are keyed by."""

    label: LabelModel
    match: KeyMatch
    feeds: list[str]
    field: str | None
    """The field of these feeds whose text it is; null: a device of theirs."""


class LookupTableNounModel(AnswerModel):
    """A lookup table as the pack declares it."""

    id: str
    label: LabelModel
    noun: LabelModel
    """What people call one row."""
    key: LookupKeyModel
    restricted: bool
    """For people alone; every look at its rows is in the audit trail."""
    rows: int
    """How many the caller may see."""
    columns: list[LookupColumnModel]


class LookupTableListModel(AnswerModel):
    """All tables that the caller may read."""

    items: list[LookupTableNounModel]
    left_over: int
    """Rows of tables that the pack no longer declares: kept, and shown nowhere."""


class LookupValueModel(AnswerModel):
    """What a row has in one column."""

    id: str
    label: LabelModel
    type: ColumnType
    unit: str
    value: Any
    word: LabelModel | None
    """What people are told of a word."""


class LookupEntryModel(AnswerModel):
    """A row as its history keeps it."""

    table: str
    key: str
    data: dict[str, Any]
    columns: list[LookupValueModel]
    source: str
    verified: bool
    valid_from: Day | None
    valid_to: Day | None


class LookupRowModel(LookupEntryModel):
    """A row of a lookup table: what is known of a device or of a code, on the days from one to another."""

    id: str
    device: str | None
    device_name: LabelModel | None
    state: RowState
    """How it stands among those of its key, on the day asked for (`on`), else today."""
    restricted: bool
    removed: bool
    version: int
    changed_at: Moment
    changed_by: str | None
    changed_why: str


class LookupRowListModel(WholeListModel):
    """A page of rows."""

    items: list[LookupRowModel]


class LookupStepModel(AnswerModel):
    """One change of a row."""

    number: int
    at: Moment
    actor: str | None
    action: RowAction
    why: str
    version: int
    row: LookupEntryModel | None
    """How it stood after it; null: it was taken out."""


class LookupHistoryModel(WholeListModel):
    """A page of a row's history, newest first."""

    items: list[LookupStepModel]


class LookupAnswerModel(AnswerModel):
    """What a lookup table says of a key that an alert names, on the day the alert opened."""

    table: str
    label: LabelModel
    noun: LabelModel
    key: str
    key_label: LabelModel
    device: str | None
    """The key, where it is a device."""
    state: Literal["holds", "ended", "coming", "missing"]
    """Whether the row holds on that day, had ended, was to come, or there is none."""
    restricted: bool
    row: str | None
    columns: list[LookupValueModel]
    source: str | None
    verified: bool
    valid_from: Day | None
    valid_to: Day | None
