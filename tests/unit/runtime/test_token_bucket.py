"""A token bucket never gives more than its burst and its rate, whoever asks when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.runtime.token_bucket import UNLIMITED, TokenBucket

STEPS = st.lists(st.tuples(st.floats(-1.0, 5.0), st.floats(0.1, 30.0)), max_size=60)
"""(seconds since the step before, which may be negative; amount asked for)."""


@given(st.floats(0.1, 100.0), st.floats(1.0, 50.0), STEPS)
def test_what_is_given_never_exceeds_the_burst_and_the_rate(rate: float, burst: float, steps):
    bucket, now, latest, given_out = TokenBucket(rate, 0.0, burst=burst), 0.0, 0.0, 0.0
    forward = 0.0
    for elapsed, amount in steps:
        now += elapsed
        forward += max(0.0, elapsed)
        latest = max(latest, now)
        if bucket.take_if_left(amount, now):
            given_out += amount
        assert given_out <= burst + rate * forward + 1e-6
        assert bucket.left <= burst


@given(st.floats(0.1, 100.0), st.floats(0.1, 500.0))
def test_who_waits_as_long_as_told_finds_what_was_wanted(rate: float, amount: float):
    bucket = TokenBucket(rate, 0.0, burst=1.0)
    wait = bucket.take(amount, 0.0)
    assert wait == pytest.approx(max(0.0, (amount - 1.0) / rate))
    assert bucket.fill(wait) == pytest.approx(0.0 if amount > 1.0 else 1.0 - amount)


def test_no_limit_is_never_waited_for():
    bucket = TokenBucket(UNLIMITED, 0.0, burst=UNLIMITED)
    assert bucket.take(1e12, 0.0) == 0.0
    assert bucket.wait_seconds(1e12) == 0.0
    assert bucket.take_if_left(1e12, 1.0)
