"""What the MQTT door asks of its stores: the memory of the tests and PostgreSQL give the same answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ioc.domain.messaging.outbound import (
    Closing,
    OutboundKind,
    OutboundMessage,
    OutboundOutcome,
    command_topic,
    receipts_topic,
)
from ioc.domain.messaging.presence import Arrival, Departure, Grant, LastWill, PresenceReason
from ioc.store.postgres.engine import Database
from ioc.store.sessions.doors import MQTTDoorStore
from ioc.store.sessions.outbound import OutboundStore
from ioc.store.sessions.sessions import MQTTSessionStore
from ioc.store.sessions.wills import MQTTWillStore
from tests.databases import TestDatabases
from tests.mqtt_memory import MemoryMQTT

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL = {"#": 2}
DEVICE = """
INSERT INTO device (id, feed, name_vi, name_en, registered_at, updated_at) VALUES
('rain-1', 'rainfall', 'Mưa', 'Rain', '2020-01-01', '2020-01-01'),
('rain-2', 'rainfall', 'Mưa', 'Rain', '2020-01-01', '2020-01-01')
"""


def later(**time: float) -> datetime:
    return NOW + timedelta(**time)


@pytest.fixture(scope="module")
def shared_dsn(databases: TestDatabases):
    """One database for all of these tests: making one costs more than any of them."""
    name = databases.create()
    yield databases.dsn_of(name)
    databases.drop(name)


@pytest.fixture(params=["memory", "postgresql"])
async def world(request):
    """The four stores, and which devices' presence was told."""
    if request.param == "memory":
        memory = MemoryMQTT(waiting_max=3)

        async def remembered() -> list[str]:
            return list(memory.told)

        yield SimpleNamespace(sessions=memory, outbound=memory, wills=memory, doors=memory, told=remembered)
        return
    database = Database(request.getfixturevalue("shared_dsn"), name="test")
    await database.open()
    async with database.connection() as connection:
        await connection.execute("TRUNCATE device, change, mqtt_session, mqtt_will, mqtt_door, outbound CASCADE")
        await connection.execute(DEVICE)

    async def told() -> list[str]:
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT id FROM change WHERE kind = 'device' ORDER BY position")
        return [row["id"] for row in rows]

    yield SimpleNamespace(
        sessions=MQTTSessionStore(database), outbound=OutboundStore(database, waiting_max=3),
        wills=MQTTWillStore(database), doors=MQTTDoorStore(database), told=told,
    )  # fmt: skip
    await database.close()


def arrival(connection: int, **others: Any) -> Arrival:
    wish: dict[str, Any] = {"device": "rain-1", "clean_start": False, "expiry_seconds": 60, **others}
    return Arrival(connection=connection, **wish)


def departure(connection: int, **others: Any) -> Departure:
    how: dict[str, Any] = {
        "device": "rain-1", "reason": PresenceReason.LOST, "publish_will": True, "sent_to": None, **others
    }  # fmt: skip
    return Departure(connection=connection, **how)


def will(connection: int, delay_seconds: int = 0) -> LastWill:
    return LastWill(device="rain-1", connection=connection, topic="ioc/v1/rainfall/rain-1", payload=b"{}",
                    delay_seconds=delay_seconds)  # fmt: skip


def message(text: str = "x", *, device: str = "rain-1", qos: int = 1, kind: OutboundKind = OutboundKind.MESSAGE):
    topic = command_topic(device, "gate") if kind is OutboundKind.MESSAGE else receipts_topic(device)
    return OutboundMessage(device=device, topic=topic, payload=text.encode(), qos=qos, expires_at=later(days=1),
                           created_by="test", kind=kind)  # fmt: skip


async def attach(world, connection: int, *, at: datetime = NOW, door: str = "a", **others: Any):
    [answer] = await world.sessions.attach([arrival(connection, **others)], door=door, now=at)
    return answer


async def detach(world, connection: int, *, at: datetime = NOW, door: str = "a", **others: Any) -> None:
    await world.sessions.detach([departure(connection, **others)], door=door, now=at)


async def subscribed(world, connection: int = 1, **others: Any):
    answer = await attach(world, connection, **others)
    await world.sessions.grant([Grant("rain-1", connection, ALL)])
    return answer


async def texts(world, connection: int, after: int = 0) -> list[str]:
    return [item.payload.decode() for item in await world.outbound.read([("rain-1", connection, after, 100)])]


async def test_a_session_lives_on_for_its_time_and_no_longer(world):
    first = await subscribed(world)
    assert (first.resumed, first.filters) == (False, {})
    await detach(world, 1)
    again = await attach(world, 2, at=later(seconds=59))
    assert (again.resumed, again.filters) == (True, ALL)
    await detach(world, 2, at=later(seconds=60))
    assert not (await attach(world, 3, at=later(seconds=120))).resumed, "its time is over, though nobody tidied up"


async def test_a_clean_start_ends_the_session_and_what_waited_in_it(world):
    await subscribed(world)
    await detach(world, 1)
    assert await world.outbound.append([message()], NOW) == [1]
    clean = await attach(world, 2, clean_start=True)
    assert (clean.resumed, clean.filters, clean.number) == (False, {}, 1)
    assert await texts(world, 2) == []
    assert (await world.sessions.held("a")).waiting == {}


async def test_a_session_without_length_ends_with_its_connection(world):
    await subscribed(world, expiry_seconds=0)
    await detach(world, 1)
    assert await world.outbound.append([message()], NOW) == [None]
    assert not (await attach(world, 2)).resumed


async def test_a_session_without_length_ends_with_a_take_over(world):
    await subscribed(world, expiry_seconds=0)
    again = await attach(world, 2)
    assert (again.resumed, again.filters) == (False, {})
    await subscribed(world, 3)
    assert (await attach(world, 4)).resumed, "one with a length goes on"


async def test_the_last_word_of_a_connection_may_set_the_length(world):
    await subscribed(world, expiry_seconds=60)
    await detach(world, 1, expiry_seconds=0)
    assert not (await attach(world, 2)).resumed


async def test_an_older_connection_changes_nothing_any_more(world):
    await subscribed(world, 1, door="a")
    await attach(world, 2, door="b")
    await detach(world, 1, door="a")
    await world.sessions.grant([Grant("rain-1", 1, {})])
    assert await world.outbound.append([message()], NOW) == [1], "the newer one's subscriptions stand"
    assert await texts(world, 1) == []
    assert await texts(world, 2) == ["x"]
    assert (await world.sessions.held("a")).sessions == 0
    held = await world.sessions.held("b")
    assert (held.sessions, held.connections_sum, held.waiting) == (1, 2, {"rain-1": 1})


async def test_presence_is_told_when_it_changes_and_a_take_over_is_no_change(world):
    await attach(world, 1)
    await attach(world, 2, door="b")
    await detach(world, 1)
    await detach(world, 2, door="b")
    assert await world.told() == ["rain-1", "rain-1"]


async def test_an_arrival_whose_commit_was_not_heard_of_is_attached_once(world):
    first = await attach(world, 1, clean_start=True, will=will(1))
    assert await attach(world, 1, clean_start=True, will=will(1)) == first
    assert await world.wills.claim(NOW, limit=9) == [], "it did not take over from itself"
    assert await world.told() == ["rain-1"]


async def test_messages_are_numbered_for_ever_and_bounded_and_only_taken_where_asked_for(world):
    assert await world.outbound.append([message()], NOW) == [None], "no session"
    await attach(world, 1)
    assert await world.outbound.append([message()], NOW) == [None], "nothing subscribed"
    await world.sessions.grant([Grant("rain-1", 1, ALL)])
    assert await world.outbound.append([message(str(n)) for n in range(4)], NOW) == [1, 2, 3, None]
    mail = await world.outbound.read([("rain-1", 1, 1, 1)])
    assert [(item.number, item.payload, item.qos, item.packet_id) for item in mail] == [(2, b"1", 1, 2)]
    await world.outbound.close([Closing("rain-1", 2, OutboundOutcome.ACKNOWLEDGED)] * 2, NOW)
    assert await world.outbound.append([message("new"), message("full")], NOW) == [4, None]
    assert await texts(world, 1) == ["0", "2", "new"]
    assert (await world.sessions.held("a")).waiting == {"rain-1": 4}


async def test_the_granted_qos_bounds_a_message_s(world):
    await attach(world, 1)
    await world.sessions.grant([Grant("rain-1", 1, {"ioc/v1/commands/rain-1/#": 1, "ioc/v1/+/rain-1": 0})])
    await world.outbound.append([message(qos=2), message(qos=0), message(qos=1, kind=OutboundKind.RECEIPT)], NOW)
    assert [item.qos for item in await world.outbound.read([("rain-1", 1, 0, 9)])] == [1, 0, 0]


async def test_a_released_message_says_so_until_it_is_closed(world):
    await subscribed(world)
    await world.outbound.append([message(qos=2)], NOW)
    await world.outbound.release([("rain-1", 1)])
    [item] = await world.outbound.read([("rain-1", 1, 0, 9)])
    assert item.released
    await world.outbound.close([Closing("rain-1", 1, OutboundOutcome.ACKNOWLEDGED)], NOW)
    assert await texts(world, 1) == []


async def test_how_far_a_lasting_session_was_sent_is_remembered_at_its_end(world):
    await subscribed(world)
    await world.outbound.append([message(), message()], NOW)
    await detach(world, 1, sent_to=1)
    again = await attach(world, 2)
    assert (again.sent_to, again.number) == (1, 2)


async def test_a_goodbye_takes_the_will_back_and_a_loss_makes_it_due(world):
    await attach(world, 1, will=will(1))
    await detach(world, 1, publish_will=False, reason=PresenceReason.DISCONNECTED)
    assert await world.wills.claim(later(days=1), limit=9) == []
    await attach(world, 2, will=will(2))
    await detach(world, 2)
    assert await world.wills.claim(NOW, limit=9) == [will(2)]
    assert await world.wills.claim(NOW, limit=9) == [], "it is another door's for now"
    assert await world.wills.claim(later(minutes=1), limit=9) == [will(2)], "which did not do it"
    await world.wills.forget([will(2)])
    assert await world.wills.claim(later(days=1), limit=9) == []


@pytest.mark.parametrize(("clean_start", "delay", "due"), [(False, 30, False), (False, 0, True), (True, 30, True)])
async def test_a_take_over_settles_the_will_as_the_standard_says(world, clean_start, delay, due):
    await attach(world, 1, will=will(1, delay))
    await attach(world, 2, clean_start=clean_start)
    assert bool(await world.wills.claim(NOW, limit=9)) is due


async def test_a_delayed_will_waits_and_is_taken_back_by_who_returns_and_ends_with_the_session(world):
    await attach(world, 1, will=will(1, 30))
    await detach(world, 1)
    assert await world.wills.claim(later(seconds=29), limit=9) == []
    await attach(world, 2, at=later(seconds=29), will=will(2, 3_600))
    assert await world.wills.claim(later(seconds=31), limit=9) == []
    await detach(world, 2)
    assert await world.wills.claim(later(seconds=60), limit=9) == [will(2, 3_600)], "the session was over sooner"


async def test_a_dead_door_s_devices_are_set_offline_and_its_wills_fall_due(world):
    await world.doors.beat("a", NOW)
    await world.doors.beat("a", NOW)
    await attach(world, 1, will=will(1))
    await attach(world, 2, device="rain-2", door="ghost")
    assert await world.doors.beats() == {"a": 2, "ghost": 0}
    assert await world.doors.lose(["a"], NOW) == 1
    assert await world.wills.claim(NOW, limit=9) == [will(1)]
    assert await world.doors.beats() == {"ghost": 0}
    assert (await attach(world, 3)).resumed, "its session outlives the door"


async def test_a_door_that_was_only_asleep_takes_back_what_nobody_else_has(world):
    await attach(world, 1, will=will(1))
    await attach(world, 2, device="rain-2")
    await world.doors.lose(["a"], NOW)
    await attach(world, 3, device="rain-2", door="b")
    assert await world.sessions.reclaim({"rain-1": 1, "rain-2": 2}, door="a", now=NOW) == {"rain-1"}
    assert await world.sessions.held_connections("a") == {"rain-1": 1}
    assert await world.wills.claim(later(days=1), limit=9) == []


async def test_expired_sessions_are_ended_once(world):
    await subscribed(world)
    await detach(world, 1)
    await world.outbound.append([message()], NOW)
    assert await world.sessions.end_expired(later(seconds=59)) == 0
    assert await world.sessions.end_expired(later(seconds=60)) == 1
    assert await world.sessions.end_expired(later(seconds=60)) == 0
