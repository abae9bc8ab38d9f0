"""Random histories get limits by device, class and area: by dice of their own, so that all else of a history stays."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from proof.histories.history import Item

SHARE = 0.4
"""Of the histories."""
TABLE = "t"
COMPARED = ("value > 10", "value > limit", "value < 9")
DAYS = (None, None, "2026-11-22", "2026-11-23", "2026-11-24")
TARGETS = (("device", "d1"), ("device", "d2"), ("class", "k1"), ("area", "z1"), ("area", "z2"), ("area", "a1"))
LIMITS = (6, 9, 11, 14, 21)
CHANGES = (1, 2, 4, 8)
PLACES = ({"device"}, {"zone"}, {"event"}, {"zone", "device"})


def with_limits(history: Sequence[Item], seed: int) -> list[Item]:
    """Return a history whose rules look some of their limits up in a table, and in which the table changes."""
    dice = random.Random(f"limits {seed}")
    if dice.random() > SHARE:
        return list(history)
    chosen = {name: {"own": dice.random() < 0.5, "level": dice.random() < 0.3}
              for name in sorted({item.data[0] for item in history if item.what == "rule"})}  # fmt: skip
    found = [changed(item, chosen, dice) for item in history]
    last = max((item.at for item in history), default=0.0)
    for _ in range(dice.choice(CHANGES)):
        at = 0.0 if dice.random() < 0.5 else float(round(dice.uniform(0, last)))
        found.append(Item(at, "limit", (f"l{dice.randrange(5)}", None if dice.random() < 0.15 else limit(dice))))
    return sorted(found, key=lambda item: item.at)


def limit(dice: random.Random) -> dict[str, Any]:
    """Return one limit of the table."""
    what, target = dice.choice(TARGETS)
    found: dict[str, Any] = {what: target, "value": dice.choice(LIMITS)}
    if dice.random() < 0.3:
        found["level"] = dice.choice(("low", "medium", "high"))
    if day := dice.choice(DAYS):
        found["valid_from"] = day
    if day := dice.choice(DAYS):
        found["valid_to"] = day
    return found


def changed(item: Item, chosen: Mapping[str, Mapping[str, bool]], dice: random.Random) -> Item:
    """Return an item with what limits need: the class of a device, the area of an event, the table of a rule."""
    if item.what == "device" and item.data[1] is not None and dice.random() < 0.6:
        return item._replace(data=(item.data[0], {**item.data[1], "device_class": "k1"}))
    if item.what == "send" and dice.random() < 0.2:
        return item._replace(data={**item.data, "area": "a1"})
    if item.what == "rule":
        name, body = item.data
        return item._replace(data=(name, looked_up(body, **chosen[name])))
    return item


def looked_up(body: Mapping[str, Any], *, own: bool, level: bool) -> Mapping[str, Any]:
    """Return a rule that looks its limit up, where it is one that can."""
    by = body.get("by", ["device"])
    if body.get("feed") != "meter" or set(by) not in PLACES or any(one in body for one in ("near", "over", "absent")):
        return body
    whens = [item.get("when", "") for item in body["levels"]]
    if not any(text in when for when in whens for text in COMPARED):
        return body
    known = {"table": TABLE, **({"value": 9, "unit": "", "source": "", "verified": False} if own else {})}
    levels = [
        {**item, "when": item["when"].replace("value > 10", "value > limit").replace("value < 9", "value < limit")}
        for item in body["levels"]
    ]
    if level:  # the last level alone looks it up; the others have the rule's own
        levels = [*levels[:-1], {**levels[-1], "limit": known}]
        if not any("limit" in item["when"] for item in levels[-1:]):
            return body
        return {**body, "levels": levels,
                "limit": {"value": 12, "unit": "", "source": "", "verified": False}}  # fmt: skip
    return {**body, "levels": levels, "limit": known}
