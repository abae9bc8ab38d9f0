"""Drills, what can be trained, how each was handled; and the tour."""

from typing import Literal

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, WholeListModel
from ioc.domain.severity import Severity


class CaptionModel(LabelModel):
    """What happens in a drill's story from `at` on, until the next one."""

    at: Moment


class DrillStateModel(AnswerModel):
    """What a drill says of itself."""

    start: Moment
    end: Moment | None
    scenario: str | None
    title: LabelModel | None
    tour: bool
    captions: list[CaptionModel]
    clock: Moment
    speed: float
    """0: as fast as it can."""


class StepSecondsModel(AnswerModel):
    """Seconds until each step; null: never."""

    receive: float | None
    call: float | None
    dispatch: float | None


class StepTargetsModel(AnswerModel):
    """Seconds within which each step should be done."""

    receive: int
    call: int
    dispatch: int


class ScoredTargetsModel(AnswerModel):
    """Seconds within which each step should have been done; null: whenever."""

    receive: int | None
    call: int | None
    dispatch: int | None


class DrillAlertModel(AnswerModel):
    """How one alert was handled."""

    alert: str
    number: str
    rule: str
    title: LabelModel
    severity: Severity
    seconds: StepSecondsModel


class DrillSummaryModel(AnswerModel):
    """How often a step was done."""

    of: int
    done: int
    met: int
    """Within its target."""
    median: float | None
    """In seconds."""


class StepSummariesModel(AnswerModel):
    """How often each step was done."""

    receive: DrillSummaryModel
    call: DrillSummaryModel
    dispatch: DrillSummaryModel


class DrillScoreModel(AnswerModel):
    """How a drill was handled."""

    targets: ScoredTargetsModel
    alerts: list[DrillAlertModel]
    steps: StepSummariesModel


class DrillRunModel(AnswerModel):
    """One drill. While it runs it has a clock, and its screens a port."""

    id: str
    scenario: str
    title: LabelModel
    speed: float
    start: Moment
    end: Moment
    started_by: str
    started_at: Moment
    ended_at: Moment | None
    state: Literal["running", "ended", "stopped", "failed"]
    problem: str | None
    score: DrillScoreModel | None
    clock: Moment | None
    progress: float | None
    port: int | None


class DrillScenarioModel(AnswerModel):
    """What can be trained."""

    id: str
    title: LabelModel
    description: LabelModel | None
    licence: str
    start: Moment
    end: Moment
    speed: float
    targets: StepTargetsModel | None


class DrillListModel(WholeListModel):
    """The newest drills first, and the scenarios that can be started here."""

    items: list[DrillRunModel]
    scenarios: list[DrillScenarioModel]


class TourModel(AnswerModel):
    """How the tour stands."""

    here: bool
    """Whether this instance is the tour."""
    state: Literal["none", "starting", "ready", "over"]
    title: LabelModel | None
    port: int | None = None
    """Of its screens; absent in the tour itself."""
    started_by: str | None = None
    start: Moment | None = None
    """This and what follows: once it is ready."""
    end: Moment | None = None
    clock: Moment | None = None
    progress: float | None = None
    over: bool | None = None
    paused: bool | None = None
    speed: float | None = None
    speeds: list[float] | None = None


class TourEntryModel(AnswerModel):
    """A way into the tour, good once."""

    port: int
    code: str
