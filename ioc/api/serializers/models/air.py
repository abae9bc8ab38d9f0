"""VN_AQI of the stations."""

from pydantic import Field

from ioc.api.serializers.models.base import AnswerModel, Day, LabelModel, Moment, WholeListModel
from ioc.rules.aggregates.field.vn_aqi_bands import Advice


class AirBandModel(AnswerModel):
    """One band of VN_AQI with its official colour."""

    band: LabelModel
    lowest: int = Field(alias="from")
    highest: int = Field(alias="to")
    colour: str
    colour_name: LabelModel
    advice: Advice
    health: LabelModel


class AirIndexModel(AirBandModel):
    """An index with its band."""

    index: int
    pollutant: str
    """Which decided."""


class AirHourModel(AnswerModel):
    """The index of an hour; `t` is its end."""

    t: Moment
    value: AirIndexModel | None
    """Null: no data."""


class AirDayModel(AnswerModel):
    """The index of a local day."""

    day: Day
    value: AirIndexModel | None


class AirStationModel(AnswerModel):
    """A station's indices, the newest and those before, oldest first."""

    device: str
    device_name: LabelModel | None
    area: str | None
    area_name: LabelModel | None
    zone: str | None
    lat: float | None
    lon: float | None
    hourly: AirHourModel
    daily: AirDayModel
    hours: list[AirHourModel]
    days: list[AirDayModel]


class AirSourceModel(AnswerModel):
    """Where the computation and its bands come from."""

    text: str
    verified: bool
    valid_from: Day | None
    note: str


class AirQualityModel(WholeListModel):
    """The stations, and the bands."""

    items: list[AirStationModel]
    bands: list[AirBandModel]
    source: AirSourceModel


class TileAirModel(AnswerModel):
    """The station with the worst air of the last hour that is over."""

    device: str
    device_name: LabelModel | None
    t: Moment
    value: AirIndexModel
    stations: int
    """Of how many it is the worst."""
