"""What refers to what: ids used once, areas, feeds, domains and parents that exist, points inside their zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ioc.domain.places.location import LAT_MAX, LON_MAX, WORLD, Box, box_of, point_fault
from ioc.packs.draft import Draft, SourcedModel
from ioc.packs.incidents.schema_incidents import family_faults
from ioc.packs.problem import Findings
from ioc.packs.schema import PackEntry, ZoneEntry
from ioc.packs.schema_dated import key_faults
from ioc.packs.schema_indicators import feed_fault, late_feed_fault
from ioc.packs.schema_place import AreaRow, DeviceRow

SITE_MARGIN_DEGREES = 0.5
"""Around the zones of a pack that says no box of its own: some 55 km."""


def check_references(draft: Draft, findings: Findings) -> None:
    """Note every broken reference of the draft."""
    check_unique(draft, findings)
    check_feeds(draft, findings)
    check_areas(draft, findings)
    if draft.pack is not None:
        check_pack_entry(draft, draft.pack, findings)
    check_devices(draft, findings)
    check_systems(draft, findings)
    check_indicators(draft, findings)
    check_lookups(draft, findings)
    check_incidents(draft, findings)
    check_units(draft, findings)


def check_unique(draft: Draft, findings: Findings) -> None:
    """No id is used twice for the same kind of thing; an area is (code, valid_from)."""
    note_doubles(((f"feed {feed.value.feed}", feed.source.file, feed.line("feed")) for feed in draft.feeds), findings)
    note_doubles(((f"rule {rule.id}", rule.file, rule.line) for rule in draft.rules), findings)
    note_doubles(
        ((f"device {device.value.id}", device.source.file, device.line()) for device in draft.devices), findings
    )
    note_doubles(
        (
            (f"area {area.value.code} from {area.value.valid_from}", area.source.file, area.line())
            for area in draft.areas
        ),
        findings,
    )
    if draft.limits is not None:
        rows = [entry.row() for entry in draft.limits.value.limits]
        named_limits = [f"a limit {row.name} of {next(filter(None, row.targets.values()))}" for row in rows]
        line = draft.limits.line
        doubles = {row.id for row in rows if [other.id for other in rows].count(row.id) > 1}
        note_doubles(
            ((named_limits[number], "limits.yaml", line("limits", number)) for number, row in enumerate(rows)
             if row.id in doubles), findings,
        )  # fmt: skip
    if draft.pack is None:
        return
    entry = draft.pack.value
    named = {
        "zone": [zone.id for zone in entry.zones],
        "domain": [domain.id for domain in entry.domains],
        "unit": [unit.id for unit in entry.units],
        "layer": [layer.id for layer in entry.layers],
    }
    for kind, names in named.items():
        line = draft.pack.line
        note_doubles(
            ((f"{kind} {name}", "pack.yaml", line(f"{kind}s", index, "id")) for index, name in enumerate(names)),
            findings,
        )


def note_doubles(things: Iterable[tuple[str, str, int]], findings: Findings) -> None:
    """Note each (name, file, line) whose name came before."""
    first: dict[str, tuple[str, int]] = {}
    for name, file, line in things:
        if name in first:
            at_file, at_line = first[name]
            findings.add(file=file, line=line, message=f"{name} comes twice", hint=f"first at {at_file}:{at_line}")
        else:
            first[name] = (file, line)


def check_feeds(draft: Draft, findings: Findings) -> None:
    """A feed is in a file of its name and in a domain of the pack."""
    domains = {domain.id for domain in draft.pack.value.domains} if draft.pack is not None else None
    for feed in draft.feeds:
        file = feed.source.file
        if Path(file).stem != feed.value.feed:
            message, hint = f"the feed `{feed.value.feed}` is in a file of another name", f"{feed.value.feed}.yaml"
            findings.add(file=file, line=feed.line("feed"), message=message, hint=hint)
        if domains is not None and feed.value.domain not in domains:
            message, hint = f"unknown domain `{feed.value.domain}`", f"one of {', '.join(sorted(domains))}"
            findings.add(file=file, line=feed.line("domain"), message=message, hint=hint)


def check_systems(draft: Draft, findings: Findings) -> None:
    """A system names feeds of the pack."""
    feeds = {feed.value.feed for feed in draft.feeds}
    for index, system in enumerate(draft.systems.value.systems if draft.systems is not None else ()):
        for place, name in enumerate(system.feeds):
            if name not in feeds:
                assert draft.systems is not None
                line = draft.systems.line("systems", index, "feeds", place)
                hint = f"one of {', '.join(sorted(feeds))}"
                findings.add(
                    file="systems.yaml", line=line, message=f"system {system.id}: unknown feed `{name}`", hint=hint
                )


def check_indicators(draft: Draft, findings: Findings) -> None:
    """An indicator names a domain, an agency and a place of the pack, and a feed that can tell its figures."""
    if draft.indicators is None or draft.pack is None:
        return
    pack, feeds = draft.pack.value, {feed.value.feed: feed.value for feed in draft.feeds}
    places = {*(zone.id for zone in pack.zones), *(area.value.code for area in draft.areas)}
    known = {
        "domain": {domain.id for domain in pack.domains},
        "agency": draft.unit_names().keys(),
        "area": places,
    }
    late_feed = draft.indicators.value.late_feed
    fault = late_feed_fault(feeds.get(late_feed)) if late_feed is not None else None
    if fault is not None:
        line = draft.indicators.line("late_feed")
        findings.add(file="indicators.yaml", line=line, message=f"the feed `{late_feed}` {fault}", hint="mend it")
    codes = [entry.code for entry in draft.indicators.value.indicators]
    for index, entry in enumerate(draft.indicators.value.indicators):
        line = draft.indicators.line("indicators", index)
        name = f"indicator {entry.code}"
        if entry.code in codes[:index]:
            findings.add(file="indicators.yaml", line=line, message=f"{name} comes twice", hint="take one out")
        for member, allowed in known.items():
            value = getattr(entry, member)
            if value is not None and value not in allowed:
                message, hint = f"{name}: unknown {member} `{value}`", f"one of {', '.join(sorted(allowed))}"
                findings.add(file="indicators.yaml", line=line, message=message, hint=hint)
        told_in = entry.feed or draft.indicators.value.feed
        fault = feed_fault(feeds.get(told_in))
        if fault is not None:
            message = f"{name}: the feed `{told_in}` {fault}"
            findings.add(file="indicators.yaml", line=line, message=message, hint="name another feed, or mend that one")


def check_lookups(draft: Draft, findings: Findings) -> None:
    """A lookup table has an id of its own, and its key is one that each of its feeds carries."""
    if draft.lookups is None:
        return
    file, line = "lookups.yaml", draft.lookups.line
    tables, feeds = draft.lookups.value.lookups, {feed.value.feed: feed.value for feed in draft.feeds}
    note_doubles(
        ((f"lookup table {table.id}", file, line("lookups", place, "id")) for place, table in enumerate(tables)),
        findings,
    )
    for index, table in enumerate(tables):
        for place, message, hint in key_faults(table, feeds):
            at = line("lookups", index, "key", "feeds", place)
            findings.add(file=file, line=at, message=f"lookup table {table.id}: {message}", hint=hint)


def check_incidents(draft: Draft, findings: Findings) -> None:
    """A family of incidents has an id of its own, and names rules, domains and devices of the pack."""
    if draft.incidents is None or draft.pack is None:
        return
    file, line = "incidents.yaml", draft.incidents.line
    families = draft.incidents.value.incidents
    note_doubles(
        ((f"family {family.id}", file, line("incidents", place, "id")) for place, family in enumerate(families)),
        findings,
    )
    rules, devices = {rule.id for rule in draft.rules}, {device.value.id for device in draft.devices}
    domains = {domain.id for domain in draft.pack.value.domains}
    for index, family in enumerate(families):
        for path, message, hint in family_faults(family, rules=rules, domains=domains, devices=devices):
            at = line("incidents", index, *path)
            findings.add(file=file, line=at, message=f"family {family.id}: {message}", hint=hint)


def check_units(draft: Draft, findings: Findings) -> None:
    """A unit is named once, in one file, and names domains, standing areas, zones and units of the pack."""
    if draft.units is None or draft.pack is None:
        return
    pack, units = draft.pack.value, draft.units.value.units
    places = {*(zone.id for zone in pack.zones), *(row.value.code for row in draft.areas if row.value.valid_to is None)}
    allowed = {"domains": {domain.id for domain in pack.domains}, "areas": places}
    names = [*(unit.id for unit in pack.units), *(unit.id for unit in units)]
    for index, unit in enumerate(units):
        line = draft.units.line("units", index)
        if names.count(unit.id) > 1:
            hint = "it stands in units.yaml or in pack.yaml, once"
            findings.add(file="units.yaml", line=line, message=f"unit {unit.id} comes twice", hint=hint)
        for member, known in allowed.items():
            for value in getattr(unit, member):
                if value not in known:
                    message, hint = f"unit {unit.id}: unknown {member} `{value}`", f"one of {', '.join(sorted(known))}"
                    findings.add(file="units.yaml", line=line, message=message, hint=hint)
        for member in ("parent", "next_level"):
            value = getattr(unit, member)
            if value is not None and (value not in names or value == unit.id):
                message = f"unit {unit.id}: {member} `{value}` is no other unit"
                findings.add(file="units.yaml", line=line, message=message, hint="the id of another unit")


def check_areas(draft: Draft, findings: Findings) -> None:
    """Validities of one code do not overlap; successors and parents stand on the day they are needed."""
    zones = {zone.id for zone in draft.pack.value.zones} if draft.pack is not None else None
    box = site_box(draft.pack.value) if draft.pack is not None else WORLD
    for area in draft.areas:
        row = area.value
        for successor in row.successors:
            if row.valid_to is not None and not standing(draft.areas, successor, row.valid_to):
                message = f"successor {successor} does not stand on {row.valid_to}"
                findings.add(file="areas.csv", line=area.line(), message=message, hint="add it or mend its valid_from")
        if row.parent is not None and not standing(draft.areas, row.parent, row.valid_from):
            message = f"parent {row.parent} does not stand on {row.valid_from}"
            findings.add(file="areas.csv", line=area.line(), message=message, hint="add it or mend its valid_from")
        fault = point_fault(row.lat, row.lon, box) if row.lat is not None and row.lon is not None else None
        if fault is not None:
            message = f"area {row.code}: {fault.message}"
            findings.add(file="areas.csv", line=area.line(), message=message, hint=fault.hint)
        if row.zone is not None and zones is not None and row.zone not in zones:
            message, hint = f"unknown zone `{row.zone}`", f"one of {', '.join(sorted(zones))}"
            findings.add(file="areas.csv", line=area.line(), message=message, hint=hint)
        for other in draft.areas:
            if other is not area and other.value.code == row.code and overlap(row, other.value):
                message = f"area {row.code} is valid twice from {max(row.valid_from, other.value.valid_from)}"
                line = max(area.line(), other.line())
                findings.add(file="areas.csv", line=line, message=message, hint="end the one where the other begins")


def standing(areas: list[SourcedModel[AreaRow]], code: str, day: date) -> bool:
    """Tell whether the unit ``code`` stands on ``day``."""
    return any(
        area.value.code == code
        and area.value.valid_from <= day
        and (area.value.valid_to is None or day < area.value.valid_to)
        for area in areas
    )


def overlap(one: AreaRow, other: AreaRow) -> bool:
    """Tell whether two validities share a day (and are not the same row twice, which is noted elsewhere)."""
    if one.valid_from == other.valid_from:
        return False
    first, second = sorted((one, other), key=lambda row: row.valid_from)
    return first.valid_to is None or second.valid_from < first.valid_to


def check_pack_entry(draft: Draft, pack: SourcedModel[PackEntry], findings: Findings) -> None:
    """The time zone exists, zones are made of standing units of theirs, sparks name real numeric fields."""
    try:
        ZoneInfo(pack.value.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        message, hint = f"unknown time zone `{pack.value.timezone}`", "an IANA name such as Asia/Ho_Chi_Minh"
        findings.add(file="pack.yaml", line=pack.line("timezone"), message=message, hint=hint)
    today = {area.value.code: area.value for area in draft.areas if area.value.valid_to is None}
    box_hint = "it is [west, south, east, north] in degrees"
    if pack.value.bbox is not None and not is_box(pack.value.bbox):
        findings.add(file="pack.yaml", line=pack.line("bbox"), message="bbox: no box", hint=box_hint)
    for index, zone in enumerate(pack.value.zones):
        if not is_box(zone.bbox):
            line = pack.line("zones", index, "bbox")
            findings.add(file="pack.yaml", line=line, message=f"zone {zone.id}: no box", hint=box_hint)
        for place, code in enumerate(zone.areas):
            if code not in today or today[code].zone != zone.id:
                message = f"zone {zone.id}: area {code} is not a standing unit of this zone in areas.csv"
                line = pack.line("zones", index, "areas", place)
                findings.add(file="pack.yaml", line=line, message=message, hint="list today's units")
    fields = {feed.value.feed: feed.value.fields for feed in draft.feeds}
    for index, domain in enumerate(pack.value.domains):
        spark = domain.spark_field
        if spark is not None and spark.field not in fields.get(spark.feed, {}):
            message = f"domain {domain.id}: no field {spark.field} in a feed {spark.feed}"
            line = pack.line("domains", index, "spark_field")
            findings.add(file="pack.yaml", line=line, message=message, hint="name a feed and a field of it")


def check_devices(draft: Draft, findings: Findings) -> None:
    """A device has a known feed, a standing area, a known owner and parent, and lies inside its zone's box."""
    feeds = {feed.value.feed for feed in draft.feeds}
    areas = {area.value.code: area.value for area in draft.areas if area.value.valid_to is None}
    zones = {zone.id: zone for zone in draft.pack.value.zones} if draft.pack is not None else {}
    units = draft.unit_names()
    devices = {device.value.id: device.value for device in draft.devices}
    for device in draft.devices:
        row, line = device.value, device.line()
        if feeds and row.feed not in feeds:
            message, hint = f"{row.id}: unknown feed `{row.feed}`", f"one of {', '.join(sorted(feeds))}"
            findings.add(file="devices.csv", line=line, message=message, hint=hint)
        if row.area not in areas:
            hint = "a code of areas.csv that is valid today"
            findings.add(file="devices.csv", line=line, message=f"{row.id}: unknown area `{row.area}`", hint=hint)
        elif areas[row.area].zone in zones:
            check_point(row, zones[areas[row.area].zone or ""], line, findings)
        if draft.pack is not None and row.owner is not None and row.owner not in units:
            hint = f"one of {', '.join(sorted(units))}"
            findings.add(file="devices.csv", line=line, message=f"{row.id}: unknown owner `{row.owner}`", hint=hint)
        if row.parent is not None and row.parent not in devices:
            message, hint = f"{row.id}: unknown parent `{row.parent}`", "a device id of this file"
            findings.add(file="devices.csv", line=line, message=message, hint=hint)
        if in_ring(row, devices):
            findings.add(file="devices.csv", line=line, message=f"{row.id}: is its own ancestor", hint="mend parents")


def is_box(entry: list[float]) -> bool:
    """Tell whether four numbers are west, south, east and north."""
    west, south, east, north = entry
    return -LON_MAX <= west < east <= LON_MAX and -LAT_MAX <= south < north <= LAT_MAX


def site_box(entry: PackEntry) -> Box:
    """Return the box that holds everything of the site."""
    if entry.bbox is not None:
        return Box(*entry.bbox)
    return box_of(Box(*zone.bbox) for zone in entry.zones).around(SITE_MARGIN_DEGREES)


def check_point(row: DeviceRow, zone: ZoneEntry, line: int, findings: Findings) -> None:
    """The device lies inside the box of its area's zone."""
    fault = point_fault(row.lat, row.lon, Box(*zone.bbox))
    if fault is not None:
        hint = f"{fault.hint} (the box of the zone)"
        message = f"{row.id}: {row.lat}, {row.lon} lies outside zone {zone.id}"
        findings.add(file="devices.csv", line=line, message=message, hint=hint)


def in_ring(row: DeviceRow, devices: dict[str, DeviceRow]) -> bool:
    """Tell whether following parents from ``row`` comes back to it."""
    seen, at = {row.id}, row.parent
    while at is not None and at in devices and at not in seen:
        seen.add(at)
        at = devices[at].parent
    return at == row.id
