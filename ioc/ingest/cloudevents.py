"""CloudEvents 1.0 (structured and batch) to the feed's own form.

`source` ends in `{feed}/{device}` or `type` names the feed; `id` and `time` become the reserved members, so the same
reading is one event whether it came as a CloudEvent, over MQTT or as plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ioc.domain.event import canonical
from ioc.domain.feed import FeedSpec
from ioc.ingest.decode import Refusal, UnreadableError, items

CLOUDEVENT = "application/cloudevents+json"
CLOUDEVENT_BATCH = "application/cloudevents-batch+json"
EVENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class EnvelopeItem:
    """One CloudEvent taken out of its envelope: a body as the feed's own door would get it."""

    feed: str
    device: str | None
    body: bytes


def envelope_to_items(body: bytes, *, batch: bool, feeds: Mapping[str, FeedSpec]) -> list[EnvelopeItem]:
    """Unwrap a body of CloudEvents.

    Raises:
        UnreadableError: it is no JSON, or a single event lacks what every CloudEvent has.
    """
    unwrapped = []
    for item in items(body, newline_delimited=False, events_max=EVENTS_MAX if batch else 1):
        found = item if isinstance(item, Refusal) else _unwrap(item, feeds)
        if isinstance(found, Refusal):
            if not batch:
                raise UnreadableError(found.reason, found.detail)
            # It goes on as a body that cannot be read, so that it ends as a dead letter in its place.
            found = EnvelopeItem("unknown", None, canonical(item) if isinstance(item, dict) else b"")
        unwrapped.append(found)
    return unwrapped


def _unwrap(event: dict[str, Any], feeds: Mapping[str, FeedSpec]) -> EnvelopeItem | Refusal:
    if event.get("specversion") != "1.0":
        return Refusal("not_a_cloudevent", 'specversion must be "1.0"')
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            return Refusal("not_a_cloudevent", f"{name} must be a text")
    data = event.get("data")
    if not isinstance(data, dict):
        return Refusal("not_a_cloudevent", "data must be a JSON object")
    parts = [part for part in event["source"].split("/") if part]
    device = parts[-1] if parts else None
    feed = _feed_of(event["type"], parts, feeds)
    members = {name: value for name, value in data.items() if name not in ("id", "time")}
    members["id"] = event["id"]
    if event.get("time") is not None:
        members["time"] = event["time"]
    return EnvelopeItem(feed, device, canonical(members))


def _feed_of(kind: str, source: list[str], feeds: Mapping[str, FeedSpec]) -> str:
    for feed in feeds.values():
        if kind in feed.cloudevents_types or kind == feed.id or f".{feed.id}." in f".{kind}.":
            return feed.id
    return source[-2] if len(source) > 1 else "unknown"
