"""Topics of MQTT as values: which filter matches which name, and which two filters can mean the same name. Pure."""

from __future__ import annotations


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


def filters_overlap(one: str, other: str) -> bool:
    """Whether some topic name without `$` at its start is asked for by both filters."""
    first, second = one.split("/"), other.split("/")
    for number in range(min(len(first), len(second))):
        if "#" in (first[number], second[number]):
            return True
        if first[number] != second[number] and "+" not in (first[number], second[number]):
            return False
    longer = max(first, second, key=len)
    shortest = min(len(first), len(second))
    # `a/#` also means `a` itself, so a filter that goes on with nothing but # still overlaps.
    return len(first) == len(second) or longer[shortest:] == ["#"]
