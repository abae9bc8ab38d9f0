"""Incidents in the engine's transaction: what the tables say is what the fold gives, however often the worker dies."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from random import Random

import pytest

from ioc.domain.alert import TransitionKind
from ioc.domain.feed import Label
from ioc.domain.incidents.grouping import Grouping
from ioc.errors import FencedError
from ioc.incidents.book import IncidentBook
from ioc.incidents.fold import fold_incidents
from ioc.rules.ports import StepResult
from ioc.rules.recompute.verify_incidents import IncidentVerifier
from ioc.store.incidents.recorded import RecordedIncidents
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.rules.memory import RuleMemoryStore
from proof.histories.incident_histories import FAMILIES, START, move, random_moves

GROUPING = Grouping(FAMILIES, zones={"a": Label("Khu A", "Area A")})
SEEDS = range(6)
OPENED, CLEARED = TransitionKind.OPENED, TransitionKind.CLEARED


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


async def worker(database, grouping=GROUPING):
    store = RuleMemoryStore(database, EventLog(database), grouping=grouping)
    assert await store.acquire_lease()
    return store


async def commit(store, after, moves):
    at = moves[-1]
    await store.commit(StepResult(after, at.position, at.log_time, moves))
    return at.position


async def stored(database):
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT family, id, firing, moves FROM incident ORDER BY ordinal")
        found = []
        for row in rows:
            members = await connection.fetch(
                "SELECT alert FROM incident_member WHERE incident = $1 ORDER BY number", row["id"]
            )
            found.append((row["family"], [each["alert"] for each in members], row["firing"], row["moves"]))
    return found


def folded(moves, families=FAMILIES):
    book = IncidentBook()
    fold_incidents(families, book, moves)
    return [(each.family, list(each.members), len(each.firing), each.moves) for each in book]


async def differences(database, moves, *, families=FAMILIES, since=0):
    recorded, until = RecordedIncidents(database), moves[-1].position
    verifier = IncidentVerifier(families)
    verifier.begin(since, await recorded.at(since))
    verifier.take(moves)
    return list(verifier.end(await recorded.members(since, until), await recorded.rows(until)))


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_tables_say_what_the_fold_gives_with_a_new_worker_after_every_commit(database, seed):
    random, moves, after = Random(seed), random_moves(seed), 0
    entries = [list(group) for _, group in groupby(moves, key=lambda made: made.position)]
    while entries:
        taken, entries = entries[: (count := random.randint(1, 3))], entries[count:]
        store = await worker(database)
        after = await commit(store, after, [made for entry in taken for made in entry])
        await store.release_lease()
    assert await stored(database) == folded(moves)
    assert await differences(database, moves) == []
    for since in (moves[len(moves) // 3].position, moves[-1].position):
        assert await differences(database, moves, since=since) == [], "what lies before may be taken as it stands"
    recorded = {each.id: each for each in await RecordedIncidents(database).at(moves[-1].position)}
    book = IncidentBook()
    fold_incidents(FAMILIES, book, moves)
    assert recorded == {each.id: each for each in book}


async def test_a_commit_that_is_fenced_off_leaves_no_incident(database):
    first = await worker(database)
    opening = move(OPENED, "rain.1h", "g1", position=1, zone="a")
    await first.release_lease()
    second = await worker(database)
    with pytest.raises(Exception, match=r"lease|cursor"):
        await commit(first, 0, [opening])
    assert await stored(database) == []
    await commit(second, 0, [opening])
    with pytest.raises(FencedError):
        await second.commit(StepResult(0, 2, START, [move(OPENED, "rain.1h", "g2", position=2, zone="a")]))
    assert [members for _, members, _, _ in await stored(database)] == [[opening.alert_id]]
    await second.release_lease()


@pytest.mark.parametrize(
    ("tampering", "word"),
    [
        ("DELETE FROM incident_member WHERE number = 2", "incident: none"),
        ("UPDATE incident_member SET number = 9 WHERE number = 2", "its member 9"),
        ("UPDATE incident SET firing = 5", "firing: 5"),
        ("UPDATE incident SET key = 'b'", "key: b"),
    ],
)
async def test_whatever_is_changed_in_the_tables_is_found(database, tampering, word):
    store = await worker(database)
    moves = [move(OPENED, "rain.1h", f"g{n}", position=n, seconds=n, zone="a") for n in (1, 2)]
    await commit(store, 0, moves)
    assert await differences(database, moves) == []
    async with database.connection() as connection:
        await connection.execute(tampering)
    assert any(word in line for _, line in await differences(database, moves))
    await store.release_lease()


async def test_other_families_group_what_comes_from_then_on_and_the_log_of_groupings_says_so(database):
    store = await worker(database)
    moves = [move(OPENED, "rain.1h", f"g{n}", position=n, seconds=n, zone="a") for n in range(1, 5)]
    await commit(store, 0, moves[:2])
    await store.release_lease()
    later = Grouping(FAMILIES[2:])
    store = await worker(database, later)
    await commit(store, 2, moves[2:])
    await store.release_lease()
    assert [len(members) for _, members, _, _ in await stored(database)] == [2]
    recorded = RecordedIncidents(database)
    assert await recorded.grouped_since(later.mark, 4) == 2
    assert await recorded.grouped_since(GROUPING.mark, 4) is None, "others group now"
    assert await differences(database, moves, families=later.families, since=2) == []


async def test_numbers_are_counted_on_the_local_day_and_titles_have_names(database):
    store = await worker(database)
    storm = move(OPENED, "rain.1h", "g1", position=1, zone="a")
    night = move(OPENED, "power.out", "p1", position=2, seconds=18 * 3_600, lat=20.8, lon=105.3)
    far = move(OPENED, "power.out", "p2", position=3, seconds=18 * 3_600, lat=21.2, lon=105.3)
    await commit(store, 0, [storm, night, far])
    await store.release_lease()
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT number, changed_at FROM incident ORDER BY ordinal")
    assert [row["number"] for row in rows] == ["TH-261010-001", "TH-261011-001", "TH-261011-002"]
    assert rows[0]["changed_at"] == START + timedelta(0)
    family = FAMILIES[1].__class__(**{
        **{name: getattr(FAMILIES[1], name) for name in FAMILIES[1].__slots__},
        "title": Label("Mưa tại {zone}", "Rain in {zone}"), "headline": Label("{worst} · {devices}", "{worst}"),
    })  # fmt: skip
    named = Grouping((family,), zones={"a": Label("Khu A", "Area A")})
    assert named.title("storm", "a", area=None, zone="a") == Label("Mưa tại Khu A", "Rain in Area A")
    assert named.headline("storm", {"vi": "Mưa 90 mm", "en": "90 mm"}, devices=3, alerts=4)["vi"] == "Mưa 90 mm · 3"
    assert named.headline("gone", {"vi": "Mưa", "en": "Rain"}, devices=3, alerts=4) == {"vi": "Mưa", "en": "Rain"}


async def test_those_who_see_the_alert_are_told_of_its_incident(database):
    store = await worker(database)
    await commit(store, 0, [
        move(OPENED, "rain.1h", "g1", position=1, area="a1", zone="a"),
        move(OPENED, "rain.1h", "g2", position=2, area="a2", zone="a"),
        move(OPENED, "fire", "house", position=3, area="a2", zone="a", domain="utilities"),
    ])  # fmt: skip
    await store.release_lease()
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT kind, area, position FROM change ORDER BY position")
    assert [(row["kind"], row["area"]) for row in rows] == [
        ("alert", "a1"), ("alert", "a2"), ("alert", "a2"), ("incident", "a1"), ("incident", "a2"),
    ]  # fmt: skip
