"""From a pack's name to its frozen values. A pack with a problem is never half loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from ioc.domain.contacts.directory import Unit
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.indicators.indicator import Agency, Indicator
from ioc.domain.lookups.table import LookupTable
from ioc.domain.places.area import Area, Zone
from ioc.errors import PackError
from ioc.packs.check import examine
from ioc.packs.draft import Draft
from ioc.packs.pack import DeviceSpec, Domain, EmergencyNumber, Holiday, Layer, Pack, SparkField, System
from ioc.packs.references import site_box
from ioc.packs.schema import LabelText, PackEntry, duration_seconds
from ioc.packs.schema_feed import FeedEntry, FieldEntry
from ioc.packs.schema_place import AreaRow

PROBLEMS_SHOWN = 20


def pack_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a shipped pack (by name) or of a path.

    Raises:
        PackError: neither exists.
    """
    shipped = Path(str(resources.files("ioc.packs"))) / name_or_path
    for folder in (shipped, Path(name_or_path)):
        if (folder / "pack.yaml").is_file():
            return folder
    raise PackError(f"no pack {str(name_or_path)!r}: neither shipped nor a folder with pack.yaml")


def load_pack(name_or_path: str | Path, *, shapes: bool = True) -> Pack:
    """Return the pack; ``shapes`` false leaves out the check of its geometry, which `ioc up` has done for its roles.

    Raises:
        PackError: it does not exist or has problems; the message lists them as `file:line: ...`.
    """
    draft, problems = examine(pack_folder(name_or_path), shapes=shapes)
    if problems:
        shown = "\n".join(str(problem) for problem in problems[:PROBLEMS_SHOWN])
        raise PackError(f"the pack {str(name_or_path)!r} has {len(problems)} problems:\n{shown}")
    assert draft.pack is not None
    return build(draft, draft.pack.value)


def build(draft: Draft, entry: PackEntry) -> Pack:
    """Return the frozen values of a draft without problems."""
    feeds = with_indicator_words(draft, {feed.value.feed: build_feed(feed.value) for feed in draft.feeds})
    shapes = build_shapes(draft)
    areas = tuple(
        build_area(row.value, shapes.get((row.value.code, row.value.valid_from.isoformat()))) for row in draft.areas
    )
    zone_of = {area.code: area.zone for area in areas if area.valid_to is None}
    return Pack(
        id=entry.pack,
        title=label(entry.title),
        timezone=entry.timezone,
        number_prefix=entry.number_prefix,
        box=site_box(entry),
        areas=areas,
        zones=tuple(
            Zone(code=zone.id, name=label(zone.name), former_code=zone.former_code, areas=tuple(zone.areas))
            for zone in entry.zones
        ),
        feeds=feeds,
        devices=tuple(
            DeviceSpec(
                name=Label(vi=row.value.name_vi, en=row.value.name_en),
                zone=zone_of[row.value.area],
                **row.value.model_dump(exclude={"name_vi", "name_en"}),
            )
            for row in draft.devices
        ),
        domains=tuple(
            Domain(
                id=domain.id,
                number=domain.number,
                label=label(domain.label),
                feeds=tuple(feed.id for feed in feeds.values() if feed.domain == domain.id),
                spark_field=SparkField(domain.spark_field.feed, domain.spark_field.field)
                if domain.spark_field
                else None,
            )
            for domain in entry.domains
        ),
        rules=tuple(draft.rules),
        units=build_units(draft, entry),
        emergency_numbers=tuple(
            EmergencyNumber(one.number, label(one.label), one.source, one.verified)
            for one in (draft.units.value.emergency_numbers if draft.units is not None else ())
        ),
        layers=tuple(
            Layer(id=layer.id, label=label(layer.label), source=layer.source, geojson=draft.layers[layer.id].value)
            for layer in entry.layers
        ),
        holidays=tuple(
            Holiday(date=day.date, name=Label(vi=day.vi, en=day.en), source=day.source, verified=day.verified)
            for day in (draft.calendar.value.holidays if draft.calendar is not None else ())
        ),
        limits=tuple(entry.row() for entry in (draft.limits.value.limits if draft.limits is not None else ())),
        lookups=build_lookups(draft),
        incidents=tuple(
            one.family() for one in (draft.incidents.value.incidents if draft.incidents is not None else ())
        ),
        systems=build_systems(draft),
        indicators=build_indicators(draft, feeds, {area.code: area.zone for area in areas}),
        late_feed=draft.indicators.value.late_feed if draft.indicators is not None else None,
        without_rule={
            feed.value.feed: label(feed.value.no_rule) for feed in draft.feeds if feed.value.no_rule is not None
        },
        plays={feed.value.feed: build_play(feed.value) for feed in draft.feeds if feed.value.simulate is not None},
    )


def build_lookups(draft: Draft) -> tuple[LookupTable, ...]:
    """Return the tables of lookups.yaml; a pack may have none."""
    feeds = {feed.value.feed: feed.value for feed in draft.feeds}
    return tuple(entry.table(feeds) for entry in (draft.lookups.value.lookups if draft.lookups is not None else ()))


def build_units(draft: Draft, entry: PackEntry) -> tuple[Unit, ...]:
    """Return the units of pack.yaml, which have a name alone, and those of units.yaml."""
    named = [Unit(id=unit.id, name_vi=unit.name.vi, name_en=unit.name.en) for unit in entry.units]
    return (*named, *(unit.unit() for unit in (draft.units.value.units if draft.units is not None else ())))


def build_systems(draft: Draft) -> tuple[System, ...]:
    """Return the systems of systems.yaml; a pack may have none."""
    return tuple(
        System(
            id=entry.id,
            name=label(entry.name),
            direction=tuple(str(way) for way in entry.direction),
            feeds=tuple(entry.feeds),
            reason=label(entry.reason) if entry.reason is not None else None,
        )
        for entry in (draft.systems.value.systems if draft.systems is not None else ())
    )


def with_indicator_words(draft: Draft, feeds: dict[str, FeedSpec]) -> dict[str, FeedSpec]:
    """Return the feeds, those that tell figures with the names of their indicators: people are not told codes."""
    words: dict[str, dict[str, Label]] = {}
    for entry in draft.indicators.value.indicators if draft.indicators is not None else ():
        assert draft.indicators is not None
        words.setdefault(entry.feed or draft.indicators.value.feed, {})[entry.code] = label(entry.label)
    made = {}
    for name, said in words.items():
        spec = feeds[name].fields["indicator"]
        named = replace(spec, words={**said, **spec.words})
        made[name] = replace(feeds[name], fields={**feeds[name].fields, "indicator": named})
    return {**feeds, **made}


def build_indicators(draft: Draft, feeds: Mapping[str, FeedSpec], zone_of: Mapping[str, str]) -> tuple[Indicator, ...]:
    """Return the indicators of indicators.yaml; a pack may have none."""
    if draft.indicators is None:
        return ()
    assert draft.pack is not None
    entry, pack = draft.indicators.value, draft.pack.value
    agencies = {name: Agency(name, label(said)) for name, said in draft.unit_names().items()}
    zones = frozenset(zone.id for zone in pack.zones)
    return tuple(
        one.indicator(feeds[one.feed or entry.feed], agencies[one.agency], zones=zones, zone_of=zone_of)
        for one in entry.indicators
    )


def label(text: LabelText) -> Label:
    """Return the domain's label."""
    return Label(vi=text.vi, en=text.en)


def build_feed(entry: FeedEntry) -> FeedSpec:
    """Return the feed as the doors and the rules read it."""
    return FeedSpec(
        id=entry.feed,
        label=label(entry.label),
        domain=entry.domain,
        fields={name: build_field(name, item) for name, item in entry.fields.items()},
        on_conflict=entry.on_conflict,
        expected_period=timedelta(seconds=duration_seconds(entry.expected_period)),
        late_after=timedelta(seconds=duration_seconds(entry.late_after)),
        live_within=timedelta(seconds=duration_seconds(entry.live_within)),
        main_field=entry.main_field,
        due_field=entry.due_field or "",
        restricted=entry.restricted,
        device_required=entry.device_required,
        occasional=entry.occasional,
        working_days=entry.working_days,
        cloudevents_types=tuple(entry.cloudevents_types),
        adapter=entry.adapter,
    )


def build_play(entry: FeedEntry) -> dict[str, Any]:
    """Return how a feed is played, as simulators read it: they know nothing of packs."""
    assert entry.simulate is not None
    played = entry.simulate.plain()
    for name, play in played["fields"].items():
        spec = entry.fields[name]
        play["digits"] = 0 if spec.type is FieldType.INTEGER else spec.digits
    return {
        **played,
        "every_seconds": duration_seconds(entry.simulate.every),
        "period_seconds": duration_seconds(entry.expected_period),
        "source": entry.simulate.source or entry.feed.replace("_", "-"),
    }


def build_field(name: str, entry: FieldEntry) -> FieldSpec:
    """Return one field of a feed."""
    return FieldSpec(
        name=name,
        label=label(entry.label),
        type=entry.type,
        unit=entry.unit,
        required=entry.required,
        possible_min=entry.possible[0],
        possible_max=entry.possible[1],
        plausible_min=entry.plausible[0],
        plausible_max=entry.plausible[1],
        values=tuple(entry.values),
        words={value: label(said) for value, said in entry.words.items()},
        length_max=entry.length_max,
        digits=entry.digits,
        personal=entry.personal,
        display_unit=entry.display_unit,
        series=entry.series,
        metric=entry.metric,
        sum_of=tuple(entry.sum_of),
        aliases=tuple(entry.aliases),
        device_health=entry.device_health,
    )


def build_area(row: AreaRow, feature: Mapping[str, Any] | None) -> Area:
    """Return one unit with its shape, where the pack has one."""
    short = Label(vi=row.short_vi, en=row.short_en) if row.short_vi and row.short_en else None
    return Area(
        code=row.code,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        name=Label(vi=row.name_vi, en=row.name_en),
        short=short,
        level=row.level,
        zone=row.zone or "",
        parent=row.parent,
        lat=row.lat,
        lon=row.lon,
        aliases=tuple(row.aliases),
        successors=tuple(row.successors),
        shape=feature["geometry"] if feature is not None else None,
        shape_source=str(feature["properties"].get("source", "sketch")) if feature is not None else "sketch",
    )


def build_shapes(draft: Draft) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the features of shapes.geojson by (code, valid_from)."""
    features = draft.shapes.value["features"] if draft.shapes is not None else []
    return {(item["properties"]["code"], item["properties"]["valid_from"]): item for item in features}
