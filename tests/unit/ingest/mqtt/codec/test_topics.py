"""Topic filters and names (section 4.7 of MQTT 5): the standard's own examples and the edges around them."""

from __future__ import annotations

import pytest

from ioc.domain.messaging.topic import topic_matches
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation
from ioc.ingest.mqtt.codec.topics import check_topic_filter, check_topic_name, split_shared


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1"),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking"),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"),
        ("sport/#", "sport"),
        ("#", "a/b/c"),
        ("#", "/"),
        ("sport/tennis/+", "sport/tennis/player1"),
        ("sport/+", "sport/"),
        ("+/+", "/finance"),
        ("/+", "/finance"),
        ("+", "finance"),
        ("$SYS/#", "$SYS/broker"),
        ("$SYS/monitor/+", "$SYS/monitor/Clients"),
        ("a/+/#", "a/b"),
        ("+//+", "a//b"),
        ("ioc/v1/+/Đà-Bắc", "ioc/v1/air_quality/Đà-Bắc"),
    ],
)
def test_a_filter_matches(topic_filter, topic):
    assert topic_matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("sport/tennis/+", "sport/tennis/player1/ranking"),
        ("sport/+", "sport"),
        ("+", "/finance"),
        ("#", "$SYS/broker"),
        ("+/monitor/Clients", "$SYS/monitor/Clients"),
        ("+", "$SYS"),
        ("a/+/#", "a"),
        ("a/#", "ab"),
        ("a/b", "a/B"),
        ("a/b", "a/b/"),
        ("/a", "a"),
        ("a", "a/b"),
        ("$SYS/#", "$SYSTEM"),
    ],
)
def test_a_filter_does_not_match(topic_filter, topic):
    assert not topic_matches(topic_filter, topic)


@pytest.mark.parametrize("topic_filter", ["#", "+", "a/#", "+/a/#", "/", "a//b", " ", "$share", "+/+/#"])
def test_a_filter_is_allowed(topic_filter):
    assert check_topic_filter(topic_filter) == topic_filter


@pytest.mark.parametrize("topic_filter", ["", "a#", "#/a", "a/#/b", "a+", "+a", "a/b+/c", "##", "++", "a/#+"])
def test_a_filter_is_refused(topic_filter):
    with pytest.raises(ProtocolViolation):
        check_topic_filter(topic_filter)


@pytest.mark.parametrize("topic", ["", "+", "#", "a/#", "a+b"])
def test_a_name_is_refused(topic):
    with pytest.raises(ProtocolViolation):
        check_topic_name(topic)


def test_a_shared_filter_is_split_into_its_name_and_what_it_asks_for():
    assert split_shared("$share/doors/ioc/+/#") == ("doors", "ioc/+/#")
    assert split_shared("$share/doors//a") == ("doors", "/a")
    assert split_shared("ioc/#") == (None, "ioc/#")


@pytest.mark.parametrize("topic_filter", ["$share/", "$share/a", "$share/a/", "$share//a", "$share/+/a"])
def test_a_shared_filter_lacking_a_part_is_refused(topic_filter):
    with pytest.raises(ProtocolViolation):
        split_shared(topic_filter)
