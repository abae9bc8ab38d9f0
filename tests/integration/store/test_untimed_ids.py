"""An id without a time is an identity for a day: a counter that begins anew loses nothing, a resend is a repeat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import pytest

from ioc.domain.event import UNTIMED, Message, Outcome, frame_parts
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
RAIN = Label("Mưa", "Rain")
FEED = FeedSpec(id="rainfall", label=RAIN, domain="disaster", fields={"rain_mm": FieldSpec("rain_mm", RAIN)},
                device_required=False)  # fmt: skip


class Nobody:
    """A registry without devices: every gauge is a stranger."""

    def device(self, _: str) -> None:
        return None

    def key(self, _: str) -> None:
        return None

    def areas_of_today(self) -> tuple[()]:
        return ()

    async def refresh(self) -> None:
        return None


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def log(database):
    return EventLog(database)


def reading(number: int, at: datetime, *, rain: float = 0.0) -> Message:
    preparer = Preparer(feeds={"rainfall": FEED}, registry=Nobody(), events_max=10)
    body = f'{{"id":"{number}","rain_mm":{rain}}}'.encode()
    [item] = preparer.prepare(Delivery("rainfall", "rain-1", body, at, "test", b"n"))
    assert isinstance(item, Message)
    return item


async def sent(log: EventLog, number: int, at: datetime) -> tuple[Outcome, int | None, bytes | None]:
    [receipt] = await log.append([reading(number, at)], at)
    return receipt.outcome, receipt.position, receipt.key


async def test_a_counter_that_begins_anew_loses_nothing(log):
    day = [await log.append([reading(number, MIDNIGHT)], MIDNIGHT) for number in (1, 2, 3)]
    later = MIDNIGHT + timedelta(days=2)
    again = [await log.append([reading(number, later)], later) for number in (1, 2, 3)]
    assert {receipt.outcome for [receipt] in day + again} == {Outcome.STORED}
    assert len({receipt.key for [receipt] in day + again}) == 6, "each is an event of its own"


@pytest.mark.parametrize("begin", [MIDNIGHT, MIDNIGHT + timedelta(hours=23, minutes=59), MIDNIGHT + timedelta(hours=7)])
async def test_a_resend_within_a_day_is_a_repeat_wherever_the_days_meet_and_names_its_event(log, begin):
    first = await sent(log, 1, begin)
    for minutes in (0, 1, 60, 24 * 60 - 1):
        assert await sent(log, 1, begin + timedelta(minutes=minutes)) == (Outcome.DUPLICATE, *first[1:])
    anew = await sent(log, 1, begin + timedelta(hours=24))
    assert anew[0] is Outcome.STORED
    assert await sent(log, 1, begin + timedelta(hours=47, minutes=59)) == (Outcome.DUPLICATE, *anew[1:])


async def test_one_message_twice_in_a_batch_that_spans_midnight_is_stored_once(log, database):
    moment = timedelta(milliseconds=1)
    batch = [reading(1, MIDNIGHT - moment), reading(1, MIDNIGHT + moment), reading(2, MIDNIGHT + moment)]
    receipts = await log.append(batch, MIDNIGHT + moment)
    assert [receipt.outcome for receipt in receipts] == [Outcome.STORED, Outcome.DUPLICATE, Outcome.STORED]
    assert receipts[0].key == receipts[1].key
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM event") == 2


async def test_what_an_older_version_stored_is_recognised_for_a_day(log):
    """Its identity knew no day."""
    new = reading(1, MIDNIGHT)
    head = frame_parts(b"ic", b"rainfall/rain-1")
    old = blake2b(head + frame_parts(b"1", new.content), digest_size=16).digest()
    [stored] = await log.append([new._replace(key=old, key_time=UNTIMED)], MIDNIGHT)
    assert await sent(log, 1, MIDNIGHT + timedelta(hours=5)) == (Outcome.DUPLICATE, stored.position, old)
    assert (await sent(log, 1, MIDNIGHT + timedelta(hours=25)))[0] is Outcome.STORED


async def test_keys_go_with_their_month_and_no_longer_pile_up_under_one_time(log, database):
    await sent(log, 1, MIDNIGHT)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT key_time FROM event_key") == MIDNIGHT
