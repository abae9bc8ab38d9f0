"""First of an entry: the timers of all keys that are due by its log time end, in the order of their due times.

Worked through: a level with `for: 5m` has held since 12:00:00, no tick was written, and a reading of another key comes
at 12:05:03. Before: `due_log_us` is 12:05:00, and nothing lives. The key's timer ends first, dated 12:05:00: its level
lives, its alert opens. After: nothing of it is due. Then the reading is looked at.
"""

from __future__ import annotations

from ioc.domain.event import EntryKind
from ioc.rules.fold import levels
from ioc.rules.kinds.registry import KINDS, evaluator_of
from ioc.rules.language.rule import Rule
from ioc.rules.state import gaps, timers
from ioc.rules.state.faults import fault_guard
from ioc.rules.state.memory import KeyState
from ioc.rules.state.step import FoldStep


def end_timers(step: FoldStep) -> None:
    """End the timers that are due by now, of every key, one due time of one key after the other."""
    memory = step.memory
    open_gap = step.entry.kind is not EntryKind.TICK and gaps.gap_is_open(memory, step.log_us)
    for due_log_us, identifier, key in memory.take_due(step.log_us):
        rule = step.rules.rules.get(identifier)
        state = memory.keys.get(identifier, {}).get(key)
        if rule is None or state is None:
            continue
        evaluator = KINDS[rule.kind].evaluator
        if not (open_gap and evaluator is not None and evaluator.put_off(step, rule, key, state)):
            end_one(step, rule, key, state, due_log_us)


def resume(step: FoldStep) -> None:
    """End a gap: what a kind put off or had due inside it begins anew; then every other timer that is due ends."""
    memory = step.memory
    waiting, memory.put_off = memory.put_off, []
    for identifier, key in waiting:
        begins_anew(step, identifier, key, was_put_off=True)
    for due_log_us, identifier, key in memory.take_due(step.log_us):
        if not begins_anew(step, identifier, key, was_put_off=False):
            rule, state = step.rules.rules.get(identifier), memory.keys.get(identifier, {}).get(key)
            if rule is not None and state is not None:
                end_one(step, rule, key, state, due_log_us)


def begins_anew(step: FoldStep, identifier: str, key: str, *, was_put_off: bool) -> bool:
    """Tell whether what was put off or fell due in a gap begins anew; false: it ends as any other timer."""
    rule, state = step.rules.rules.get(identifier), step.memory.keys.get(identifier, {}).get(key)
    evaluator = None if rule is None else KINDS[rule.kind].evaluator
    if rule is None or state is None or evaluator is None:
        return False
    return evaluator.resume(step, rule, key, state, was_put_off=was_put_off)


def end_one(step: FoldStep, rule: Rule, key: str, state: KeyState, due_log_us: int) -> None:
    """End what is due of one key at one instant of the log's clock."""
    with fault_guard(step, rule):
        levels.advance(step, rule, key, state, limit_us=state.time_us + due_log_us - state.log_us)
        evaluator = evaluator_of(rule, state)
        if evaluator is not None and evaluator.is_over(state):
            del step.memory.keys[rule.id][key]
        else:
            timers.reschedule(step.memory, rule, key, state, evaluator)
