"""Announce: what an alert did, as a transition, or as a figure in monitor mode; rules over alerts see both, at once.

At once, not when the entry is done: how many of a key's timers end at one entry depends on the ticks, and what rules
over alerts make of them must not.

Worked through: an alert opens at the entry of 12:00, due 11:58. Before: its key fires, nobody knows. After: one
transition with the evidence of the key, and every rule over alerts has taken it in as of 11:58.
"""

from __future__ import annotations

from ioc.domain.alert import BEGUN, TransitionKind
from ioc.rules.fold import over_alerts
from ioc.rules.fold.announcement import transition_of
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.language.rule import Mode, Rule
from ioc.rules.state.move import Move
from ioc.rules.state.now import note, renew
from ioc.rules.state.step import FoldStep

DEPTH_MAX = 3
"""How deep rules over alerts may stand on each other."""


def say(step: FoldStep, rule: Rule, key: str, move: Move) -> None:
    """Announce a move."""
    memory, rules = step.memory, step.rules
    assert isinstance(rules, RuleSet), "an announcement has the names of zones"
    state = memory.keys[rule.id][key]
    if move.kind in BEGUN:
        renew(memory, rule, key, state, position=step.entry.position, opening=True)
    elif move.kind is TransitionKind.CLEARED:
        note(memory, rule, key)
    transition = transition_of(rules, memory, step.entry, rule=rule.held_against(state.limits), key=key, move=move)
    if rule.mode is Mode.MONITOR:
        memory.tally.watch(transition)
    else:
        step.transitions.append(transition)
    if rules.over_alerts:
        due_log_us = min(step.log_us, state.log_us + max(move.due_us - state.time_us, 0))
        step.unseen.append((transition, rule.mode, due_log_us, step.depth))
        if not step.depth:
            drain(step)


def drain(step: FoldStep) -> None:
    """Show the transitions so far to the rules over alerts, in the order in which they are made, and theirs too."""
    while step.unseen:
        transition, mode, log_us, depth = step.unseen.pop(0)
        if depth >= DEPTH_MAX:
            step.memory.tally.deep[transition.rule] += 1
            continue
        step.depth = depth + 1
        over_alerts.seen(step, transition, mode, log_us)
    step.depth = 0
