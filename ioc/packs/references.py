"""What refers to what: ids used once, areas, feeds, domains and parents that exist, points inside their zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ioc.packs.draft import Draft, Placed
from ioc.packs.problem import Findings
from ioc.packs.schema import PackEntry, ZoneEntry
from ioc.packs.schema_place import AreaRow, DeviceRow


def check_references(draft: Draft, findings: Findings) -> None:
    """Note every broken reference of the draft."""
    check_unique(draft, findings)
    check_feeds(draft, findings)
    check_areas(draft, findings)
    if draft.pack is not None:
        check_pack_entry(draft, draft.pack, findings)
    check_devices(draft, findings)


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


def check_areas(draft: Draft, findings: Findings) -> None:
    """Validities of one code do not overlap; successors and parents stand on the day they are needed."""
    zones = {zone.id for zone in draft.pack.value.zones} if draft.pack is not None else None
    for area in draft.areas:
        row = area.value
        for successor in row.successors:
            if row.valid_to is not None and not standing(draft.areas, successor, row.valid_to):
                message = f"successor {successor} does not stand on {row.valid_to}"
                findings.add(file="areas.csv", line=area.line(), message=message, hint="add it or mend its valid_from")
        if row.parent is not None and not standing(draft.areas, row.parent, row.valid_from):
            message = f"parent {row.parent} does not stand on {row.valid_from}"
            findings.add(file="areas.csv", line=area.line(), message=message, hint="add it or mend its valid_from")
        if row.zone is not None and zones is not None and row.zone not in zones:
            message, hint = f"unknown zone `{row.zone}`", f"one of {', '.join(sorted(zones))}"
            findings.add(file="areas.csv", line=area.line(), message=message, hint=hint)
        for other in draft.areas:
            if other is not area and other.value.code == row.code and overlap(row, other.value):
                message = f"area {row.code} is valid twice from {max(row.valid_from, other.value.valid_from)}"
                line = max(area.line(), other.line())
                findings.add(file="areas.csv", line=line, message=message, hint="end the one where the other begins")


def standing(areas: list[Placed[AreaRow]], code: str, day: date) -> bool:
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


def check_pack_entry(draft: Draft, pack: Placed[PackEntry], findings: Findings) -> None:
    """The time zone exists, zones are made of standing units of theirs, sparks name real numeric fields."""
    try:
        ZoneInfo(pack.value.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        message, hint = f"unknown time zone `{pack.value.timezone}`", "an IANA name such as Asia/Ho_Chi_Minh"
        findings.add(file="pack.yaml", line=pack.line("timezone"), message=message, hint=hint)
    today = {area.value.code: area.value for area in draft.areas if area.value.valid_to is None}
    for index, zone in enumerate(pack.value.zones):
        west, south, east, north = zone.bbox
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):  # noqa: PLR2004 degrees
            hint = "it is [west, south, east, north] in degrees"
            line = pack.line("zones", index, "bbox")
            findings.add(file="pack.yaml", line=line, message=f"zone {zone.id}: no box", hint=hint)
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
    units = {unit.id for unit in draft.pack.value.units} if draft.pack is not None else set()
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


def check_point(row: DeviceRow, zone: ZoneEntry, line: int, findings: Findings) -> None:
    """The device lies inside the box of its area's zone."""
    west, south, east, north = zone.bbox
    if west <= row.lon <= east and south <= row.lat <= north:
        return
    swapped = west <= row.lat <= east and south <= row.lon <= north
    hint = "lat and lon look swapped: lat comes first" if swapped else f"the box is {zone.bbox}, west south east north"
    message = f"{row.id}: {row.lat}, {row.lon} lies outside zone {zone.id}"
    findings.add(file="devices.csv", line=line, message=message, hint=hint)


def in_ring(row: DeviceRow, devices: dict[str, DeviceRow]) -> bool:
    """Tell whether following parents from ``row`` comes back to it."""
    seen, at = {row.id}, row.parent
    while at is not None and at in devices and at not in seen:
        seen.add(at)
        at = devices[at].parent
    return at == row.id
