"""What a rule's kind adds to evidence."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment
from ioc.domain.alert import Condition
from ioc.domain.severity import Severity


class PaneModel(AnswerModel):
    """One step of a window."""

    at: Moment
    v: float | None


class WindowPartModel(AnswerModel):
    """What a measure was in one part of a window that is taken apart."""

    part: str
    v: float
    name: LabelModel | None


class WindowDetailsModel(AnswerModel):
    """A window of time."""

    kind: Literal["window"]
    since: Moment = Field(alias="from")
    to: Moment
    over_seconds: float
    pane_seconds: float
    measure: str | None
    measure_label: LabelModel | None
    unit: str
    pane_of: Literal["mean", "sum", "count"] | None
    panes: list[PaneModel]
    per: str | None
    """What the measure is taken apart by."""
    part: str | None
    """Which part decided."""
    parts: list[WindowPartModel]


class SilentDeviceModel(AnswerModel):
    """A device that belongs to a silence."""

    device: str
    name: LabelModel | None
    last_heard: Moment | None


class AbsenceDetailsModel(AnswerModel):
    """Nothing came."""

    kind: Literal["absence"]
    last_heard: Moment
    absent_seconds: float
    silent: list[SilentDeviceModel]


class SequenceStepModel(AnswerModel):
    """One step of a chain."""

    at: Moment
    feed: str
    feed_label: LabelModel | None
    text: LabelModel | None
    device: str | None
    device_name: LabelModel | None
    position: int


class SequenceDetailsModel(AnswerModel):
    """One thing after another."""

    kind: Literal["sequence"]
    steps: list[SequenceStepModel]
    took_seconds: float | None


class MiddleModel(AnswerModel):
    """The middle of a cluster."""

    lon: float
    lat: float


class NearMemberModel(AnswerModel):
    """One of several events close to each other."""

    at: Moment
    position: int
    lat: float
    lon: float
    device: str | None
    device_name: LabelModel | None
    distance_m: int | None
    """From the middle of all, those included that the reader must not see."""


class NearDetailsModel(AnswerModel):
    """Several close to each other."""

    kind: Literal["near"]
    radius_m: float
    over_seconds: float
    centre: MiddleModel | None
    members: list[NearMemberModel]
    hidden: int
    """How many more there are, outside the reader's wall."""


class CorrelateMemberModel(AnswerModel):
    """One of several alerts together."""

    rule: str
    severity: Severity
    domain: str
    device: str | None
    device_name: LabelModel | None
    at: Moment
    alert: str | None
    number: str | None
    condition: Condition | None
    title: LabelModel | None


class CorrelateDetailsModel(AnswerModel):
    """Several alerts together."""

    kind: Literal["correlate"]
    members: list[CorrelateMemberModel]
    hidden: int


class ZoneDetailsModel(AnswerModel):
    """Something came into a place, or left it."""

    kind: Literal["zone"]
    inside: bool | None
    margin_m: float
    polygon: list[tuple[float, float]] | None
    circle: tuple[float, float] | None
    radius_m: float | None


class OrderGivenModel(AnswerModel):
    """One order that was in force when it was measured."""

    at: Moment
    """Its hour."""
    position: int
    of: str
    on: bool
    number: str | None


class OrderDetailsModel(AnswerModel):
    """What is measured, against what was ordered."""

    kind: Literal["order"]
    measured: Moment
    grace_seconds: float
    of_label: LabelModel | None
    orders: list[OrderGivenModel]


EvidenceDetails = TypeAliasType(
    "EvidenceDetails",
    Annotated[
        WindowDetailsModel
        | AbsenceDetailsModel
        | SequenceDetailsModel
        | NearDetailsModel
        | CorrelateDetailsModel
        | ZoneDetailsModel
        | OrderDetailsModel,
        Field(discriminator="kind"),
    ],
)
"""By the rule's kind."""
