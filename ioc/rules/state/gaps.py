"""Our own outages, as the log shows them: stretches without a tick."""

from __future__ import annotations

from ioc.rules.language.rule import SECOND_US
from ioc.rules.state.memory import Memory

GAP_US = 10 * SECOND_US
"""Longer than this without a tick is our own outage."""


def gap_is_open(memory: Memory, log_us: int) -> bool:
    """Tell whether an entry other than a tick comes so long after the newest tick that a gap will be written."""
    return bool(memory.tick_us) and log_us - memory.tick_us > GAP_US
