"""The rows of lookup tables that a demo begins with: sheets, imported as any sheet is, each row marked as made up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ioc.assembly.context import ProcessContext
from ioc.commands.row_import import read_file, take
from ioc.errors import IOCError
from ioc.lookups.columns import PASSED_OVER, known
from ioc.lookups.plan import plan_rows
from ioc.packs.loader import pack_folder
from ioc.store.lookups.kind import LOOKUPS

FOLDER = Path("demo") / "lookups"
WHY = "Số liệu trình diễn"


@dataclass(frozen=True, slots=True)
class DemoLookups:
    """The sheets of the pack's demo, one for each table, by the table's name."""

    past: ProcessContext
    say: Callable[[str], None]

    async def perform(self) -> None:
        """Import each sheet; a pack without any gets its demo all the same, and what is wrong is said."""
        folder = pack_folder(self.past.settings.pack) / FOLDER
        for path in await asyncio.to_thread(lambda: sorted(folder.glob("*.csv"))):
            try:
                await self._import(path)
            except IOCError as error:
                self.say(f"{FOLDER / path.name}: {error}")

    async def _import(self, path: Path) -> None:
        table = next((one for one in self.past.pack.lookups if one.id == path.stem), None)
        if table is None:
            self.say(f"{FOLDER / path.name}: the pack has no lookup table {path.stem}")
            return
        file = await read_file(path)
        # Those that do not play in the day before are registered with the demo itself, after it.
        devices = {device.id: device.feed for device in self.past.pack.devices}
        plan = plan_rows(file.table(known(table), PASSED_OVER), table, devices)
        report = await take(self.past, LOOKUPS, plan, file, why=WHY, dry_run=False)
        for line in report.lines(path.name) if report.problems else ():
            self.say(line)
