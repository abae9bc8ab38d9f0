"""What each kind of rule makes of its readings, for the independent evaluator. Written from docs/rules.md alone.

A kind is four questions about a key: what a reading does (`take`), what else becomes due (`due`), what happens then
(`leave`), and what is known at an instant (`facts`). Every answer is worked out anew from all that the key was given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from proof.evaluator.keys import Facts, Key
from proof.evaluator.measures import WHOLE_BACK, WHOLE_HOURS, Panes, Reading, measure, side_of, takes
from proof.evaluator.rules import (
    HOUR,
    SECOND,
    FailedError,
    Rule,
    aggregate_of,
    duration,
    measures,
    pane_width,
)

LAST_READINGS = 20


class Kind:
    """A threshold; the other kinds differ from it."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """Take a reading in; return the instant of its evaluation and what is known then, None: it changes nothing."""
        if late:
            return None
        looked = [reading.values.get(name) for name in key.rule.looked_at]
        for one in key.readings[-LAST_READINGS:]:
            same = [one.values.get(name) for name in key.rule.looked_at] == looked
            if same and one.effective == reading.effective and one.device == reading.device:
                return None
        key.readings.append(reading)
        key.known |= {name: value for name, value in zip(key.rule.looked_at, looked, strict=True) if value is not None}
        return reading.effective, dict(reading.values)

    def due(self, key: Key) -> int | None:
        """Return the next instant at which the kind itself has something due."""

    def leave(self, key: Key, at: int) -> Facts:
        """Do what is due and return what is known then."""
        return self.facts(key, at)

    def facts(self, key: Key, at: int) -> Facts:
        """Return what the key knows at an instant, without its place."""
        del at
        return dict(key.known)


class Window(Kind):
    """Measures over panes."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """Put it into its pane, if that is still there."""
        if late:
            assert key.head is not None, "a late event is not the first"
            kept = self.panes(key, key.head).number + (WHOLE_BACK if of_whole_hours(key.rule) else 0)
            if self.panes(key, key.head).age(reading) >= kept:
                return None
        key.readings.append(reading)
        at = max(reading.effective, key.head or 0)
        key.head = at
        return at, self.facts(key, at)

    def due(self, key: Key) -> int | None:
        """Return when the next pane leaves that holds something, or is over for a measure of whole hours."""
        panes, items = self.panes(key, 0), measures(key.rule.body).values()
        ends = [
            (one.effective // panes.width + (1 if aggregate_of(item) in WHOLE_HOURS else panes.number)) * panes.width
            for one in key.readings
            for item in items
            if takes(item, one, key.rule.clauses, key.zone)
        ]
        return min((end for end in ends if end > (key.head or 0)), default=None)

    def leave(self, key: Key, at: int) -> Facts:
        """Go on to where a pane has left."""
        key.head = max(at, key.head or 0)
        return self.facts(key, at)

    def facts(self, key: Key, at: int) -> Facts:
        """Compute every measure."""
        panes = self.panes(key, at)
        return {
            name: measure(item, key.readings, panes, clauses=key.rule.clauses, zone=key.zone)
            for name, item in measures(key.rule.body).items()
        }

    def do_without(self, key: Key, gone: Collection[int]) -> bool | None:
        """Forget readings that people entered; false: no measure has any left, None: there was none of these."""
        panes = self.panes(key, key.head or 0)
        kept = panes.number + (WHOLE_BACK if of_whole_hours(key.rule) else 0)
        inside = [one for one in key.readings if panes.age(one) < kept]
        lost = [one for one in inside if one.by_hand and one.position in gone]
        if not lost:
            return None
        rest = [one for one in inside if one not in lost]
        # What else people entered counts as if it had come after all others.
        key.readings = sorted(rest, key=lambda one: one.by_hand)
        items = measures(key.rule.body).values()
        return any(takes(item, one, key.rule.clauses, key.zone) for item in items for one in rest)

    def panes(self, key: Key, at: int) -> Panes:
        """Return the panes at an instant."""
        width = pane_width(key.rule.body)
        return Panes(at, width, duration(key.rule.body["over"]) // width)


def of_whole_hours(rule: Rule) -> bool:
    """Tell whether a rule measures whole hours."""
    return any(aggregate_of(item) in WHOLE_HOURS for item in measures(rule.body).values())


class Change(Kind):
    """A reading against the one before that had the field. ``own`` has the repeated ones too."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """Take a current reading in, unless it is the one before once more."""
        if late:
            return None
        key.own = [*(key.own or []), reading]
        if self.repeats(key, reading):
            return None
        key.readings.append(reading)
        return reading.effective, self.differences(key)

    def repeats(self, key: Key, reading: Reading) -> bool:
        """Tell whether every field that it has is, of the same instant, what the newest reading with it said."""
        fields = {item[aggregate_of(item)] for item in measures(key.rule.body).values()}
        said = {of: reading.values[of] for of in fields if reading.values.get(of) is not None}
        for of, value in said.items():
            newest = [one for one in key.readings if one.values.get(of) is not None][-1:]
            if not newest or newest[0].effective != reading.effective or newest[0].values[of] != value:
                return False
        return bool(said)

    def facts(self, key: Key, at: int) -> Facts:
        """Return the newest differences."""
        del at
        return dict(key.values)

    def differences(self, key: Key) -> Facts:
        """Compare the newest reading with those before it."""
        found: Facts = {}
        *before, newest = key.readings
        for name, item in measures(key.rule.body).items():
            of = item[aggregate_of(item)]
            last = [one for one in before if one.values.get(of) is not None]
            if not last or newest.values.get(of) is None:
                continue
            delta = float(newest.values[of]) - float(last[-1].values[of])
            hours = (newest.effective - last[-1].effective) / HOUR
            if aggregate_of(item) == "delta":
                found[name] = delta
            elif hours:
                found[name] = delta / hours
        return found


class Absence(Kind):
    """Silence. ``own`` is [silent, when the silence begins]."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """Hear it, if it is news."""
        if late:
            return None
        key.readings.append(reading)
        key.own = [False, reading.effective + absent(key.rule)[0]]
        return reading.effective, {"silent": False}

    def due(self, key: Key) -> int | None:
        """Return when the silence begins."""
        return None if key.own[0] else int(key.own[1])

    def leave(self, key: Key, at: int) -> Facts:
        """Begin the silence."""
        key.own = [True, at]
        return {"silent": True}

    def facts(self, key: Key, at: int) -> Facts:
        """Tell whether it is silent."""
        del at
        return {"silent": key.own[0]}


def absent(rule: Rule) -> tuple[int, str | None]:
    """Return how long an absence rule waits, and for which field."""
    value = rule.body["absent"]
    return (duration(value), None) if isinstance(value, str) else (duration(value["for"]), value.get("field"))


class Sequence(Kind):
    """Steps one after the other. ``own`` holds for each step but the last the beginnings of its chains."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """Begin and continue chains."""
        if late:
            return None
        steps, within = key.rule.body["sequence"], duration(key.rule.body["within"])
        before: list[list[int]] = key.own or [[] for _ in steps]
        after = [list(begun) for begun in before]
        if any(self.matches(key.rule, step, reading) for step in steps):
            key.readings.append(reading)
        for number, step in enumerate(steps):
            if not self.matches(key.rule, step, reading):
                continue
            if number == 0:
                after[0].append(reading.effective)
                continue
            begun = [one for one in before[number - 1] if reading.effective - one <= within]
            if not begun:
                continue
            if number == len(steps) - 1:
                key.own = None
                key.values = {"complete": True, "took": (reading.effective - max(begun)) / SECOND}
                return reading.effective, dict(key.values)
            after[number - 1].remove(max(begun))
            after[number].append(max(begun))
        key.own = after
        return None

    def matches(self, rule: Rule, step: Mapping[str, Any], reading: Reading) -> bool:
        """Tell whether an event is of a step."""
        if step["feed"] != reading.feed:
            return False
        try:
            return step.get("where") is None or rule.clauses[step["where"]](reading.values) is True
        except FailedError:
            return False

    def facts(self, key: Key, at: int) -> Facts:
        """Return the newest completion."""
        del at
        return dict(key.values)


class Zone(Kind):
    """A place on the map. ``own`` is whether the newest point is inside."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """See where it is."""
        if late:
            return None
        lon, lat = reading.values.get("lon"), reading.values.get("lat")
        if lon is None or lat is None:
            return reading.effective, {}
        key.readings.append(reading)
        side = side_of(key.rule.body.get("enter") or key.rule.body["leave"], (lon, lat))
        key.own = key.own if side == "between" else side == "inside"
        return reading.effective, self.facts(key, reading.effective)

    def facts(self, key: Key, at: int) -> Facts:
        """Tell where it is."""
        del at
        return {"inside": key.own}


class Near(Kind):
    """A cluster; its members are its readings."""

    def due(self, key: Key) -> int | None:
        """Return when the next member leaves."""
        over = duration(key.rule.body["near"]["over"])
        return min((one.effective + over for one in key.readings), default=None)

    def leave(self, key: Key, at: int) -> Facts:
        """Let members go."""
        over = duration(key.rule.body["near"]["over"])
        key.readings = [one for one in key.readings if one.effective + over > at]
        key.head = max(at, key.head or 0)
        return self.facts(key, at)

    def facts(self, key: Key, at: int) -> Facts:
        """Count members and their devices."""
        del at
        return {"n": len(key.readings), "devices": len({one.device for one in key.readings})}


class Correlate(Kind):
    """Conditions that fire together. ``own`` holds them by (rule, key)."""

    def facts(self, key: Key, at: int) -> Facts:
        """Count them."""
        del at
        found = (key.own or {}).values()
        return {
            "firing": len(found),
            "rules": len({one["rule"] for one in found}),
            "domains": len({one["domain"] for one in found}),
            "devices": len({one.get("device") for one in found} - {None}),
            "rank": max((one["rank"] for one in found), default=0),
        }


WINDOW = Window()
KINDS: Mapping[str, Kind] = {
    "threshold": Kind(), "window": WINDOW, "change": Change(), "absence": Absence(), "sequence": Sequence(),
    "zone": Zone(), "near": Near(), "correlate": Correlate(),
}  # fmt: skip
