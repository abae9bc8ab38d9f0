"""Counts what is not stored, in the transaction that answers for it: no answer without its count, no count without it.

What is stored is counted from the log itself (:mod:`ioc.rollup.source_ledger`), so a batch that is all new, as nearly
every one is, writes nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ioc.domain.event import NOT_KEPT, DeadLetter, Message, Outcome, Receipt
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import named
from ioc.store.quality.steps import buckets_of, hour_of

NAMES_MAX = 4_096
"""Feeds and devices, as senders name them, that one process counts each for itself in an hour: senders may invent
names. What comes beyond is counted without them."""
Source = tuple[str, str]

MERGE = named("""
INSERT INTO intake_ledger AS l (feed, device, step, bucket, duplicate, refused, not_kept)
SELECT u.feed, coalesce(d.id, ''), b.step, b.bucket, sum(u.duplicate), sum(u.refused), sum(u.not_kept)
FROM unnest(:feeds::text[], :devices::text[], :duplicate::bigint[], :refused::bigint[], :not_kept::bigint[])
       AS u(feed, device, duplicate, refused, not_kept)
CROSS JOIN unnest(:steps::int[], :buckets::timestamptz[]) AS b(step, bucket)
LEFT JOIN device d ON d.id = u.device
GROUP BY 1, 2, 3, 4
ON CONFLICT (feed, device, step, bucket) DO UPDATE SET
    duplicate = l.duplicate + excluded.duplicate, refused = l.refused + excluded.refused,
    not_kept = l.not_kept + excluded.not_kept
""")
"""A device that is not registered has no row of its own: the registry bounds the table."""


@dataclass(slots=True)
class _Counts:
    duplicate: int = 0
    refused: int = 0
    not_kept: int = 0


class IntakeLedger:
    """What one process writes into the ledger."""

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._names: set[Source] = set()

    async def count(
        self, connection: Connection, batch: Sequence[Message | DeadLetter], receipts: Sequence[Receipt],
        log_time: datetime,
    ) -> None:  # fmt: skip
        """Count the duplicates and refusals of a batch; ``receipts`` are its answers, in its order."""
        counts: dict[Source, _Counts] = {}
        for item, receipt in zip(batch, receipts, strict=True):
            if receipt.outcome is Outcome.STORED:
                continue
            of_source = counts.setdefault(self._known(item.feed or "", item.device or "", log_time), _Counts())
            if receipt.outcome is Outcome.DUPLICATE:
                of_source.duplicate += 1
            else:
                of_source.refused += 1
                of_source.not_kept += NOT_KEPT in receipt.flags
        if not counts:
            return
        steps, buckets = zip(*buckets_of(log_time), strict=True)
        await connection.execute(
            *MERGE(
                feeds=[feed for feed, _ in counts],
                devices=[device for _, device in counts],
                duplicate=[one.duplicate for one in counts.values()],
                refused=[one.refused for one in counts.values()],
                not_kept=[one.not_kept for one in counts.values()],
                steps=list(steps),
                buckets=list(buckets),
            )
        )

    def _known(self, feed: str, device: str, log_time: datetime) -> Source:
        hour = hour_of(log_time)
        if hour != self._hour:
            self._hour, self._names = hour, set()
        if (feed, device) in self._names:
            return feed, device
        if len(self._names) >= NAMES_MAX:
            return "", ""
        self._names.add((feed, device))
        return feed, device
