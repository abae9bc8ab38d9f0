"""P5 and S27 under any bytes: the MQTT codec, a live MQTT connection and the bodies of both doors, fuzzed.

A crash is any error that is not promised, a connection that neither answers nor ends, a hang, or memory that grows
without end. The control is a decoder with a planted fault. `python -m proof.fuzzing` fuzzes for a stated time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from proof.fuzzing.campaign import PROMISE, TARGETS, fuzz_all
from proof.harness.report import Profile, Report


@dataclass(frozen=True, slots=True)
class FuzzSize:
    """How long."""

    seconds: float


SIZES = {Profile.QUICK: FuzzSize(6.0), Profile.FULL: FuzzSize(600.0)}


async def prove(*, seed: int, size: FuzzSize) -> Report:
    """Fuzz all targets, then the control."""
    report = Report("fuzz", seed, PROMISE)
    await asyncio.to_thread(
        fuzz_all, report, seconds=size.seconds, seed=seed, keep=False, names=list(TARGETS), talk=False
    )
    return report
