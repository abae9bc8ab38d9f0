"""The log clock never goes back, follows drift slowly and is not moved by a step of the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.runtime.clock import AnchoredLogClock, SteppedLogClock


@pytest.fixture
def machine(monkeypatch):
    """A machine whose wall and monotonic clocks the test moves."""
    times = {"wall": 1_000_000.0, "monotonic": 50.0}
    monkeypatch.setattr("ioc.runtime.clock.time.time", lambda: times["wall"])
    monkeypatch.setattr("ioc.runtime.clock.time.monotonic", lambda: times["monotonic"])
    return times


def passes(machine, seconds, *, drift=0.0):
    machine["monotonic"] += seconds
    machine["wall"] += seconds + drift


def test_it_advances_with_the_monotonic_clock(machine):
    log_clock = AnchoredLogClock(anchor_wall=machine["wall"], anchor_monotonic=machine["monotonic"])
    first = log_clock.now()
    passes(machine, 10)
    assert (log_clock.now() - first).total_seconds() == pytest.approx(10)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 31_536_000.0])
def test_a_step_of_the_wall_clock_moves_nothing_and_is_reported(machine, step):
    log_clock = AnchoredLogClock(anchor_wall=machine["wall"], anchor_monotonic=machine["monotonic"])
    first = log_clock.now()
    passes(machine, 1, drift=step)
    assert (log_clock.now() - first).total_seconds() == pytest.approx(1)
    assert log_clock.step_seconds == pytest.approx(step)


def test_slow_drift_is_followed_by_at_most_500_ppm(machine):
    log_clock = AnchoredLogClock(anchor_wall=machine["wall"], anchor_monotonic=machine["monotonic"])
    first = log_clock.now()
    passes(machine, 1_000, drift=2.0)
    gained = (log_clock.now() - first).total_seconds() - 1_000
    assert gained == pytest.approx(0.5)
    passes(machine, 10_000)
    assert (log_clock.now() - first).total_seconds() == pytest.approx(11_002)


def test_it_never_goes_back_while_it_slews(machine):
    log_clock = AnchoredLogClock(anchor_wall=machine["wall"], anchor_monotonic=machine["monotonic"])
    seen = []
    for _ in range(100):
        passes(machine, 0.001, drift=-0.01)
        seen.append(log_clock.now())
    assert seen == sorted(seen)


def test_a_stepped_clock_only_goes_forward():
    noon = datetime(2005, 9, 1, 5, tzinfo=UTC)
    stepped = SteppedLogClock(noon)
    stepped.step_to(noon - timedelta(days=1))
    assert stepped.now() == noon
    stepped.advance(seconds=60)
    assert stepped.now() == noon + timedelta(minutes=1)
