"""`ioc limits import`: a sheet of limits by device, class and area, checked cell by cell, then written or not at all.

It is the import of `POST /api/v1/limits/imports`: seen and undone there, too.
"""

from __future__ import annotations

from pathlib import Path

from ioc.assembly.context import ProcessContext, open_context
from ioc.commands.row_import import RowReport, read_file, take
from ioc.domain.rules.limit_row import LimitRow
from ioc.limits.columns import KNOWN, PASSED_OVER
from ioc.limits.plan import LimitReferences, plan_limits
from ioc.rules.loading.limit_tables import tables_of
from ioc.settings import Settings
from ioc.store.limits.kind import LIMITS
from ioc.store.limits.reader import read_asking_rules, read_targets
from ioc.store.registry.registry import RegistryStore


async def import_file(settings: Settings, file: Path, *, why: str, dry_run: bool) -> RowReport[LimitRow]:
    """Check a sheet of limits (.xlsx, else CSV) and write it as a whole; with ``dry_run`` only check.

    Raises:
        UnreadableBodyError, BodyTooLargeError: the sheet cannot be read, or is longer than is taken.
        VersionConflictError: a limit was changed meanwhile. TransitionError: the bound on limits.
    """
    read = await read_file(file)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        plan = plan_limits(read.table(KNOWN, PASSED_OVER), await references_of(context))
        return await take(context, LIMITS, plan, read, why=why, dry_run=dry_run)


async def references_of(context: ProcessContext) -> LimitReferences:
    """Return what rows are held against in this instance."""
    pack = context.pack
    async with context.database.connection() as connection:
        bodies = await read_asking_rules(connection)
        devices, classes = await read_targets(connection)
    snapshot = await RegistryStore(context.database, pack.zones).snapshot(context.wall.now())
    return LimitReferences(
        tables_of(bodies, pack.feeds, pack.zone), devices, classes, [unit.code for unit in snapshot.areas],
        [zone.code for zone in pack.zones],
    )  # fmt: skip
