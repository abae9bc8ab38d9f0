"""How each rule does, for people: what was counted since it was told last, how many keys are beyond their budget.

Figures, no part of the fold: what was counted in the seconds before a crash is lost, and nothing depends on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from ioc.domain.alert import Transition
from ioc.domain.rules.health import RuleHealth
from ioc.rules.fold.announcement import is_degraded
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.state.memory import Memory
from ioc.rules.state.tally import Tally

COUNTED = ("evaluated", "errors", "no_data", "late", "full", "monitored")


class HealthBook:
    """Collects tallies between two tellings. Bounded by the number of rules."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}
        self._evaluated_at: dict[str, datetime] = {}
        self._moved_at: dict[str, datetime] = {}
        self._told: dict[str, RuleHealth] = {}
        self._degraded: dict[str, int] = {}

    def take(self, tally: Tally, transitions: Sequence[Transition], log_time: datetime) -> None:
        """Add what a committed stretch counted; ``log_time`` is that of its end."""
        for name in COUNTED:
            self._counts[name].update(getattr(tally, name))
        for rule, count in tally.evaluated.items():
            if count:
                self._evaluated_at[rule] = log_time
        for made in (*transitions, *tally.watched):
            self._moved_at[made.rule] = made.log_time

    def reports(self, rules: RuleSet, memory: Memory, now: datetime) -> list[RuleHealth]:
        """Return what there is to tell: rules that counted something, came into force or stand otherwise than told."""
        made = [self._report(name, rules, memory, now) for name in sorted({*rules.rules, *rules.refused})]
        return [report for report in made if report.says_more_than(self._told.get(report.rule))]

    def _report(self, name: str, rules: RuleSet, memory: Memory, now: datetime) -> RuleHealth:
        rule, told = rules.rules.get(name), self._told.get(name)
        keys = memory.keys.get(name, {})
        if self._counts["errors"][name] or self._degraded.get(name):
            # Only a rule with errors since, or with degraded keys before, has keys that came to their budget or left.
            self._degraded[name] = sum(map(is_degraded, keys.values()))
        refused, degraded = rules.refused.get(name), min(self._degraded.get(name, 0), len(keys))
        return RuleHealth(
            rule=name,
            version=0 if rule is None else rule.version,
            since=now,
            keys=len(keys),
            degraded_keys=degraded,
            refused=refused,
            last_evaluated_at=self._evaluated_at.get(name),
            last_transition_at=self._moved_at.get(name),
            turned=told is not None and ((told.refused, told.degraded_keys > 0) != (refused, degraded > 0)),
            **{counted: self._counts[counted][name] for counted in COUNTED},
        )

    def told(self, reports: Sequence[RuleHealth], rules: Mapping[str, object]) -> None:
        """Begin anew: these reports are kept. Rules that are no more are forgotten."""
        self._told.update({report.rule: report for report in reports})
        self._told = {name: report for name, report in self._told.items() if name in rules or report.refused}
        self._degraded = {name: count for name, count in self._degraded.items() if name in rules and count}
        self._evaluated_at.clear()
        self._moved_at.clear()
        for counts in self._counts.values():
            counts.clear()
