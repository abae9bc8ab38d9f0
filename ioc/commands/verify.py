"""`ioc verify alerts`: the alerts of a running instance recomputed from its log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ioc.assembly.context import ProcessContext, open_context
from ioc.assembly.progress import progress
from ioc.domain.event import Entry
from ioc.domain.recorded import RecordedMove
from ioc.rules.fold.semantics import EngineMark, mark_of, this_engine
from ioc.rules.recompute.verify import PASSING, TOLD_MAX, Difference, Verdict, Verifier
from ioc.rules.recompute.verify_incidents import IncidentVerifier
from ioc.settings import Settings
from ioc.store.alerts.work_recorded import verify_work
from ioc.store.incidents.recorded import RecordedIncidents
from ioc.store.rules.alerts_recorded import RecordedAlerts

BATCH = 1_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
Say = Callable[[str], None]


async def verify_alerts(settings: Settings, say: Say, *, as_json: bool) -> bool:
    """Recompute every alert from the log and hold it against the history; return whether they agree."""
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        verdict, worked_on = await judge(context)
    if as_json:
        say(json.dumps({**facts(verdict), "worked_on": worked_on}, ensure_ascii=False))
        return verdict.agrees
    for difference in verdict.differences:
        say(str(difference))
    if verdict.unjudged:
        say(
            f"{verdict.unjudged} moves not judged: the readings before them are no longer kept, "
            "or another version of the engine made them"
        )
    say(
        f"{verdict.entries} entries folded, {verdict.alerts} alerts with {verdict.moves} moves, "
        f"{verdict.open} open, {worked_on} worked on: "
        f"{verdict.mismatches or 'no'} difference{'s' if verdict.mismatches != 1 else ''}"
    )
    return verdict.agrees


async def judge(context: ProcessContext) -> tuple[Verdict, int]:
    """Return the verdict over conditions and work, and on how many alerts people worked."""
    verdict = await recompute(context)
    work = await verify_work(context.database)
    for alert, line in work.differences:
        verdict.differs(Difference(alert, "", "", members=(line,)))
    return verdict, work.alerts


async def recompute(context: ProcessContext) -> Verdict:
    """Fold the kept log up to the engine's cursor beside the history; memory is bounded by a stretch."""
    recorded = RecordedAlerts(context.database, context.log)
    # Before the cursor is read: nothing that they tell is beyond it.
    nows = await recorded.nows()
    kept = await recorded.kept()
    zones = {zone.code: zone.name for zone in context.pack.zones}
    engines = Engines(await recorded.engines(kept.cursor), this_engine(context.pack.feeds, zones, context.pack.zone))
    ours = engines.begins(kept.first)
    nows = [row for row in nows if row.position >= ours]
    incidents = IncidentCheck(context, kept.cursor)
    await incidents.begin(0)
    verifier = Verifier(context.pack.feeds, zones, context.pack.zone, nows, incidents.verifier)
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
                    await incidents.begin(entries[0].position - 1)
                    waits = False
            entries, taken_over = engines.one_engine(entries)
            if taken_over is not None:
                verifier.take_over(entries[0], await recorded.open_at(taken_over))
                await incidents.begin(taken_over)
            position, log_time = entries[-1].position, entries[-1].log_time
            told: list[RecordedMove] = []
            while ahead is not None and ahead.position <= position:
                if ahead.position >= entries[0].position:
                    told.append(ahead)
                else:
                    verifier.before(ahead)
                ahead = await anext(moves, None)
            verifier.stretch(entries, told, judged=engines.ours)
            tell(position, kept.cursor)
    for alert, rule, key in await recorded.without_opening(kept.cursor, TOLD_MAX):
        verifier.verdict.differs(Difference(alert, rule, key, members=("no history says how it opened",)))
    for alert, rule, key in await recorded.without_now(ours, kept.cursor, TOLD_MAX):
        verifier.verdict.differs(Difference(alert, rule, key, members=("nothing says how it is now",)))
    for name, line in await incidents.differences():
        verifier.verdict.differs(Difference(name, "", "", members=(line,)))
    return verifier.end(await recorded.open_at(kept.cursor))


class IncidentCheck:
    """Incidents by the store beside a second fold of them, from where the pack's families of now begin."""

    def __init__(self, context: ProcessContext, until: int) -> None:
        self._grouping = context.pack.grouping()
        self._recorded = RecordedIncidents(context.database)
        self._until = until
        self.verifier = IncidentVerifier(self._grouping.families)

    async def begin(self, position: int) -> None:
        """Judge what is grouped after a position, once these families group."""
        since = await self._recorded.grouped_since(self._grouping.mark, self._until)
        if since is not None:
            begins = max(since, position)
            self.verifier.begin(begins, await self._recorded.at(begins))

    async def differences(self) -> list[tuple[str, str]]:
        """Return (alert or incident, what differs)."""
        if not self.verifier.judges:
            return []
        members = await self._recorded.members(self.verifier.since, self._until)
        return list(self.verifier.end(members, await self._recorded.rows(self._until)))


class Engines:
    """Which engine folded which entries, as the log says; entries are handed over stretch by stretch, in order."""

    def __init__(self, values: Sequence[Mapping[str, Any]], ours: EngineMark) -> None:
        """``values``: of the log's `engine` entries. A log without any is judged as if this engine had folded it."""
        self._marks = sorted(map(mark_of, values), key=lambda mark: mark.position)
        self._mine = ours
        self.ours = not self._marks

    def begins(self, first: int) -> int:
        """Return the position from which an engine of ours folded to the end, ``first`` at least."""
        position: int = first
        for mark in self._marks:
            position = max(first, mark.position + 1) if mark.same(self._mine) else position
        return position

    def one_engine(self, entries: list[Entry]) -> tuple[list[Entry], int | None]:
        """Return the first of ``entries`` that one engine folded, and after which position ours took over, if now."""
        taken_over = None
        while self._marks and self._marks[0].position < entries[0].position:
            mark = self._marks.pop(0)
            self.ours = mark.same(self._mine)
            taken_over = mark.position if self.ours and mark.position else None
        if self._marks:
            entries = [entry for entry in entries if entry.position <= self._marks[0].position]
        return entries, taken_over


def facts(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON."""
    return {
        "agrees": verdict.agrees, "entries": verdict.entries, "alerts": verdict.alerts, "moves": verdict.moves,
        "open": verdict.open, "unjudged": verdict.unjudged, "mismatches": verdict.mismatches,
        "differences": [
            {"alert": one.alert, "rule": one.rule, "key": one.key, "recorded": [str(move) for move in one.recorded],
             "recomputed": [str(move) for move in one.recomputed], "members": list(one.members)}
            for one in verdict.differences
        ],
    }  # fmt: skip
