"""The sheet of indicators that a demo begins with: sent by one, approved by another, as any sheet is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ioc.assembly.context import ProcessContext
from ioc.bootstrap.intake import DoorIntake
from ioc.domain.event import Message
from ioc.domain.manual_entry import ManualReading
from ioc.errors import IOCError
from ioc.indicators.demo_figures import load_demo_figures
from ioc.ingest.pipeline.manual import ManualDoor
from ioc.packs.loader import pack_folder
from ioc.store.indicators.approval import Decision, Desk, approve
from ioc.store.indicators.imports import SheetSubmission, send_import

SHEET_FILE = Path("demo") / "indicators.yaml"
SHEET_NAME = "Số liệu trình diễn"


@dataclass(frozen=True, slots=True)
class DemoSheet:
    """What two people of the day before did about the figures, on that day's clock."""

    past: ProcessContext
    intake: DoorIntake
    say: Callable[[str], None]

    async def perform(self) -> None:
        """Send and approve the sheet; a pack without one gets its demo all the same, and what is wrong is said."""
        path = pack_folder(self.past.settings.pack) / SHEET_FILE
        if not await asyncio.to_thread(path.exists):
            return
        try:
            await self._act(path)
        except IOCError as error:
            self.say(f"{SHEET_FILE}: {error}")

    async def _act(self, path: Path) -> None:
        past, now, wall = self.past, self.past.log_clock.now(), self.past.wall.now()
        figures = await asyncio.to_thread(load_demo_figures, path)
        indicators = {one.code: one for one in past.pack.indicators}
        rows = figures.rows(indicators, now.astimezone(past.pack.zone).date())
        submission = SheetSubmission(figures.sent_by, None, SHEET_NAME, await asyncio.to_thread(path.read_bytes))
        identifier = await send_import(past.database, submission, rows, wall=wall)
        door = ManualDoor(
            pipeline=self.intake.pipeline, registry=self.intake.registry, feeds=past.pack.feeds, metrics=past.metrics
        )

        async def prepare(reading: ManualReading) -> Message:
            return await door.imported(reading, now=now)

        desk = Desk(past.database, past.log, prepare, indicators, past.pack.feeds, past.pack.zone, now, wall)
        await approve(desk, Decision(identifier, 1, figures.approved_by, None))
