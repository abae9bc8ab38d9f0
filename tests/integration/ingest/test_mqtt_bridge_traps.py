"""The traps of paho and of brokers, one by one: what the bridge does, and beside it what happens without.

Each control is plain paho, or the bridge with one line taken away, on the same broker: it must fall into the trap.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ioc.domain.batch import BatchToken
from ioc.domain.event import DeadLetter, Message, Receipt
from ioc.ingest.bridge.link import BrokerLink, _Acknowledge
from ioc.ingest.bridge.session import BrokerSession
from tests.integration.ingest.broker import (
    PROGRAM,
    WAIT_SECONDS,
    Mosquitto,
    bridge_to,
    devices_of,
    mosquitto,
    plan_of,
    until,
)
from tests.integration.ingest.mqtt_house import TOPIC, HeldSink

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed")
ROOMY = ("max_queued_messages 0", "max_inflight_messages 0")


class OneByOneSink(HeldSink):
    """Commits one batch for each permit."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = asyncio.Semaphore(0)

    async def append(
        self, batch: Sequence[Message | DeadLetter], now: datetime, *, token: BatchToken | None = None
    ) -> list[Receipt]:
        self.calls += 1
        await self.permits.acquire()
        self.calls -= 1
        return await super().append(batch, now, token=token)


class WithoutEpochs(BrokerLink):
    """The mutant: it acknowledges by packet id alone, as a client does that keeps a message and not its connection."""

    def _acknowledge(self, session: BrokerSession, order: _Acknowledge) -> None:
        session.acknowledge(order.packet_ids)


@pytest.mark.parametrize("link_of", [BrokerLink, WithoutEpochs])
async def test_an_acknowledgement_from_before_a_reconnect_does_not_delete_another_message(link_of: type[BrokerLink]):
    """The broker forgets our session while A waits for its commit; B then has the packet id that A had."""
    sink = OneByOneSink()
    with mosquitto(*ROOMY) as broker:
        async with bridge_to(plan_of(broker), sink, link_of=link_of) as bridge:
            with devices_of(broker) as devices:
                devices.publish(1)
                await until(lambda: sink.calls, "A waits for its commit")
            broker.end(signal.SIGKILL)
            broker.forget()
            await until(lambda: not bridge.connected, "away")
            broker.start()
            await bridge.wait_connected()
            with devices_of(broker) as devices:
                devices.publish(2)
                await until(lambda: len(bridge.uplink) == 2, "B waits behind it")
                sink.permits.release()
                await until(lambda: sink.messages, "A is committed")
                if link_of is BrokerLink:
                    await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="stale") == 1, "dropped")
                await asyncio.sleep(0.1)  # what was ordered goes out
        # The process has ended before B was committed. Does the broker still have it?
        async with bridge_to(plan_of(broker), later := HeldSink()):
            with contextlib.suppress(AssertionError):
                await until(lambda: later.messages, "B", 2.0 if link_of is BrokerLink else 0.7)
        found = {message.id for message in [*sink.messages, *later.messages]}
        assert found == ({"1", "2"} if link_of is BrokerLink else {"1"}), "the mutant must lose B"


class Plain:
    """A plain paho subscriber as in its examples, with a persistent session."""

    def __init__(self, broker: Mosquitto, *, qos: int = 1, manual_ack: bool = True, level: int = 4) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self.subscribed = threading.Event()
        self.session_present: list[bool] = []
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="plain", manual_ack=manual_ack, protocol=MQTTProtocolVersion(level),
            clean_session=False if level == 4 else None,
        )  # fmt: skip
        self.qos = qos
        self.port = broker.port
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self.on_message

    def _on_connect(self, client: paho.Client, _: Any, flags: paho.ConnectFlags, *__: Any) -> None:
        self.session_present.append(flags.session_present)
        client.subscribe(TOPIC, qos=self.qos)

    def on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        self.messages.append(message)

    @contextlib.contextmanager
    def running(self, **connect: Any) -> Iterator[Plain]:
        """Connect and stay; at the end drop the connection as a killed process does."""
        self.client.connect("127.0.0.1", self.port, **connect)
        self.client.loop_start()
        assert self.subscribed.wait(WAIT_SECONDS)
        try:
            yield self
        finally:
            self.client._thread_terminate = True
            if self.client._thread is not None:
                self.client._thread.join(WAIT_SECONDS)
            self.client._sock_close()


async def test_qos_2_messages_come_at_qos_1_and_outlive_a_kill():
    sink = OneByOneSink()
    with mosquitto(*ROOMY) as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink) as bridge:
            devices.publish(*range(5), qos=2)
            await until(lambda: len(bridge.uplink) == 5, "all taken, none committed")
        async with bridge_to(plan_of(broker), later := HeldSink()):
            await until(lambda: len(later.messages) == 5, "all handed over again")


async def test_control_a_qos_2_subscription_loses_what_paho_had_taken():
    with mosquitto(*ROOMY) as broker, devices_of(broker) as devices:
        with Plain(broker, qos=2).running() as first:
            devices.publish(*range(5), qos=2)
            await until(lambda: len(first.messages) == 5, "taken, and none of it acknowledged by us")
        with Plain(broker, qos=2).running() as second:
            await asyncio.sleep(0.5)
            assert second.messages == [], "five of five are gone"


async def test_a_batch_larger_than_the_window_does_not_stall():
    sink = HeldSink()
    with mosquitto("max_inflight_messages 5", "max_queued_messages 0") as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink, batch_rows=1_000):
            devices.publish(*range(200))
            await until(lambda: len(sink.messages) == 200, "all, five at a time")


async def test_control_waiting_for_a_full_batch_stalls_at_the_window():
    with mosquitto("max_queued_messages 0") as broker, devices_of(broker) as devices, Plain(broker).running() as plain:
        devices.publish(*range(200))
        await until(lambda: len(plain.messages) == 20, "the default window")
        await asyncio.sleep(0.5)
        assert len(plain.messages) == 20, "who waits for the 21st before the first acknowledgement waits for ever"


async def test_a_failing_callback_never_acknowledges(monkeypatch: pytest.MonkeyPatch):
    class Failing(BrokerSession):
        def _told_by_broker(self, topic: str, payload: bytes) -> None:
            del topic, payload

        def _read(self) -> bool:
            self._client.on_message = self._fail
            return super()._read()

        def _fail(self, *_: Any) -> None:
            raise ValueError("the handler failed")

    sink = HeldSink()
    with mosquitto("sys_interval 0") as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink):
            pass
        devices.publish(1)
        with monkeypatch.context() as patched:
            patched.setattr("ioc.ingest.bridge.link.BrokerSession", Failing)
            patched.setattr(threading, "excepthook", lambda _: None)
            async with bridge_to(plan_of(broker), sink, connect=False) as bridge:
                await until(lambda: not bridge.link._thread.is_alive(), "the thread has ended")
                assert bridge.metric("ioc_bridge_acks_total", outcome="sent") == 0
        async with bridge_to(plan_of(broker), sink):
            await until(lambda: sink.messages, "handed over again")


async def test_control_suppressed_exceptions_acknowledge_what_failed():
    class Failing(Plain):
        def on_message(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
            super().on_message(client, userdata, message)
            raise ValueError("the handler failed")

    with mosquitto() as broker, devices_of(broker) as devices:
        plain = Failing(broker, manual_ack=False)
        plain.client.suppress_exceptions = True
        with plain.running():
            devices.publish(1)
            await until(lambda: plain.messages, "it failed")
            await asyncio.sleep(0.1)
        with Plain(broker).running() as later:
            await asyncio.sleep(0.5)
            assert later.messages == [], "acknowledged, and gone"


async def test_a_session_of_mqtt_5_outlives_its_connection_because_it_has_an_expiry():
    sink = HeldSink()
    with mosquitto() as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink):
            pass
        devices.publish(1)
        async with bridge_to(replace(plan_of(broker), session_known=True), sink) as bridge:
            await until(lambda: sink.messages, "what came meanwhile")
            assert bridge.metric("ioc_bridge_sessions_lost_total") == 0


async def test_control_clean_start_false_without_an_expiry_is_no_session():
    with mosquitto() as broker, devices_of(broker) as devices:
        with Plain(broker, level=5).running(clean_start=False):
            pass
        devices.publish(1)
        with Plain(broker, level=5).running(clean_start=False) as second:
            await asyncio.sleep(0.3)
            assert (second.session_present, second.messages) == ([False], [])
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 60
        with Plain(broker, level=5).running(clean_start=False, properties=kept):
            pass
        with Plain(broker, level=5).running(clean_start=False, properties=kept) as fourth:
            assert fourth.session_present == [True]


async def test_a_resumed_session_speaks_before_any_suback():
    """A handler set after the subscription would miss it; ours is set before the connection is made."""
    order: list[str] = []

    class Watched(BrokerSession):
        def _on_message(self, *given: Any) -> None:
            order.append("message")
            super()._on_message(*given)

        def _on_subscribe(self, *given: Any) -> None:
            order.append("suback")
            super()._on_subscribe(*given)

    sink = HeldSink()
    with mosquitto("sys_interval 0") as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink):
            pass
        devices.publish(1)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("ioc.ingest.bridge.link.BrokerSession", Watched)
            async with bridge_to(plan_of(broker), sink):
                await until(lambda: sink.messages, "what waited")
    assert order[0] == "message"
    assert "suback" in order


async def test_a_broker_that_restarts_and_keeps_its_sessions_hands_over_again_and_nothing_is_stored_twice():
    sink = OneByOneSink()
    with mosquitto(*ROOMY) as broker:
        async with bridge_to(plan_of(broker), sink) as bridge:
            with devices_of(broker) as devices:
                devices.publish(1, 2)
                devices.publish(0, body=b'{"rain_mm": 3}')
                await until(lambda: len(bridge.uplink) == 3, "taken")
            broker.end(signal.SIGTERM)
            await until(lambda: not bridge.connected, "away")
            broker.start()
            await bridge.wait_connected()
            assert bridge.metric("ioc_bridge_sessions_lost_total") == 0
            await until(lambda: len(bridge.uplink) == 6, "handed over again")
            for _ in range(6):
                sink.permits.release()
            await until(lambda: not len(bridge.uplink), "committed")
            # The link's own thread sees them a moment after the commit.
            await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="stale") == 3, "dropped")
            keys = [message.key for message in sink.messages]
            assert (len(keys), len(set(keys))) == (6, 3), "one identity each, also without id and time"
