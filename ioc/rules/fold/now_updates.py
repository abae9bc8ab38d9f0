"""Which alerts' news go to the store, and when: at once with a transition, else once in five seconds for each alert.

Readings come faster than people read, and every write goes to every open screen. So what changed waits, bounded by the
open alerts themselves, and what is written is always the newest; the last value is never left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ioc.domain.alert import AlertNow, Transition
from ioc.rules.fold.alert_now import alert_now
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.language.rule import Mode
from ioc.rules.state.memory import Memory

EVERY_SECONDS = 5.0
"""An alert's news are written once in this time at most, but for a transition's."""
PER_SECOND_MAX = 200
"""News of all alerts together, but for those of transitions."""
Place = tuple[str, str]
"""Rule and key."""


class NewsDesk:
    """What has changed since it was last written."""

    def __init__(self) -> None:
        self._waiting: dict[Place, None] = {}
        self._written: dict[Place, float] = {}
        """When each was written, oldest first; none older than the time between two writes."""
        self._room = float(PER_SECOND_MAX)
        self._filled_at = 0.0

    @property
    def waiting(self) -> int:
        """Return how many alerts tell something that is not written."""
        return len(self._waiting)

    def begin(self, memory: Memory, seconds: float) -> None:
        """Begin with a memory that was just taken over: every open alert is written anew, whatever was before."""
        memory.renewed = {}
        self._waiting = dict.fromkeys(memory.open_alerts())
        self._written = {}
        self._room, self._filled_at = float(PER_SECOND_MAX), seconds

    def take(
        self, rules: RuleSet, memory: Memory, transitions: Sequence[Transition] = (), *, seconds: float
    ) -> list[AlertNow]:
        """Return what is to be written now, as the memory is; whoever takes it writes it, or takes over anew."""
        if memory.renewed:
            self._waiting |= memory.renewed
            memory.renewed = {}
        found: dict[str, AlertNow] = {made.alert_id: made.now for made in transitions if made.now is not None}
        moved = dict.fromkeys((made.rule, made.key) for made in transitions)
        for place in [*moved, *self._due(seconds, moved)]:
            self._waiting.pop(place, None)
            told = _told(rules, memory, place)
            if told is not None:
                found[told.alert_id] = told
                self._written.pop(place, None)
                self._written[place] = seconds
        return list(found.values())

    def is_due(self, seconds: float) -> bool:
        """Tell whether something waits that may be written now."""
        self._forget(seconds)
        return any(place not in self._written for place in self._waiting)

    def _forget(self, seconds: float) -> None:
        while self._written and seconds - next(iter(self._written.values())) >= EVERY_SECONDS:
            del self._written[next(iter(self._written))]

    def _due(self, seconds: float, moved: dict[Place, None]) -> Iterator[Place]:
        """Yield what waits and was not written within the last five seconds, within the bound of all together."""
        self._room = min(self._room + (seconds - self._filled_at) * PER_SECOND_MAX, float(PER_SECOND_MAX))
        self._filled_at = seconds
        self._forget(seconds)
        for place in list(self._waiting):
            if self._room < 1.0:
                return
            if place not in self._written and place not in moved:
                self._room -= 1.0
                yield place


def _told(rules: RuleSet, memory: Memory, place: Place) -> AlertNow | None:
    """Return what an alert tells; None where its key or its rule is gone, or the rule only watches."""
    rule, state = rules.rules.get(place[0]), memory.keys.get(place[0], {}).get(place[1])
    if rule is None or rule.mode is Mode.MONITOR or state is None or state.alert is None:
        return None
    return alert_now(rules, memory, rule=rule, key=place[1], state=state)
