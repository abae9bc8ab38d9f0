"""So many a minute and account, evenly, and no list of accounts without end."""

from __future__ import annotations

import pytest

from ioc.api.identity import allowance
from ioc.api.identity.allowance import Allowance
from ioc.errors import TooManyRequestsError


class Clock:
    now = 100.0

    def seconds(self) -> float:
        return self.now


def test_what_is_used_comes_back_evenly_and_each_has_their_own():
    clock = Clock()
    mine = Allowance(clock, per_minute=30)
    for _ in range(30):
        mine.take("a")
    with pytest.raises(TooManyRequestsError) as refused:
        mine.take("a")
    assert refused.value.retry_after_seconds == 3
    mine.take("b")
    clock.now += 1.9
    with pytest.raises(TooManyRequestsError):
        mine.take("a")
    clock.now += 0.2
    mine.take("a")
    clock.now += 3_600.0
    for _ in range(30):
        mine.take("a")
    with pytest.raises(TooManyRequestsError):
        mine.take("a")


def test_the_longest_unseen_name_is_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allowance, "NAMES_MAX", 2)
    mine = Allowance(Clock(), per_minute=1)
    for name in ("a", "b", "c"):
        mine.take(name)
    assert list(mine.buckets) == ["b", "c"]
