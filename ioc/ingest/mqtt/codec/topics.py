"""Topic names and topic filters (section 4.7): which are allowed. `ioc.domain.messaging.topic` matches them."""

from __future__ import annotations

from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode

SHARED_PREFIX = "$share/"


def check_topic_name(topic: str) -> str:
    """`topic` itself, when a message may be published under it: not empty, no wildcard."""
    if not topic:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a topic name is empty")
    if "+" in topic or "#" in topic:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a topic name holds a wildcard")
    return topic


def check_topic_filter(topic_filter: str) -> str:
    """`topic_filter` itself, when every wildcard in it fills a whole level and `#` only the last."""
    if not topic_filter:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a topic filter is empty")
    if "#" not in topic_filter and "+" not in topic_filter:
        return topic_filter
    levels = topic_filter.split("/")
    if "#" in levels[:-1]:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "# stands before the last level of a topic filter")
    for level in levels:
        if level not in {"+", "#"} and ("+" in level or "#" in level):
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a wildcard shares a level of a topic filter")
    return topic_filter


def split_shared(topic_filter: str) -> tuple[str | None, str]:
    """The share name and the filter of an MQTT 5 `$share/{name}/{filter}`; (None, the filter) for any other."""
    if not topic_filter.startswith(SHARED_PREFIX):
        return None, topic_filter
    name, slash, rest = topic_filter[len(SHARED_PREFIX) :].partition("/")
    if not name or not slash or not rest or "+" in name or "#" in name:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a shared subscription lacks its name or its filter")
    return name, rest
