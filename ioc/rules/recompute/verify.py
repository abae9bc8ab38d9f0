"""The history of alerts held against a fold of the log: with the rules of its time it gives the alerts of its time.

Pure: it is handed stretches of the log with what the history says of them. Held against it are the moves with their
sentences and evidence, the row that lists show, and the number said aloud. Where the log's beginning is no longer
kept, what was open then is taken over from the history, and a rule is judged once it has seen as much of the log as it
looks back on; what lies before is counted as not judged. The same where another version of the engine took over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, tzinfo
from typing import Any

from ioc.domain.alert import OpenAlert, Transition, TransitionKind
from ioc.domain.alert_row import AlertRow, row_after
from ioc.domain.event import Entry, EntryKind
from ioc.domain.feed import FeedSpec, Label
from ioc.domain.moment import LOCAL_ZONE
from ioc.domain.recorded import NowRow, RecordedMove, as_recorded, differing
from ioc.rules.fold.reconcile import reconcile
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.rule import Mode, to_us
from ioc.rules.recompute.backtest import LOOK_BACK_MIN_US, look_back_us
from ioc.rules.recompute.verify_incidents import IncidentVerifier
from ioc.rules.recompute.verify_now import NowVerifier
from ioc.rules.state.memory import Memory

TOLD_MAX = 50
"""Differences told one by one; all are counted."""
PASSING = (EntryKind.EVENT, EntryKind.TICK, EntryKind.GAP)
COMPARED = tuple(each.name for each in fields(RecordedMove) if each.compare)
ROW = tuple(each.name for each in fields(AlertRow))


@dataclass(frozen=True, slots=True)
class Difference:
    """One alert of which something is not what the log gives."""

    alert: str
    rule: str
    key: str
    recorded: tuple[RecordedMove, ...] = ()
    recomputed: tuple[RecordedMove, ...] = ()
    members: tuple[str, ...] = ()
    """What differs, member by member, where it is not whole moves."""

    def __str__(self) -> str:
        def said(moves: tuple[RecordedMove, ...]) -> str:
            return "; ".join(map(str, moves)) or "nothing"

        head = f"{self.alert} ({self.rule}, {self.key}): " if self.rule else f"{self.alert}: "
        if not self.members or said(self.recorded) != said(self.recomputed):
            head += f"the history says {said(self.recorded)}; the log gives {said(self.recomputed)}"
            return "; ".join((head, *self.members))
        return head + "; ".join(self.members)


@dataclass(slots=True)
class Verdict:
    """What a check of the alerts found."""

    entries: int = 0
    moves: int = 0
    """Moves that were held against the log."""
    alerts: int = 0
    unjudged: int = 0
    """Moves whose readings are no longer kept in full, or that another version of the engine made."""
    mismatches: int = 0
    differences: list[Difference] = field(default_factory=list)
    """The first of them."""
    open: int = 0

    @property
    def agrees(self) -> bool:
        """Tell whether the history is what the log gives."""
        return not self.mismatches

    def differs(self, difference: Difference) -> None:
        """Count a difference, and keep it while there is room."""
        self.mismatches += 1
        if len(self.differences) < TOLD_MAX:
            self.differences.append(difference)


class Verifier:
    """Folds the log from its beginning and compares, stretch by stretch."""

    def __init__(
        self,
        feeds: Mapping[str, FeedSpec],
        zones: Mapping[str, Label],
        timezone: tzinfo,
        nows: Sequence[NowRow] = (),
        incidents: IncidentVerifier | None = None,
    ) -> None:
        """``nows``: how things are with alerts by the store, read before the log is."""
        self._incidents = incidents or IncidentVerifier(())
        self._nows = NowVerifier(nows)
        self._rules = RuleSet(feeds, zones, timezone=timezone)
        self._memory = Memory()
        self._begins_us: int | None = None
        self._begins_position = 0
        self._unjudged: set[str] = set()
        self._alerts: set[str] = set()
        self._rows: dict[str, AlertRow] = {}
        self._numbers: dict[date, int] = {}
        self.verdict = Verdict()

    def take_over(self, entry: Entry, opened: Sequence[OpenAlert]) -> None:
        """Hear that what is judged begins with ``entry``, and which alerts were open then."""
        self._begins_us, self._begins_position = to_us(entry.log_time), entry.position
        self._unjudged |= {alert.id for alert in opened}
        reconcile(self._rules, self._memory, opened)

    def before(self, recorded: RecordedMove) -> None:
        """Hear of a move whose entry is no longer kept: its number counts."""
        self._numbered([recorded], [])

    def stretch(self, entries: Sequence[Entry], recorded: Iterable[RecordedMove], *, judged: bool = True) -> None:
        """Fold the next entries and hold what they give against what the history says of them.

        ``judged``: false where another version of the engine folded them.
        """
        if not judged:
            self._incidents.end_judging()
        found: dict[str, tuple[list[RecordedMove], list[Transition]]] = defaultdict(lambda: ([], []))
        told = list(recorded)
        for move in told:
            found[move.alert][0].append(move)
        times = {}
        opened = []
        for entry in entries:
            transitions = step(self._rules, self._memory, entry)
            self._nows.entered(self._rules, self._memory, entry.position, transitions)
            self._incidents.take(transitions)
            for made in transitions:
                found[made.alert_id][1].append(made)
                if made.kind is TransitionKind.OPENED:
                    opened.append(made.alert_id)
            times[entry.position] = to_us(entry.log_time)
        self.verdict.entries += len(entries)
        self._nows.stretched(self._rules, self._memory, self._memory.log_us)
        self._numbered(told, opened)
        for alert, (moves, given) in found.items():
            position = moves[0].position if moves else given[0].position
            rule = moves[0].rule if moves else given[0].rule
            if not judged or self._too_early(rule, times[position]):
                self._unjudged.add(alert)
            if alert in self._unjudged:
                self.verdict.unjudged += len(moves)
            else:
                self._compare(alert, moves, given)

    def _compare(self, alert: str, told: Sequence[RecordedMove], given: Sequence[Transition]) -> None:
        """Hold the moves of one alert in one stretch, and its row where they are its newest, against the log."""
        self._alerts.add(alert)
        self.verdict.moves += len(told)
        for made in given:
            self._rows[alert] = row_after(self._rows.get(alert), made)
        recomputed = [as_recorded(made) for made in given]
        members = [
            f"{move.kind} at entry {move.position}, {line}"
            for move, other in zip(told, recomputed, strict=False)
            for name in COMPARED
            for line in differing(*self._known(name, move, other), name)
        ]
        row = told[-1].row if told else None
        ours = self._rows.get(alert)
        if row is not None and ours is not None:
            members += [
                f"the alert's row, {line}"
                for name in ROW
                for line in differing(getattr(row, name), getattr(ours, name), name)
            ]
        if members or len(told) != len(recomputed):
            move = (told or recomputed)[0]
            self.verdict.differs(
                Difference(alert, move.rule, move.key, tuple(told), tuple(recomputed), tuple(members[:TOLD_MAX]))
            )

    def _known(self, name: str, told: RecordedMove, given: RecordedMove) -> tuple[Any, Any]:
        """Return a member of both moves, of evidence what the kept log can know.

        A key remembers its last readings and values however old they are; those from before the log's beginning are
        in the history alone.
        """
        recorded, recomputed = getattr(told, name), getattr(given, name)
        if name != "evidence" or self._begins_us is None:
            return recorded, recomputed
        values = {each: value for each, value in recorded.get("values", {}).items() if each in recomputed["values"]}
        readings = [each for each in recorded.get("readings", ()) if each["position"] >= self._begins_position]
        kept = [each for each in recomputed["readings"] if each["position"] >= self._begins_position]
        return {**recorded, "values": values, "readings": readings}, {**recomputed, "readings": kept}

    def _numbered(self, recorded: Sequence[RecordedMove], opened: Sequence[str]) -> None:
        """Hold the numbers of alerts that opened, counted from 1 on each local day, against their order in the log."""
        order = {alert: number for number, alert in enumerate(opened)}
        openings = [move for move in recorded if move.kind == TransitionKind.OPENED and move.number]
        for move in sorted(openings, key=lambda move: (move.position, order.get(move.alert, len(order)), move.number)):
            day = move.log_time.astimezone(LOCAL_ZONE).date()
            prefix, _, digits = move.number.rpartition("-")
            number = int(digits) if digits.isdecimal() else 0
            # Alerts of the first day that is kept may have lost earlier ones of the same day.
            wanted = self._numbers.get(day, 0) + 1 if self._numbers else number
            if number != wanted or not prefix.endswith(f"{day:%y%m%d}"):
                line = f"number: {move.number}, the log gives {wanted:04d} of {day:%y%m%d}"
                self.verdict.differs(Difference(move.alert, move.rule, move.key, members=(line,)))
            self._numbers[day] = max(number, wanted)

    def _monitored(self, rule: str) -> bool:
        known = self._rules.rules.get(rule)
        return known is not None and known.mode is Mode.MONITOR

    def _too_early(self, rule: str, log_us: int) -> bool:
        if self._begins_us is None:
            return False
        known = self._rules.rules.get(rule)
        return log_us < self._begins_us + (LOOK_BACK_MIN_US if known is None else look_back_us(known))

    def end(self, opened: Sequence[OpenAlert]) -> Verdict:
        """Compare what is open at the end, and return what was found."""
        stored = {alert.id: (alert.rule, alert.key) for alert in opened if alert.id not in self._unjudged}
        given = {
            identifier: place
            for place, identifier in self._memory.open_alerts().items()
            # What a rule in monitor mode sees is no alert: nobody stores it.
            if identifier not in self._unjudged and not self._monitored(place[0])
        }
        self.verdict.alerts = len(self._alerts)
        self.verdict.open = len(stored)
        for alert in sorted(stored.keys() ^ given.keys()):
            rule, key = stored.get(alert) or given[alert]
            line = "fires by the history, not by the log" if alert in stored else "fires by the log, not by the history"
            self.verdict.differs(Difference(alert, rule, key, members=(line,)))
        for row, lines in self._nows.end(self._rules, self._memory):
            if lines and row.alert in self._alerts and row.alert not in self._unjudged:
                members = tuple(f"now, {line}" for line in lines)
                self.verdict.differs(Difference(row.alert, row.rule, row.key, members=members))
        return self.verdict
