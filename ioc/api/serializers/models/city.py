"""The city: areas, zones, map layers, feeds and the domains' tiles."""

from typing import Any, Literal

from pydantic import ConfigDict

from ioc.api.serializers.models.air import TileAirModel
from ioc.api.serializers.models.base import AnswerModel, Day, LabelModel, Moment, WholeListModel
from ioc.domain.feed import DeviceHealth, FieldType
from ioc.domain.places.gazetteer import PlaceKind
from ioc.domain.severity import Severity


class PolygonModel(AnswerModel):
    """GeoJSON (lon, lat)."""

    type: Literal["Polygon"]
    coordinates: list[list[list[float]]]


class MultiPolygonModel(AnswerModel):
    """GeoJSON (lon, lat)."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[list[float]]]]


class AreaModel(AnswerModel):
    """An administrative unit, from one day to another."""

    code: str
    valid_from: Day
    valid_to: Day | None
    """The day from which it no longer stands."""
    name: LabelModel
    short: LabelModel
    level: str
    zone: str | None
    lat: float | None
    lon: float | None
    aliases: list[str]
    successors: list[str]
    """Codes of the units that cover it since it ended; more than one when it was split."""
    shape: PolygonModel | MultiPolygonModel | None
    shape_source: str
    """`sketch`: our own drawing."""


class AreaListModel(WholeListModel):
    """Areas by code."""

    items: list[AreaModel]


class ZoneModel(AnswerModel):
    """A former city or district, as a set of today's units."""

    code: str
    name: LabelModel
    former_code: str
    areas: list[str]


class ZoneListModel(WholeListModel):
    """Zones."""

    items: list[ZoneModel]


class PlaceModel(AnswerModel):
    """A place that people name."""

    kind: PlaceKind
    name: LabelModel
    lat: float
    lon: float
    estimated: bool
    """Read off our own drawing, or the middle of a unit."""


class PlaceListModel(WholeListModel):
    """Places, the nearest to what was asked first."""

    items: list[PlaceModel]


class LayerModel(AnswerModel):
    """A layer of the map, without its geometry."""

    id: str
    label: LabelModel
    source: str
    """`import`: the site's own; `sketch`: our drawing."""
    kind: Literal["water", "road"] | None


class LayerListModel(WholeListModel):
    """Map layers."""

    items: list[LayerModel]


class FeatureCollectionModel(AnswerModel):
    """GeoJSON (lon, lat)."""

    model_config = ConfigDict(extra="allow")
    type: Literal["FeatureCollection"]
    features: list[dict[str, Any]]


class FeedFieldModel(AnswerModel):
    """One field of a feed. Outside of `possible` a value is dropped, outside of `plausible` flagged."""

    name: str
    label: LabelModel
    unit: str
    type: FieldType
    digits: int
    required: bool
    possible: tuple[float | None, float | None]
    plausible: tuple[float | None, float | None]
    values: list[str]
    """The only ones that there are; empty: any."""
    words: dict[str, LabelModel]
    """What people are told instead of a value; one that is not in it stands for itself."""
    personal: bool
    device_health: DeviceHealth | None
    """It is of the device itself: its newest value stands with the device."""


class FeedModel(AnswerModel):
    """A kind of device: what it may say, and whether it is heard."""

    id: str
    label: LabelModel
    domain: str
    main_field: str
    expected_period_seconds: int
    restricted: bool
    device_required: bool
    """Whether only a registered device may speak in it."""
    occasional: bool
    """Whether it speaks only when something happens: its silence alone makes no tile `no_data`."""
    due_field: str | None
    """The field that says when what a message announces will be."""
    fields: list[FeedFieldModel]
    devices: int
    last_log_time: Moment | None


class FeedListModel(WholeListModel):
    """Feeds, in the pack's order."""

    items: list[FeedModel]


class SparkFieldModel(AnswerModel):
    """What a tile's line is of."""

    feed: str
    field: str
    label: LabelModel
    unit: str


class DomainModel(AnswerModel):
    """A domain's tile."""

    id: str
    number: str
    label: LabelModel
    feeds: list[str]
    open: dict[Severity, int]
    """Open alerts that are heard."""
    silenced: int
    """Open alerts that a silence hides: they colour nothing, and are never left out of sight."""
    state: Severity | Literal["normal", "no_data"]
    last_log_time: Moment | None
    no_data_since: Moment | None
    devices: int
    online: int
    spark: list[float | None]
    """Oldest first."""
    spark_step_seconds: int
    spark_field: SparkFieldModel | None
    air: TileAirModel | None
    """The station with the worst air, where the domain has stations."""


class DomainListModel(WholeListModel):
    """The domains' tiles, in the pack's order."""

    items: list[DomainModel]
