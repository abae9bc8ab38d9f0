"""`ioc verify`: the alerts recomputed from the log, and the chain of the audit trail, of a running instance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ioc.bootstrap.parts import Parts, open_parts
from ioc.bootstrap.progress import progress
from ioc.domain.recorded import RecordedMove
from ioc.errors import InvalidInputError
from ioc.rules.verify import PASSING, Verdict, Verifier
from ioc.settings import Settings
from ioc.store.alerts_recorded import RecordedAlerts
from ioc.store.audit import AuditVerdict, verify_chain

BATCH = 1_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
Say = Callable[[str], None]


async def verify_alerts(settings: Settings, say: Say, *, as_json: bool) -> bool:
    """Recompute every alert from the log and hold it against the history; return whether they agree."""
    async with open_parts(settings, "tools", connections_max=2, patient=False) as parts:
        verdict = await recompute(parts)
    if as_json:
        say(json.dumps(facts(verdict), ensure_ascii=False))
        return verdict.agrees
    for difference in verdict.differences:
        say(str(difference))
    if verdict.unjudged:
        say(f"{verdict.unjudged} moves not judged: the readings before them are no longer kept")
    say(
        f"{verdict.entries} entries folded, {verdict.alerts} alerts with {verdict.moves} moves, "
        f"{verdict.open} open: {verdict.mismatches or 'no'} difference{'s' if verdict.mismatches != 1 else ''}"
    )
    return verdict.agrees


async def recompute(parts: Parts) -> Verdict:
    """Fold the kept log up to the engine's cursor beside the history; memory is bounded by a stretch."""
    recorded = RecordedAlerts(parts.database, parts.log)
    kept = await recorded.kept()
    verifier = Verifier(parts.pack.feeds, {zone.code: zone.name for zone in parts.pack.zones}, parts.pack.zone)
    moves = recorded.moves(kept.cursor)
    ahead: RecordedMove | None = await anext(moves, None)
    position, log_time, waits = 0, BEGINNING, not kept.whole
    with progress("recomputing alerts", "entries") as tell:
        while position < kept.cursor:
            entries = await recorded.entries(position, log_time, BATCH)
            entries = [entry for entry in entries if entry.position <= kept.cursor]
            if not entries:
                break
            if waits:
                # What the registry said before the kept readings is known first; then what was open is taken over.
                begins = next((number for number, entry in enumerate(entries) if entry.kind in PASSING), None)
                entries = entries[:begins] if begins else entries
                if begins == 0:
                    verifier.take_over(entries[0], await recorded.open_at(entries[0].position - 1))
                    waits = False
            position, log_time = entries[-1].position, entries[-1].log_time
            told: list[RecordedMove] = []
            while ahead is not None and ahead.position <= position:
                if ahead.position >= entries[0].position:
                    told.append(ahead)
                ahead = await anext(moves, None)
            verifier.stretch(entries, told)
            tell(position, kept.cursor)
    return verifier.end(await recorded.open_at(kept.cursor))


def facts(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON."""
    return {
        "agrees": verdict.agrees, "entries": verdict.entries, "alerts": verdict.alerts, "moves": verdict.moves,
        "open": verdict.open, "unjudged": verdict.unjudged, "mismatches": verdict.mismatches,
        "differences": [
            {"alert": one.alert, "rule": one.rule, "key": one.key, "recorded": [str(move) for move in one.recorded],
             "recomputed": [str(move) for move in one.recomputed]}
            for one in verdict.differences
        ],
    }  # fmt: skip


async def verify_audit(
    settings: Settings, say: Say, *, anchor: Path | None, export: Path | None, as_json: bool
) -> bool:
    """Compute the audit trail's chain again; return whether it holds.

    ``anchor`` is a file that an earlier run wrote to ``export`` and somebody kept elsewhere: only it shows that the
    end was cut off.

    Raises:
        InvalidInputError: the anchor is not one.
    """
    known = None if anchor is None else _read_anchor(anchor)
    async with open_parts(settings, "tools", connections_max=2, patient=False) as parts:
        async with parts.database.connection() as connection:
            verdict = await verify_chain(connection, known)
        now = parts.wall.now()
    holds = verdict.broken_at is None
    if holds and export is not None:
        _write_anchor(export, verdict, now)
    if as_json:
        say(json.dumps({
            "holds": holds, "checked": verdict.checked, "last_id": verdict.last_id,
            "last_hash": verdict.last_hash.hex(), "broken_at": verdict.broken_at, "reason": verdict.reason or None,
        }))  # fmt: skip
    elif holds:
        say(f"{verdict.checked} rows, the chain holds; the last is {verdict.last_id} {verdict.last_hash.hex()}")
    else:
        say(f"row {verdict.broken_at} {verdict.reason}; {verdict.checked} rows before it hold")
    return holds


def _write_anchor(path: Path, verdict: AuditVerdict, now: datetime) -> None:
    body = {"id": verdict.last_id, "hash": verdict.last_hash.hex(), "at": now.isoformat()}
    path.write_text(json.dumps(body) + "\n", encoding="utf-8")


def _read_anchor(path: Path) -> tuple[int, bytes]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return int(found["id"]), bytes.fromhex(found["hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            f"{path} is no anchor: it is the file that `ioc verify audit --export FILE` writes", field="anchor"
        ) from error
