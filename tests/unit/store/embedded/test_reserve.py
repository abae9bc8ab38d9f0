"""Some space is set aside for a start on a full disk, and given up only then."""

from __future__ import annotations

import pytest

from ioc.runtime.disk import GIB, Usage
from ioc.store.embedded import reserve as embedded_reserve
from ioc.store.embedded.cluster import WAL_MEGABYTES_MAX, WAL_MEGABYTES_MIN, wal_megabytes
from ioc.store.embedded.reserve import RESERVE_BYTES, Reserve


def test_it_is_kept_and_given_up_only_on_a_full_disk(tmp_path, monkeypatch):
    reserve = Reserve(tmp_path)
    monkeypatch.setattr(embedded_reserve, "measure", lambda _: Usage(GIB, 9 * GIB))
    reserve.keep()
    assert (tmp_path / "reserve").stat().st_size == RESERVE_BYTES
    assert reserve.spend_if_full() is False
    monkeypatch.setattr(embedded_reserve, "measure", lambda _: Usage(10 * GIB, RESERVE_BYTES - 1))
    assert reserve.spend_if_full() is True
    assert list(tmp_path.iterdir()) == []
    reserve.keep()
    assert list(tmp_path.iterdir()) == [], "the reserve must not be what fills the disk"


@pytest.mark.parametrize(("gib", "megabytes"), [(0.1, WAL_MEGABYTES_MIN), (10, 1_024), (1000, WAL_MEGABYTES_MAX)])
def test_the_write_ahead_log_takes_a_tenth_of_the_volume_at_most(monkeypatch, tmp_path, gib, megabytes):
    monkeypatch.setattr("ioc.store.embedded.cluster.measure", lambda _: Usage(0, int(gib * GIB)))
    assert wal_megabytes(tmp_path) == megabytes
