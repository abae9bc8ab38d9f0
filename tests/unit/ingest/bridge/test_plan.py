"""How the bridge reads its settings: addresses without leaks, filters, which device a topic names."""

from __future__ import annotations

import pytest

from ioc.errors import SettingsError
from ioc.ingest.bridge.link import check_paho
from ioc.ingest.bridge.plan import (
    BrokerAddress,
    parse_address,
    source_of,
    subscriptions,
    version_complaint,
)

FEEDS = ("river_level", "rainfall")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", BrokerAddress("broker", 1883, tls=False)),
        ("mqtts://broker", BrokerAddress("broker", 8883, tls=True)),
        ("mqtt://ioc:p%40ss@10.0.0.1:11883/", BrokerAddress("10.0.0.1", 11883, False, "ioc", "p@ss")),
        ("mqtts://ioc@[::1]:8884", BrokerAddress("::1", 8884, True, "ioc")),
    ],
)
def test_an_address_is_read(url: str, address: BrokerAddress):
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url", ["http://u:secret@broker", "mqtt://u:secret@", "mqtt://u:secret@b:port", "mqtt://u:secret@b/x", "secret",
            "mqtt://:secret@b", "mqtt://u:secret@b?x=1", "mqtt://u:secret@[::1"],
)  # fmt: skip
def test_a_wrong_address_is_refused_without_its_password(url: str):
    with pytest.raises(SettingsError) as raised:
        parse_address(url)
    assert "IOC_MQTT_BRIDGE_URL" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_password_never_shows():
    address = parse_address("mqtts://ioc:secret@broker")
    assert address.display_text == "mqtts://broker:8883"
    assert "secret" not in repr(address)
    assert parse_address("mqtt://ioc:x@[::1]").display_text == "mqtt://[::1]:1883"


def test_the_password_may_lie_in_a_file(tmp_path):
    (tmp_path / "password").write_text("from file\nnot this\n", encoding="utf-8")
    assert parse_address("mqtt://ioc:url@broker", password_file=tmp_path / "password").password == "from file"
    with pytest.raises(SettingsError, match="IOC_MQTT_BRIDGE_PASSWORD_FILE"):
        parse_address("mqtt://ioc@broker", password_file=tmp_path / "none")


def test_where_the_broker_can_leave_our_receipts_out_one_filter_is_enough():
    assert subscriptions(None, feeds=FEEDS, share=None, level=5) == ["ioc/v1/+/+"]


@pytest.mark.parametrize(("share", "level"), [(None, 4), ("ioc", 5), ("ioc", 4)])
def test_elsewhere_each_feed_has_its_filter_so_that_receipts_do_not_come_back(share: str | None, level: int):
    start = f"$share/{share}/" if share else ""
    expected = [f"{start}ioc/v1/rainfall/+", f"{start}ioc/v1/river_level/+"]
    assert subscriptions(None, feeds=FEEDS, share=share, level=level) == expected


def test_named_filters_are_taken_as_they_are():
    assert subscriptions(" a/+ ,b/#,", feeds=FEEDS, share=None, level=5) == ["a/+", "b/#"]


@pytest.mark.parametrize("topics", ["a/b+", "#/a", "$SYS/#", "a\0", " , ", "x" * 600])
def test_a_wrong_filter_is_refused(topics: str):
    with pytest.raises(SettingsError, match="IOC_MQTT_BRIDGE_TOPICS"):
        subscriptions(topics, feeds=FEEDS, share=None, level=5)


@pytest.mark.parametrize("share", ["", "a/b", "a+", "x" * 65])
def test_a_wrong_share_is_refused(share: str):
    with pytest.raises(SettingsError, match="IOC_MQTT_BRIDGE_SHARE"):
        subscriptions(None, feeds=FEEDS, share=share, level=5)


@pytest.mark.parametrize(
    ("topic", "source"),
    [
        ("ioc/v1/rainfall/rain-1", ("rainfall", "rain-1")),
        ("ioc/v1/rainfall/rain-1/x", None),
        ("ioc/v1/Rainfall/rain-1", None),
        ("ioc/v2/rainfall/rain-1", None),
        ("ioc/v1/rainfall/", None),
        ("ioc/v1/rainfall/rain-1\n", None),
    ],
)
def test_a_topic_names_feed_and_device_or_is_foreign(topic: str, source: tuple[str, str] | None):
    assert source_of(topic) == source


@pytest.mark.parametrize(
    ("text", "old"),
    [
        ("mosquitto version 2.0.21", True),
        ("mosquitto version 1.6.9", True),
        ("mosquitto version 2.0.22", False),
        ("mosquitto version 2.1.0", False),
        ("5.8.1", False),
        ("", False),
    ],
)
def test_an_old_mosquitto_is_named(text: str, *, old: bool):
    assert (version_complaint(text) is not None) is old


def test_an_old_paho_is_refused():
    check_paho("2.2.0")
    check_paho("3.0")
    with pytest.raises(SettingsError, match=r"2\.1\.0"):
        check_paho("2.1.0")
