"""Backtests of a rule, and what each found."""

from typing import Any

from pydantic import Field

from ioc.api.serializers.models.base import AnswerModel, Day, LabelModel, Moment, Values, WholeListModel
from ioc.api.serializers.models.evidence import LimitModel, ReadingModel
from ioc.domain.severity import Severity
from ioc.store.rules.backtests import BacktestState


class BacktestProgressModel(AnswerModel):
    """How far it is."""

    done: int
    """Positions of the log that it has read."""
    total: int
    fraction: float
    events_per_second: float


class BacktestDayModel(AnswerModel):
    """What a form did on a local day."""

    day: Day
    opened: int
    firing_seconds: float


class BacktestAlertModel(AnswerModel):
    """An alert that a form would have raised, with the evidence of its highest severity."""

    key: str
    severity: Severity
    opened_at: Moment
    cleared_at: Moment | None
    reason: str
    summary: LabelModel
    retrospective: bool
    chattering: bool
    flaps: int
    device: str | None
    area: str | None
    zone: str | None
    clause: str
    limit: LimitModel | None
    values: Values
    details: dict[str, Any]
    readings: list[ReadingModel]


class BacktestSideModel(AnswerModel):
    """What one form did."""

    version: int | None
    """Null: this text is not in force."""
    hash: str
    opened: int
    reopened: int
    firing_seconds: float
    severities: dict[Severity, int]
    days: list[BacktestDayModel]
    alerts: list[BacktestAlertModel]


class BacktestResultModel(AnswerModel):
    """What a backtest found; the counts are the candidate's."""

    entries: int
    events: int
    late: int
    no_data: int
    errors: int
    full: int
    candidate: BacktestSideModel
    present: BacktestSideModel | None
    """The form in force; null: there is none beside it."""
    truncated: bool
    """Whether alerts were left out of the lists."""
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    read_from: Moment
    seconds: float


class ListedBacktestModel(AnswerModel):
    """A backtest, without its result."""

    id: str
    rule: str
    version: int | None
    hash: str
    state: BacktestState
    progress: BacktestProgressModel
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    include_history: bool
    asked_by: str
    asked_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    reason: str | None
    moves: int


class BacktestModel(ListedBacktestModel):
    """A backtest."""

    result: BacktestResultModel | None
    """Null: it is not done."""


class BacktestListModel(WholeListModel):
    """Backtests, newest first."""

    items: list[ListedBacktestModel]
