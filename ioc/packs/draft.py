"""A pack as read, item by item, each with the file and line it came from; nothing refers to anything yet."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from ioc.packs.directory.schema_units import UnitsEntry
from ioc.packs.incidents.schema_incidents import IncidentsEntry
from ioc.packs.pack import RawRule, content_hash
from ioc.packs.problem import Findings
from ioc.packs.schema import LabelText, PackEntry, Strict
from ioc.packs.schema_calendar import CalendarEntry
from ioc.packs.schema_dated import LimitsEntry, LookupsEntry
from ioc.packs.schema_feed import FeedEntry
from ioc.packs.schema_indicators import IndicatorsEntry
from ioc.packs.schema_place import AREA_LISTS, DEVICE_LISTS, AreaRow, DeviceRow, TableRow
from ioc.packs.schema_system import SystemsEntry
from ioc.packs.source import SourceValue, read_geojson, read_rows, read_yaml

ModelT = TypeVar("ModelT", bound=BaseModel)
FILES_MAX = 2_000


@dataclass(frozen=True, slots=True)
class SourcedModel(Generic[ModelT]):
    """A checked model and where it was read."""

    value: ModelT
    source: SourceValue

    def line(self, *path: str | int) -> int:
        """Return the line of a key of it."""
        return self.source.line(*path)


@dataclass(slots=True)
class Draft:
    """What could be read of a pack's folder."""

    folder: Path
    pack: SourcedModel[PackEntry] | None = None
    areas: list[SourcedModel[AreaRow]] = field(default_factory=list)
    feeds: list[SourcedModel[FeedEntry]] = field(default_factory=list)
    devices: list[SourcedModel[DeviceRow]] = field(default_factory=list)
    rules: list[RawRule] = field(default_factory=list)
    calendar: SourcedModel[CalendarEntry] | None = None
    systems: SourcedModel[SystemsEntry] | None = None
    limits: SourcedModel[LimitsEntry] | None = None
    lookups: SourcedModel[LookupsEntry] | None = None
    incidents: SourcedModel[IncidentsEntry] | None = None
    indicators: SourcedModel[IndicatorsEntry] | None = None
    units: SourcedModel[UnitsEntry] | None = None
    shapes: SourceValue | None = None
    layers: dict[str, SourceValue] = field(default_factory=dict)

    def unit_names(self) -> dict[str, LabelText]:
        """Return the name of each unit, of `pack.yaml` and of `units.yaml`."""
        named = [*(self.pack.value.units if self.pack is not None else ())]
        named += self.units.value.units if self.units is not None else ()
        return {unit.id: unit.name for unit in named}


def read_draft(folder: Path, findings: Findings) -> Draft:
    """Read every file of a pack's folder; what is wrong goes to ``findings`` and is left out."""
    draft = Draft(folder)
    source = read_yaml(folder / "pack.yaml", name="pack.yaml", findings=findings)
    if source is not None:
        entry = check_model(PackEntry, source, findings)
        draft.pack = SourcedModel(entry, source) if entry is not None else None
    for row in read_rows(folder / "areas.csv", name="areas.csv", lists=AREA_LISTS, findings=findings):
        area = check_model(AreaRow, row, findings)
        if area is not None:
            draft.areas.append(SourcedModel(area, row))
    for row in read_rows(folder / "devices.csv", name="devices.csv", lists=DEVICE_LISTS, findings=findings):
        device = check_model(DeviceRow, row, findings)
        if device is not None:
            draft.devices.append(SourcedModel(device, row))
    for source in read_folder(folder, "feeds", findings):
        feed = check_model(FeedEntry, source, findings)
        if feed is not None:
            draft.feeds.append(SourcedModel(feed, source))
    for source in read_folder(folder, "rules", findings):
        rule = read_rule(source, findings)
        if rule is not None:
            draft.rules.append(rule)
    draft.calendar = read_optional(CalendarEntry, folder, "calendar.yaml", findings)
    draft.systems = read_optional(SystemsEntry, folder, "systems.yaml", findings)
    draft.limits = read_optional(LimitsEntry, folder, "limits.yaml", findings)
    draft.lookups = read_optional(LookupsEntry, folder, "lookups.yaml", findings)
    draft.incidents = read_optional(IncidentsEntry, folder, "incidents.yaml", findings)
    draft.indicators = read_optional(IndicatorsEntry, folder, "indicators.yaml", findings)
    draft.units = read_optional(UnitsEntry, folder, "units.yaml", findings)
    if (folder / "shapes.geojson").exists():
        draft.shapes = read_geojson(folder / "shapes.geojson", name="shapes.geojson", findings=findings)
    for layer in draft.pack.value.layers if draft.pack is not None else ():
        name = f"layers/{layer.id}.geojson"
        drawn = read_geojson(folder / name, name=name, findings=findings)
        if drawn is not None:
            draft.layers[layer.id] = drawn
    return draft


def read_folder(folder: Path, kind: str, findings: Findings) -> Iterator[SourceValue]:
    """Yield the YAML files of one kind in name order."""
    paths = sorted((folder / kind).glob("*.yaml"))
    if not paths:
        findings.add(file=kind, line=1, message=f"no {kind}", hint=f"add {kind}/NAME.yaml")
    for path in sorted((folder / kind).glob("*.yml")):
        findings.add(file=f"{kind}/{path.name}", line=1, message="not read", hint="name it .yaml")
    if len(paths) > FILES_MAX:
        findings.add(file=kind, line=1, message=f"more than {FILES_MAX} files")
    for path in paths[:FILES_MAX]:
        source = read_yaml(path, name=f"{kind}/{path.name}", findings=findings)
        if source is not None:
            yield source


def read_optional(model: type[ModelT], folder: Path, name: str, findings: Findings) -> SourcedModel[ModelT] | None:
    """Return a file that a pack may have or not: its holidays, systems, limits, lookup tables, incidents, units."""
    source = read_yaml(folder / name, name=name, findings=findings) if (folder / name).exists() else None
    entry = check_model(model, source, findings) if source is not None else None
    return SourcedModel(entry, source) if entry is not None and source is not None else None


def read_rule(source: SourceValue, findings: Findings) -> RawRule | None:
    """Return the rule with its frame checked: it has a `rule` id, and its file is named after it."""
    identifier = source.value.get("rule")
    if not isinstance(identifier, str) or not identifier:
        message, hint = "rule: missing or not text", "begin with `rule: some.id`"
        findings.add(file=source.file, line=source.line("rule"), message=message, hint=hint)
        return None
    if Path(source.file).stem != identifier:
        message, hint = f"the rule `{identifier}` is in a file of another name", f"name it {identifier}.yaml"
        findings.add(file=source.file, line=source.line("rule"), message=message, hint=hint)
    return RawRule(
        id=identifier,
        file=source.file,
        line=source.line("rule"),
        body=source.value,
        yaml=source.text,
        hash=content_hash(source.value),
    )


def check_model(model: type[ModelT], source: SourceValue, findings: Findings) -> ModelT | None:
    """Return the strict model of a file or a row, or None with each error at its line."""
    try:
        return model.model_validate(source.value)
    except ValidationError as error:
        note_errors(error, source, findings)
        return None


def note_errors(error: ValidationError, source: SourceValue, findings: Findings) -> None:
    """Write pydantic's errors down as problems of our own: at the key's line, with what to do."""
    for item in error.errors(include_url=False):
        path = tuple(part for part in item["loc"] if part != "[key]")
        where = ".".join(str(part) for part in path) or "as a whole"
        message = str(item["msg"]).removeprefix("Value error, ")
        hint = hint_for(item["type"], path, source.value)
        findings.add(file=source.file, line=source.line(*path), message=f"{where}: {message}", hint=hint)


def hint_for(kind: str, path: tuple[str | int, ...], value: Mapping[str, Any]) -> str:
    """Return what to do about one of pydantic's errors, or nothing."""
    name = str(path[-1]) if path else ""
    if kind == "missing":
        return f"give `{name}`"
    if kind == "extra_forbidden":
        known = {key for model in (*Strict.__subclasses__(), *TableRow.__subclasses__()) for key in model.model_fields}
        close = difflib.get_close_matches(name, sorted(known), n=1)
        return f"did you mean `{close[0]}`?" if close else "misspelt, or not part of the format"
    if name == "lat" and kind.startswith("less_than"):
        return "lat and lon look swapped: lat comes first"
    if kind.endswith(("_type", "_parsing")):
        return f"it is {value[name]!r} now" if name in value else "see the format of this file"
    return ""
