"""`ioc lookups import`: a sheet of a lookup table, checked cell by cell, then written or not at all.

It is the import of `POST /api/v1/lookups/imports`: seen and undone there, too.
"""

from __future__ import annotations

from pathlib import Path

from ioc.assembly.context import open_context
from ioc.commands.row_import import RowReport, read_file, take
from ioc.domain.lookups.row import LookupRow
from ioc.errors import InvalidInputError
from ioc.lookups.check import unknown_table
from ioc.lookups.columns import PASSED_OVER, known
from ioc.lookups.plan import plan_rows
from ioc.settings import Settings
from ioc.store.lookups.kind import LOOKUPS
from ioc.store.lookups.reader import read_devices


async def import_file(settings: Settings, file: Path, *, table: str, why: str, dry_run: bool) -> RowReport[LookupRow]:
    """Check a sheet (.xlsx, else CSV) and write it into a table as a whole; with ``dry_run`` only check.

    Raises:
        InvalidInputError: the pack declares no such table.
        UnreadableBodyError, BodyTooLargeError: the sheet cannot be read, or is longer than is taken.
        VersionConflictError: a row was changed meanwhile. TransitionError: the bound on rows.
    """
    read = await read_file(file)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        of = next((one for one in context.pack.lookups if one.id == table), None)
        if of is None:
            raise InvalidInputError(unknown_table(table, context.pack.lookups).told, field="table")
        async with context.database.connection() as connection:
            devices = await read_devices(connection) if of.of_devices else {}
        plan = plan_rows(read.table(known(of), PASSED_OVER), of, devices)
        return await take(context, LOOKUPS, plan, read, why=why, dry_run=dry_run)
