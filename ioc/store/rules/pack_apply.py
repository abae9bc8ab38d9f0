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
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.contacts.pack_units import take_units
from ioc.store.limits.pack_limits import take_limits
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Connection, Database
from ioc.store.registry.device_row import put_of_pack
from ioc.store.registry.registry import bump_registry
from ioc.store.rules.forms import Form, LogEntry, lock_rules
from ioc.store.rules.pack_rules import PackRules, positions_of, sync_texts, take_rules

ENTRY_KINDS = {
    "device": EntryKind.DEVICE,
    "area": EntryKind.AREA,
    "calendar": EntryKind.CALENDAR,
}


@dataclass(frozen=True, slots=True)
class PackReport:
    """How many items of each kind the pack changed."""

    added: int
    changed: int
    removed: int


class PackStore:
    """Keeps which items of the pack are in force."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def apply(self, pack: Pack, now: datetime) -> PackReport:
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
                return PackReport(0, 0, 0)
            versions = {(item.kind, item.id): known[item.kind, item.id]["version"] + 1 for item in changed}
            old = await _old_rules(connection)
            await _write_items(connection, [*fresh, *changed], versions, gone, now)
            before = await _places(connection)
            registered = await _write_nouns(connection, [*fresh, *changed], gone, now)
            rules = [item for item in [*fresh, *changed] if item.kind == "rule"]
            taken = await take_rules(connection, rules, [name for kind, name in gone if kind == "rule"], old, now)
            bodies = [item.body for item in [*fresh, *changed] if item.kind == "limit"]
            limits = await take_limits(connection, bodies, [name for kind, name in gone if kind == "limit"])
            units = [item.body for item in [*fresh, *changed] if item.kind == "unit"]
            await take_units(connection, units, [name for kind, name in gone if kind == "unit"], now)
            entries = [*_entries([*fresh, *changed], gone, registered), *limits.entries(), *taken.entries()]
            positions = await self._log.append_entries(connection, entries, now)
            await taken.note(connection, positions_of(entries, positions), now)
            await limits.note(connection, positions_of(entries, positions, EntryKind.LIMIT), now)
            await bump_registry(connection)
            names = [item.id for item in [*fresh, *changed] if item.kind == "device"]
            names += [identifier for kind, identifier in gone if kind == "device"]
            moved = _changes(names, before, await _places(connection), now)
            await append_changes(connection, [*moved, *_rule_changes(taken, now)])
        return PackReport(len(fresh), len(changed), len(gone))

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
            await connection.execute(*put_of_pack(item.body, now))
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


Place = tuple[str | None, str | None]


async def _places(connection: Connection) -> dict[str, Place]:
    """Return (area, zone) of each device."""
    rows = await connection.fetch("SELECT id, area, zone FROM device")
    return {row["id"]: (row["area"], row["zone"]) for row in rows}


def _changes(
    devices: Sequence[str], before: Mapping[str, Place], now_at: Mapping[str, Place], now: datetime
) -> list[ChangeRecord]:
    """Return the changes of devices: one for where each is now, and one for the place that it has left."""
    changes = []
    for name in devices:
        here, old = now_at.get(name, (None, None)), before.get(name)
        places = [here] if old is None or old == here else [here, old]
        changes += [ChangeRecord(kind="device", id=name, log_time=now, area=area, zone=zone) for area, zone in places]
    return changes


def _rule_changes(taken: PackRules, now: datetime) -> list[ChangeRecord]:
    rows = [outcome.row for outcome in taken.outcomes]
    return [ChangeRecord(kind="rule", id=row.id, log_time=now, version=row.version) for row in rows]
