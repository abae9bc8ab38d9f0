"""From a pack's name to its frozen values. A pack with a problem is never half loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from ioc.domain.area import Area, Zone
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.errors import PackError
from ioc.packs.check import examine
from ioc.packs.draft import Draft
from ioc.packs.pack import DeviceSpec, Domain, Holiday, Layer, Pack, SparkField, Unit
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
    feeds = {feed.value.feed: build_feed(feed.value) for feed in draft.feeds}
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
        units=tuple(Unit(id=unit.id, name=label(unit.name)) for unit in entry.units),
        layers=tuple(
            Layer(id=layer.id, label=label(layer.label), source=layer.source, geojson=draft.layers[layer.id].value)
            for layer in entry.layers
        ),
        holidays=tuple(
            Holiday(date=day.date, name=Label(vi=day.vi, en=day.en), source=day.source, verified=day.verified)
            for day in (draft.calendar.value.holidays if draft.calendar is not None else ())
        ),
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
        restricted=entry.restricted,
        device_required=entry.device_required,
        cloudevents_types=tuple(entry.cloudevents_types),
    )


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
        length_max=entry.length_max,
        digits=entry.digits,
        series=entry.series,
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
