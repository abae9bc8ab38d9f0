"""Apply a pack: compare content hashes with what was applied last, write what differs, and say it in the log.

Rules, devices, areas and the calendar become log entries with their full new value, because alerts are a function of
the log. A device that the site made or edited (origin `site`) is never overwritten by the pack, and neither is a rule
that it has a form of its own of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ioc.domain.event import EntryKind
from ioc.packs.pack import Pack, PackItem
from ioc.store.changes import Change, append_changes
from ioc.store.engine import Connection, Database
from ioc.store.event_log import EventLog
from ioc.store.pack_rules import RulesTaken, positions_of, sync_texts, take_rules
from ioc.store.registry import bump_registry
from ioc.store.rule_forms import Form, LogEntry, lock_rules

ENTRY_KINDS = {
    "device": EntryKind.DEVICE,
    "area": EntryKind.AREA,
    "calendar": EntryKind.CALENDAR,
}


@dataclass(frozen=True, slots=True)
class Applied:
    """How many items of each kind the pack changed."""

    added: int
    changed: int
    removed: int


class PackStore:
    """Keeps which items of the pack are in force."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def apply(self, pack: Pack, now: datetime) -> Applied:
        """Bring the database to ``pack`` in one transaction; an unchanged pack writes nothing."""
        async with self._database.transaction() as connection:
            await connection.execute("LOCK TABLE pack_item IN SHARE ROW EXCLUSIVE MODE")
            await lock_rules(connection)
            rows = await connection.fetch("SELECT kind, id, hash, version, removed FROM pack_item")
            known = {(row["kind"], row["id"]): row for row in rows}
            items = {(item.kind, item.id): item for item in pack.items()}
            await sync_texts(connection, [item for item in items.values() if item.kind == "rule"])
            fresh = [item for name, item in items.items() if name not in known]
            changed = [
                item
                for name, item in items.items()
                if name in known and (known[name]["hash"] != item.hash or known[name]["removed"])
            ]
            gone = [name for name, row in known.items() if name not in items and not row["removed"]]
            if not (fresh or changed or gone):
                return Applied(0, 0, 0)
            versions = {(item.kind, item.id): known[item.kind, item.id]["version"] + 1 for item in changed}
            old = await _old_rules(connection)
            await _write_items(connection, [*fresh, *changed], versions, gone, now)
            registered = await _write_nouns(connection, [*fresh, *changed], gone, now)
            rules = [item for item in [*fresh, *changed] if item.kind == "rule"]
            taken = await take_rules(connection, rules, [name for kind, name in gone if kind == "rule"], old, now)
            entries = [*_entries([*fresh, *changed], gone, registered), *taken.entries()]
            positions = await self._log.append_entries(connection, entries, now)
            await taken.note(connection, positions_of(entries, positions), now)
            await bump_registry(connection)
            await append_changes(connection, [*_changes([*fresh, *changed], gone, now), *_rule_changes(taken, now)])
        return Applied(len(fresh), len(changed), len(gone))

    async def bodies(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the bodies in force of one kind, by id."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT id, body FROM pack_item WHERE kind = $1 AND NOT removed", kind)
        return {row["id"]: row["body"] for row in rows}


async def _write_items(
    connection: Connection,
    items: Sequence[PackItem],
    versions: Mapping[tuple[str, str], int],
    gone: Sequence[tuple[str, str]],
    now: datetime,
) -> None:
    await connection.executemany(
        "INSERT INTO pack_item (kind, id, hash, version, body, updated_at, yaml) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (kind, id) DO UPDATE SET hash = $3, version = $4, body = $5, updated_at = $6, yaml = $7, "
        "removed = false",
        [
            (item.kind, item.id, item.hash, versions.get((item.kind, item.id), 1), dict(item.body), now, item.yaml)
            for item in items
        ],
    )
    await connection.executemany(
        "UPDATE pack_item SET removed = true, version = version + 1, updated_at = $3 WHERE kind = $1 AND id = $2",
        [(kind, identifier, now) for kind, identifier in gone],
    )


async def _write_nouns(
    connection: Connection, items: Sequence[PackItem], gone: Sequence[tuple[str, str]], now: datetime
) -> dict[str, datetime]:
    """Write areas and devices to their tables; return when each device of the pack was registered."""
    for item in items:
        if item.kind == "area":
            await _write_area(connection, item.body)
        elif item.kind == "device":
            await _write_device(connection, item.body, now)
    for kind, identifier in gone:
        if kind == "area":
            code, _, valid_from = identifier.partition("@")
            await connection.execute(
                "DELETE FROM area WHERE code = $1 AND valid_from = $2", code, date.fromisoformat(valid_from)
            )
        elif kind == "device":
            # Its history stays, so it is retired and never deleted.
            await connection.execute(
                "UPDATE device SET state = 'retired', version = version + 1, updated_at = $2 "
                "WHERE id = $1 AND origin = 'pack'",
                identifier,
                now,
            )
    rows = await connection.fetch("SELECT id, registered_at FROM device WHERE origin = 'pack'")
    return {row["id"]: row["registered_at"] for row in rows}


async def _write_area(connection: Connection, body: Mapping[str, Any]) -> None:
    short = body["short"] or {"vi": None, "en": None}
    valid_to = body["valid_to"]
    await connection.execute(
        "INSERT INTO area (code, valid_from, valid_to, name_vi, name_en, short_vi, short_en, level, zone, parent, "
        "lat, lon, aliases, successors, shape, shape_source) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
        "$13, $14, $15, $16) ON CONFLICT (code, valid_from) DO UPDATE SET valid_to = $3, name_vi = $4, name_en = $5, "
        "short_vi = $6, short_en = $7, level = $8, zone = $9, parent = $10, lat = $11, lon = $12, aliases = $13, "
        # A real boundary that the site imported wins over our sketch.
        "successors = $14, shape = CASE WHEN area.shape_source = 'import' THEN area.shape ELSE $15 END, "
        "shape_source = CASE WHEN area.shape_source = 'import' THEN 'import' ELSE $16 END",
        body["code"],
        date.fromisoformat(body["valid_from"]),
        date.fromisoformat(valid_to) if valid_to else None,
        body["name"]["vi"],
        body["name"]["en"],
        short["vi"],
        short["en"],
        body["level"],
        body["zone"],
        body["parent"],
        body["lat"],
        body["lon"],
        body["aliases"],
        body["successors"],
        body["shape"],
        body["shape_source"],
    )


async def _write_device(connection: Connection, body: Mapping[str, Any], now: datetime) -> None:
    await connection.execute(
        "INSERT INTO device (id, feed, name_vi, name_en, area, zone, lat, lon, parent, owner, place, "
        "expected_period_seconds, critical, gateway, registered_at, updated_at, origin) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, 'pack') "
        "ON CONFLICT (id) DO UPDATE SET feed = $2, name_vi = $3, name_en = $4, area = $5, zone = $6, lat = $7, "
        "lon = $8, parent = $9, owner = $10, place = $11, expected_period_seconds = $12, critical = $13, "
        "gateway = $14, updated_at = $15, version = device.version + 1, "
        "state = CASE WHEN device.state = 'retired' THEN 'active' ELSE device.state END "
        "WHERE device.origin = 'pack'",
        body["id"],
        body["feed"],
        body["name"]["vi"],
        body["name"]["en"],
        body["area"],
        body["zone"],
        body["lat"],
        body["lon"],
        body["parent"],
        body["owner"],
        body["place"],
        body["expected_period_seconds"],
        body["critical"],
        body["gateway"],
        now,
    )


async def _old_rules(connection: Connection) -> dict[str, Form]:
    """Return the rules of the pack that was applied last."""
    rows = await connection.fetch("SELECT id, hash, body, yaml FROM pack_item WHERE kind = 'rule' AND NOT removed")
    return {row["id"]: Form(row["hash"], row["body"], row["yaml"]) for row in rows}


def _entries(
    items: Sequence[PackItem], gone: Sequence[tuple[str, str]], registered: Mapping[str, datetime]
) -> list[LogEntry]:
    """Return the log's entries for all but rules, which have a place of their own."""
    entries: list[LogEntry] = []
    for item in items:
        kind = ENTRY_KINDS.get(item.kind)
        if kind is EntryKind.DEVICE and item.id in registered:
            entries.append((kind, item.id, {**item.body, "registered_at": registered[item.id].isoformat()}))
        elif kind is EntryKind.AREA:
            # Shapes are large and no rule of this step needs them.
            entries.append((kind, item.id, {name: value for name, value in item.body.items() if name != "shape"}))
        elif kind is EntryKind.CALENDAR:
            entries.append((kind, item.id, item.body))
    entries.extend((ENTRY_KINDS[kind], identifier, None) for kind, identifier in gone if kind in ENTRY_KINDS)
    return entries


def _changes(items: Sequence[PackItem], gone: Sequence[tuple[str, str]], now: datetime) -> list[Change]:
    changes = [
        Change(kind=item.kind, id=item.id, log_time=now, area=item.body.get("area"), zone=item.body.get("zone"))
        for item in items
        if item.kind == "device"
    ]
    changes.extend(Change(kind=kind, id=identifier, log_time=now) for kind, identifier in gone if kind == "device")
    return changes


def _rule_changes(taken: RulesTaken, now: datetime) -> list[Change]:
    rows = [outcome.row for outcome in taken.outcomes]
    return [Change(kind="rule", id=row.id, log_time=now, version=row.version) for row in rows]
