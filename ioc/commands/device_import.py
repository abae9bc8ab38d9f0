"""`ioc device import`: a sheet of devices, checked cell by cell, then registered as a whole or not at all."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from ioc.assembly.context import ProcessContext, open_context
from ioc.errors import InvalidInputError
from ioc.ingest.pipeline.location import Gazetteer
from ioc.registration.columns import KNOWN, PASSED_OVER
from ioc.registration.plan import ROWS_MAX, ImportPlan, RegistryView, plan_import
from ioc.settings import Settings
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import SheetBounds, SheetReader
from ioc.sheets.table import HEAD_ROWS_MAX, CellFault, RowOutcome, SheetTable, read_table
from ioc.store.registry.device_import import DeviceSheet, import_devices
from ioc.store.registry.registry import RegistryStore

ACTOR = "command line"
BOUNDS = SheetBounds(rows_max=ROWS_MAX + HEAD_ROWS_MAX, columns_max=60)
WORKBOOK = ".xlsx"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import; ``keys`` are those of new devices, to be had only here."""

    plan: ImportPlan
    keys: Mapping[str, str]
    dry_run: bool = False

    @property
    def problems(self) -> Sequence[CellFault]:
        """The faults, row by row; nothing was written where there is one."""
        return self.plan.faults

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        if self.problems:
            told = [
                {"line": one.row, "cell": one.place, "column": one.column, "code": one.code, "message": one.message.en}
                for one in self.problems
            ]
            return {"problems": told, "problem_count": self.plan.fault_count}
        return {
            "created": [{"id": device.id, "key": self.keys.get(device.id)} for device in self.plan.created],
            "changed": [{"id": change.device, "fields": sorted(change.values)} for change in self.plan.changed],
            "unchanged": self.plan.count(RowOutcome.UNCHANGED),
            "dry_run": self.dry_run,
        }

    def lines(self, file: str, *, show_keys: bool) -> list[str]:
        """Return it as lines for people, with the keys of new devices where there is no other place for them."""
        if self.problems:
            told = [_line(file, one) for one in self.problems]
            return [*told, f"{file}: {self.plan.fault_count} problems, nothing was written"]
        keys = [f"{name}: {key}" for name, key in self.keys.items()] if show_keys else []
        unchanged = self.plan.count(RowOutcome.UNCHANGED)
        counts = f"{len(self.plan.created)} new, {len(self.plan.changed)} changed, {unchanged} as they were"
        return [*keys, f"{file}: {counts}{' (dry run: nothing was written)' if self.dry_run else ''}"]


def _line(file: str, one: CellFault) -> str:
    where = f"{file}:{one.row}" if one.row else file
    column = f"{one.column}: " if one.column else ""
    return f"{where}: {column}{one.message.en}{f' ({one.place})' if one.place else ''}"


async def import_file(settings: Settings, file: Path, *, keys_file: Path | None, dry_run: bool) -> ImportReport:
    """Check a sheet of devices (.xlsx, else CSV) and register it as a whole; with ``dry_run`` only check.

    Raises:
        InvalidInputError: the file for the keys is there already or cannot be made.
        UnreadableBodyError, BodyTooLargeError: the sheet cannot be read, or is longer than is taken.
    """
    body = await asyncio.to_thread(file.read_bytes)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        now = context.log_clock.now()
        plan = await _plan(await _table(file, body), context)
        if dry_run or plan.fault_count or not plan.does_something:
            return ImportReport(plan, {}, dry_run)
        sheet = DeviceSheet(ACTOR, None, file.name, body, plan.count(RowOutcome.UNCHANGED))
        with KeysFile(keys_file) as kept:
            done = await import_devices(
                context.database, context.log, plan.created, plan.changed, sheet=sheet, now=now,
                wall=context.wall.now(), before_commit=kept.write,
            )  # fmt: skip
    return ImportReport(plan, done.keys)


async def _table(file: Path, body: bytes) -> SheetTable:
    is_workbook = file.suffix.lower() == WORKBOOK
    rows = await SheetReader(BOUNDS).read(body) if is_workbook else read_csv(body, BOUNDS)
    return read_table(rows, KNOWN, given=PASSED_OVER)


async def _plan(table: SheetTable, context: ProcessContext) -> ImportPlan:
    snapshot = await RegistryStore(context.database).snapshot(context.wall.now())
    registry = RegistryView(
        snapshot.devices, context.pack.feeds.keys(), frozenset(unit.code for unit in snapshot.areas),
        Gazetteer(snapshot.areas), now=context.log_clock.now(), box=context.pack.box,
    )  # fmt: skip
    return plan_import(table, registry)


class KeysFile:
    """A new file, for its owner only, that has the keys before they count; gone again where none were made."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._written = False

    def __enter__(self) -> Self:
        """Make the file first, so that nothing is registered whose key could not be kept."""
        if self._path is not None:
            try:
                self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
            except OSError as error:
                raise InvalidInputError(f"{self._path}: {error.strerror}; name a new file for the keys") from error
        return self

    def write(self, secrets: Mapping[str, str]) -> None:
        """Write the keys and see them on the disk."""
        if self._file is not None:
            self._file.write(json.dumps(dict(secrets), indent=1) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._written = True

    def __exit__(self, *_: object) -> None:
        """Close it. A commit whose outcome is unknown leaves the keys: they may count."""
        if self._file is not None and self._path is not None:
            self._file.close()
            if not self._written:
                self._path.unlink(missing_ok=True)
