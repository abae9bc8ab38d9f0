"""Looks at what is restricted as rows of the audit trail: who saw which, before it is shown.

A drawer asks again every half minute while it is open: the same look of the same person is one for ten minutes.
"""

from collections import OrderedDict

from ioc.api.context import APIContext
from ioc.store.audit.trail import AuditEntry, append_audit

SAME_SECONDS = 600.0
REMEMBERED_MAX = 2_000


class Looks:
    """Writes looks down. One that cannot be written is not had: the error goes up."""

    def __init__(self, context: APIContext) -> None:
        self._context = context
        self._written: OrderedDict[tuple[str, str, str, str | None, str], float] = OrderedDict()

    async def note(self, entry: AuditEntry) -> None:
        """Write one look, unless it was written a moment ago."""
        seconds = self._context.io_clock.seconds()
        key = (entry.actor, entry.action, entry.object, entry.address, str(entry.detail))
        if seconds - self._written.get(key, float("-inf")) < SAME_SECONDS:
            return
        async with self._context.database.transaction() as connection:
            await append_audit(connection, entry, self._context.wall.now())
        self._written[key] = seconds
        self._written.move_to_end(key)
        while len(self._written) > REMEMBERED_MAX:
            self._written.popitem(last=False)
