"""The bridge against a real mosquitto: what the broker hands over is committed before it is acknowledged."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ioc.errors import ServiceUnreachableError, SettingsError
from ioc.ingest.bridge.link import BrokerLink, tls_context
from ioc.ingest.bridge.plan import BrokerAddress
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from tests.databases import free_port
from tests.integration.ingest.broker import (
    PROGRAM,
    bridge_to,
    certificate,
    devices_of,
    mosquitto,
    password_file,
    plan_of,
    publish_over_tls,
    reading,
    until,
    version,
)
from tests.integration.ingest.mqtt_house import HeldSink

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed")
LEVELS = pytest.mark.parametrize("level", [4, 5])


def ids(sink: HeldSink) -> set[str | None]:
    return {message.id for message in sink.messages}


@LEVELS
async def test_what_devices_publish_is_stored_and_then_acknowledged(level: int):
    sink = HeldSink(held=True)
    with mosquitto() as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker, level=level), sink) as bridge:
            devices.publish(1, 2, 3)
            await until(lambda: sink.calls, "the first batch")
            assert bridge.metric("ioc_bridge_acks_total", outcome="sent") == 0
            sink.open.set()
            await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="sent") == 3, "acknowledged")
            assert ids(sink) == {"1", "2", "3"}
            assert {(one.door, one.feed, one.device) for one in sink.messages} == {
                ("mqtt_bridge", "rainfall", "rain-1")
            }
            assert bridge.metric("ioc_bridge_connected") == 1
        async with bridge_to(plan_of(broker, level=level), again := HeldSink()):
            devices.publish(4)
            await until(lambda: again.messages, "the next one")
            assert ids(again) == {"4"}, "what was acknowledged does not come again"


async def test_events_reach_the_real_log_once(database_dsn: str):
    database = Database(database_dsn, name="test")
    await database.open()
    try:
        with mosquitto() as broker, devices_of(broker) as devices:
            async with bridge_to(plan_of(broker), EventLog(database)) as bridge:
                devices.publish(*range(50), *range(50))
                await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="sent") == 100, "acknowledged")
                labels = {"feed": "rainfall", "door": "mqtt_bridge"}
                assert bridge.metric("ioc_ingest_events_total", **labels, outcome="stored") == 50
                assert bridge.metric("ioc_ingest_events_total", **labels, outcome="duplicate") == 50
    finally:
        await database.close()


@LEVELS
async def test_what_queued_while_no_bridge_ran_comes_first_and_before_any_suback_of_the_next(level: int):
    sink = HeldSink()
    with mosquitto("max_queued_messages 0") as broker, devices_of(broker) as devices:
        plan = plan_of(broker, level=level)
        async with bridge_to(plan, sink):
            pass
        devices.publish(*range(500))
        async with bridge_to(replace(plan, session_known=True), sink) as bridge:
            await until(lambda: len(sink.messages) == 500, "all that queued")
            assert bridge.metric("ioc_bridge_sessions_lost_total") == 0
            assert [one.id for one in sink.messages] == [str(number) for number in range(500)]


async def test_unregistered_devices_and_foreign_topics_are_dead_letters_and_acknowledged():
    sink = HeldSink()
    with mosquitto() as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker, filters=["#"]), sink) as bridge:
            devices.publish(1, topic="ioc/v1/rainfall/stranger")
            devices.publish(2, topic="zigbee2mqtt/kitchen")
            devices.publish(3, topic="ioc/v1/no_such_feed/rain-1")
            devices.publish(4, body=b"no json")
            devices.publish(5)
            await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="sent") == 5, "acknowledged")
            assert sorted(letter.reason for letter in sink.letters) == [
                "foreign_topic", "not_json", "unknown_device", "unknown_feed",
            ]  # fmt: skip
            assert ids(sink) == {"5"}
            samples = {
                sample.labels["feed"]
                for metric in bridge.metrics.registry.collect()
                for sample in metric.samples
                if "feed" in sample.labels
            }
            assert samples == {"rainfall", "unknown"}, "a topic's words do not become labels"


async def test_a_body_beyond_the_bound_is_a_dead_letter_not_an_endless_loop():
    sink = HeldSink()
    with mosquitto() as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink, body_bytes_max=1_000) as bridge:
            devices.publish(1, body=b"x" * 5_000)
            devices.publish(2)
            await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="sent") == 2, "acknowledged")
            (letter,) = sink.letters
            assert (letter.reason, len(letter.raw), letter.raw_bytes) == ("too_large", 4_096, 5_000)


async def test_retained_copies_come_with_a_new_session_only_and_count_only_with_a_time():
    sink = HeldSink()
    with mosquitto() as broker, devices_of(broker) as devices:
        devices.publish(1, retain=True)
        devices.publish(2, retain=True, topic="ioc/v1/rainfall/rain-2", body=b'{"id":"2","rain_mm":9}')
        async with bridge_to(plan_of(broker), sink) as bridge:
            await until(lambda: bridge.metric("ioc_bridge_acks_total", outcome="sent") == 2, "both")
        assert ids(sink) == {"1"}
        assert [letter.reason for letter in sink.letters] == ["retained_without_time"]
        async with bridge_to(plan_of(broker), sink) as bridge:
            devices.publish(3, retain=True)
            await until(lambda: "3" in ids(sink), "a fresh one, retained or not")
            assert len(sink.items) == 3, "the session was there: the broker does not send its copies again"


async def test_receipts_reach_the_device_through_the_broker_and_do_not_come_back():
    sink = HeldSink()
    with mosquitto() as broker, devices_of(broker) as devices, devices_of(broker, name="rain-1") as own:
        own.client.subscribe("ioc/v1/receipts/rain-1", qos=1)
        async with bridge_to(plan_of(broker), sink, receipts=True) as bridge:
            devices.publish(*range(100))
            devices.publish(0, body=b'{"id":"bad","rain_mm":"wet"}')
            await until(lambda: len(own.received) == 101, "every receipt")
            told = [json.loads(message.payload) for message in own.received]
            assert {one["id"] for one in told if one["status"] == "stored"} == {str(number) for number in range(100)}
            assert [one["id"] for one in told if one["status"] == "refused"] == ["bad"]
            await until(lambda: bridge.metric("ioc_bridge_receipts_total", outcome="sent") == 101, "their PUBACKs")
            assert bridge.metric("ioc_bridge_echoes_total") == 0


async def test_with_mqtt_3_1_1_receipts_that_come_back_are_acknowledged_and_dropped():
    sink = HeldSink()
    with mosquitto() as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker, level=4, filters=["ioc/v1/#"]), sink, receipts=True) as bridge:
            devices.publish(1, 2)
            await until(lambda: bridge.metric("ioc_bridge_echoes_total") == 2, "both came back")
            assert len(sink.items) == 2


async def test_two_bridges_share_the_load_and_each_comes_back_to_its_own_part():
    """mosquitto gives what one has not acknowledged to nobody else, so each needs its session and its client id."""
    one, two, back = HeldSink(), HeldSink(held=True), HeldSink()
    with mosquitto("max_queued_messages 0") as broker, devices_of(broker) as devices:
        shared: dict[str, Any] = {"filters": ["$share/ioc/ioc/v1/rainfall/+"], "shared": True}
        async with bridge_to(plan_of(broker, client_id="one", **shared), one):
            async with bridge_to(plan_of(broker, client_id="two", **shared), two):
                devices.publish(*range(100))
                await until(lambda: two.calls and one.messages, "both get some")
            assert len(ids(one)) < 100
            async with bridge_to(plan_of(broker, client_id="two", **shared), back):
                await until(lambda: len(ids(one) | ids(back)) == 100, "all of it")
                assert not ids(one) & ids(back)


async def test_a_pipeline_that_cannot_commit_lets_the_broker_wait_and_the_window_bounds_what_we_hold():
    sink = HeldSink(held=True)
    with mosquitto("max_queued_messages 0", "max_inflight_messages 0") as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker, inflight_max=50), sink, batch_rows=10, queue_rows_max=20) as bridge:
            devices.publish(*range(300))
            await until(lambda: len(bridge.inbox) + len(bridge.uplink) == 50, "the window is full")
            await asyncio.sleep(0.3)
            assert len(bridge.inbox) + len(bridge.uplink) == 50
            assert bridge.metric("ioc_bridge_acks_total", outcome="sent") == 0
            sink.open.set()
            await until(lambda: len(sink.messages) == 300, "all of it")
            assert bridge.metric("ioc_ingest_full_total", door="mqtt_bridge") == 0


async def test_a_broker_that_hands_over_more_than_the_inbox_holds_hands_the_rest_over_again():
    sink = HeldSink(held=True)
    with mosquitto("max_queued_messages 0", "max_inflight_messages 0") as broker, devices_of(broker) as devices:
        async with bridge_to(plan_of(broker), sink, queue_rows_max=10, inbox_max=20) as bridge:
            devices.publish(*range(200))
            await until(lambda: bridge.inbox.refused, "the inbox is full")
            sink.open.set()
            await until(lambda: len(ids(sink)) == 200, "all of it, over several connections")
            assert bridge.metric("ioc_ingest_full_total", door="mqtt_bridge") > 0
            assert bridge.metric("ioc_bridge_connects_total", outcome="connected") > 1


async def test_a_broker_that_is_away_at_the_start_and_then_frozen_is_found_again():
    sink = HeldSink()
    port = free_port()
    with mosquitto(port=port) as broker:
        broker.end()
        plan = plan_of(broker, keepalive_seconds=2)
        async with bridge_to(plan, sink, connect=False) as bridge:
            await until(lambda: bridge.metric("ioc_bridge_connects_total", outcome="failed") >= 2, "tries")
            broker.start()
            await bridge.wait_connected()
            broker.freeze()
            await until(lambda: not bridge.connected, "its silence is noticed", 15.0)
            broker.thaw()
            await bridge.wait_connected()
            with devices_of(broker) as devices:
                devices.publish(1)
                await until(lambda: sink.messages, "a reading")


async def test_a_password_is_used_and_an_access_list_that_denies_is_said(capfd: pytest.CaptureFixture[str]):
    with mosquitto() as plain:
        passwords = password_file(plain.folder / "passwords", "ioc", "secret")
        (acl := plain.folder / "acl").write_text("user ioc\ntopic read ioc/v1/#\n", encoding="utf-8")
        port = free_port()
        listener = f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nacl_file {acl}"
        with mosquitto(port=port, listener=listener) as broker:
            wrong = plan_of(broker, address=BrokerAddress("127.0.0.1", port, False, "ioc", "wrong-secret"))
            async with bridge_to(wrong, HeldSink(), connect=False) as bridge:
                await until(lambda: bridge.metric("ioc_bridge_connects_total", outcome="failed"), "refused")
                assert not bridge.connected
            right = replace(wrong, address=replace(wrong.address, password="secret"))
            async with bridge_to(right, HeldSink()):
                pass
    assert "wrong-secret" not in "".join(capfd.readouterr())


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves a failed TLS socket to the GC
async def test_over_tls_the_broker_must_show_a_certificate_that_we_trust(tmp_path: Path):
    key, cert = certificate(tmp_path)
    port = free_port()
    listener = f"listener {port} 127.0.0.1\nallow_anonymous true\ncertfile {cert}\nkeyfile {key}"
    sink = HeldSink()
    with mosquitto(port=port, listener=listener) as broker:
        plan = plan_of(broker, address=BrokerAddress("127.0.0.1", port, tls=True))
        assert tls_context(plan).minimum_version == ssl.TLSVersion.TLSv1_2
        async with bridge_to(plan, sink, connect=False) as bridge:
            await until(lambda: bridge.metric("ioc_bridge_connects_total", outcome="failed"), "not trusted")
        async with bridge_to(replace(plan, ca_file=cert), sink):
            publish_over_tls(port, cert, reading(1))
            await until(lambda: sink.messages, "a reading over TLS")
        with pytest.raises(SettingsError, match="IOC_MQTT_BRIDGE_CA_FILE"):
            tls_context(replace(plan, ca_file=tmp_path / "none"))


async def test_two_bridges_with_one_client_id_are_told(capfd: pytest.CaptureFixture[str]):
    with mosquitto() as broker:
        async with bridge_to(plan_of(broker), HeldSink()), bridge_to(plan_of(broker), HeldSink()):
            await until(lambda: "bridge_taken_over" in "".join(capfd.readouterr()), "the hint")


async def test_what_the_broker_drops_and_how_old_it_is_is_shown(capfd: pytest.CaptureFixture[str]):
    with mosquitto("max_queued_messages 10") as broker, devices_of(broker) as devices:
        sleeper = plan_of(broker, client_id="sleeper")
        async with bridge_to(sleeper, HeldSink()):
            pass
        devices.publish(*range(100))
        async with bridge_to(plan_of(broker), HeldSink()) as bridge:
            await until(lambda: bridge.metric("ioc_bridge_broker_dropped") >= 90, "the broker's own count")
    if version() == "mosquitto version 2.0.21":
        assert "older than 2.0.22" in "".join(capfd.readouterr())


async def test_mqtt_5_content_types_are_kept():
    sink = HeldSink()
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "application/x-thing"
    with mosquitto() as broker, devices_of(broker, level=5) as devices:
        async with bridge_to(plan_of(broker), sink):
            devices.publish(1, body=b"no json", properties=properties)
            await until(lambda: sink.letters, "the letter")
            assert sink.letters[0].content_type == "application/x-thing"


async def test_a_failure_in_a_callback_ends_the_role():
    """It must never pass for a quiet broker, and the role's end names it however early it comes."""

    class Failing(BrokerLink):
        def _connected(self) -> None:
            raise ValueError("a callback failed")

    with mosquitto() as broker:
        async with bridge_to(plan_of(broker), HeldSink(), connect=False, link_of=Failing) as bridge:
            with pytest.raises(ServiceUnreachableError, match="a callback failed"):
                await asyncio.wait_for(bridge.running, 10.0)


async def test_a_thread_that_hangs_is_noticed():
    with mosquitto() as broker:
        async with bridge_to(plan_of(broker), HeldSink()) as bridge:
            bridge.link.check()
            bridge.link._due = 0.0
            bridge.link._expect = lambda _: None  # type: ignore[assignment,method-assign] # the thread shows no sign
            with pytest.raises(ServiceUnreachableError, match="hangs"):
                await asyncio.wait_for(bridge.running, 10.0)


async def test_ending_the_broker_hard_and_losing_its_sessions_is_counted_and_healed():
    sink = HeldSink()
    with mosquitto() as broker:
        async with bridge_to(plan_of(broker), sink) as bridge:
            broker.end(signal.SIGKILL)
            broker.forget()
            await until(lambda: not bridge.connected, "away")
            broker.start()
            await bridge.wait_connected()
            assert bridge.metric("ioc_bridge_sessions_lost_total") == 1
            with devices_of(broker) as devices:
                devices.publish(1)
                await until(lambda: sink.messages, "subscribed again")
