"""The percentile digest: ranks, zero, negatives, its bound, and its packed form."""

from __future__ import annotations

import json

import pytest

from ioc.rules.aggregates.field.digest import (
    BUCKETS_MAX,
    GAMMA,
    INDEX_OF_ZERO,
    SIZE_MAX,
    Digest,
    number_of,
    representative,
)


def of(*values: float) -> Digest:
    digest = Digest()
    for value in values:
        digest.add(value)
    return digest


def test_an_empty_digest_has_no_percentile():
    assert Digest().percentile(50) is None
    assert Digest().pack() == [0]


def test_a_percentile_speaks_for_the_bucket_of_its_rank():
    digest = of(*range(1, 101))
    assert digest.count == 100
    for p in (1, 7, 14, 28, 29, 50, 55, 56, 57, 58, 95, 99, 100):
        assert digest.percentile(p) == representative(number_of(float(p))), "exact ranks: 7 / 100 * 100 is above 7"
    assert of(*[1.0] * 999, 9.0).percentile(99.9) == pytest.approx(1.0, rel=0.0201)


def test_a_bucket_ends_with_its_power_of_gamma_and_speaks_for_its_middle():
    index = number_of(80.0) + INDEX_OF_ZERO
    assert GAMMA ** (index - 1) < 80.0 <= GAMMA**index
    assert representative(number_of(80.0)) == 2 * GAMMA**index / (GAMMA + 1)
    assert number_of(1.0) + INDEX_OF_ZERO == 0


def test_zero_and_the_nearly_zero_share_a_bucket_between_negatives_and_positives():
    assert number_of(0.0) == number_of(9.9e-10) == number_of(-9.9e-10) == 0
    assert number_of(1e-9) == 1
    assert number_of(-1e-9) == -1
    assert of(-5.0, 0.0, 5.0).percentile(50) == 0.0
    assert of(0.0, -0.0).pack() == [0, 0, 2]


def test_negatives_mirror_the_positives():
    digest = of(-100.0, -10.0, -1.0)
    assert digest.percentile(1) == pytest.approx(-100.0, rel=0.0201)
    assert digest.percentile(100) == pytest.approx(-1.0, rel=0.0201)
    assert representative(-number_of(7.0)) == -representative(number_of(7.0))


def test_one_bucket_too_many_goes_to_the_nearest_and_is_counted():
    digest = of(*[GAMMA ** (2 * step) * 0.999 for step in range(BUCKETS_MAX)])
    numbers = digest.pack()[1::2]
    assert len(numbers) == BUCKETS_MAX
    digest.add(1e12)
    digest.add(1.0 * GAMMA)
    digest.add(0.0)
    assert (digest.clamped, digest.count) == (3, BUCKETS_MAX + 3)
    assert digest.pack()[1::2] == numbers, "no new bucket"
    counts = dict(zip(numbers, digest.pack()[2::2], strict=True))
    assert counts[numbers[-1]] == 2, "the highest took 1e12"
    assert counts[numbers[0]] == 3, "zero, and of two equally near the lower"
    digest.add(GAMMA**2 * 0.999)
    assert digest.clamped == 3, "a value with its own bucket is never clamped"


def test_a_merge_adds_what_was_clamped_and_leaves_the_other_as_it_is():
    full = of(*[GAMMA ** (2 * step) * 0.999 for step in range(BUCKETS_MAX)], 1e12)
    other = of(1e13, 1e13, 1e-3)
    packed = other.pack()
    full.merge(other)
    assert (full.clamped, full.count) == (4, BUCKETS_MAX + 4)
    assert other.pack() == packed
    full.merge(full)
    assert (full.clamped, full.count) == (8, 2 * (BUCKETS_MAX + 4))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf"), SIZE_MAX * 2])
def test_what_has_no_bucket_is_refused(wrong):
    with pytest.raises(ValueError, match="cannot be counted"):
        Digest().add(wrong)
    assert of(SIZE_MAX, -SIZE_MAX).percentile(100) == pytest.approx(SIZE_MAX, rel=0.0201)


@pytest.mark.parametrize("wrong", [0, -1, 100.1, float("nan")])
def test_there_are_percentiles_above_0_to_100_only(wrong):
    with pytest.raises(ValueError, match="no percentile"):
        of(1.0).percentile(wrong)


def test_a_packed_digest_is_json():
    digest = of(-3.5, 0.0, 80.0, 80.2, 1e6)
    assert Digest.unpack(json.loads(json.dumps(digest.pack()))).pack() == digest.pack()


@pytest.mark.parametrize(
    "wrong",
    [[], [0, 1], [0, 2, 1, 1, 1], [0, 1, 1, 1, 1], [0, 1, 0], [-1], [2, 1, 1],
     [0, *[number for step in range(BUCKETS_MAX + 1) for number in (step, 1)]]],
)  # fmt: skip
def test_what_is_no_packed_digest_is_refused(wrong):
    with pytest.raises(ValueError, match="no packed digest"):
        Digest.unpack(wrong)
