"""Promise P6, the rules: over random histories the engine says what the independent evaluator says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ioc.domain.alert import Transition
from ioc.domain.event import Entry
from ioc.rules.evaluate import step
from ioc.rules.memory import Memory
from ioc.rules.ruleset import RuleSet
from proof.histories import FEEDS, ZONE, Item, entries_of, lawful
from proof.reference import evaluate, micros
from proof.reference_alerts import Told

DIGITS = 9


def told_by_engine(history: Sequence[Item]) -> list[Told]:
    """Fold a history's log with the engine, with its restarts and crashes."""
    ordered = sorted(history, key=lambda item: item.at)
    entries = iter(entries_of(ordered))
    rules, memory = RuleSet(FEEDS, timezone=ZONE), Memory()
    snapshot, since = memory.snapshot(), list[Entry]()
    said: list[Transition] = []
    for item in ordered:
        if item.what in ("restart", "crash"):
            if item.what == "restart":
                snapshot, since = memory.snapshot(), []
            memory = Memory.restore(snapshot)
            rules = RuleSet(FEEDS, timezone=ZONE)
            rules.load(memory.rules)
            for entry in since:
                step(rules, memory, entry)
            continue
        entry = next(entries)
        said.extend(step(rules, memory, entry))
        since.append(entry)
        assert not rules.refused, rules.refused
    return [as_told(made) for made in said]


def as_told(made: Transition) -> Told:
    """Return a transition of the engine as the reference tells it."""
    return Told(
        made.rule, made.key, str(made.kind), str(made.severity), micros(made.at), made.reason, made.retrospective,
        tuple(made.labels), made.flap_count, made.opened_position, made.position,
        tuple(sorted((name, value) for name, value in made.evidence.values.items() if value is not None)),
    )  # fmt: skip


def comparable(told: Iterable[Told]) -> list[tuple[Any, ...]]:
    """Return what the two must agree on; values only to nine digits, since sums may be added in another order."""
    return [
        tuple(
            one._replace(
                values=tuple((name, shown(value)) for name, value in one.values), labels=tuple(sorted(one.labels))
            )
        )
        for one in told
    ]


def shown(value: Any) -> Any:
    """Return a value as far as both must agree on it."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def differ(history: Sequence[Item]) -> bool:
    """Tell whether engine and reference disagree about a history."""
    history = lawful(history)
    return comparable(told_by_engine(history)) != comparable(evaluate(entries_of(history), FEEDS, ZONE))
