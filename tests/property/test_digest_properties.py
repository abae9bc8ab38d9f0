"""The percentile digest over any values: its error, merging, order, packing, and its bound."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, example, find, given, settings
from hypothesis import strategies as st

from ioc.rules.aggregates.field import digest as module
from ioc.rules.aggregates.field.digest import BUCKETS_MAX, RELATIVE_ERROR, ZERO_BELOW, Digest

SLACK = 1e-9
"""What binary arithmetic may add to the error, far below the error itself."""
readings = st.floats(0.01, 10_000.0) | st.floats(-500.0, -0.01) | st.sampled_from([0.0, 1.0, 80.0, 80.0, 5e-10])
anything = st.floats(-1e300, 1e300)
percents = st.integers(1, 100) | st.floats(0.01, 100.0)
numbers = st.lists(readings, max_size=100)


def of(values):
    digest = Digest()
    for value in values:
        digest.add(value)
    return digest


def exact(values, p):
    """Return the value of the rank, computed apart: sorted, with a rational rank."""
    return sorted(values)[math.ceil(Fraction(str(p)) / 100 * len(values)) - 1]


def within(found, true):
    if abs(true) < ZERO_BELOW:
        return found == 0.0
    return abs(found - true) <= RELATIVE_ERROR * (1 + SLACK) * abs(true)


def far_off(values, p):
    return not within(of(values).percentile(p), exact(values, p))


@given(st.lists(readings | anything, min_size=1, max_size=120), percents)
@example([1e-9, -1e-9, 1e300, -1e300], 25)
@example([float(number) for number in range(1, 101)], 7)
def test_a_percentile_is_within_one_percent_of_the_exact_one(values, p):
    digest = of(values)
    assert digest.clamped == 0, "120 values fill no 128 buckets"
    assert within(digest.percentile(p), exact(values, p))


@given(numbers, numbers)
def test_merging_is_adding_all(first, second):
    merged, other, both = of(first), of(second), of(first + second)
    assume(both.clamped == 0)
    merged.merge(other)
    assert merged.pack() == both.pack()
    assert merged.count == len(first) + len(second)
    assert other.pack() == of(second).pack()


@given(numbers.flatmap(lambda values: st.tuples(st.just(values), st.permutations(values))))
def test_the_order_of_the_values_does_not_matter(orders):
    first, second = map(of, orders)
    assert first.pack() == second.pack()


@given(st.lists(readings | anything, max_size=400), percents)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_packing_changes_nothing(values, p):
    digest = of(values)
    again = Digest.unpack(json.loads(json.dumps(digest.pack())))
    assert again.pack() == digest.pack()
    assert (again.count, again.clamped) == (digest.count, digest.clamped) == (len(values), digest.clamped)
    assert again.percentile(p) == digest.percentile(p)


@given(st.lists(anything, min_size=150, max_size=400))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_there_are_never_more_buckets_than_the_bound_and_no_value_is_lost(values):
    digest = of(values)
    packed = digest.pack()
    assert len(packed[1::2]) <= BUCKETS_MAX
    assert sum(packed[2::2]) == digest.count == len(values)
    distinct = len({module.number_of(value) for value in values})
    assert (digest.clamped == 0) == (distinct <= BUCKETS_MAX)


@pytest.mark.parametrize(
    ("name", "mutant"),
    [
        ("GAMMA", 1.05 / 0.95),
        ("LOG_GAMMA", module.LOG_GAMMA * 1.02),
        ("ZERO_BELOW", 1e-1),
        ("representative", lambda number: module.GAMMA ** (number + module.INDEX_OF_ZERO) if number else 0.0),
    ],
)
def test_a_mutant_breaks_the_one_percent(name, mutant, monkeypatch):
    """So that the law above can fail: another gamma, another step, a wide zero, the edge for the middle."""
    monkeypatch.setattr(module, name, mutant)
    values, p = find(st.tuples(st.lists(st.floats(0.01, 10_000.0), min_size=1), percents), lambda case: far_off(*case))
    assert values
    assert p
