"""Every adapter by its name, as `POST /api/v1/adapters/{adapter}` and a feed's `adapter` have it."""

from __future__ import annotations

from collections.abc import Mapping

from ioc.domain.feed import FeedSpec
from ioc.ingest.adapters.cloudevents.adapter import CLOUDEVENTS
from ioc.ingest.adapters.protocol import Adapter
from ioc.ingest.pipeline.ready import BodyReader

ADAPTERS: Mapping[str, Adapter] = {
    "cloudevents": CLOUDEVENTS,
}
JSON = "application/json"
"""Names no format by itself."""
BY_CONTENT_TYPE: Mapping[str, BodyReader] = {
    kind: adapter.read for adapter in ADAPTERS.values() for kind in adapter.content_types if kind != JSON
}


def reader_of(feed: FeedSpec, content_type: str | None) -> BodyReader | None:
    """Return what reads a body of a feed: its adapter, or that of a content type that names its format."""
    if feed.adapter is not None:
        return ADAPTERS[feed.adapter].read
    return BY_CONTENT_TYPE.get(content_type.partition(";")[0].strip().lower()) if content_type else None


def unknown_adapters(feeds: Mapping[str, FeedSpec]) -> list[tuple[str, str]]:
    """Return the feeds whose adapter is none of ours, with its name."""
    return [(feed.id, feed.adapter) for feed in feeds.values() if feed.adapter and feed.adapter not in ADAPTERS]
