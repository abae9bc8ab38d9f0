"""The log: append in batches, once per identity, at commit-ordered positions; read by cursor.

Every append first locks the one row of ``log_head``. The lock is held until the commit, so positions are handed out
in commit order and a reader by position can never skip a row that commits late (a plain sequence can: see
tests/integration/test_event_log_order.py, which proves it with the lock taken away).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from ioc.domain.batch import BatchToken
from ioc.domain.event import NOT_KEPT, DeadLetter, Entry, EntryKind, Event, Message, Outcome, Receipt
from ioc.domain.event_time import event_times
from ioc.errors import StoreUnavailableError
from ioc.store.log import statements as sql
from ioc.store.log.copy_rows import COLUMNS, rows
from ioc.store.log.dead_letter_quota import PER_HOUR, DeadLetterQuota
from ioc.store.log.event_keys import Claim, claim_keys, known_keys, recognise, revise_keys
from ioc.store.log.outcomes import NewEvents, columns, dead_letter, decide_outcomes
from ioc.store.personal.values import keep_personal
from ioc.store.postgres.engine import Connection, Database, is_retryable
from ioc.store.postgres.wakeup import LOG_CHANNEL
from ioc.store.quality.intake_ledger import IntakeLedger

RAW_BYTES_MAX = 64 << 10
"""A dead letter keeps this much of the raw bytes; ``raw_bytes`` says how many there were."""
ATTEMPTS = 3
DOUBTS_MAX = 16
CULPRIT_STATES = ("22", "23", "54")
"""SQLSTATE classes that speak of the data: only these bisect a batch to its culprit."""

Item = Message | DeadLetter
EVENT = EntryKind.EVENT


@dataclass(frozen=True, slots=True)
class _Doubt:
    """An attempt whose COMMIT got no answer: what it would have answered, and what proves that it stands."""

    answers: list[Receipt]
    log_time: datetime
    witness: tuple[int, bytes] | None
    letter: DeadLetter | None


class EventLog:
    """The append-only log of one database. Safe for any number of writers and readers in any processes."""

    def __init__(self, database: Database, *, dead_letters_per_hour: int = PER_HOUR) -> None:
        self._database = database
        self._quota = DeadLetterQuota(dead_letters_per_hour)
        self._ledger = IntakeLedger()
        self._doubts: dict[BatchToken, _Doubt] = {}

    async def append(self, batch: Sequence[Item], now: datetime, *, token: BatchToken | None = None) -> list[Receipt]:
        """Append a batch in one transaction and return one receipt each, in order.

        On return everything is committed: a caller may acknowledge. A message whose data PostgreSQL refuses becomes
        a dead letter `unstorable`; its neighbours are stored. A later call with the same batch brings the ``token`` of
        the one before, and so hears what that one would have answered, should it stand after all.

        Raises:
            StoreUnavailableError: nothing, or an unknown part, was committed. The same batch may be sent again:
                identity makes that harmless.
        """
        token = token or BatchToken()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._append_once(batch, now, token)
            except asyncpg.PostgresError as error:
                if (error.sqlstate or "").startswith(CULPRIT_STATES):
                    return await self._bisect(batch, now, error, token)
                if not is_retryable(error) or attempt == ATTEMPTS:
                    raise StoreUnavailableError(f"append failed: {error}") from error
            except StoreUnavailableError:
                # A COMMIT whose answer was lost may stand: the retry, also a later call's, looks for it first.
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(0.05 * attempt)
        raise StoreUnavailableError("append failed")

    async def _bisect(
        self, batch: Sequence[Item], now: datetime, error: asyncpg.PostgresError, token: BatchToken
    ) -> list[Receipt]:
        first, second = token.halves()
        if len(batch) > 1:
            middle = len(batch) // 2
            return [
                *await self.append(batch[:middle], now, token=first),
                *await self.append(batch[middle:], now, token=second),
            ]
        item = batch[0]
        if isinstance(item, DeadLetter):
            # The dead letter itself cannot be stored (a NUL in its topic): keep the raw bytes and drop the text.
            bare = replace(item, topic=None, feed=None, device=None, content_type=None, detail="unstorable words")
            return await self._append_once([bare], now, first)
        letter = dead_letter(item, reason="unstorable", detail=f"PostgreSQL refuses it: {error.sqlstate}")
        return await self.append([letter], now, token=first)

    async def _append_once(self, batch: Sequence[Item], now: datetime, token: BatchToken) -> list[Receipt]:
        messages = [item for item in batch if isinstance(item, Message)]
        letters = [item for item in batch if isinstance(item, DeadLetter)]
        async with self._database.transaction() as connection:
            doubt = self._doubts.get(token)
            if doubt is not None:
                # We hold the head row, so the earlier attempt is over: it either committed or never will.
                await connection.execute(sql.LOCK_HEAD)
                if await _stands(connection, doubt):
                    del self._doubts[token]
                    return doubt.answers
            messages = await recognise(connection, messages, now)
            claim = await claim_keys(connection, messages, now)
            log_time = claim.log_time
            answers, refused = await _insert_messages(connection, messages, claim)
            choice = self._quota.choose([*letters, *refused], log_time)
            if choice.kept:
                await _insert_dead_letters(connection, choice.kept, log_time)
            receipts = _in_order(batch, answers)
            if choice.left_out:
                receipts = _mark_left_out(batch, receipts, choice.left_out, count=len(letters))
            if letters or claim.keys < len(messages):  # else all of it is stored
                await self._ledger.count(connection, batch, receipts, log_time)
            self._remember(token, _doubt(receipts, choice.kept, log_time))
        self._doubts.pop(token, None)  # the COMMIT was answered
        self._quota.note(choice)
        return receipts

    def _remember(self, token: BatchToken, doubt: _Doubt) -> None:
        """Keep what an attempt would answer until its COMMIT is answered, or the batch is tried again."""
        while len(self._doubts) >= DOUBTS_MAX:  # callers that gave up; theirs would be answered as duplicates
            del self._doubts[next(iter(self._doubts))]
        self._doubts[token] = doubt

    async def append_messages(
        self, connection: Connection, messages: Sequence[Message], now: datetime
    ) -> list[Receipt]:
        """Append a person's messages inside the caller's transaction, so that who entered them is committed with them.

        They have a time. What is refused as a conflict is told and not kept: its person hears of it. The head row stays
        locked until the caller commits, as with :meth:`append_entries`.
        """
        claim = await claim_keys(connection, messages, now)
        receipts, _ = await _insert_messages(connection, messages, claim)
        return receipts

    async def append_entries(
        self, connection: Connection, entries: Sequence[tuple[EntryKind, str, Mapping[str, Any] | None]], now: datetime
    ) -> list[int]:
        """Append ticks, gaps and changes of rules, devices, areas inside the caller's transaction.

        Returns their positions. The head row stays locked until the caller commits, so call it late.
        """
        head = await connection.fetchrow(sql.LOCK_HEAD)
        log_time = max(head["log_time"], now)
        positions = [head["position"] + number for number in range(1, len(entries) + 1)]
        await connection.execute(
            sql.INSERT_ENTRIES,
            positions,
            log_time,
            [str(kind) for kind, _, _ in entries],
            [subject for _, subject, _ in entries],
            [dict(value) if value is not None else None for _, _, value in entries],
        )
        last = positions[-1] if positions else head["position"]
        await connection.execute(sql.MOVE_HEAD, last, log_time, LOG_CHANNEL)
        return positions

    async def read(self, after: int, after_time: datetime, limit: int) -> list[Entry]:
        """Return the ``limit`` entries after a position, in order; fewer only where the log has no more.

        ``after_time`` is the log_time of that position: log_time never goes back, so older partitions are skipped.
        Positions of duplicates and of what retention has dropped hold nothing; they are passed over.
        """
        return await self._read(sql.READ, _entry, after, after_time, limit)

    async def read_values(self, after: int, after_time: datetime, limit: int) -> list[Entry]:
        """Return the same entries with their values only: events have no place and no key, others no subject."""
        return await self._read(sql.READ_VALUES, _values, after, after_time, limit)

    async def _read(
        self, statement: str, made: Callable[[asyncpg.Record], Entry], after: int, after_time: datetime, limit: int
    ) -> list[Entry]:
        entries: list[Entry] = []
        async with self._database.connection() as connection:
            while len(entries) < limit:
                until = after + limit - len(entries)
                rows = await connection.fetch(statement, after, after_time, until)
                if rows[0]["position"] is not None:
                    entries += map(made, rows)
                elif until < rows[0]["head"]:
                    found = await connection.fetchval(sql.NEXT_POSITION, until, after_time)
                    until = rows[0]["head"] if found is None else found - 1
                if until >= rows[0]["head"]:
                    break
                after = until
        return entries

    async def head(self) -> tuple[int, datetime]:
        """Return the last position and its log_time."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT position, log_time FROM log_head WHERE id = 1")
        return row["position"], row["log_time"]


def _in_order(batch: Sequence[Item], answers: list[Receipt]) -> list[Receipt]:
    """Return a receipt for each item, from those of the messages in it."""
    if len(answers) == len(batch):
        return answers
    stored = iter(answers)
    return [
        next(stored) if isinstance(item, Message) else Receipt(Outcome.REFUSED, reason=item.reason, detail=item.detail)
        for item in batch
    ]


def _mark_left_out(batch: Sequence[Item], receipts: list[Receipt], left_out: set[int], *, count: int) -> list[Receipt]:
    """Mark what is refused and not kept; ``left_out`` are places among the batch's letters, then its conflicts."""
    places = [place for place, item in enumerate(batch) if not isinstance(item, Message)]
    assert len(places) == count, "each letter of the batch has its receipt"
    places += [
        place
        for place, item in enumerate(batch)
        if isinstance(item, Message) and receipts[place].outcome is Outcome.REFUSED
    ]
    marked = list(receipts)
    for number in left_out:
        marked[places[number]] = marked[places[number]]._replace(flags=(NOT_KEPT,))
    return marked


def _doubt(receipts: list[Receipt], letters: Sequence[DeadLetter], log_time: datetime) -> _Doubt:
    """Return what is known of an attempt that is about to commit; its witness is the first thing that it adds."""
    witness = None
    for receipt in receipts:
        if receipt.outcome is Outcome.STORED and receipt.position is not None and receipt.key is not None:
            witness = (receipt.position, receipt.key)
            break
    return _Doubt(receipts, log_time, witness, letters[0] if letters else None)


async def _stands(connection: Connection, doubt: _Doubt) -> bool:
    """Tell whether an earlier attempt was committed after all.

    Nobody else writes that key at that position with that time; an attempt that added nothing may be repeated.
    """
    if doubt.witness is not None:
        position, key = doubt.witness
        return bool(await connection.fetchval(sql.FIND_EVENT, doubt.log_time, position, key))
    if doubt.letter is not None:
        letter = doubt.letter
        return bool(
            await connection.fetchval(
                sql.FIND_LETTER, doubt.log_time, letter.received_at, letter.reason, letter.raw[:RAW_BYTES_MAX]
            )
        )
    return False


async def _insert_messages(
    connection: Connection, messages: Sequence[Message], claim: Claim
) -> tuple[list[Receipt], list[DeadLetter]]:
    """Insert what is new of a batch (:mod:`ioc.store.log.outcomes`). Returns (a receipt each, conflicts)."""
    first, count = claim.before + 1, len(messages)
    batch = NewEvents(messages, range(first, first + count), [0] * count, *event_times(messages, claim.log_time))
    if claim.keys == count:  # nearly every batch: nothing in it was known, and none of it comes twice
        if messages:
            await _insert_events(connection, batch, claim.log_time)
        return batch.receipts(), []
    found = decide_outcomes(batch, await known_keys(connection, messages, claim))
    head = claim.before
    if found.events:
        await _insert_events(connection, columns(found.events), claim.log_time)
        head = found.events[-1].position
    await revise_keys(connection, found.revised())
    if head != batch.positions[-1]:  # the head is where the last event is
        await connection.execute(sql.SET_HEAD, head)
    return found.receipts, found.conflicts


async def _insert_events(connection: Connection, events: NewEvents, log_time: datetime) -> None:
    source = _in_one_piece(rows(events, log_time))
    await connection.copy_to_table("event", source=source, columns=COLUMNS, format="binary")
    spoken = [message for message in events.messages if message.personal]
    if spoken:
        await keep_personal(connection, spoken, log_time)


async def _in_one_piece(written: bytes) -> AsyncIterator[bytes]:
    yield written


async def _insert_dead_letters(connection: Connection, letters: Sequence[DeadLetter], log_time: datetime) -> None:
    await connection.execute(
        sql.INSERT_DEAD_LETTERS,
        log_time,
        [letter.received_at for letter in letters],
        [letter.door for letter in letters],
        [letter.feed for letter in letters],
        [letter.device for letter in letters],
        [letter.topic for letter in letters],
        [letter.content_type for letter in letters],
        [letter.reason for letter in letters],
        [letter.detail for letter in letters],
        [letter.raw[:RAW_BYTES_MAX] for letter in letters],
        [len(letter.raw) if letter.raw_bytes is None else letter.raw_bytes for letter in letters],
        [letter.field for letter in letters],
        [letter.area for letter in letters],
    )


def _entry(row: asyncpg.Record) -> Entry:
    """Return a row of READ, by its columns' places: looking each up by name costs more than all the rest."""
    (
        _, position, log_time, kind, subject, feed, device, key, effective, received_at, data, time, identifier, lat,
        lon, area, zone, flags, revision, door,
    ) = row  # fmt: skip
    if kind != EVENT:
        return Entry(position, log_time, EntryKind(kind), None, subject, data)
    event = Event(
        feed, device, key, effective, received_at, data, time, identifier, lat, lon, area, zone, tuple(flags),
        revision, door,
    )  # fmt: skip
    return Entry(position, log_time, EVENT, event)


def _values(row: asyncpg.Record) -> Entry:
    """Return a row of READ_VALUES."""
    _, position, log_time, kind, feed, device, effective, data, flags, revision = row
    if kind != EVENT:
        return Entry(position, log_time, EntryKind(kind), value=data)
    event = Event(feed, device, b"", effective, log_time, data, flags=tuple(flags), revision=revision)
    return Entry(position, log_time, EVENT, event)
