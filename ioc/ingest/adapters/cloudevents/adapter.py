"""CloudEvents 1.0, structured and batch, as events of our feeds.

`type` names the feed, or `source` does, which ends in `{feed}/{device}`. `id` and `time` become the reserved members,
so that a reading is one event whether it came as a CloudEvent, over MQTT or as plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.event import canonical
from ioc.domain.feed import FeedSpec
from ioc.ingest.adapters.protocol import Adapter
from ioc.ingest.pipeline.decoder import DecodeError, Refusal, items
from ioc.ingest.pipeline.ready import ReadyItem, RefusedItem

EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
EVENTS_MAX = 1_000


def read(body: bytes, *, content_type: str, feeds: Mapping[str, FeedSpec]) -> list[ReadyItem | RefusedItem]:
    """Return the events of a body: one, or of a batch each in its place.

    Raises:
        DecodeError: it is no JSON, or a single event lacks what every CloudEvent has.
    """
    is_batch = content_type == BATCH
    found: list[ReadyItem | RefusedItem] = []
    for item in items(body, newline_delimited=False, events_max=EVENTS_MAX if is_batch else 1):
        event = item if isinstance(item, Refusal) else _event(item, feeds)
        if isinstance(event, ReadyItem):
            found.append(event)
        elif is_batch:
            found.append(RefusedItem(event, canonical(item) if isinstance(item, dict) else b""))
        else:
            raise DecodeError(event.reason, event.detail)
    return found


def _event(envelope: dict[str, Any], feeds: Mapping[str, FeedSpec]) -> ReadyItem | Refusal:
    if envelope.get("specversion") != "1.0":
        return Refusal("not_a_cloudevent", 'specversion must be "1.0"')
    for name in ("id", "source", "type"):
        if not isinstance(envelope.get(name), str) or not envelope[name]:
            return Refusal("not_a_cloudevent", f"{name} must be a text")
    data = envelope.get("data")
    if not isinstance(data, dict):
        return Refusal("not_a_cloudevent", "data must be a JSON object")
    source = [part for part in envelope["source"].split("/") if part]
    members = {name: value for name, value in data.items() if name not in ("id", "time")}
    members["id"] = envelope["id"]
    if envelope.get("time") is not None:
        members["time"] = envelope["time"]
    return ReadyItem(members, _feed(envelope["type"], source, feeds), source[-1] if source else None)


def _feed(kind: str, source: list[str], feeds: Mapping[str, FeedSpec]) -> str | None:
    for feed in feeds.values():
        if kind in feed.cloudevents_types or kind == feed.id or f".{feed.id}." in f".{kind}.":
            return feed.id
    return source[-2] if len(source) > 1 else None


CLOUDEVENTS = Adapter(content_types=(EVENT, BATCH), read=read)
