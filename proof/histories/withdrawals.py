"""What people enter and take back in some histories, by dice of their own: the rest of a history stays as it was."""

from __future__ import annotations

import random
from collections.abc import Sequence

from proof.histories.history import Item

NOBODY_SHARE = 0.5
"""The share of histories in which nobody takes anything back."""
BY_HAND_SHARE = 0.8
"""Of the others, the share of readings that people entered: of a window no other can be taken back."""
LATER_SECONDS = (0, 0, 1, 30, 60)


def with_withdrawals(seed: int, items: Sequence[Item]) -> list[Item]:
    """Return a history with withdrawals: at a reading or some time after it, of that or an earlier one."""
    dice = random.Random(f"withdrawals of {seed}")
    times = [item.at for item in items if item.what == "send"]
    if dice.random() < NOBODY_SHARE or not times:
        return list(items)
    entered = [
        item._replace(data={**item.data, "door": "manual"})
        if item.what == "send" and dice.random() < BY_HAND_SHARE else item
        for item in items
    ]  # fmt: skip
    return entered + [
        Item(dice.choice(times) + dice.choice(LATER_SECONDS), "withdraw", dice.choice((0, 0, 0, 1, 2)))
        for _ in range(dice.choice((1, 2, 4, len(times))))
    ]
