"""The log keeps each event once, in one order, whatever comes in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ioc.domain.event import DeadLetter, EntryKind, Message, Outcome
from ioc.store.log import statements as event_log_sql
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import drop_partitions, ensure_partitions
from ioc.store.postgres.engine import Database
from tests.builders import NOON, letter, message

OLD = NOON - timedelta(days=1)


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def log(database):
    return EventLog(database)


async def test_positions_are_contiguous_and_in_arrival_order(log):
    receipts = await log.append([message(id=str(n)) for n in (5, 3, 9)], NOON)
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED] * 3
    entries = await log.read(0, OLD, 10)
    assert [(entry.position, entry.event.id) for entry in entries] == [(1, "5"), (2, "3"), (3, "9")]
    assert await log.head() == (3, NOON)


async def test_a_resend_is_one_event_within_and_across_batches(log):
    first = await log.append([message(), message()], NOON)
    again = await log.append([message()], NOON + timedelta(seconds=9))
    assert [receipt.outcome for receipt in first] == [Outcome.STORED, Outcome.DUPLICATE]
    assert again[0].outcome is Outcome.DUPLICATE
    assert again[0].position == first[0].position
    assert len(await log.read(0, OLD, 10)) == 1


async def test_the_head_stands_at_the_last_event_whatever_came_twice(log):
    later = NOON + timedelta(seconds=1)
    await log.append([message(id="1"), message(id="2"), message(id="1")], NOON)
    assert await log.head() == (2, NOON)
    await log.append([message(id="2")], later)
    assert await log.head() == (2, later), "nothing was added, and the next position is still the next"
    receipts = await log.append([message(id="1"), message(id="3"), message(id="3"), message(id="4")], later)
    assert [receipt.outcome for receipt in receipts] == [
        Outcome.DUPLICATE, Outcome.STORED, Outcome.DUPLICATE, Outcome.STORED,
    ]  # fmt: skip
    last = receipts[-1].position
    assert await log.head() == (last, later)
    assert receipts[2].position == receipts[1].position
    [next_one] = await log.append([message(id="5")], later)
    assert next_one.position == last + 1
    await log.append([letter()], later)
    assert await log.head() == (last + 1, later), "a dead letter has no position"


async def test_other_content_under_the_same_identity_is_a_dead_letter_and_the_first_stands(log, database):
    await log.append([message(data={"rain_mm": 1.0})], NOON)
    [receipt] = await log.append([message(data={"rain_mm": 2.0})], NOON)
    assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, "conflict")
    [entry] = await log.read(0, OLD, 10)
    assert entry.event.data == {"rain_mm": 1.0}
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT reason, raw FROM dead_letter")
    assert row["reason"] == "conflict"
    assert b"2.0" in row["raw"]


async def test_a_revising_feed_keeps_both_and_counts_revisions(log):
    await log.append([message(data={"rain_mm": 1.0}, revise=True)], NOON)
    await log.append([message(data={"rain_mm": 2.0}, revise=True)], NOON)
    [again] = await log.append([message(data={"rain_mm": 2.0}, revise=True)], NOON)
    assert again.outcome is Outcome.DUPLICATE
    entries = await log.read(0, OLD, 10)
    assert [(e.event.data["rain_mm"], e.event.revision) for e in entries] == [(1.0, 0), (2.0, 1)]


async def test_of_two_revisions_in_one_batch_the_newer_is_what_a_resend_is_held_against(log):
    """Its key was given either of the two: the newest reading, sent again, was stored once more."""
    first, second, third = (message(data={"rain_mm": value}, revise=True) for value in (1.0, 2.0, 3.0))
    await log.append([first], NOON)
    receipts = await log.append([second, third], NOON)
    [again] = await log.append([third], NOON)
    assert (again.outcome, again.position) == (Outcome.DUPLICATE, receipts[1].position)
    [before] = await log.append([second], NOON)
    assert before.outcome is Outcome.STORED, "it says again what was revised: a revision of its own"
    assert [entry.event.revision for entry in await log.read(0, OLD, 10)] == [0, 1, 2, 3]


async def test_one_unstorable_message_becomes_a_dead_letter_and_its_neighbours_are_stored(log):
    poison = message(id="2", data={"text": "a\x00b"})
    receipts = await log.append([message(id="1"), poison, message(id="3")], NOON)
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED, Outcome.REFUSED, Outcome.STORED]
    assert receipts[1].reason == "unstorable"


async def test_dead_letters_keep_their_bytes_even_with_unstorable_words(log, database):
    bad = letter(raw=b"\x00\xff" * 10)
    object.__setattr__(bad, "topic", "a\x00b")
    [receipt] = await log.append([bad], NOON)
    assert receipt.outcome is Outcome.REFUSED
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT raw FROM dead_letter") == b"\x00\xff" * 10


async def test_a_dead_letter_of_which_only_the_beginning_was_kept_says_how_long_it_was(log, database):
    await log.append([letter(raw=b"x" * 4_096, raw_bytes=300_000), letter(raw=b"y" * 10)], NOON)
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT raw_bytes, length(raw) AS kept FROM dead_letter ORDER BY id")
        assert [(row["raw_bytes"], row["kept"]) for row in rows] == [(300_000, 4_096), (10, 10)]


async def test_a_device_in_a_loop_leaves_so_many_dead_letters_in_an_hour_and_is_answered_all_the_same(database):
    log = EventLog(database, dead_letters_per_hour=5)
    conflict = message(id="7", data={"rain_mm": 9.0})
    begin: list[Message | DeadLetter] = [message(id="7"), letter(raw=b"1"), letter(raw=b"2"), letter(raw=b"3")]
    first = await log.append(begin, NOON)
    assert [receipt.flags for receipt in first] == [()] * 4
    batch: list[Message | DeadLetter] = [letter(raw=b"x"), conflict, message(id="8"), conflict, letter(raw=b"y")]
    second = await log.append(batch, NOON)
    refused, stored = Outcome.REFUSED, Outcome.STORED
    assert [receipt.outcome for receipt in second] == [refused, refused, stored, refused, refused]
    assert [receipt.reason for receipt in second] == ["not_json", "conflict", None, "conflict", "not_json"]
    assert [receipt.flags for receipt in second] == [(), ("not_kept",), (), ("not_kept",), ()]
    other = replace(letter(), device="rain-2")
    assert [one.flags for one in await log.append([other, letter()], NOON + timedelta(minutes=59))] == [
        (),
        ("not_kept",),
    ]
    assert (await log.append([letter()], NOON + timedelta(hours=1)))[0].flags == (), "a new hour"
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT device, reason, detail FROM dead_letter ORDER BY id")
    assert [row["device"] for row in rows] == ["rain-1"] * 5 + ["rain-2", "rain-1"]
    assert [
        place for place, row in enumerate(rows) if row["detail"].endswith("more of this hour are only counted")
    ] == [4]


async def test_log_time_never_goes_back(log):
    await log.append([message(id="1")], NOON)
    await log.append([message(id="2")], NOON - timedelta(hours=1))
    entries = await log.read(0, OLD, 10)
    assert [entry.log_time for entry in entries] == [NOON, NOON]


async def test_effective_time_clamps_a_fast_clock_and_distrusts_a_mad_one(log):
    batch = [
        message(id="ahead", time=NOON + timedelta(minutes=10)),
        message(id="mad", time=NOON + timedelta(days=400)),
        message(id="old", time=NOON - timedelta(days=30)),
        message(id="before", time=NOON - timedelta(hours=40), registered_at=NOON - timedelta(seconds=1)),
        message(id="reset", time=NOON - timedelta(days=40), registered_at=NOON - timedelta(days=1), flags=("suspect",)),
        message(id="history", time=NOON - timedelta(days=30), registered_at=NOON, flags=("history",)),
    ]
    told = [receipt.flags for receipt in await log.append(batch, NOON)]
    found = {entry.event.id: entry.event for entry in await log.read(0, OLD, 10)}
    assert told == [found[item.id].flags for item in batch], "the sender is told"
    assert found["ahead"].effective == NOON + timedelta(minutes=2)
    assert found["ahead"].flags == ("skewed",)
    assert (found["mad"].effective, found["mad"].flags) == (NOON, ("clock_fault",))
    assert found["old"].effective == NOON - timedelta(days=30)
    before = found["before"]
    assert (before.effective, before.flags) == (NOON - timedelta(hours=40), ("before_registration",))
    assert (found["reset"].effective, found["reset"].flags) == (NOON, ("suspect", "clock_fault"))
    assert (found["history"].effective, found["history"].flags) == (NOON - timedelta(days=30), ("history",))


async def test_entries_of_other_kinds_share_the_order(log, database):
    await log.append([message()], NOON)
    async with database.transaction() as connection:
        positions = await log.append_entries(
            connection, [(EntryKind.TICK, "", None), (EntryKind.RULE, "rain.24h", {"version": 2})], NOON
        )
    assert positions == [2, 3]
    entries = await log.read(1, NOON, 10)
    assert [(e.position, e.kind, e.value) for e in entries] == [
        (2, EntryKind.TICK, None),
        (3, EntryKind.RULE, {"version": 2}),
    ]


async def test_partitions_are_made_ahead_and_take_over_rows_of_the_default(log, database):
    await log.append([message(id="1")], NOON)
    assert await ensure_partitions(database, NOON) == 5 + 7
    assert await ensure_partitions(database, NOON) == 0
    await log.append([message(id="2")], NOON)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM event_20261123") == 2
        assert await connection.fetchval("SELECT count(*) FROM event_default") == 0
    [again] = await log.append([message(id="1")], NOON)
    assert again.outcome is Outcome.DUPLICATE
    assert await drop_partitions(database, table="event", before=(NOON + timedelta(days=1)).date()) == [
        "event_20261122",
        "event_20261123",
    ]
    assert await log.read(0, OLD, 10) == []


async def test_a_read_passes_over_positions_that_hold_nothing(database, log):
    await log.append([message(id=str(n)) for n in range(1, 31)], NOON)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM event WHERE position BETWEEN 4 AND 8 OR position BETWEEN 10 AND 25")
    left = [1, 2, 3, 9, 26, 27, 28, 29, 30]
    for limit in (1, 2, 4, 5, 9, 10, 100):
        entries = await log.read(0, OLD, limit)
        assert [entry.position for entry in entries] == left[:limit]
    assert [entry.position for entry in await log.read(9, OLD, 2)] == [26, 27]
    assert await log.read(30, OLD, 5) == []
    async with database.connection() as connection:
        await connection.execute("DELETE FROM event WHERE position > 9")
    assert [entry.position for entry in await log.read(3, OLD, 5)] == [9], "the head is where nothing is left"


async def test_a_reader_far_behind_pays_for_what_it_reads_and_not_for_its_lag(database, log):
    """What was written since the last ANALYZE is beyond the planner's statistics, and so is a reader's lag."""
    await ensure_partitions(database, NOON)
    await log.append([message(id=f"known-{n}") for n in range(1_000)], NOON)
    async with database.connection() as connection:
        await connection.execute("ANALYZE event")
    for number in range(1, 8):
        batch = [message(id=f"new-{number}-{n}") for n in range(1_000)]
        await log.append(batch, NOON + timedelta(seconds=number))
    after, after_time = 2_000, NOON + timedelta(seconds=1)
    async with database.connection() as connection:
        [(plan,)] = await connection.fetch(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {event_log_sql.READ}", after, after_time, after + 500
        )
    assert max(node["Actual Rows"] for node in nodes(plan[0]["Plan"])) == 500
    assert [entry.position for entry in await log.read(after, after_time, 500)] == list(range(2_001, 2_501))


def nodes(plan):
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
