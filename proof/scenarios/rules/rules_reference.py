"""Promise P6, the rules: over random histories the engine says what the independent evaluator says.

Histories are logs with rules of all kinds, late and wrong clocks, gaps, edits, restarts and crashes (proof/histories).
Each is folded by the engine and worked out by the evaluator; every transition must be the same, with its date, reason,
labels and values: by the engine as Python, and by its compiled form, where that is made. The control breaks the engine
in one place after the other: each mutant must be told from it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ioc.domain.alert import Transition
from ioc.domain.event import Entry
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from ioc.runtime import compiled
from proof.evaluator.evaluation import evaluate, micros
from proof.evaluator.log_state import ExpectedTransition
from proof.harness.report import Profile, Report
from proof.histories.history import FEEDS, ZONE, Item, entries_of, lawful, shrunk, text_of
from proof.histories.random_history import random_history
from proof.histories.table_limits import with_limits
from proof.mutants.fold import MUTANTS, broken

PROMISE = "the rule engine says of a log what docs/rules.md says, as another evaluator works it out"
DIGITS = 9
CHUNK = 250
PROBLEMS_SHOWN = 3
SEEDS_A_RUN = 1_000_000
OFTEN = (
    "for_is_strict", "late_is_current", "pane_off_by_one", "gap_is_no_gap", "timers_on_the_log", "members_stay",
    "rules_in_reverse", "hours_in_utc", "hold_from_the_first", "late_is_lost", "edit_begins_anew", "no_floor",
    "one_floor_of_alerts", "never_speaks_up", "hold_ends_when_noticed", "reasons_are_lost", "snapshot_forgets_levels",
    "snapshot_forgets_the_alert", "withdrawn_stays_in_absence", "withdrawn_stays_in_change",
    "withdrawn_stays_in_window",
)  # fmt: skip
"""Mutants that show within a hundred histories; the others are left to the full profile."""

HIDDEN = ("chattering_hides_a_rise", "hours_come_first", "snapshot_forgets_the_floor")
"""Mutants that no random history has shown yet: written ones do (tests/property/test_against_reference.py)."""


@dataclass(frozen=True, slots=True)
class RulesReferenceSize:
    """How much of it."""

    histories: int
    tries: int
    """Histories in which a mutant must be caught."""
    mutants: tuple[str, ...]


SIZES = {
    Profile.QUICK: RulesReferenceSize(histories=2_000, tries=300, mutants=OFTEN),
    Profile.FULL: RulesReferenceSize(
        histories=20_000, tries=20_000, mutants=tuple(name for name in MUTANTS if name not in HIDDEN)
    ),
}


async def prove(*, seed: int, size: RulesReferenceSize) -> Report:
    """Compare the histories of a seed, and let every mutant be caught by the same ones; both cores work."""
    report = Report("rules_reference", seed, PROMISE)
    first, loop = seed * SEEDS_A_RUN, asyncio.get_running_loop()
    chunks = [range(start, min(start + CHUNK, first + size.histories))
              for start in range(first, first + size.histories, CHUNK)]  # fmt: skip
    seeds = range(first, first + size.tries)
    with workers(as_compiled=False) as pool:
        compared = [loop.run_in_executor(pool, compare, chunk) for chunk in chunks]
        hunted = [loop.run_in_executor(pool, first_caught, name, seeds) for name in size.mutants]
        counts, problems = summed(await asyncio.gather(*compared))
        caught = dict(zip(size.mutants, await asyncio.gather(*hunted), strict=True))
    as_compiled = bool(compiled.look()[0])
    if as_compiled:
        with workers(as_compiled=True) as pool:
            _, more = summed(await asyncio.gather(*(loop.run_in_executor(pool, compare, one) for one in chunks)))
        problems += [f"compiled, {problem}" for problem in more]
    report.facts = {"histories": size.histories, "operations": counts["entries"], "mismatches": len(problems),
                    "compiled_too": as_compiled,
                    **{name: counts[name]
                       for name in ("transitions", "rules", "restarts", "limits", "late_or_untrusted")},
                    "problems": problems[:PROBLEMS_SHOWN]}  # fmt: skip
    report.control = {"mutants": len(caught), "caught": sum(number is not None for number in caught.values()),
                      "histories_until_caught": caught}  # fmt: skip
    report.judge(held=not problems, evidence=counts["transitions"] > size.histories,
                 control_failed=all(number is not None for number in caught.values()))  # fmt: skip
    return report


@contextmanager
def workers(*, as_compiled: bool) -> Iterator[ProcessPoolExecutor]:
    """Lend two processes in which the rules run compiled, or as Python: that is decided where a process begins."""
    before = os.environ.get(compiled.SWITCH)
    os.environ[compiled.SWITCH] = str(int(as_compiled))
    try:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
    finally:
        del os.environ[compiled.SWITCH]
        if before is not None:
            os.environ[compiled.SWITCH] = before


def summed(answers: Iterable[tuple[Counter[str], list[str]]]) -> tuple[Counter[str], list[str]]:
    """Return what :func:`compare` said of all chunks."""
    counts, problems = Counter[str](), list[str]()
    for found, said in answers:
        counts += found
        problems += said
    return counts, problems


def compare(seeds: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Return counts over the histories of some seeds, and each that is told in two ways, as small as it gets."""
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for seed in seeds:
        history = with_limits(random_history(seed), seed)
        entries = entries_of(history)
        expected = comparable(evaluate(entries, FEEDS, ZONE))
        counts += Counter(entries=len(entries), transitions=len(expected))
        counts += Counter({"rules": sum(item.what == "rule" for item in history),
                           "restarts": sum(item.what in ("restart", "crash") for item in history),
                           "limits": sum(item.what == "limit" for item in history),
                           "late_or_untrusted": sum(item.what == "send" and "time" in item.data for item in history),
                           })  # fmt: skip
        if comparable(engine_transitions(history)) != expected:
            small = shrunk(history, differ) if len(problems) < PROBLEMS_SHOWN else history
            problems.append(f"seed {seed}:\n{text_of(lawful(small))}")
    return counts, problems


@lru_cache(maxsize=1_000)
def worked_out(seed: int) -> tuple[list[Item], list[tuple[Any, ...]]]:
    """Return a history and what the evaluator says of it: once for all mutants that a process looks at."""
    history = with_limits(random_history(seed), seed)
    return history, comparable(evaluate(entries_of(history), FEEDS, ZONE))


def first_caught(mutant: str, seeds: Iterable[int]) -> int | None:
    """Return after how many histories a mutant is told from the evaluator; None: it is not."""
    for number, seed in enumerate(seeds, start=1):
        history, expected = worked_out(seed)
        with broken(mutant):
            if comparable(engine_transitions(history)) != expected:
                return number
    return None


def engine_transitions(history: Sequence[Item]) -> list[ExpectedTransition]:
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


def as_told(made: Transition) -> ExpectedTransition:
    """Return a transition of the engine as the reference tells it."""
    return ExpectedTransition(
        made.rule, made.key, str(made.kind), str(made.severity), micros(made.at), made.reason, made.retrospective,
        tuple(made.labels), made.flap_count, made.opened_position, made.position,
        tuple(sorted((name, value) for name, value in made.evidence.values.items() if value is not None)),
        None if made.evidence.limit is None else made.evidence.limit.value,
    )  # fmt: skip


def comparable(transitions: Iterable[ExpectedTransition]) -> list[tuple[Any, ...]]:
    """Return what the two must agree on; values only to nine digits, since sums may be added in another order."""
    return [
        tuple(
            one._replace(
                values=tuple((name, shown(value)) for name, value in one.values), labels=tuple(sorted(one.labels))
            )
        )
        for one in transitions
    ]


def shown(value: Any) -> Any:
    """Return a value as far as both must agree on it."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def differ(history: Sequence[Item]) -> bool:
    """Tell whether engine and reference disagree about a history."""
    history = lawful(history)
    return comparable(engine_transitions(history)) != comparable(evaluate(entries_of(history), FEEDS, ZONE))
