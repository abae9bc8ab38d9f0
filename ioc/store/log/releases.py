"""Letting dead letters in, batch by batch, and taking that back: events, letters and the audit row in one transaction.

A release is one person's decision on one cause; it takes what there was when it began, and each batch goes on where
the one before stopped, so that a lost answer, or a restart, loses nothing and lets nothing in twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ioc.domain.event import DeadLetter, Flag, Message, Outcome, Receipt, hash16
from ioc.domain.event_time import event_times
from ioc.domain.manual_entry import taken_back
from ioc.domain.release import DOOR, KeptLetter, LetterChoice
from ioc.errors import NotFoundError, TransitionError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.log import statements as sql
from ioc.store.log.letter_groups import count_letters, read_letters
from ioc.store.log.manual_entries import MessageAppender
from ioc.store.log.outcomes import KeyContent, NewEvents, decide_outcomes
from ioc.store.log.reader import COLUMNS
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope, Where
from ioc.store.postgres.statement import named

Row = Mapping[str, Any]
BATCH_LETTERS = 200
BATCH_EVENTS_MAX = 2_000
REASONS_MAX = 20
"""Reasons that an answer tells apart."""
HEAD = "SELECT position FROM log_head WHERE id = 1 FOR UPDATE"
CREATE = named("""
INSERT INTO letter_release (created_at, created_by, why, feed, device, reason, field, letter, names, upto, total,
  adopted)
VALUES (:created_at, :created_by, :why, :feed, :device, :reason, :field, :letter, :names, :upto, :total, :adopted)
RETURNING id
""")
MOVE = named("""
UPDATE letter_release SET after = :after, released = released + :released, events = events + :events,
  duplicates = duplicates + :duplicates, left_out = left_out + :left_out
WHERE id = :id
""")
KEEP = named("""
INSERT INTO released_event (release, position, log_time, event, key_time, letter, feed, area, zone)
SELECT :release, u.* FROM unnest(:positions::bigint[], :log_times::timestamptz[], :events::bytea[],
  :key_times::timestamptz[], :letters::bigint[], :feeds::text[], :areas::text[], :zones::text[]) AS u
""")
MARK = "UPDATE dead_letter SET released_at = $2, released_by = $3, release = $4 WHERE id = ANY($1::bigint[])"
UNMARK = """
UPDATE dead_letter l SET released_at = NULL, released_by = NULL, release = NULL
WHERE l.release = $1 AND NOT EXISTS (
  SELECT 1 FROM released_event e WHERE e.release = $1 AND e.letter = l.id AND NOT e.undone)
"""
NUMBER_DIGITS_MAX = 18
FOUND = "SELECT * FROM letter_release WHERE id = $1"
WITHDRAWN = """
SELECT e.key FROM unnest($1::bytea[], $2::timestamptz[]) AS u(k, t)
JOIN event_key x ON x.key = u.k AND x.key_time = u.t
JOIN event e ON e.key = x.key AND e.position = x.position AND e.log_time = x.log_time
WHERE e.door = 'release' AND 'withdrawn' = ANY(e.flags)
"""
"""Which of these events were let in before, and that was taken back."""
REVISIONS = f"SELECT {COLUMNS} FROM event WHERE key = ANY($1::bytea[]) AND kind = 'event' ORDER BY revision DESC"  # noqa: S608 - own text
Read = Callable[[KeptLetter], "list[Message] | DeadLetter"]


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks for it, from where, and why."""

    name: str
    address: str | None
    why: str


@dataclass(slots=True)
class ReleaseTally:
    """What comes of letters: those that stand, those that the log has already, and why others are still refused."""

    letters: int = 0
    released: int = 0
    events: int = 0
    duplicates: int = 0
    left: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    details: dict[tuple[str, str | None], str] = field(default_factory=dict)
    sample: Message | None = None
    """The first event that stands."""
    by_feed: Counter[str] = field(default_factory=Counter)

    def leave(self, reason: str, name: str | None, detail: str) -> None:
        """Note that a letter is still refused."""
        known = (reason, name)
        if known not in self.left and len(self.left) >= REASONS_MAX:
            known = ("other", None)
        self.left[known] += 1
        self.details.setdefault(known, detail)

    def take(self, messages: Sequence[Message], receipts: Sequence[Receipt]) -> bool:
        """Note a letter whose events have their answers; tell whether it is let in."""
        refused = next((one for one in receipts if one.outcome is Outcome.REFUSED), None)
        if refused is not None and all(one.outcome is Outcome.REFUSED for one in receipts):
            self.leave(refused.reason or "other", None, refused.detail or "")
            return False
        stored = [m for m, one in zip(messages, receipts, strict=True) if one.outcome is Outcome.STORED]
        self.events += len(stored)
        self.by_feed.update(message.feed for message in stored)
        if stored:
            self.released += 1
            self.sample = self.sample or stored[0]
        else:
            self.duplicates += 1
        return True


async def try_letters(
    connection: Connection, letters: Sequence[KeptLetter], read: Read, tally: ReleaseTally, *, now: datetime
) -> None:
    """Note what would come of letters if they were let in now. Nothing is written."""
    prepared = [(letter, read(letter)) for letter in letters]
    messages = [message for _, found in prepared if not isinstance(found, DeadLetter) for message in found]
    receipts = iter(await _foreseen(connection, messages, now))
    _note(prepared, receipts, tally)


def _note(
    prepared: Sequence[tuple[KeptLetter, list[Message] | DeadLetter]], receipts: Any, tally: ReleaseTally
) -> list[tuple[KeptLetter, list[tuple[Message, Receipt]]]]:  # fmt: skip
    """Note each letter, and return those that are let in with what the log answered."""
    taken = []
    for letter, found in prepared:
        tally.letters += 1
        if isinstance(found, DeadLetter):
            tally.leave(found.reason, found.field, found.detail)
            continue
        answers = [next(receipts) for _ in found]
        if tally.take(found, answers):
            taken.append((letter, list(zip(found, answers, strict=True))))
    return taken


async def _foreseen(connection: Connection, messages: Sequence[Message], now: datetime) -> list[Receipt]:
    if not messages:
        return []
    messages = await _anew(connection, messages, nonce="try")
    rows = await connection.fetch(sql.FIND_KEYS, [m.key for m in messages], [m.key_time for m in messages])
    known = {row["key"]: KeyContent(row["content"], row["position"], row["revision"]) for row in rows}
    batch = NewEvents(messages, range(len(messages)), [0] * len(messages), *event_times(messages, now))
    return decide_outcomes(batch, known).receipts


async def _anew(connection: Connection, messages: Sequence[Message], *, nonce: str) -> list[Message]:
    """Let what was taken back of an earlier release in again, as a further revision of the same event."""
    rows = await connection.fetch(WITHDRAWN, [m.key for m in messages], [m.key_time for m in messages])
    gone = {row["key"] for row in rows}
    return [
        m._replace(revise=True, content=hash16(m.content, b"released", nonce.encode())) if m.key in gone else m
        for m in messages
    ]


async def begin_release(
    database: Database,
    choice: LetterChoice,
    names: Mapping[str, str | None],
    person: Requester,
    *,
    scope: Scope,
    wall: datetime,
) -> int:
    """Begin a release of what a choice has now and return its number.

    Raises:
        TransitionError: there is nothing to let in.
    """
    async with database.transaction() as connection:
        return await insert_release(connection, choice, names, person, scope=scope, wall=wall)


async def insert_release(
    connection: Connection, choice: LetterChoice, names: Mapping[str, str | None], person: Requester, *, scope: Scope,
    wall: datetime, adopted: bool = False,
) -> int:  # fmt: skip
    """Do what :func:`begin_release` does inside the caller's transaction; ``adopted``: which registers their device."""
    total, upto = await count_letters(connection, choice, scope)
    if not total:
        raise TransitionError("there is no such dead letter, or all of them have been let in")
    number: int = await connection.fetchval(
        *CREATE(
            created_at=wall, created_by=person.name, why=person.why, feed=choice.feed, device=choice.device,
            reason=choice.reason, field=choice.field, letter=choice.letter, names=dict(names), upto=upto,
            total=total, adopted=adopted,
        )
    )  # fmt: skip
    detail = {"why": person.why, "feed": choice.feed, "device": choice.device, "reason": choice.reason,
              "field": choice.field, "letter": choice.letter, "names": dict(names), "letters": total}  # fmt: skip
    audit = AuditEntry(person.name, "dead_letter.release", str(number), person.address, detail)
    await append_audit(connection, audit, wall)
    return number


async def release_batch(
    database: Database, log: MessageAppender, number: int, read: Read, person: Requester, *, scope: Scope,
    now: datetime, wall: datetime,
) -> tuple[ReleaseTally, Row]:  # fmt: skip
    """Let the next letters of a release in and return what came of them, and the release as it stands.

    On return it is committed. ``wall`` dates letters and audit where the log's ``now`` is a drill's.

    Raises:
        NotFoundError: there is no such release. TransitionError: it was taken back.
    """
    async with database.transaction() as connection:
        row = await lock_release(connection, number)
        if row["undone_by"] is not None:
            raise TransitionError("it was taken back: begin a new one")
        tally, last = await _let_in(connection, log, row, read, person, scope, now, wall)
        moved = MOVE(
            id=number, after=last, released=tally.released, events=tally.events, duplicates=tally.duplicates,
            left_out=sum(tally.left.values()),
        )  # fmt: skip
        await connection.execute(*moved)
        return tally, await connection.fetchrow(FOUND, number)


async def _let_in(
    connection: Connection, log: MessageAppender, row: Row, read: Read, person: Requester, scope: Scope, now: datetime,
    wall: datetime,
) -> tuple[ReleaseTally, int]:  # fmt: skip
    """Let a batch in and return what came of it, and the last letter of it."""
    number, tally = row["id"], ReleaseTally()
    choice = LetterChoice(row["feed"], row["reason"], row["field"], row["device"], row["letter"])
    letters = await read_letters(
        connection, choice, scope, after=row["after"], upto=row["upto"], limit=BATCH_LETTERS, lock=True
    )
    prepared: list[tuple[KeptLetter, list[Message] | DeadLetter]] = []
    messages: list[Message] = []
    for letter in letters:
        found = read(letter)
        if not isinstance(found, DeadLetter):
            if messages and len(messages) + len(found) > BATCH_EVENTS_MAX:
                break
            messages += found
        prepared.append((letter, found))
    if not prepared:
        return tally, row["upto"]
    receipts: list[Receipt] = []
    if messages:
        messages = await _anew(connection, messages, nonce=str(number))
        receipts = await log.append_messages(connection, messages, now)
    taken = _note(prepared, iter(receipts), tally)
    stored = [(letter, m, one) for letter, pairs in taken for m, one in pairs if one.outcome is Outcome.STORED]
    if stored:
        log_time = await connection.fetchval("SELECT log_time FROM log_head WHERE id = 1")
        await connection.execute(
            *KEEP(
                release=number, positions=[one.position for _, _, one in stored], log_times=[log_time] * len(stored),
                events=[m.key for _, m, _ in stored], key_times=[m.key_time for _, m, _ in stored],
                letters=[letter.id for letter, _, _ in stored], feeds=[m.feed for _, m, _ in stored],
                areas=[m.area for _, m, _ in stored], zones=[m.zone for _, m, _ in stored],
            )
        )  # fmt: skip
    if taken:
        await connection.execute(MARK, [letter.id for letter, _ in taken], wall, person.name, number)
        detail = {"letters": len(taken), "events": len(stored)}
        audit = AuditEntry(person.name, "dead_letter.released", str(number), person.address, detail)
        await append_audit(connection, audit, wall)
    return tally, prepared[-1][0].id


async def undo_next(
    connection: Connection, log: MessageAppender, row: Row, person: Requester, *, now: datetime, wall: datetime
) -> Row:
    """Take the next events of a release back and return it as it stands; once none is left, its letters are dead again.

    What was revised since, by a door or a person, stays as it is and is counted: it says something else by now. Inside
    the caller's transaction, which has locked the release ``row``.

    Raises:
        TransitionError: it has been taken back.
    """
    number = row["id"]
    if row["undone_at"] is not None:
        raise TransitionError("it has been taken back")
    rows = await connection.fetch(
        "SELECT * FROM released_event WHERE release = $1 AND undone IS NULL ORDER BY position LIMIT $2",
        number, BATCH_LETTERS,
    )  # fmt: skip
    undone = await _take_back(connection, log, number, rows, now) if rows else set()
    await connection.execute(
        "UPDATE released_event SET undone = position = ANY($2::bigint[]) WHERE release = $1 AND position = ANY($3)",
        number, list(undone), [one["position"] for one in rows],
    )  # fmt: skip
    is_over = len(rows) < BATCH_LETTERS
    if is_over:
        await connection.execute(UNMARK, number)
    await connection.execute(
        "UPDATE letter_release SET undone = undone + $2, kept = kept + $3, undone_by = $4, undo_reason = $5, "
        "undone_at = $6 WHERE id = $1",
        number, len(undone), len(rows) - len(undone), person.name, person.why, wall if is_over else None,
    )  # fmt: skip
    detail = {"why": person.why, "events": len(undone), "kept": len(rows) - len(undone)}
    audit = AuditEntry(person.name, "dead_letter.release_undone", str(number), person.address, detail)
    await append_audit(connection, audit, wall)
    return await get_row(connection, number)


async def _take_back(
    connection: Connection, log: MessageAppender, number: int, rows: Sequence[Row], now: datetime
) -> set[int]:
    """Append a revision `withdrawn` of each event that still says what its letter said; return their positions."""
    await connection.execute(HEAD)
    revisions: dict[bytes, list[Row]] = {}
    for one in await connection.fetch(REVISIONS, [row["event"] for row in rows]):
        revisions.setdefault(bytes(one["key"]), []).append(one)
    messages, undone = [], set()
    for row in rows:
        of_event = revisions.get(bytes(row["event"]), [])
        if not of_event or of_event[0]["position"] != row["position"]:
            continue  # revised since, or past its time
        if any(one["door"] != DOOR for one in of_event):
            continue  # an earlier revision came in at a door and would be taken back with it
        standing = [one["position"] for one in of_event if Flag.WITHDRAWN not in one["flags"]]
        message = taken_back(of_event[0], sorted(standing), now=now, nonce=f"release {number}")
        messages.append(message._replace(door=DOOR, key_time=row["key_time"]))
        undone.add(row["position"])
    if messages:
        await log.append_messages(connection, messages, now)
    return undone


async def lock_release(connection: Connection, number: int) -> Row:
    """Return a release that nobody else moves until the transaction ends.

    Raises:
        NotFoundError: there is no such release.
    """
    row: Row | None = await connection.fetchrow(f"{FOUND} FOR UPDATE", number)
    if row is None:
        raise NotFoundError("no such release")
    return row


async def get_row(connection: Connection, number: int) -> Row:
    """Return a release that is there."""
    row: Row = await connection.fetchrow(FOUND, number)
    return row


def _inside(scope: Scope, name: str) -> Where:
    """Return the condition of the releases that a caller sees: all that they stored lies inside the wall."""
    where = Where()
    if scope.areas is None:
        return where
    wall = Where([], where.arguments).scope(scope, area="e.area", zone="e.zone", feed="e.feed")
    beyond = f"SELECT 1 FROM released_event e WHERE e.release = r.id AND NOT ({wall.sql})"  # noqa: S608 - own text
    where.clauses.append(f"NOT EXISTS ({beyond})")
    where.add("(r.created_by = {} OR EXISTS (SELECT 1 FROM released_event e WHERE e.release = r.id))", name)
    return where


def is_number(text: str) -> bool:
    """Tell whether a release may have this number."""
    return text.isdecimal() and text.isascii() and len(text) <= NUMBER_DIGITS_MAX


async def get_release(connection: Connection, number: int, scope: Scope, name: str) -> Row | None:
    """Return a release inside the wall of ``name``, or None."""
    where = _inside(scope, name).add("r.id = {}", number)
    row: Row | None = await connection.fetchrow(
        f"SELECT r.* FROM letter_release r WHERE {where.sql}",  # noqa: S608 - own text
        *where.arguments,
    )
    return row


async def list_releases(
    connection: Connection, scope: Scope, name: str, *, before: int | None, limit: int
) -> Sequence[Row]:
    """Return releases inside the wall of ``name``, newest first."""
    where = _inside(scope, name)
    if before is not None:
        where.add("r.id < {}", before)
    rows: list[Row] = await connection.fetch(
        f"SELECT r.* FROM letter_release r WHERE {where.sql} ORDER BY r.id DESC LIMIT {where.value(limit)}",  # noqa: S608 - own text
        *where.arguments,
    )
    return rows
