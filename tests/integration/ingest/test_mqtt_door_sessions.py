"""Sessions that outlive their connection, messages to devices, last wills: as a client sees them on the wire.

Past 400 lines: sessions, messages and wills are told apart by the same clients of the same door.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ioc.domain.messaging.outbound import OutboundMessage, OutboundOutcome, command_topic
from ioc.domain.messaging.presence import PresenceReason
from ioc.ingest.mqtt.codec.packets import (
    Disconnect,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Subscribe,
    Subscription,
    Unsubscribe,
    Will,
)
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.sessions.worker import SessionWorker
from ioc.runtime.clock import AnchoredLogClock
from tests.integration.ingest.mqtt_house import TOPIC, HeldSink, House, Peer, device, house_of, publish

LEVELS = pytest.mark.parametrize("level", [4, 5])
RECEIPTS = "ioc/v1/receipts/rain-1"
WAIT_SECONDS = 5.0


@pytest.fixture
def sink():
    return HeldSink()


@pytest.fixture
async def house(sink):
    async with house_of(sink, bounds=MQTTBounds(sweep_seconds=0.05, linger_seconds=0.5)) as house:
        yield house


async def eventually(ask: Callable[[], Any]) -> Any:
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while not (found := ask()):
        assert asyncio.get_running_loop().time() < deadline, "it did not come about"
        await asyncio.sleep(0.01)
    return found


async def lasting(house: House, level: int, *, qos: int = 1, subscribe: bool = True, **connect: Any) -> Peer:
    """Connect with a session that outlives the connection, subscribed to everything of the device's own."""
    wish = {"properties": Properties(session_expiry_s=60), **connect} if level == 5 else connect
    peer = await house.device(level, clean_start=False, **wish)
    if subscribe:
        await peer.ask(everything(qos))
    return peer


def everything(qos: int = 1) -> Subscribe:
    return Subscribe(packet_id=9, subscriptions=(Subscription(topic_filter="#", qos=qos),))


async def tell(house: House, *texts: str, qos: int = 1, seconds: float = 60) -> None:
    """Tell rain-1 something, as a person's request does in another process."""
    now = AnchoredLogClock().now()
    messages = [
        OutboundMessage(device="rain-1", topic=command_topic("rain-1", "gate"), payload=text.encode(), qos=qos,
                        expires_at=now + timedelta(seconds=seconds), created_by="test")
        for text in texts
    ]  # fmt: skip
    assert None not in await house.memory.append(messages, now)
    house.bell.ring()


async def gone(peer: Peer, house: House) -> None:
    """Break a connection without a word, and wait until the door knows."""
    peer.writer.transport.abort()
    await eventually(lambda: house.memory.sessions["rain-1"].door is None)


@LEVELS
async def test_a_lasting_session_is_present_again_with_its_subscriptions_and_a_clean_one_is_not(house, level):
    peer = await lasting(house, level)
    await gone(peer, house)
    again = await house.peer()
    answer = await again.connect(level, house.key, clean_start=False, properties=_lasting(level))
    assert answer.session_present
    await tell(house, "open")
    message = await again.next()
    assert (message.topic, message.payload, message.qos, message.dup) == (
        "ioc/v1/commands/rain-1/gate", b"open", 1, False,
    )  # fmt: skip
    clean = await house.peer()
    assert not (await clean.connect(level, house.key)).session_present
    last = await house.peer()
    assert not (await last.connect(level, house.key, clean_start=False)).session_present, "the clean start ended it"


def _lasting(level: int) -> Properties:
    return Properties(session_expiry_s=60) if level == 5 else Properties()


async def test_connack_tells_a_session_that_is_shorter_than_asked():
    async with house_of(HeldSink(), bounds=MQTTBounds(session_seconds_max=100)) as house:
        for asked, told in ((99, None), (100, None), (0xFFFF_FFFF, 100)):
            answer = await (await house.peer()).connect(5, house.key, properties=Properties(session_expiry_s=asked))
            assert answer.properties.session_expiry_s == told


@LEVELS
async def test_what_was_not_confirmed_comes_again_marked_under_its_packet_id_and_what_was_confirmed_does_not(
    house, level
):
    peer = await lasting(house, level)
    await tell(house, "first", "second")
    first, second = await peer.take(2)
    assert [first.dup, second.dup] == [False, False]
    peer.send(Puback(first.packet_id))
    await eventually(lambda: len(house.memory.rows["rain-1"]) == 1)
    await gone(peer, house)
    await tell(house, "third")
    again = await lasting(house, level, subscribe=False)
    repeat, new = await again.take(2)
    assert (repeat.payload, repeat.dup, repeat.packet_id) == (b"second", True, second.packet_id)
    assert (new.payload, new.dup) == (b"third", False)
    assert await again.silent()


async def test_the_client_s_receive_maximum_bounds_what_is_unconfirmed(house):
    peer = await lasting(house, 5, properties=Properties(session_expiry_s=60, receive_maximum=2))
    await tell(house, *"abcde")
    got = await peer.take(2)
    assert await peer.silent()
    peer.send(Puback(got[0].packet_id))
    got.append(await peer.next())
    assert await peer.silent()
    for message in got[1:]:
        peer.send(Puback(message.packet_id))
    got += await peer.take(2)
    assert [message.payload.decode() for message in got] == list("abcde")


async def test_what_the_client_cannot_take_ends_and_others_go_on(house):
    peer = await lasting(house, 5, properties=Properties(session_expiry_s=60, maximum_packet_bytes=500))
    await tell(house, "x" * 500, "short")
    assert (await peer.next()).payload == b"short"
    await eventually(lambda: house.memory.closed.get(("rain-1", 1)) is OutboundOutcome.TOO_LARGE)
    assert house.metric("ioc_mqtt_outbound_total", outcome="too_large") == 1


async def test_a_message_past_its_time_is_not_sent_and_the_rest_of_its_time_is_told(house):
    peer = await lasting(house, 5)
    await gone(peer, house)
    await tell(house, "late", seconds=0)
    await tell(house, "in time", seconds=30)
    again = await lasting(house, 5, subscribe=False)
    message = await again.next()
    assert message.payload == b"in time"
    assert 28 <= message.properties.message_expiry_s <= 30
    await eventually(lambda: house.memory.closed.get(("rain-1", 1)) is OutboundOutcome.EXPIRED)


async def test_a_device_may_refuse_a_message(house):
    peer = await lasting(house, 5)
    await tell(house, "no")
    message = await peer.next()
    peer.send(Puback(message.packet_id, ReasonCode.PAYLOAD_FORMAT_INVALID))
    await eventually(lambda: house.memory.closed.get(("rain-1", 1)) is OutboundOutcome.REFUSED)


@LEVELS
async def test_qos_2_towards_the_device_survives_a_cut_at_each_step(house, level):
    """PUBREL only after the PUBREC is stored; after a cut the exchange goes on where it was, never from the start."""
    peer = await lasting(house, level, qos=2)
    await tell(house, "once", qos=2)
    message = await peer.next()
    assert message.qos == 2
    await gone(peer, house)
    peer = await lasting(house, level, subscribe=False)
    again = await peer.next()
    assert (again.payload, again.dup, again.packet_id) == (b"once", True, message.packet_id)
    assert await peer.ask(Pubrec(message.packet_id)) == Pubrel(message.packet_id)
    await gone(peer, house)
    peer = await lasting(house, level, subscribe=False)
    assert await peer.next() == Pubrel(message.packet_id), "no second PUBLISH"
    assert await peer.ask(Pubrec(message.packet_id)) == Pubrel(message.packet_id)
    peer.send(Pubcomp(message.packet_id))
    await eventually(lambda: house.memory.closed.get(("rain-1", 1)) is OutboundOutcome.ACKNOWLEDGED)
    unknown = ReasonCode.PACKET_IDENTIFIER_NOT_FOUND if level == 5 else ReasonCode.SUCCESS
    assert await peer.ask(Pubrec(77)) == Pubrel(77, unknown)


async def test_pubrel_waits_until_the_confirmation_is_stored(house):
    peer = await lasting(house, 5, qos=2)
    await tell(house, "once", qos=2)
    message = await peer.next()
    house.memory.available = False
    peer.send(Pubrec(message.packet_id))
    assert await peer.silent(0.7)
    house.memory.available = True
    assert await peer.next() == Pubrel(message.packet_id)


async def test_an_unsubscribed_topic_is_silent_and_what_waited_for_it_ends(house):
    peer = await lasting(house, 5, properties=Properties(session_expiry_s=60, receive_maximum=1))
    await tell(house, "first", "second")
    first = await peer.next()
    answer = await peer.ask(Unsubscribe(packet_id=3, topic_filters=("#", "#")))
    assert list(answer.reason_codes) == [ReasonCode.SUCCESS, ReasonCode.NO_SUBSCRIPTION_EXISTED]
    peer.send(Puback(first.packet_id))
    await eventually(lambda: house.memory.closed.get(("rain-1", 2)) is OutboundOutcome.UNSUBSCRIBED)
    assert await peer.silent()


async def test_suback_waits_for_its_commit_and_so_does_what_comes_behind_it(house):
    peer = await lasting(house, 5, subscribe=False)
    house.memory.available = False
    peer.send(everything(), Pingreq())
    assert await peer.silent(0.3)
    house.memory.available = True
    assert (await peer.next()).reason_codes == (ReasonCode.GRANTED_QOS_1,)
    assert await peer.next() == Pingresp()


@LEVELS
async def test_without_the_database_only_who_wants_no_earlier_session_comes_in(house, level):
    house.memory.available = False
    answer = await (await house.peer()).connect(level, house.key, clean_start=False)
    assert answer.reason_code is ReasonCode.SERVER_UNAVAILABLE
    peer = await house.device(level)
    assert await peer.ask(publish(1)) == Puback(1)
    house.memory.available = True
    await eventually(lambda: house.memory.sessions.get("rain-1") and house.memory.sessions["rain-1"].door)


async def test_the_last_packet_may_set_the_length_of_the_session_but_not_give_it_one(house):
    peer = await lasting(house, 5)
    peer.send(Disconnect(properties=Properties(session_expiry_s=0)))
    await eventually(lambda: house.memory.sessions["rain-1"].door is None)
    answer = await (await house.peer()).connect(5, house.key, clean_start=False)
    assert not answer.session_present
    clean = await house.device(5)
    assert await clean.ask(Disconnect(properties=Properties(session_expiry_s=5))) == Disconnect(
        ReasonCode.PROTOCOL_ERROR
    )


async def test_lasting_receipts_come_after_a_disconnect_too_and_before_them_no_puback(house):
    peer = await lasting(house, 5)
    house.memory.available = False
    peer.send(publish(1))
    assert await peer.silent(0.3), "the event is stored, its receipt is not"
    house.memory.available = True
    assert await peer.next() == Puback(1)
    receipt = await peer.next()
    assert (receipt.qos, json.loads(receipt.payload)["status"]) == (1, "stored")
    await gone(peer, house)
    again = await lasting(house, 5, subscribe=False)
    repeat = await again.next()
    assert (repeat.topic, repeat.payload, repeat.dup) == (RECEIPTS, receipt.payload, True)
    again.send(Puback(repeat.packet_id))
    await eventually(lambda: not house.memory.rows["rain-1"])


async def test_receipts_that_find_no_room_are_counted_and_hold_nobody_up(house):
    house.memory.waiting_max = 1
    peer = await lasting(house, 5)
    peer.send(publish(1, body=b'[{"id":"1","rain_mm":1},{"id":"2","rain_mm":1}]'))
    assert await peer.next() == Puback(1)
    assert house.metric("ioc_mqtt_receipts_dropped_total") == 1


WILL = Will(topic=TOPIC, payload=b'{"id":"will","rain_mm":0}', qos=1)


def reasons(house: House) -> PresenceReason:
    return house.memory.sessions["rain-1"].reason


@LEVELS
async def test_a_broken_connection_sets_the_device_offline_and_its_will_is_stored(house, sink, level):
    peer = await house.device(level, will=WILL)
    await eventually(lambda: house.memory.wills)
    await gone(peer, house)
    assert reasons(house) is PresenceReason.LOST
    await eventually(lambda: [message.id for message in sink.messages] == ["will"])
    await eventually(lambda: not house.memory.wills)
    assert house.memory.told == ["rain-1", "rain-1"]


@LEVELS
async def test_a_goodbye_sets_it_offline_without_a_will(house, sink, level):
    peer = await house.device(level, will=WILL)
    peer.send(Disconnect())
    await eventually(lambda: reasons(house) is PresenceReason.DISCONNECTED)
    assert not house.memory.wills
    assert not sink.messages


async def test_a_goodbye_with_will_publishes_it(house, sink):
    peer = await house.device(5, will=WILL)
    peer.send(Disconnect(ReasonCode.DISCONNECT_WITH_WILL))
    await eventually(lambda: [message.id for message in sink.messages] == ["will"])
    assert reasons(house) is PresenceReason.LOST


VIOLATION = Disconnect(properties=Properties(session_expiry_s=9))


@pytest.mark.parametrize(
    ("packets", "reason"), [([], PresenceReason.LOST), ([Pubcomp(1), VIOLATION], PresenceReason.CLOSED)]
)
async def test_silence_and_a_violation_publish_the_will(house, sink, packets, reason):
    peer = await house.device(5, keep_alive_s=1, will=WILL)
    peer.send(*packets)
    await eventually(lambda: [message.id for message in sink.messages] == ["will"])
    assert reasons(house) is reason


async def test_a_delayed_will_is_taken_back_by_who_comes_back_in_time(house, sink):
    wish = Will(topic=TOPIC, payload=WILL.payload, properties=Properties(will_delay_s=30))
    peer = await lasting(house, 5, will=wish)
    await gone(peer, house)
    assert house.memory.wills
    await lasting(house, 5, subscribe=False)
    assert not house.memory.wills
    assert not sink.messages


@LEVELS
@pytest.mark.parametrize("topic", ["tele/rain-1/LWT", "ioc/v1/rainfall/rain-2", "ioc/v1/commands/rain-1/x/y", "$SYS/x"])
async def test_a_will_on_a_foreign_topic_is_refused_at_the_door(house, level, topic):
    answer = await (await house.peer()).connect(level, house.key, will=Will(topic=topic, payload=b"x"))
    assert answer.reason_code is (ReasonCode.TOPIC_NAME_INVALID if level == 5 else ReasonCode.NOT_AUTHORIZED)


async def test_a_retained_will_is_refused_where_the_client_can_read_why(house):
    wish = Will(topic=TOPIC, payload=b"{}", retain=True)
    assert (await (await house.peer()).connect(5, house.key, will=wish)).reason_code is ReasonCode.RETAIN_NOT_SUPPORTED
    assert (await (await house.peer()).connect(4, house.key, will=wish)).reason_code is ReasonCode.SUCCESS


async def test_a_will_whose_topic_is_no_longer_the_device_s_becomes_a_dead_letter(house, sink):
    house.store.change(devices=[device("gate", gateway=True), device("child", parent="gate")])
    key = house.store.change(device="gate")
    await house.registry.refresh()
    peer = await house.device(5, key=key, name="gate", will=Will(topic="ioc/v1/rainfall/child", payload=b"{}"))
    await eventually(lambda: house.memory.wills)
    house.store.change(devices=[device("child")])
    await house.registry.refresh()
    peer.writer.transport.abort()
    [letter] = await eventually(lambda: sink.letters)
    assert (letter.reason, letter.device, letter.topic) == ("forbidden_topic", "gate", "ioc/v1/rainfall/child")


async def test_a_stop_leaves_devices_to_come_back_and_publishes_no_will(sink):
    async with house_of(sink) as house:
        await house.device(5, will=WILL)
        await eventually(lambda: house.memory.wills)
        await house.door.stop(0.5)
        assert house.memory.told == ["rain-1"]
        assert not sink.messages


async def test_foreign_publishes_leave_one_line_a_minute_in_the_audit_trail(house, sink):
    peer = await house.device(5)
    for number in range(1, 4):
        await peer.ask(publish(number, topic=f"ioc/v1/rainfall/other-{number}"))
    assert len(sink.letters) == 3
    await eventually(lambda: house.memory.audited)
    assert house.memory.audited == [("rain-1", "ioc/v1/rainfall/other-1")]


async def test_a_message_at_qos_0_is_written_only_after_it_is_closed(house):
    """At most once: a door that dies between its note and the write loses it, and never sends it twice."""
    peer = await lasting(house, 5)
    await tell(house, "quiet", qos=0)
    message = await peer.next()
    assert (message.payload, message.qos, message.packet_id) == (b"quiet", 0, 0)
    assert house.memory.closed["rain-1", 1] is OutboundOutcome.SENT


async def _does_a_repeat_say_so() -> bool:
    async with house_of(HeldSink()) as house:
        peer = await lasting(house, 5)
        await tell(house, "x")
        await peer.next()
        await gone(peer, house)
        return bool((await (await lasting(house, 5, subscribe=False)).next()).dup)


async def test_a_door_that_forgets_to_mark_repeats_is_caught(monkeypatch):
    """A door that forgets to mark repeats is seen."""
    assert await _does_a_repeat_say_so()
    with monkeypatch.context() as patch:
        patch.setattr("ioc.ingest.mqtt.sessions.inflight.Downlink.resume", lambda *_: None)
        assert not await _does_a_repeat_say_so()


async def test_a_session_that_another_door_took_ends_here_with_its_reason_even_when_no_wake_up_comes(house):
    peer = await lasting(house, 5)
    other = house.memory.sessions["rain-1"]
    other.connection, other.door = 1, "elsewhere"
    assert await peer.next() == Disconnect(ReasonCode.SESSION_TAKEN_OVER)
    assert await peer.hung_up()
    assert house.memory.sessions["rain-1"].door == "elsewhere"


async def test_a_door_that_was_thought_dead_takes_its_devices_back(house):
    peer = await lasting(house, 5)
    now = AnchoredLogClock().now()
    await house.memory.lose([house.memory.sessions["rain-1"].door], now)
    await eventually(lambda: house.memory.sessions["rain-1"].door is not None)
    assert await peer.ask(Pingreq()) == Pingresp()


async def test_too_many_moves_that_wait_for_the_database_close_the_entrance(house, monkeypatch):
    monkeypatch.setattr(SessionWorker, "is_full", property(lambda _: True))
    answer = await (await house.peer()).connect(5, house.key)
    assert answer.reason_code is ReasonCode.SERVER_BUSY


async def test_a_door_whose_worker_dies_says_so_and_does_not_live_on_by_half(house, monkeypatch):
    """The role ends with it, and the supervisor starts a whole one."""

    async def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SessionWorker, "work", fault)
    house.bell.ring()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(house.door.broken(), WAIT_SECONDS)
    monkeypatch.undo()
