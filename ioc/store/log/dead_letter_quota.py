"""How many dead letters of one sender are kept in an hour; those beyond are answered and counted, not kept.

A device in a loop would else fill the disk with what nobody will read: the first thousand say what is wrong. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from ioc.domain.event import DeadLetter

PER_HOUR = 1_000
SENDERS_MAX = 4_096
"""Senders that are counted each for itself; whoever comes beyond shares one quota with all such."""
LAST_WORDS = "; more of this hour are only counted"


@dataclass(slots=True)
class Choice:
    """Which letters of a batch are kept; ``spent`` says by whom, to be noted once they are committed."""

    hour: datetime
    kept: list[DeadLetter] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)
    """Places of the others."""
    spent: Counter[str] = field(default_factory=Counter)


class DeadLetterQuota:
    """The quota of each sender, for one process. ``per_hour`` 0: everything is kept."""

    def __init__(self, per_hour: int = PER_HOUR) -> None:
        self._per_hour = per_hour
        self._hour: datetime | None = None
        self._kept: Counter[str] = Counter()

    def choose(self, letters: Sequence[DeadLetter], now: datetime) -> Choice:
        """Return which of ``letters`` are kept. Nothing is noted yet: the transaction may fail."""
        choice = Choice(now.replace(minute=0, second=0, microsecond=0))
        before = self._kept if choice.hour == self._hour else Counter()
        for place, letter in enumerate(letters):
            sender = self._sender(letter, before, choice)
            count = before[sender] + choice.spent[sender]
            if self._per_hour and count >= self._per_hour:
                choice.left_out.add(place)
                continue
            choice.spent[sender] += 1
            is_last = self._per_hour and count + 1 == self._per_hour
            choice.kept.append(replace(letter, detail=letter.detail + LAST_WORDS) if is_last else letter)
        return choice

    @staticmethod
    def _sender(letter: DeadLetter, before: Counter[str], choice: Choice) -> str:
        sender = letter.device or ""
        if sender in before or sender in choice.spent or len(before) + len(choice.spent) < SENDERS_MAX:
            return sender
        return ""

    def note(self, choice: Choice) -> None:
        """Take note of what is committed."""
        if choice.hour != self._hour:
            self._hour = choice.hour
            self._kept = Counter()
        for sender, count in choice.spent.items():
            self._kept[sender] += count
            if self._kept[sender] == self._per_hour:
                structlog.get_logger().warning("dead_letters_full", device=sender or None, per_hour=self._per_hour)
