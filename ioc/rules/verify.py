"""The history of alerts held against a fold of the log: with the rules of its time it gives the alerts of its time.

Pure: it is handed stretches of the log with what the history says of them. Where the log's beginning is no longer
kept, what was open then is taken over from the history, and a rule is judged once it has seen as much of the log as it
looks back on; what lies before is counted as not judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from ioc.domain.alert import OpenAlert
from ioc.domain.event import Entry, EntryKind
from ioc.domain.feed import FeedSpec, Label
from ioc.domain.recorded import RecordedMove, as_recorded
from ioc.rules.backtest import LOOK_BACK_MIN_US, look_back_us
from ioc.rules.evaluate import step
from ioc.rules.memory import Memory
from ioc.rules.reconcile import reconcile
from ioc.rules.rule import to_us
from ioc.rules.ruleset import RuleSet

TOLD_MAX = 50
"""Differences told one by one; all are counted."""
PASSING = (EntryKind.EVENT, EntryKind.TICK, EntryKind.GAP)


@dataclass(frozen=True, slots=True)
class Difference:
    """One alert whose moves in a stretch are not those that the log gives."""

    alert: str
    rule: str
    key: str
    recorded: tuple[RecordedMove, ...]
    recomputed: tuple[RecordedMove, ...]

    def __str__(self) -> str:
        def said(moves: tuple[RecordedMove, ...]) -> str:
            return "; ".join(map(str, moves)) or "nothing"

        return (
            f"{self.alert} ({self.rule}, {self.key}): the history says {said(self.recorded)}; "
            f"the log gives {said(self.recomputed)}"
        )


@dataclass(slots=True)
class Verdict:
    """What a check of the alerts found."""

    entries: int = 0
    moves: int = 0
    """Moves that were held against the log."""
    alerts: int = 0
    unjudged: int = 0
    """Moves whose readings are no longer kept in full."""
    mismatches: int = 0
    differences: list[Difference] = field(default_factory=list)
    """The first of them."""
    open: int = 0

    @property
    def agrees(self) -> bool:
        """Tell whether the history is what the log gives."""
        return not self.mismatches


class Verifier:
    """Folds the log from its beginning and compares, stretch by stretch."""

    def __init__(self, feeds: Mapping[str, FeedSpec], zones: Mapping[str, Label], timezone: tzinfo) -> None:
        self._rules = RuleSet(feeds, zones, timezone=timezone)
        self._memory = Memory()
        self._begins_us: int | None = None
        self._unjudged: set[str] = set()
        self._alerts: set[str] = set()
        self.verdict = Verdict()

    def take_over(self, entry: Entry, opened: Sequence[OpenAlert]) -> None:
        """Hear that the kept log begins with ``entry``, and which alerts were open then."""
        self._begins_us = to_us(entry.log_time)
        self._unjudged |= {alert.id for alert in opened}
        reconcile(self._rules, self._memory, opened)

    def stretch(self, entries: Sequence[Entry], recorded: Iterable[RecordedMove]) -> None:
        """Fold the next entries and hold what they give against what the history says of them."""
        found: dict[str, tuple[list[RecordedMove], list[RecordedMove]]] = defaultdict(lambda: ([], []))
        for move in recorded:
            found[move.alert][0].append(move)
        times = {}
        for entry in entries:
            for made in step(self._rules, self._memory, entry):
                found[made.alert_id][1].append(as_recorded(made))
            times[entry.position] = to_us(entry.log_time)
        self.verdict.entries += len(entries)
        for alert, (told, given) in found.items():
            move = (told or given)[0]
            if self._too_early(move, times[move.position]):
                self._unjudged.add(alert)
            if alert in self._unjudged:
                self.verdict.unjudged += len(told)
                continue
            self._alerts.add(alert)
            self.verdict.moves += len(told)
            if told != given:
                self.verdict.mismatches += 1
                if len(self.verdict.differences) < TOLD_MAX:
                    self.verdict.differences.append(Difference(alert, move.rule, move.key, tuple(told), tuple(given)))

    def _too_early(self, move: RecordedMove, log_us: int) -> bool:
        if self._begins_us is None:
            return False
        rule = self._rules.rules.get(move.rule)
        return log_us < self._begins_us + (LOOK_BACK_MIN_US if rule is None else look_back_us(rule))

    def end(self, opened: Sequence[OpenAlert]) -> Verdict:
        """Compare what is open at the end, and return what was found."""
        stored = {alert.id: (alert.rule, alert.key) for alert in opened if alert.id not in self._unjudged}
        given = {
            identifier: place
            for place, identifier in self._memory.open_alerts().items()
            if identifier not in self._unjudged
        }
        self.verdict.alerts = len(self._alerts)
        self.verdict.open = len(stored)
        for alert in sorted(stored.keys() ^ given.keys()):
            self.verdict.mismatches += 1
            if len(self.verdict.differences) < TOLD_MAX:
                rule, key = stored.get(alert) or given[alert]
                self.verdict.differences.append(Difference(alert, rule, key, (), ()))
        return self.verdict
