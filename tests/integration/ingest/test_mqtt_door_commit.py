"""PUBACK comes after COMMIT: shown with a log that holds its commits back, and from PostgreSQL's side."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from ioc.ingest.mqtt.codec.packets import Pingreq, Pingresp, Puback, Pubcomp, Pubrec, Pubrel
from ioc.ingest.mqtt.publish import Uplink
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from tests.integration.ingest.mqtt_house import HeldSink, house_of, publish


async def _puback_waits_for_the_commit() -> bool:
    """Publish while commits are held back: does the PUBACK wait, and come when they are let through?"""
    sink = HeldSink(held=True)
    async with house_of(sink) as house:
        peer = await house.device()
        peer.send(publish(1))
        waited = await peer.silent()
        sink.open.set()
        assert await peer.next() == Puback(1)
    return waited and len(sink.messages) == 1


async def test_no_puback_before_the_commit_returns():
    assert await _puback_waits_for_the_commit()


async def test_a_door_that_acknowledges_at_submit_is_caught(monkeypatch):
    """The mutant that must fail: the same test sees a PUBACK that comes too early."""
    take = Uplink.take

    def acknowledging_take(self, packet, now):
        take(self, packet, now)
        self._outlet.acknowledge(b"\x40\x02" + packet.packet_id.to_bytes(2, "big"), [])

    monkeypatch.setattr(Uplink, "take", acknowledging_take)
    assert not await _puback_waits_for_the_commit()


async def test_qos_2_is_received_after_the_commit_and_keeps_no_state():
    sink = HeldSink(held=True)
    async with house_of(sink) as house:
        peer = await house.device()
        peer.send(publish(7, qos=2))
        assert await peer.silent()
        sink.open.set()
        assert await peer.next() == Pubrec(7)
        assert await peer.ask(Pubrel(7)) == Pubcomp(7)
        assert await peer.ask(Pubrel(999)) == Pubcomp(999), "an unknown PUBREL must not hang for ever"


async def test_pubacks_keep_the_order_of_their_messages_and_pings_do_not_wait_for_commits():
    sink = HeldSink(held=True)
    async with house_of(sink, batch_rows=7) as house:
        peer = await house.device()
        peer.send(*[publish(number) for number in range(1, 101)])
        assert await peer.ask(Pingreq()) == Pingresp()
        sink.open.set()
        assert await peer.take(100) == [Puback(number) for number in range(1, 101)]
        assert sink.calls > 10


async def test_qos_0_is_stored_and_not_answered():
    sink = HeldSink()
    async with house_of(sink) as house:
        peer = await house.device()
        peer.send(publish(1, qos=0))
        assert await peer.silent()
        assert len(sink.messages) == 1


async def test_a_message_without_id_and_time_is_once_only_by_its_repeat_mark_not_by_its_packet_id():
    """Small clients use one packet id for every message: equal readings must not fold into one."""
    sink = HeldSink()
    async with house_of(sink) as house:
        peer = await house.device()
        same: dict[str, Any] = {"body": b'{"rain_mm":0}', "packet_id": 1}
        for packet in (publish(**same), publish(**same), publish(**same, dup=True)):
            assert await peer.ask(packet) == Puback(1)
        first, second, repeat = (message.key for message in sink.messages)
        assert first != second
        assert repeat == second
        other = await house.device()
        assert await other.ask(publish(**same, dup=True)) == Puback(1)
        assert sink.messages[3].key not in {first, second}, "across connections nothing tells them apart"


async def test_what_never_commits_is_never_acknowledged_and_the_client_is_sent_away():
    sink = HeldSink(held=True)
    async with house_of(sink) as house:
        peer = await house.device()
        peer.send(publish(1))
        await asyncio.sleep(0.05)
        await house.pipeline.stop(0.05)
        peer.send(publish(2))
        assert await peer.hung_up()
        assert not sink.items


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


async def test_puback_waits_for_the_lock_that_postgresql_waits_for_and_then_the_row_is_there(database, database_dsn):
    """Another transaction holds the head row: PostgreSQL cannot commit ours, so the PUBACK may not come."""
    outside = await asyncpg.connect(database_dsn)
    async with house_of(EventLog(database)) as house:
        peer = await house.device()
        async with outside.transaction():
            await outside.execute("SELECT 1 FROM log_head WHERE id = 1 FOR UPDATE")
            peer.send(publish(1), publish(2))
            assert await peer.silent(0.5)
            blocked = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            assert await outside.fetchval(blocked) == 1, "it should be PostgreSQL that makes it wait"
            assert await outside.fetchval("SELECT count(*) FROM event") == 0
        assert await peer.next() == Puback(1)
        assert await outside.fetchval("SELECT count(*) FROM event") == 2, "at the PUBACK others must see the row"
        assert await peer.next() == Puback(2)
    await outside.close()


async def test_a_resend_after_a_lost_puback_is_acknowledged_and_stored_once(database):
    async with house_of(EventLog(database)) as house:
        first = await house.device()
        first.send(publish(1))
        assert await first.next() == Puback(1)
        again = await house.device()
        again.send(publish(1, dup=True))
        assert await again.next() == Puback(1)
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM event") == 1
        assert house.metric("ioc_ingest_events_total", feed="rainfall", door="mqtt", outcome="duplicate") == 1
