"""A batch of messages is answered as if each had come alone, after those before it; and its times likewise.

Each law also catches a store, or a way to a time, that looks less closely.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain import event_time
from ioc.domain.event import Flag, Message
from ioc.store.log import outcomes
from ioc.store.log.outcomes import KeyContent, NewEvents
from tests.builders import NOON, message

REVISING = b"d"
SAYINGS = st.lists(st.tuples(st.sampled_from([b"a", b"b", REVISING]), st.integers(1, 3)), min_size=1, max_size=12)
KNOWN = st.dictionaries(
    st.sampled_from([b"a", REVISING]), st.builds(KeyContent, st.just(b"\x01"), st.just(7), st.just(0))
)
AGES = [
    timedelta(), timedelta(minutes=2), timedelta(minutes=2, microseconds=1), timedelta(days=1),
    timedelta(days=1, microseconds=1), timedelta(seconds=-1), timedelta(days=-31), timedelta(days=-32),
    timedelta(days=-15_000),
]  # fmt: skip
MOMENTS = st.one_of(st.none(), st.sampled_from(AGES).map(lambda age: NOON + age))
TIMED = st.builds(
    lambda time, registered_at, flags: message()._replace(time=time, registered_at=registered_at, flags=flags),
    MOMENTS, MOMENTS, st.sampled_from([(), (Flag.HISTORY,), (Flag.SUSPECT,)]),
)  # fmt: skip


def batch_of(sayings, first: int) -> NewEvents:
    messages: list[Message] = [
        message()._replace(key=key, content=bytes([content]), revise=key == REVISING) for key, content in sayings
    ]
    count = len(messages)
    return NewEvents(messages, range(first, first + count), [0] * count, [NOON] * count, [()] * count)


def append(batch: NewEvents, known: dict[bytes, KeyContent]):
    """Return what the store would say, and let ``known`` be what its table of keys would hold afterwards."""
    found = outcomes.decide_outcomes(batch, known)
    for event in [*(one for one in found.events if one.message.key not in known), *found.revised()]:
        held = known.get(event.message.key)
        if held is None or event.revision:  # claimed with its first message, then revised
            known[event.message.key] = KeyContent(event.message.content, event.position, event.revision)
    return found.receipts


@settings(max_examples=300, deadline=None)
@given(SAYINGS, KNOWN)
def law_of_batches(sayings, known):
    together, apart = dict(known), dict(known)
    receipts = append(batch_of(sayings, 100), together)
    one_by_one = [
        receipt for place, saying in enumerate(sayings) for receipt in append(batch_of([saying], 100 + place), apart)
    ]
    assert receipts == one_by_one
    assert together == apart, "what the log has under each key"


def test_a_batch_is_answered_as_if_each_of_its_messages_had_come_alone():
    law_of_batches()


def test_the_law_catches_a_store_that_revises_each_key_once_for_each_message(monkeypatch):
    """Of two revisions of one key the older is written last: the key then says what is out of date."""
    monkeypatch.setattr(
        outcomes.Outcomes, "revised", lambda self: [event for event in reversed(self.events) if event.revision]
    )
    with pytest.raises(AssertionError):
        law_of_batches()


def test_the_law_catches_a_store_that_takes_every_feed_for_one_that_revises(monkeypatch):
    decided = outcomes.decide_outcomes

    def lax(batch: NewEvents, known):
        if len(batch.messages) == 1:
            batch = batch._replace(messages=[batch.messages[0]._replace(revise=True)])
        return decided(batch, known)

    monkeypatch.setattr(outcomes, "decide_outcomes", lax)
    with pytest.raises(AssertionError):
        law_of_batches()


@settings(max_examples=300, deadline=None)
@given(st.lists(TIMED, max_size=6))
def law_of_times(messages):
    times, flags = event_time.event_times(messages, NOON)
    assert list(zip(times, flags, strict=True)) == [event_time.event_time(one, NOON) for one in messages]


def test_the_times_of_a_batch_are_those_of_each_of_its_messages():
    law_of_times()


def test_the_law_catches_a_short_way_that_trusts_a_clock_without_a_look_at_its_year(monkeypatch):
    monkeypatch.setattr(event_time, "OLDEST_TRUSTED", datetime(1900, 1, 1, tzinfo=UTC))
    exact = event_time.event_time

    def with_its_year(one: Message, log_time: datetime):
        if one.time is not None and one.time.year < 1990:
            return log_time, (*one.flags, Flag.CLOCK_FAULT)
        return exact(one, log_time)

    monkeypatch.setattr(event_time, "event_time", with_its_year)
    with pytest.raises(AssertionError):
        law_of_times()
