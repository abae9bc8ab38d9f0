"""What the engine asks of a rule store: the fake and PostgreSQL pass the same tests."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.alert_row import AlertRow, row_after
from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.rules.health import RuleHealth
from ioc.domain.severity import Severity
from ioc.errors import FencedError
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.ports import StepResult
from ioc.rules.state.memory import Memory
from ioc.store.alerts.reader import load_alerts
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.postgres.engine import Database
from ioc.store.rules.memory import RuleMemoryStore
from tests.unit.rules.builders import FEEDS, START, after, rule_entry
from tests.unit.rules.fakes import FakeLog, FakeRows, FakeRuleStore


class FakeWorld:
    def __init__(self):
        self.rows, self.log = FakeRows(), FakeLog()

    def store(self):
        return FakeRuleStore(self.rows, self.log)

    async def alerts(self):
        return [(made.alert_id, made.kind, made.severity) for made in self.rows.transitions]

    async def watched(self):
        return [(made.rule, made.position, made.kind) for made in self.rows.watched]

    async def ticks(self):
        return [entry.kind for entry in self.log.entries]


class PostgresWorld:
    def __init__(self, database):
        self.database, self.log = database, EventLog(database)
        self.stores = []

    def store(self):
        self.stores.append(RuleMemoryStore(self.database, self.log))
        return self.stores[-1]

    async def alerts(self):
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT alert, kind, severity FROM alert_history ORDER BY position, number")
        return [(row["alert"], row["kind"], row["severity"]) for row in rows]

    async def watched(self):
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT rule, position, kind FROM rule_monitored ORDER BY position, number")
        return [tuple(row) for row in rows]

    async def ticks(self):
        return [entry.kind for entry in await self.log.read(0, START - timedelta(days=1), 10)]


@pytest.fixture(params=["fake", "postgresql"])
async def world(request):
    if request.param == "fake":
        yield FakeWorld()
        return
    database = Database(request.getfixturevalue("database_dsn"), name="test")
    await database.open()
    found = PostgresWorld(database)
    try:
        await ensure_partitions(database, START)
        yield found
    finally:
        for store in found.stores:
            await store.release_lease()
        await database.close()


def transitions(*values):
    """What a rule makes of these readings, one a minute, from position 2 on."""
    rules, memory = RuleSet(FEEDS), Memory()
    step(rules, memory, rule_entry(1, START))
    found: list[Transition] = []
    for number, value in enumerate(values, start=2):
        event = Event("meter", "m-1", bytes(16), after(60 * number), after(60 * number), {"value": value})
        found.extend(step(rules, memory, Entry(number, event.effective, EntryKind.EVENT, event=event)))
    return found


async def test_a_fresh_store_stands_at_the_beginning(world):
    store = world.store()
    assert await store.acquire_lease()
    stored = await store.load()
    assert (stored.position, stored.snapshot, stored.snapshot_position) == (0, None, 0)


async def test_the_second_worker_does_not_get_the_lease_until_the_first_gives_it_back(world):
    first, second = world.store(), world.store()
    assert await first.acquire_lease()
    assert not await second.acquire_lease()
    await first.release_lease()
    assert await second.acquire_lease()


async def test_cursor_and_transitions_are_committed_together(world):
    store = world.store()
    await store.acquire_lease()
    made = transitions(20, 5)
    await store.commit(StepResult(0, 3, after(180), made))
    stored = await store.load()
    assert (stored.position, stored.log_time) == (3, after(180))
    identifier = made[0].alert_id
    assert await world.alerts() == [
        (identifier, TransitionKind.OPENED, Severity.MEDIUM),
        (identifier, TransitionKind.CLEARED, Severity.MEDIUM),
    ]


async def test_the_alerts_that_fire_are_told_with_what_a_memory_needs(world):
    store = world.store()
    await store.acquire_lease()
    made = transitions(20)
    await store.commit(StepResult(0, 2, after(120), made))
    [alert] = await store.open_alerts()
    assert (alert.id, alert.rule, alert.key, alert.severity) == (
        made[0].alert_id,
        made[0].rule,
        made[0].key,
        Severity.MEDIUM,
    )
    assert (alert.opened_at, alert.opened_position, alert.device) == (made[0].at, 2, "m-1")
    await store.commit(StepResult(2, 3, after(180), transitions(20, 5)[1:]))
    assert await store.open_alerts() == []


async def test_what_monitored_rules_saw_is_committed_with_the_cursor(world):
    store = world.store()
    await store.acquire_lease()
    watched = [replace(made, position=2) for made in transitions(20, 5)]
    with pytest.raises(FencedError):
        await store.commit(StepResult(7, 9, after(120), (), watched))
    assert await world.watched() == []
    await store.commit(StepResult(0, 3, after(120), (), watched))
    assert await world.watched() == [("meter.level", 2, "opened"), ("meter.level", 2, "cleared")]
    assert await world.alerts() == []
    await store.save_health([RuleHealth("meter.level", 1, after(0), evaluated=2)], after(120))


async def test_a_commit_from_another_position_writes_nothing(world):
    store = world.store()
    await store.acquire_lease()
    await store.commit(StepResult(0, 1, after(0)))
    with pytest.raises(FencedError):
        await store.commit(StepResult(0, 2, after(120), transitions(20)))
    assert (await store.load()).position == 1
    assert await world.alerts() == []


async def test_a_worker_that_lost_its_lease_can_write_nothing(world):
    old, new = world.store(), world.store()
    await old.acquire_lease()
    fence = await take_from(old, new)
    assert fence
    with pytest.raises(FencedError):
        await old.commit(StepResult(0, 2, after(120), transitions(20)))
    with pytest.raises(FencedError):
        await old.save_snapshot(b"x", position=0, log_time=after(0), version=1)
    with pytest.raises(FencedError):
        await old.append_tick(EntryKind.TICK, after(0))
    with pytest.raises(FencedError):
        await old.save_health([RuleHealth("meter.level", 1, after(0))], after(0))
    assert await world.alerts() == []
    assert await world.ticks() == []
    assert (await new.load()).position == 0


async def take_from(old, new):
    """Let ``new`` take the lease while ``old`` still believes that it has it, as after a long freeze."""
    if isinstance(old, FakeRuleStore):
        old.rows.holder = None
        return await new.acquire_lease()
    await old._lease.execute("SELECT pg_advisory_unlock_all()")
    return await new.acquire_lease()


async def test_a_snapshot_comes_back_with_its_position(world):
    store = world.store()
    await store.acquire_lease()
    await store.commit(StepResult(0, 5, after(5)))
    await store.save_snapshot(b"five", position=5, log_time=after(5), version=1)
    await store.commit(StepResult(5, 9, after(9)))
    stored = await store.load()
    assert (stored.position, stored.log_time) == (9, after(9))
    assert (stored.snapshot, stored.snapshot_position, stored.snapshot_log_time) == (b"five", 5, after(5))


async def test_a_snapshot_ahead_of_the_cursor_is_refused(world):
    """It would lose what the entries in between led to."""
    store = world.store()
    await store.acquire_lease()
    with pytest.raises(FencedError):
        await store.save_snapshot(b"ahead", position=3, log_time=after(3), version=1)
    assert (await store.load()).snapshot is None


async def test_ticks_and_gaps_enter_the_log(world):
    store = world.store()
    await store.acquire_lease()
    await store.append_tick(EntryKind.GAP, after(0))
    await store.append_tick(EntryKind.TICK, after(1))
    assert await world.ticks() == [EntryKind.GAP, EntryKind.TICK]


async def test_postgresql_keeps_the_alert_its_work_its_evidence_and_its_number(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    try:
        store = RuleMemoryStore(database, EventLog(database))
        await store.acquire_lease()
        opened, cleared, reopened = transitions(20, 5, 30)
        await store.commit(StepResult(0, 2, after(120), [opened]))
        async with database.connection() as connection:
            [row] = await connection.fetch("SELECT * FROM alert")
            assert (row["number"], row["condition"], row["peak_severity"]) == ("HB-261123-0001", "firing", "medium")
            assert (row["opened_at"], row["summary"]["vi"]) == (after(120), "Mức 20")
            work = await connection.fetchrow("SELECT state, version FROM alert_work")
            assert (work["state"], work["version"]) == ("new", 1)
            change = await connection.fetchrow("SELECT kind, id FROM change")
            assert (change["kind"], change["id"]) == ("alert", opened.alert_id)
        await store.commit(StepResult(2, 3, after(180), [cleared]))
        await store.commit(StepResult(3, 4, after(240), [replace(reopened, severity=Severity.HIGH)]))
        async with database.connection() as connection:
            [row] = await connection.fetch("SELECT * FROM alert")
            assert (row["condition"], row["cleared_at"], row["flap_count"]) == ("firing", None, 1)
            assert (row["peak_severity"], row["transitions"]) == ("high", 3)
            history = await connection.fetch("SELECT number, kind, evidence FROM alert_history ORDER BY number")
            assert [(item["number"], item["kind"]) for item in history] == [
                (1, "opened"), (2, "cleared"), (3, "reopened"),
            ]  # fmt: skip
            assert history[0]["evidence"]["clause"] == "value > 10"
            assert history[2]["evidence"]["readings"][-1] == {
                "position": 4, "device": "m-1", "effective": "2026-11-23T05:04:00.000Z", "values": {"value": 30.0},
            }  # fmt: skip
        await store.release_lease()
    finally:
        await database.close()


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
async def test_the_row_is_what_the_moves_make_of_it_however_they_come_together(world):
    """Each move alone or all at once: what is stored is what a check of the alerts computes from the log."""
    store = world.store()
    await store.acquire_lease()
    made = [replace(one, acknowledge_due=after(one.position)) for one in transitions(20, 5, 30, 5, 20)]
    await store.commit(StepResult(0, 2, after(120), made[:1]))
    await store.commit(StepResult(2, 3, after(180), made[1:2]))
    await store.commit(StepResult(3, 6, after(360), made[2:]))
    wanted: AlertRow | None = None
    for move in made:
        wanted = row_after(wanted, move)
    async with world.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM alert")
        lines = await connection.fetch("SELECT number, kind FROM alert_history ORDER BY number")
        changes = await connection.fetch("SELECT version FROM change ORDER BY position")
    assert wanted is not None
    assert {**row} == {**asdict(wanted), "number": "HB-261123-0001"}, "no column is left out"
    assert [(line["number"], line["kind"]) for line in lines] == [
        (number, str(move.kind)) for number, move in enumerate(made, start=1)
    ]
    assert [change["version"] for change in changes] == [2, 3, 6]


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
async def test_of_a_key_one_alert_clears_and_the_next_opens_in_one_stretch(world):
    """Only one of them fires, whichever row is written first."""
    store = world.store()
    await store.acquire_lease()
    opened, cleared, again = transitions(20, 5, 20)
    other = replace(again, kind=TransitionKind.OPENED, alert_id="al_another", opened_position=again.position)
    await store.commit(StepResult(0, 2, after(120), [opened]))
    await store.commit(StepResult(2, 4, after(240), [cleared, other]))
    assert [alert.id for alert in await store.open_alerts()] == ["al_another"]


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
async def test_a_change_reaches_those_who_have_the_alert_on_their_list(world):
    """Its device moved to another area meanwhile: the alert stays where it opened, and so does the news of it."""
    store = world.store()
    await store.acquire_lease()
    opened, cleared, _ = transitions(20, 5, 20)
    await store.commit(StepResult(0, 2, after(120), [replace(opened, area="04795", zone="HB")]))
    await store.commit(StepResult(2, 3, after(180), [replace(cleared, area="04924", zone="LS")]))
    async with world.database.connection() as connection:
        places = await connection.fetch("SELECT area, zone FROM change ORDER BY position")
        [row] = await connection.fetch("SELECT area, zone FROM alert")
    assert {tuple(place) for place in places} == {tuple(row)} == {("04795", "HB")}


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
async def test_who_ends_an_alert_and_until_when_it_is_due_are_kept_with_it(world):
    database = world.database
    store = world.store()
    await store.acquire_lease()
    made = [replace(one, ends_by_person=True) for one in transitions(20, 5, 20)]
    made[0] = replace(made[0], acknowledge_due=after(900))
    made[2] = replace(made[2], acknowledge_due=after(1_900), resolve_due=after(9_000))
    await store.commit(StepResult(0, 2, after(120), made[:1]))
    row = "SELECT ends, acknowledge_due, resolve_due, condition FROM alert"
    async with database.connection() as connection:
        assert tuple(await connection.fetchrow(row)) == ("person", after(900), None, "firing")
    await store.commit(StepResult(2, 4, after(240), made[1:]))
    async with database.connection() as connection:
        assert tuple(await connection.fetchrow(row)) == ("person", after(1_900), after(9_000), "firing")


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
async def test_an_alert_whose_rule_came_to_leave_its_end_to_people_stays_open(world):
    """It opened under a form that ended it by its condition; the move that would end it comes from a newer one."""
    store = world.store()
    await store.acquire_lease()
    opened, cleared, _ = transitions(20, 5, 20)
    await store.commit(StepResult(0, 2, after(120), [opened]))
    await store.commit(StepResult(2, 3, after(180), [replace(cleared, ends_by_person=True)]))
    async with world.database.connection() as connection:
        told = (await load_alerts(connection, [opened.alert_id]))[opened.alert_id]
    assert (told["condition"], told["ends"]) == ("firing", "person")
