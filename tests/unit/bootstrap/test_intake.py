"""An intake that stops working ends its role: unwatched it would take in, commit nothing and say nothing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from ioc.assembly.context import until_stopped
from ioc.bootstrap.intake import DoorIntake


def intake_of(*work):
    nothing = cast("Any", None)
    return DoorIntake(nothing, nothing, nothing, nothing, [asyncio.create_task(item) for item in work])


async def for_ever():
    await asyncio.Event().wait()


async def test_a_pipeline_that_dies_ends_the_role_with_its_error():
    async def dies():
        raise ValueError("of the pipeline")

    intake = intake_of(for_ever(), dies())
    with pytest.raises(ValueError, match="of the pipeline"):
        await asyncio.wait_for(until_stopped(for_ever(), intake.broken()), 2.0)
    intake.work[0].cancel()


async def test_a_pipeline_that_returns_ends_the_role_too():
    async def returns():
        pass

    with pytest.raises(RuntimeError, match="has ended"):
        await asyncio.wait_for(until_stopped(intake_of(returns()).broken()), 2.0)


async def test_a_role_that_stops_leaves_the_intake_to_finish_its_commits():
    intake = intake_of(for_ever())
    watching = asyncio.create_task(intake.broken())
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert not intake.work[0].done()
    intake.work[0].cancel()
