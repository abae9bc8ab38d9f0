"""A full disk pauses the intake at the limit, goes on some points below, and a roomy one is never full."""

from __future__ import annotations

from ioc.runtime.disk import GIB, DiskLimit, Usage, measure


def used(percent: float, whole: int = 100 * GIB) -> Usage:
    return Usage(used_bytes=int(whole * percent / 100), free_bytes=int(whole * (100 - percent) / 100))


def test_the_intake_pauses_at_the_limit_and_goes_on_five_points_below():
    limit = DiskLimit(full_percent=90, free_bytes_enough=1000 * GIB)
    assert [limit.judge(used(share)) for share in (89, 90, 88, 86, 84, 88, 91)] == [
        False, True, True, True, False, False, True,
    ]  # fmt: skip


def test_a_volume_with_plenty_left_is_never_full():
    limit = DiskLimit(full_percent=90, free_bytes_enough=20 * GIB)
    assert limit.judge(used(95, whole=1000 * GIB)) is False
    assert limit.judge(used(99, whole=1000 * GIB)) is True


def test_an_empty_volume_counts_as_full():
    assert Usage(0, 0).ratio == 1.0


def test_a_real_volume_is_measured(tmp_path):
    usage = measure(tmp_path)
    assert 0.0 < usage.ratio < 1.0
    assert usage.free_bytes > 0
