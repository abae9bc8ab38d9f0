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
from typing import Any, cast

import asyncpg

from ioc.domain.event import DeadLetter, Entry, EntryKind, Event, Message, Outcome, Receipt
from ioc.errors import StoreUnavailableError
from ioc.store import event_log_sql as sql
from ioc.store.engine import Connection, Database, is_retryable
from ioc.store.event_rows import COLUMNS, rows
from ioc.store.wakeup import LOG_CHANNEL

RAW_BYTES_MAX = 64 << 10
"""A dead letter keeps this much of the raw bytes; ``raw_bytes`` says how many there were."""
ATTEMPTS = 3
DOUBTS_MAX = 16
CULPRIT_STATES = ("22", "23", "54")
"""SQLSTATE classes that speak of the data: only these bisect a batch to its culprit."""

Item = Message | DeadLetter
EVENT = EntryKind.EVENT
# A tuple's own way to be made; by its generated __new__ it costs half as much again.
_made = cast("Callable[[type[Receipt], tuple[Any, ...]], Receipt]", tuple.__new__)


@dataclass(frozen=True, slots=True)
class _Known:
    content: bytes
    position: int
    revision: int


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a batch was given: the positions after ``before``, and how many of its keys were new."""

    before: int
    log_time: datetime
    keys: int


@dataclass(frozen=True, slots=True)
class _Doubt:
    """An attempt whose COMMIT was sent and never answered: what it would have answered, and what proves that it stands.

    ``batch`` is kept so that its identity cannot be another batch's meanwhile.
    """

    batch: Sequence[Item]
    answers: list[Receipt]
    log_time: datetime
    witness: tuple[int, bytes] | None
    letter: DeadLetter | None


class EventLog:
    """The append-only log of one database. Safe for any number of writers and readers in any processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._doubts: dict[int, _Doubt] = {}

    async def append(self, batch: Sequence[Item], now: datetime) -> list[Receipt]:
        """Append a batch in one transaction and return one receipt each, in order.

        On return everything is committed: a caller may acknowledge. A message whose data PostgreSQL refuses becomes
        a dead letter `unstorable`; its neighbours are stored.

        Raises:
            StoreUnavailableError: nothing, or an unknown part, was committed. The same batch may be sent again:
                identity makes that harmless.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._append_once(batch, now)
            except asyncpg.PostgresError as error:
                if (error.sqlstate or "").startswith(CULPRIT_STATES):
                    return await self._bisect(batch, now, error)
                if not is_retryable(error) or attempt == ATTEMPTS:
                    raise StoreUnavailableError(f"append failed: {error}") from error
            except StoreUnavailableError:
                # A COMMIT whose answer was lost may stand: the retry, also a later call's, looks for it first.
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(0.05 * attempt)
        raise StoreUnavailableError("append failed")

    async def _bisect(self, batch: Sequence[Item], now: datetime, error: asyncpg.PostgresError) -> list[Receipt]:
        if len(batch) > 1:
            middle = len(batch) // 2
            return [*await self.append(batch[:middle], now), *await self.append(batch[middle:], now)]
        item = batch[0]
        if isinstance(item, DeadLetter):
            # Its text is at fault (a NUL in a topic): keep the raw bytes, let the words go.
            bare = replace(item, topic=None, feed=None, device=None, content_type=None, detail="unstorable words")
            return await self._append_once([bare], now)
        letter = dead_letter(item, reason="unstorable", detail=f"PostgreSQL refuses it: {error.sqlstate}")
        return await self.append([letter], now)

    async def _append_once(self, batch: Sequence[Item], now: datetime) -> list[Receipt]:
        messages = [item for item in batch if isinstance(item, Message)]
        letters = [item for item in batch if isinstance(item, DeadLetter)]
        async with self._database.transaction() as connection:
            doubt = self._doubts.get(id(batch))
            if doubt is not None and doubt.batch is batch:
                # With the head row ours, an earlier attempt has ended: it stands, or it is gone for good.
                await connection.execute(sql.LOCK_HEAD)
                if await _stands(connection, doubt):
                    del self._doubts[id(batch)]
                    return doubt.answers
            claim = await _claim(connection, messages, now)
            log_time = claim.log_time
            answers, refused = await _insert_messages(connection, messages, claim)
            letters += refused
            if letters:
                await _insert_dead_letters(connection, letters, log_time)
            receipts = _in_order(batch, answers)
            self._remember(_doubt(batch, receipts, letters, log_time))
        self._doubts.pop(id(batch), None)  # the COMMIT was answered
        return receipts

    def _remember(self, doubt: _Doubt) -> None:
        """Keep what an attempt would answer until its COMMIT is answered, or the batch is tried again."""
        while len(self._doubts) >= DOUBTS_MAX:  # callers that gave up; theirs would be answered as duplicates
            del self._doubts[next(iter(self._doubts))]
        self._doubts[id(doubt.batch)] = doubt

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
        """Return the same entries with the values of their events only: no place, no key, nothing of an entry else."""
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


def dead_letter(message: Message, *, reason: str, detail: str) -> DeadLetter:
    """Return the dead letter that keeps a refused message."""
    return DeadLetter(
        door=message.door,
        feed=message.feed,
        device=message.device,
        reason=reason,
        detail=detail,
        raw=message.raw,
        received_at=message.received_at,
    )


def _in_order(batch: Sequence[Item], answers: list[Receipt]) -> list[Receipt]:
    """Return a receipt for each item, from those of the messages in it."""
    if len(answers) == len(batch):
        return answers
    stored = iter(answers)
    return [
        next(stored) if isinstance(item, Message) else Receipt(Outcome.REFUSED, reason=item.reason, detail=item.detail)
        for item in batch
    ]


def _doubt(batch: Sequence[Item], receipts: list[Receipt], letters: Sequence[DeadLetter], log_time: datetime) -> _Doubt:
    """Return what is known of an attempt that is about to commit; its witness is the first thing that it adds."""
    witness = None
    for receipt in receipts:
        if receipt.outcome is Outcome.STORED and receipt.position is not None and receipt.key is not None:
            witness = (receipt.position, receipt.key)
            break
    return _Doubt(batch, receipts, log_time, witness, letters[0] if letters else None)


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
    connection: Connection, messages: Sequence[Message], claim: _Claim
) -> tuple[list[Receipt], list[DeadLetter]]:
    """Insert what is new, in arrival order. Returns (a receipt each, conflicts).

    Each message has its position before its key is claimed, so that a new key is written once; a duplicate leaves
    its position unused, which no reader minds.
    """
    position, log_time = claim.before, claim.log_time
    positions = range(position + 1, position + 1 + len(messages))
    if claim.keys == len(messages):  # nearly every batch: nothing in it was known, and none of it comes twice
        if messages:
            await _insert_events(connection, messages, positions, [0] * len(messages), log_time)
        stored = Outcome.STORED
        return [_made(Receipt, (stored, m.key, n, None, None)) for m, n in zip(messages, positions, strict=True)], []

    rows = await connection.fetch(sql.FIND_KEYS, [m.key for m in messages], [m.key_time for m in messages])
    # A position above the head's was given by this batch: that key is new, and known only from its first message on.
    known = {
        row["key"]: _Known(row["content"], row["position"], row["revision"])
        for row in rows
        if row["position"] <= position
    }
    answers: list[Receipt] = []
    rows_new: list[tuple[Message, int, int]] = []
    revised: list[tuple[Message, int, int]] = []
    refused: list[DeadLetter] = []
    for number, message in zip(positions, messages, strict=True):
        before = known.get(message.key)
        if before is None:  # claimed by this batch, and this is the first of its key
            revision = 0
        elif before.content == message.content:
            answers.append(Receipt(Outcome.DUPLICATE, message.key, before.position))
            continue
        elif not message.revise:
            detail = "the same source, id and time came before with other content"
            refused.append(dead_letter(message, reason="conflict", detail=detail))
            answers.append(Receipt(Outcome.REFUSED, message.key, reason="conflict", detail=detail))
            continue
        else:
            revision = before.revision + 1
            revised.append((message, number, revision))
        known[message.key] = _Known(message.content, number, revision)
        rows_new.append((message, number, revision))
        answers.append(Receipt(Outcome.STORED, message.key, number))
    if rows_new:
        new, numbers, revisions = zip(*rows_new, strict=True)
        await _insert_events(connection, new, numbers, revisions, log_time)
        position = numbers[-1]
    if revised:
        await connection.execute(
            sql.REVISE_KEYS,
            [message.key for message, _, _ in revised],
            [message.key_time for message, _, _ in revised],
            [message.content for message, _, _ in revised],
            [number for _, number, _ in revised],
            [revision for _, _, revision in revised],
        )
    if position != positions[-1]:  # the head is where the last event is
        await connection.execute(sql.SET_HEAD, position)
    return answers, refused


async def _claim(connection: Connection, messages: Sequence[Message], now: datetime) -> _Claim:
    """Take a position for each message, and claim each key with that of its first message."""
    row = await connection.fetchrow(
        sql.CLAIM,
        [message.key for message in messages],
        [message.key_time for message in messages],
        [message.content for message in messages],
        len(messages),
        now,
        LOG_CHANNEL,
    )
    return _Claim(row["before"], row["log_time"], row["claimed"])


async def _insert_events(
    connection: Connection, messages: Sequence[Message], positions: Sequence[int], revisions: Sequence[int],
    log_time: datetime,
) -> None:  # fmt: skip
    written = rows(messages, positions, revisions, log_time)
    await connection.copy_to_table("event", source=_in_one_piece(written), columns=COLUMNS, format="binary")


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
        return Entry(position, log_time, EntryKind(kind))
    event = Event(feed, device, b"", effective, log_time, data, flags=tuple(flags), revision=revision)
    return Entry(position, log_time, EVENT, event)
