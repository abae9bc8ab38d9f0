"""How things are with alerts by the store, held against a fold of the log: each row at the entry that it is true at.

A row may be up to some seconds behind the fold, so it is compared where its own reading was evaluated; that it came no
further for a minute of the log, though the fold did, is a difference of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields

from ioc.domain.alert import Transition
from ioc.domain.recorded import NowRow, differing, now_row
from ioc.rules.fold.alert_now import alert_now
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.language.rule import SECOND_US
from ioc.rules.state.memory import Memory

BEHIND_MAX_US = 60 * SECOND_US
"""How long, by the log, a row may lag; the engine writes each within five seconds, a busy machine takes longer."""
COLUMNS = tuple(each.name for each in fields(NowRow))


class NowVerifier:
    """Takes what each row should say while the log is folded."""

    def __init__(self, rows: Sequence[NowRow]) -> None:
        self._rows = {row.alert: row for row in rows}
        self._at: dict[int, list[NowRow]] = defaultdict(list)
        for row in rows:
            self._at[row.position].append(row)
        self._given: dict[str, list[NowRow]] = defaultdict(list)
        self._passed: dict[str, int] = {}
        """The log time by which the fold had come further than a row."""

    def entered(self, rules: RuleSet, memory: Memory, position: int, made: Sequence[Transition]) -> None:
        """Hear that an entry is folded, and what it led to."""
        for row in self._at.get(position, ()):
            given = _row_of(rules, memory, row)
            if given is not None:
                self._given[row.alert].append(given)
        for move in made:
            # A transition may be an alert's last word, and tells the same reading with another level.
            if move.now is not None and move.alert_id in self._rows:
                self._given[move.alert_id].append(now_row(move.now, rule=move.rule, key=move.key))

    def stretched(self, rules: RuleSet, memory: Memory, log_us: int) -> None:
        """Hear that a stretch is folded, the last entry of it at ``log_us``."""
        for alert, row in self._rows.items():
            if alert not in self._passed and alert in self._given:
                given = _row_of(rules, memory, row)
                if given is not None and given.position > row.position:
                    self._passed[alert] = log_us

    def end(self, rules: RuleSet, memory: Memory) -> Iterator[tuple[NowRow, list[str]]]:
        """Yield each row of an alert that the fold knows, with the members that differ."""
        for alert, row in self._rows.items():
            last = _row_of(rules, memory, row)  # what is registered of the place may have changed since its reading
            given = [each for each in (*self._given[alert], last) if each is not None and each.position == row.position]
            told = [
                [line for name in COLUMNS for line in differing(getattr(row, name), getattr(each, name), name)]
                for each in given
            ]
            if not told:
                yield row, [f"position: no reading of it was evaluated at entry {row.position}"]
            elif all(told):
                yield row, min(told, key=len)
            elif alert in self._passed and memory.log_us - self._passed[alert] > BEHIND_MAX_US:
                yield row, [f"position: {row.position} still, and the log has newer readings for over a minute"]
            else:
                yield row, []


def _row_of(rules: RuleSet, memory: Memory, row: NowRow) -> NowRow | None:
    """Return what the fold says of a row's alert, as the memory is; None where the key has another alert or none."""
    rule = rules.rules.get(row.rule)
    state = memory.keys.get(row.rule, {}).get(row.key)
    if rule is None or state is None or state.alert is None or state.alert.id != row.alert:
        return None
    return now_row(alert_now(rules, memory, rule=rule, key=row.key, state=state), rule=row.rule, key=row.key)
