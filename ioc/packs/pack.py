"""A pack that passed its check: frozen values that the other rooms read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ioc.domain.contacts.directory import Unit
from ioc.domain.device import Device
from ioc.domain.event import canonical, hash16
from ioc.domain.feed import FeedSpec, Label
from ioc.domain.incidents.family import IncidentFamily
from ioc.domain.incidents.grouping import Grouping
from ioc.domain.indicators.indicator import Indicator
from ioc.domain.lookups.table import LookupTable
from ioc.domain.places.area import Area, Zone
from ioc.domain.places.gazetteer import Road, RoadMark
from ioc.domain.places.location import WORLD, Box
from ioc.domain.rules.limit_row import LimitRow

CLASS = "device_class"
CALENDAR = "holidays"
"""The id of the one calendar of a pack."""


@dataclass(frozen=True, slots=True)
class SparkField:
    """The field whose hourly line a domain's tile shows."""

    feed: str
    field: str


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of the centre: the thirteen official ones (D) and the cross-cutting ones (X)."""

    id: str
    number: str
    label: Label
    feeds: tuple[str, ...] = ()
    spark_field: SparkField | None = None


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A device of the pack, before its registration gives it a time."""

    id: str
    feed: str
    name: Label
    area: str
    zone: str
    lat: float
    lon: float
    parent: str | None = None
    owner: str | None = None
    place: str | None = None
    expected_period_seconds: int | None = None
    critical: bool = False
    gateway: bool = False
    device_class: str | None = None

    def register(self, registered_at: datetime) -> Device:
        """Return the device as the registry keeps it from ``registered_at`` on."""
        return Device(
            registered_at=registered_at, **{item.name: getattr(self, item.name) for item in fields(DeviceSpec)}
        )


@dataclass(frozen=True, slots=True)
class RawRule:
    """A rule as written; its meaning is checked by the rules room. ``line`` is that of its `rule:` key."""

    id: str
    file: str
    line: int
    body: Mapping[str, Any]
    """JSON-ready: dates and durations are text."""
    yaml: str
    hash: str
    """Of the body alone: comments and layout make no new version."""


@dataclass(frozen=True, slots=True)
class EmergencyNumber:
    """A number that everybody may call, with where that is written and whether somebody has read it there."""

    number: str
    label: Label
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day off, with where that is written and whether somebody has read it there."""

    date: date
    name: Label
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class System:
    """A system of the decision: which way it speaks, the feeds that stand for it, or why there is none."""

    id: int
    name: Label
    direction: tuple[str, ...]
    feeds: tuple[str, ...]
    reason: Label | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the map; ``source`` is `sketch` for our own drawing."""

    id: str
    label: Label
    source: str
    geojson: Mapping[str, Any]


MARKS_MIN = 2
"""Two say which way a road is counted."""


def roads_of(layers: Iterable[Layer]) -> tuple[Road, ...]:
    """Return each line with kilometres, in the layers' order."""
    return tuple(road for layer in layers for feature in layer.geojson["features"] for road in _road(layer, feature))


def _road(layer: Layer, feature: Mapping[str, Any]) -> Iterator[Road]:
    properties, geometry = feature.get("properties") or {}, feature.get("geometry") or {}
    marks = properties.get("kilometres")
    if geometry.get("type") != "LineString" or not isinstance(marks, list) or len(marks) < MARKS_MIN:
        return
    yield Road(
        id=layer.id,
        name=Label(properties.get("name_vi") or layer.label.vi, properties.get("name_en") or layer.label.en),
        line=tuple((lat, lon) for lon, lat in geometry["coordinates"]),
        marks=tuple(RoadMark(float(km), (lat, lon)) for km, lon, lat in marks),
        sketch=layer.source == "sketch",
    )


@dataclass(frozen=True, slots=True)
class PackItem:
    """One thing of the pack as it is stored: kind (`rule`, `feed`, ...), id, JSON-ready body and content hash."""

    kind: str
    id: str
    hash: str
    body: Mapping[str, Any]
    yaml: str | None = None
    """A rule's text as written."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A city as data."""

    id: str
    title: Label
    timezone: str
    number_prefix: str
    """Begins the numbers said aloud: `HB-261123-0042`."""
    areas: tuple[Area, ...]
    """Every validity; ask with `areas_on`."""
    zones: tuple[Zone, ...]
    feeds: Mapping[str, FeedSpec]
    devices: tuple[DeviceSpec, ...]
    domains: tuple[Domain, ...]
    rules: tuple[RawRule, ...]
    units: tuple[Unit, ...] = ()
    """Who acts, looks after devices and reports indicators; the site's own go before them."""
    emergency_numbers: tuple[EmergencyNumber, ...] = ()
    """For people alone, so they are no items of the log."""
    layers: tuple[Layer, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    """In their order; what `active: {holidays: ...}` of a rule asks for."""
    limits: tuple[LimitRow, ...] = ()
    """By device, class and area; a site's own go before them."""
    lookups: tuple[LookupTable, ...] = ()
    """Lookup tables without their rows: nothing evaluates them, so they are no items of the log."""
    incidents: tuple[IncidentFamily, ...] = ()
    """Which alerts are one situation, in the order in which families are asked: no items of the log."""
    systems: tuple[System, ...] = ()
    """For people and pages alone: nothing evaluates them, so they are no items of the log."""
    indicators: tuple[Indicator, ...] = ()
    """What agencies plan and report, in the order of the file."""
    late_feed: str | None = None
    """The feed in which it is told whose figures are late."""
    without_rule: Mapping[str, Label] = field(default_factory=dict)
    """Feeds that no rule listens to, and why."""
    plays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the demo's fleet says of each feed, as its `simulate:` has it; no part of what is applied."""
    box: Box = WORLD
    """Where everything of the site lies: a point outside is a slip of the pen."""

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone of the city."""
        return ZoneInfo(self.timezone)

    def grouping(self) -> Grouping:
        """Return how alerts are grouped, with the names that incidents are told with."""
        return Grouping(
            self.incidents,
            zones={zone.code: zone.name for zone in self.zones},
            areas={area.code: area.name for area in self.areas if area.valid_to is None},
        )

    def areas_on(self, day: date) -> tuple[Area, ...]:
        """Return the units that stand on ``day``."""
        return tuple(area for area in self.areas if area.valid_on(day))

    def calendar(self) -> Mapping[str, Any] | None:
        """Return the holidays as the log's calendar entry has them; None where the pack has no calendar."""
        if not self.holidays:
            return None
        return {
            "holidays": [
                {"date": holiday.date.isoformat(), "vi": holiday.name.vi, "en": holiday.name.en}
                for holiday in self.holidays
            ]
        }

    def items(self) -> Iterator[PackItem]:
        """Yield every item with its content hash; applying a pack compares these with what was applied last."""
        for area in self.areas:
            yield item("area", f"{area.code}@{area.valid_from}", plain(area))
        for zone in self.zones:
            yield item("zone", zone.code, plain(zone))
        for domain in self.domains:
            yield item("domain", domain.id, plain(domain))
        for feed in self.feeds.values():
            yield item("feed", feed.id, plain(feed))
        for unit in self.units:
            yield item("unit", unit.id, unit.entry())
        for device in self.devices:
            body = plain(device)
            # A device without a class is what it was before there were any: it is not written anew for it.
            yield item("device", device.id, {name: body[name] for name in body if name != CLASS or body[name]})
        for layer in self.layers:
            yield item("layer", layer.id, plain(layer))
        calendar = self.calendar()
        if calendar is not None:
            # Before the rules, so that none of them counts for a moment on a day off.
            yield item("calendar", CALENDAR, calendar)
        for limit in self.limits:
            yield item("limit", limit.id, limit.entry())
        for rule in self.rules:
            yield PackItem("rule", rule.id, rule.hash, rule.body, rule.yaml)


def item(kind: str, identifier: str, body: Mapping[str, Any]) -> PackItem:
    """Return the item with the hash of its body."""
    return PackItem(kind, identifier, content_hash(body), body)


def content_hash(body: Mapping[str, Any]) -> str:
    """Return 32 hex letters of the canonical JSON of ``body``."""
    return hash16(canonical(body)).hex()


def plain(value: Any) -> Any:
    """Return ``value`` JSON-ready: dates as ISO text, durations as seconds, enums as their text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
