"""Bind and select: which rules an event falls to, and which key of each.

Worked through: a reading of 7 from m-1, and rules `a` (`by: [device]`), `b` (`where: zone == "z"`) and `c` (near).
After: sightings of `a` with its key m-1, which begins here if it is new, and of `c`, whose kind finds the cluster in
its turn; `b` has none, for m-1 is in another zone.
"""

from __future__ import annotations

from ioc.domain.event import Event
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.kinds.registry import KINDS
from ioc.rules.language.clause import bind
from ioc.rules.language.rule import Rule, to_us
from ioc.rules.state.keys import chosen, in_context, key_of, new_key, registered_values
from ioc.rules.state.memory import IDLE_US
from ioc.rules.state.observation import Sighting
from ioc.rules.state.step import FoldStep


def select(step: FoldStep) -> None:
    """Find the rules and the keys that the entry's event falls to."""
    event, rules = step.entry.event, step.rules
    assert event is not None, "an event entry has its event"
    assert isinstance(rules, RuleSet), "the rules are found by feed"
    matching = rules.matching(event.feed)
    if matching is None:
        return
    step.effective_us = to_us(event.effective)
    bound, step.wrong = bind(event.data, rules.types[event.feed])
    if event.feed in rules.summed:
        rules.summed[event.feed].add_sums(bound)
    values = step.values = in_context(bound, event, registered_values(step.memory, event.device))
    for rule in matching(values):
        try:
            sighting = sighted(step, rule, event)
        except Exception as error:  # noqa: BLE001 - nobody foresaw it: the rule ends in its turn, the others go on
            sighting = Sighting(rule, "", None, step.effective_us)
            sighting.error = error
        if sighting is not None:
            step.sightings.append(sighting)


def sighted(step: FoldStep, rule: Rule, event: Event) -> Sighting | None:
    """Return one rule's sighting of the event; None where the event does not exist for it."""
    memory, values, at_us = step.memory, step.values, step.effective_us
    memory.tally.evaluated[rule.id] += 1
    evaluator = KINDS[rule.kind].evaluator
    if evaluator is not None and evaluator.finds_keys:
        return evaluator.find(step, rule, event, values)
    if rule.where is not None and not chosen(memory, rule, values):
        return None
    key = key_of(rule, event.key, values)
    if key is None:
        memory.tally.no_data[rule.id] += 1
        return None
    state = memory.keys.get(rule.id, {}).get(key)
    if rule.per_event and event.revision:
        # What a revision says is so from its arrival on, though it is dated like the event that it corrects.
        at_us = step.log_us if state is None else state.at_log(step.log_us)
    if state is None:
        # No later reading asks for an event's own key again: it may go as soon as it can no longer reopen.
        idle_us = rule.event_idle_us if rule.per_event else IDLE_US
        own = None if evaluator is None else evaluator.begin(rule, at_us)
        state = new_key(step, rule, key, at_us, kind_state=own, feed=event.feed, device=event.device, idle_us=idle_us)
        if state is None:
            return None
    return Sighting(rule, key, state, at_us)
