"""Order: the newest measure against what the orders said for that hour.

Judged when something comes, never by the clock: a measure of before the hour says nothing of whether an order was
carried out, and that no measure comes is told by the silence of its device.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from ioc.domain.event import Event
from ioc.domain.moment import parse_time
from ioc.rules.kinds.order.orders import Orders, SwitchOrder
from ioc.rules.kinds.order.spec import Order
from ioc.rules.language.clause import EvaluationError
from ioc.rules.language.rule import Rule, to_us
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.keys import KEY_LENGTH_MAX, new_key, registered_values
from ioc.rules.state.memory import KeyState, PackedState
from ioc.rules.state.observation import Facts, Observation, Sighting
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class OrderEvaluator(KindEvaluator):
    """The kind `order`."""

    late = True  # an order that was entered a moment ago must not make a measure under way worthless
    finds_keys = True

    def find(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> Sighting | None:  # noqa: ARG002
        """Leave it open: an order is of a device that it names, not of the desk that it was entered at."""
        return Sighting(rule, "", None, step.effective_us)

    def show(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> None:
        """Show a measure to its device, an order to the one that it names."""
        spec, tally = spec_of(rule), step.memory.tally
        named = values.get(spec.device if event.feed == spec.orders else "device")
        if not isinstance(named, str) or not named or len(named) > KEY_LENGTH_MAX:
            tally.no_data[rule.id] += 1
            return
        given = None
        if event.feed == spec.orders:
            given = order_of(spec, step, event, values)
            if given is None:
                tally.no_data[rule.id] += 1
                return
        elif values.get(spec.field) is None:
            tally.no_data[rule.id] += 1
            return
        key = named.replace("|", "\\|")
        state = step.memory.keys.get(rule.id, {}).get(key)
        if state is None:
            at_us = step.effective_us if given is None else step.log_us
            state = new_key(step, rule, key, at_us, kind_state=Orders(), feed=spec.feed, device=named)
            if state is None:
                return
        if given is None:
            seen = Observation(step.entry.position, step.effective_us, event.feed, named, values)
        else:
            # It counts from its entry on, whenever it was given: the room cannot have known of it before.
            place = registered_values(step.memory, named)
            if not orders_of(rule, state).give(event.key.hex(), given):
                tally.full[rule.id] += 1
            seen = Observation(step.entry.position, state.at_log(step.log_us), spec.feed, named, place)
        step.take(rule, key, state, seen)

    def begin(self, rule: Rule, at_us: int) -> Orders:  # noqa: ARG002 - a kind's shape
        """Return the memory of a device that nothing was ordered of."""
        return Orders()

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:
        """Take a measure in, if none is newer; an order is known already, and has the newest measure judged anew."""
        spec, own = spec_of(rule), orders_of(rule, state)
        if observation.values.get(spec.field) is not None:
            if own.measured is not None and observation.at_us < own.at_us:
                tally.late[rule.id] += 1
                return None
            own.measured, own.at_us = observation.values[spec.field], observation.at_us
            own.position = observation.position
        state.head_us = max(state.head_us, observation.at_us)
        return self._known(rule, state, observation.values)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Return the newest measure and what was ordered for its hour."""
        state.head_us = max(state.head_us, at_us)
        return self._known(rule, state, None)

    def _known(self, rule: Rule, state: KeyState, values: Mapping[str, Any] | None) -> Facts | None:
        own = orders_of(rule, state)
        if own.measured is None:
            return None
        least, most = own.span(own.at_us, spec_of(rule).grace_us)
        found = {"measured": own.measured, "ordered": len(own.on(own.at_us)), "ordered_min": least, "ordered_max": most}
        return with_place(rule, state, values, found)

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Forget orders that were taken back; of a measure that was, the newest other one counts."""
        own, field = orders_of(rule, state), spec_of(rule).field
        lost = [given for given, one in own.given.items() if one.position in gone]
        for given in lost:
            del own.given[given]
        if own.measured is None or own.position not in gone:
            return Remainder(left=True) if lost else None
        rest = [one for one in state.readings if one.position not in gone and field in one.known()]
        own.measured = None
        if rest:
            newest = max(rest, key=lambda one: (one.effective_us, one.position))
            own.measured, own.at_us, own.position = newest.known()[field], newest.effective_us, newest.position
        return Remainder(own.measured is not None or bool(own.given))

    def unpack(self, rule: Rule, packed: Any) -> Orders:  # noqa: ARG002
        """Return what a snapshot kept."""
        return Orders.unpacked(packed)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return both figures, and the orders in force at the measure, the latest hour last."""
        own, spec = orders_of(rule, state), spec_of(rule)
        given = sorted(own.in_force(own.at_us).values())
        return {
            "kind": "order",
            "measured_us": own.at_us,
            "grace_s": spec.grace_us / 1e6,
            "orders": [
                {"at_us": one.at_us, "position": one.position, "of": one.of, "on": one.on, "number": one.number}
                for one in given
            ],
        }


def order_of(spec: Order, step: FoldStep, event: Event, values: Mapping[str, Any]) -> SwitchOrder | None:
    """Return an order as its event says it; None where it does not say enough, or its `on` fails."""
    at_us, of = _moment(values.get(spec.at)), values.get(spec.of)
    try:
        on = spec.on.ask(values)
    except EvaluationError:
        on = None
    if at_us is None or of is None or on is None:
        return None
    return SwitchOrder(
        at_us=at_us,
        until_us=_moment(values.get(spec.until or "")),
        of=str(of),
        on=bool(on),
        given_us=to_us(event.effective),
        position=step.entry.position,
        number=values.get(spec.number or ""),
    )


def _moment(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        found: datetime = parse_time(value)
    except ValueError:
        return None
    return to_us(found.astimezone(UTC))


def spec_of(rule: Rule) -> Order:
    """Return what a rule measures, and by which orders."""
    assert type(rule.spec) is Order, "an order rule has its orders"
    return rule.spec


def orders_of(rule: Rule, state: KeyState) -> Orders:
    """Return what a key remembers."""
    own = state.kind_state
    if type(own) is PackedState:  # a snapshot's, which nobody has asked for yet
        own = state.kind_state = Orders.unpacked(own.data)
    assert type(own) is Orders, f"a key of {rule.id} has its orders"
    return own
