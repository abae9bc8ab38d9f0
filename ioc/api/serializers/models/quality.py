"""The account of feeds and sources: what came, what became of it, how complete, how late."""

from typing import Literal

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, WholeListModel
from ioc.domain.quality import Grade


class QualityCountsModel(AnswerModel):
    """Received is stored, duplicate and refused; nothing is answered without being counted."""

    grade: Grade
    received: int
    """What the doors have answered for."""
    stored: int
    """Of it, what the log took as new."""
    duplicate: int
    """Of it, what the log had already."""
    refused: int
    """Of it, what was refused."""
    not_kept: int
    """Of what was refused, what no dead letter keeps."""
    released: int
    """What was refused before and let in by a person; it was received once, when it was refused."""
    history: int
    """Of what was stored, imported history."""
    expected: float
    """How many readings the devices' periods ask for."""
    measured: int
    """How many readings are of this time, whenever they came."""
    completeness: float | None
    """Which part of the expected readings came, 0 to 1; null: less than one is expected."""
    late: int
    late_share: float | None
    """Of the readings whose lag is known."""
    suspect: int
    clock_fault: int
    skewed: int
    lag_mean_seconds: float | None
    """From the measurement to the log."""
    lag_max_seconds: float | None
    clock_ahead_seconds: float | None
    """How far ahead of ours a clock was at most; more than two minutes are counted as two."""


class FeedQualityModel(QualityCountsModel):
    """One feed; of what names none that there is, and comes from no registered device, `feed` is null."""

    feed: str | None
    label: LabelModel | None
    domain: str | None
    devices: int
    """Registered sources inside the wall that are in use."""
    incomplete: int
    """Of them, those of which less than 95 % of the expected readings came."""
    silent: int
    """Of them, those of which none came."""
    spark: list[float | None]
    """Completeness of each hour or local day, oldest first; null where nothing was expected."""


class QualityModel(AnswerModel):
    """The account of every feed, the worst first."""

    window: Literal["24h", "30d"]
    step_seconds: int
    since: Moment
    until: Moment
    counted_since: Moment | None
    """When the counting began: nothing is expected of before. Null: nothing was counted yet."""
    truncated: bool
    """Whether there are more sources than this account is made of."""
    items: list[FeedQualityModel]


class SourceQualityModel(QualityCountsModel):
    """One source; without a device: all of a feed that are not registered."""

    feed: str | None
    device: str | None
    name: LabelModel | None
    area: str | None
    zone: str | None
    state: str | None
    period_seconds: int | None
    spark: list[float | None]


class SourceQualityPageModel(WholeListModel):
    """Sources, the least complete first."""

    window: Literal["24h", "30d"]
    step_seconds: int
    since: Moment
    until: Moment
    counted_since: Moment | None
    items: list[SourceQualityModel]
