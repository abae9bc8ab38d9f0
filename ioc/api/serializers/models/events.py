"""Events with what is attached to them, series and latest values."""

from typing import Any, Literal

from ioc.api.serializers.models.base import AnswerModel, Moment, PageModel, Values, WholeListModel
from ioc.domain.event import Flag
from ioc.media.medium import MediaType


class StoredEventModel(AnswerModel):
    """One revision of an event as the log has it."""

    key: str
    position: int
    log_time: Moment
    feed: str
    device: str
    id: str | None
    """Its sender's."""
    time: Moment | None
    """When its sender says that it was."""
    effective: Moment
    received_at: Moment
    data: Values
    withheld: list[str]
    """Names of fields that are shown for a reason only."""
    flags: list[Flag]
    area: str | None
    zone: str | None
    lat: float | None
    lon: float | None
    revision: int
    door: str


class MediumModel(AnswerModel):
    """A picture or paper: its bytes are at `/api/v1/media/{medium}`."""

    id: str
    type: MediaType
    """A picture is always JPEG: whatever came was drawn anew, without what a camera writes beside the pixels."""
    sha256: str | None
    """Of the bytes that are stored; null once it is removed, as are its size and measures."""
    bytes: int | None
    width: int | None
    """In pixels; null of a paper."""
    height: int | None
    uploaded_by: str
    uploaded_at: Moment
    removed: bool
    """It was removed for good, because of who is to be seen on it."""


class OneEventModel(StoredEventModel):
    """The newest revision of an event, with what is attached to it."""

    media: list[MediumModel]


class EventPageModel(PageModel):
    """Events, newest in the log first."""

    items: list[StoredEventModel]


class EventListModel(WholeListModel):
    """The events that an alert rests on, newest first."""

    items: list[StoredEventModel]


class NeighbourModel(StoredEventModel):
    """An event near another."""

    distance_m: float


class NeighbourListModel(WholeListModel):
    """Events near another, nearest first."""

    items: list[NeighbourModel]
    total: int
    """How many there are, those included that are not listed."""


class UnmaskedModel(AnswerModel):
    """The withheld fields of an event."""

    key: str
    fields: Values
    erased: list[str]
    """The fields whose values were erased."""


class SeriesPointModel(AnswerModel):
    """One step of a series, or one reading, which is its own least and most."""

    t: Moment
    v: float | None
    n: int
    min: float | None
    max: float | None


class SeriesModel(AnswerModel):
    """One line of a chart."""

    step: Literal["raw", "5m", "1h", "1d"]
    unit: str
    items: list[SeriesPointModel]


class LatestModel(AnswerModel):
    """The newest value of a field of a device."""

    device: str
    feed: str
    field: str
    value: Any
    """Null where it is withheld."""
    effective: Moment
    log_time: Moment
    flags: list[Flag]
    lat: float | None
    lon: float | None


class LatestPageModel(PageModel):
    """Newest values by device, feed and field."""

    items: list[LatestModel]
