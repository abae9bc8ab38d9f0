"""Topic names and topic filters (section 4.7): which are allowed, and which filter matches which name."""

from __future__ import annotations

from ioc.ingest.mqtt.reasons import ProtocolViolation, ReasonCode

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


def topic_matches(topic_filter: str, topic: str) -> bool:
    """Whether a message under the name `topic` is asked for by `topic_filter`; both are valid already.

    A wildcard in the first level never matches a topic that begins with `$`. A shared filter is split before.
    """
    if topic_filter == topic:
        return True
    if topic.startswith("$") and topic_filter[:1] in {"+", "#"}:
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()  # what stands before # may also be the whole name: sport/# matches sport
        if len(levels) < len(wanted):
            return False
    elif len(levels) != len(wanted):
        return False
    return all(want in ("+", level) for want, level in zip(wanted, levels, strict=False))
