"""PUBACK after COMMIT, seen in the kernel: the WAL's fdatasync has returned before the door writes the PUBACK."""

from __future__ import annotations

import pytest

from proof.harness.syscalls import StraceUnavailableError
from proof.scenarios.delivery.puback import prove

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]


async def test_the_wal_is_flushed_before_each_puback_and_not_without_synchronous_commit():
    try:
        report = await prove(seed=1, publishes=12)
    except StraceUnavailableError as error:
        pytest.skip(f"strace cannot attach here: {error}")
    assert report.facts["seen_in_traces"] == report.facts["flushed_before_puback"] == 12
    assert report.control["seen_in_traces"] == 12
    assert report.control["puback_before_flush"] > 0, "without synchronous commits the order held: no evidence"
    assert report.verdict == "held"
