"""Why an alert fired: the rule in words, what it looked at, a chart, and what its kind adds."""

from typing import Any

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, Values
from ioc.api.serializers.models.dated.lookups import LookupAnswerModel
from ioc.api.serializers.models.events import MediumModel
from ioc.api.serializers.models.evidence_details import EvidenceDetails
from ioc.api.serializers.models.rules import RuleKindName, RuleSentenceModel
from ioc.domain.alert import TransitionKind
from ioc.domain.severity import Severity


class LimitModel(AnswerModel):
    """A threshold with its legal source."""

    value: float
    unit: str
    source: str
    verified: bool
    """Whether somebody has held it against its source."""
    valid_from: str | None
    name: LabelModel | None = None
    """What people call it, such as BĐ II."""


class EvidenceRuleModel(AnswerModel):
    """The rule in the form that fired; its words are empty where that is no longer kept."""

    id: str
    version: int
    hash: str
    title: LabelModel
    kind: RuleKindName | None
    text: LabelModel
    words: list[RuleSentenceModel]
    for_seconds: float | None
    severity: Severity


class MeasuredModel(AnswerModel):
    """A value that the rule looked at, and how to say it."""

    name: str
    label: LabelModel
    unit: str
    digits: int
    value: Any


class ChartLimitModel(AnswerModel):
    """Where the limit lies on the chart of the readings."""

    value: float
    base: float | None
    """The reading that a change is measured from."""
    base_at: Moment | None


class ReadingModel(AnswerModel):
    """A reading that the evidence rests on."""

    position: int
    device: str
    effective: Moment
    values: Values


class ChartPointModel(AnswerModel):
    """One reading of the chart."""

    t: Moment
    v: float
    position: int


class EvidenceMoveModel(AnswerModel):
    """When the alert moved."""

    at: Moment
    kind: TransitionKind
    severity: Severity | None


class EvidenceModel(AnswerModel):
    """Why an alert fired, as of its newest move that says something holds."""

    alert: str
    rule: EvidenceRuleModel
    clause: str
    values: Values
    measures: list[MeasuredModel]
    limit: LimitModel | None
    chart_limit: ChartLimitModel | None
    """Null: nowhere on the axis of the readings."""
    field: str
    feed: str
    device: str | None
    held_since: Moment | None
    held_seconds: float
    position: int
    readings: list[ReadingModel]
    media: list[MediumModel]
    """Pictures and papers of the events that it rests on, the last sent first; a wall display gets none."""
    lookups: list[LookupAnswerModel]
    """What the lookup tables say of its device and of the codes in its readings, at most ten; a wall display gets none.

    Of a device of a table without a row for it `missing` is told, of a code that no table knows nothing.
    """
    lookups_left: int
    """How many more there are."""
    details: EvidenceDetails | None
    series: list[ChartPointModel]
    transitions: list[EvidenceMoveModel]
