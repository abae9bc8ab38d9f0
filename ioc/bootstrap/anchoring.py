"""Where this instance anchors its audit trail, and `ioc verify audit`: the chain held against those anchors.

Anchors lie in a file, by default of the data folder, or in another PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ioc.assembly.context import open_context
from ioc.assembly.drill_folder import read_mark
from ioc.assembly.role_beat import place_of
from ioc.errors import InvalidInputError
from ioc.settings import Settings
from ioc.store.audit.anchors import FILE, Anchors, DatabaseAnchors, FileAnchors, by_id
from ioc.store.audit.trail import AuditVerdict, verify_chain

Say = Callable[[str], None]


def anchors_of(settings: Settings) -> Anchors | None:
    """Return the place; None: a drill's trail is about nothing that happened, and is not anchored."""
    if read_mark(settings.data_dir) is not None:
        return None
    if settings.audit_anchor_url is not None:
        return DatabaseAnchors(settings.audit_anchor_url, place_of(settings.data_dir))
    return FileAnchors(settings.audit_anchor_file or settings.data_dir / FILE)


async def verify_audit(
    settings: Settings, say: Say, *, anchor: Path | None, export: Path | None, as_json: bool
) -> bool:
    """Compute the audit trail's chain again and hold it against its anchors; return whether it holds.

    The keeper's anchors count by themselves. ``anchor`` is a file that an earlier run wrote to ``export`` and somebody
    kept elsewhere; it counts beside them.

    Raises:
        InvalidInputError: the anchor is not one, or the export cannot be written.
    """
    known = {} if anchor is None else dict([_read_anchor(anchor)])
    if export is not None:
        _check_folder(export)
    ours = anchors_of(settings)
    kept = [] if ours is None else await ours.read()
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        async with context.database.connection() as connection:
            verdict = await verify_chain(connection, {**by_id(kept), **known})
        now = context.wall.now()
    holds = verdict.broken_at is None
    if holds and export is not None:
        _write_anchor(export, verdict, now)
    if as_json:
        say(json.dumps({
            "holds": holds, "checked": verdict.checked, "last_id": verdict.last_id,
            "last_hash": verdict.last_hash.hex(), "broken_at": verdict.broken_at, "reason": verdict.reason or None,
            "anchors": len(kept), "anchored_id": kept[-1].id if kept else None,
        }))  # fmt: skip
    elif holds:
        anchored = f"anchored up to row {kept[-1].id}, {kept[-1].at.isoformat()}" if kept else "not anchored yet"
        say(f"{verdict.checked} rows, the chain holds; the last is {verdict.last_id} {verdict.last_hash.hex()}")
        say(anchored)
    else:
        say(f"row {verdict.broken_at} {verdict.reason}; {verdict.checked} rows before it hold")
    return holds


def _check_folder(path: Path) -> None:
    """Say now, and not after the chain was computed, that there is no place to write to."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InvalidInputError(f"{path}: there is no folder {folder}", field="export")


def _write_anchor(path: Path, verdict: AuditVerdict, now: datetime) -> None:
    body = {"id": verdict.last_id, "hash": verdict.last_hash.hex(), "at": now.isoformat()}
    try:
        path.write_text(json.dumps(body) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}", field="export") from error


def _read_anchor(path: Path) -> tuple[int, bytes]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return int(found["id"]), bytes.fromhex(found["hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            f"{path} is no anchor: it is the file that `ioc verify audit --export FILE` writes", field="anchor"
        ) from error
