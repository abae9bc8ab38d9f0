"""Limits by device, class and area, the tables in which rules look them up, and the history of each."""

from typing import Literal

from pydantic import ConfigDict, Field

from ioc.api.serializers.models.base import AnswerModel, Day, LabelModel, Moment, WholeListModel
from ioc.domain.dated.row import RowAction, RowOrigin, RowState
from ioc.domain.severity import Severity


class LimitEntryModel(AnswerModel):
    """A limit as the log has it."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    level: Severity | None
    device: str | None
    device_class: str | None = Field(alias="class")
    area: str | None
    value: float
    unit: str
    source: str
    verified: bool
    valid_from: Day | None
    valid_to: Day | None


class DatedLimitModel(LimitEntryModel):
    """A limit of a table: of a device, of a class of devices or of an area, on the days from one to another."""

    id: str
    device_name: LabelModel | None
    area_name: LabelModel | None
    in_force: bool
    """Whether today is one of its days."""
    state: RowState
    """How it stands among those of its table, level and target, on the day asked for (`on`), else today."""
    origin: RowOrigin
    removed: bool
    """It was taken out: only the answer to that, or to an undo, has it."""
    version: int
    changed_at: Moment
    changed_by: str | None
    """Null: the pack."""
    changed_why: str


class LimitListModel(WholeListModel):
    """A page of limits."""

    items: list[DatedLimitModel]


class LimitTableRuleModel(AnswerModel):
    """A rule that looks its limit up."""

    id: str
    title: LabelModel | None


class OwnLimitModel(AnswerModel):
    """What a rule goes by for whoever has no row in the table."""

    rule: str
    level: Severity | None
    """Null: every level."""
    value: float
    unit: str
    source: str
    verified: bool
    valid_from: Day | None
    label: LabelModel | None
    """What people call it, such as BĐ II."""


class LimitTableNounModel(AnswerModel):
    """A table as the rules ask for it: what a row may be of, for which level and in which unit."""

    name: str
    rules: list[LimitTableRuleModel]
    targets: list[Literal["device", "class", "area", "zone"]]
    units: list[str]
    """None: what is compared has no unit."""
    levels: list[Severity]
    feeds: list[str]
    own: list[OwnLimitModel]
    """Empty: without a row there is no data."""


class LimitTableListModel(AnswerModel):
    """All tables."""

    items: list[LimitTableNounModel]


class LimitStepModel(AnswerModel):
    """One change of a limit."""

    number: int
    at: Moment
    actor: str | None
    """Null: the pack."""
    action: RowAction
    why: str
    version: int
    limit: LimitEntryModel | None
    """How it stood after it; null: it was taken out."""
    position: int | None
    """The log entry from which it counts."""


class LimitHistoryModel(WholeListModel):
    """A page of a limit's history, newest first."""

    items: list[LimitStepModel]
