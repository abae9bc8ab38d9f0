"""Limits as a kind of dated rows: the log is told of each change, and a pack brings some."""

from __future__ import annotations

from typing import Final

from ioc.domain.event import EntryKind
from ioc.domain.rules.limit_row import LimitRow, row_of_entry
from ioc.store.dated.rows import DatedKind
from ioc.store.postgres.locks import AdvisoryLock

LIMITS_MAX = 20_000
"""Rows of all tables: what the rules keep in memory."""
LIMITS: Final = DatedKind(
    noun="limit", one="limit", many="limits", table="dated_limit", history="dated_limit_history",
    history_id="limit_id", row_type=LimitRow, read_entry=row_of_entry,
    same=("name", "level", "device", "device_class", "area"), rows_max=LIMITS_MAX, lock=AdvisoryLock.LIMITS,
    log_entry=EntryKind.LIMIT, from_pack=True,
)  # fmt: skip
