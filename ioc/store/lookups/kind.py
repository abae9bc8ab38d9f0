"""Rows of lookup tables as a kind of dated rows: the log is told nothing of them, since no rule reads them."""

from __future__ import annotations

from typing import Final

from ioc.domain.lookups.row import LookupRow, row_of_entry
from ioc.domain.lookups.table import ROWS_MAX
from ioc.store.dated.rows import DatedKind
from ioc.store.postgres.locks import AdvisoryLock

LOOKUPS: Final = DatedKind(
    noun="lookup", one="row", many="rows", table="lookup_row", history="lookup_row_history", history_id="row_id",
    row_type=LookupRow, read_entry=row_of_entry, same=("table_id", "match_key"), rows_max=ROWS_MAX,
    lock=AdvisoryLock.LOOKUPS,
)  # fmt: skip
