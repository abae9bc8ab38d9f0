"""Events between decoding and validation: what an adapter makes of a foreign body, and NDJSON its lines.

The pipeline validates, places and identifies a ready item as it does an event of the feed's own form: the same reading
is one event, whichever format it came in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ioc.domain.feed import FeedSpec
from ioc.ingest.pipeline.decoder import Refusal, items


class ReadyItem(NamedTuple):
    """One event: its members as the feed's own form has them, `id`, `time`, `lat` and `lon` among them."""

    members: dict[str, Any]
    feed: str | None = None
    """None: the body does not say. The route, the sender's key or the device's registration does."""
    device: str | None = None


class RefusedItem(NamedTuple):
    """One event of a body whose others stand: why it is none, and its bytes for the dead letter."""

    refusal: Refusal
    raw: bytes


class BodyReader(Protocol):
    """How a format is read."""

    def __call__(
        self, body: bytes, *, content_type: str, feeds: Mapping[str, FeedSpec]
    ) -> Sequence[ReadyItem | RefusedItem]:
        """Return the events of a body, in order. Pure: the same body gives the same events.

        Raises:
            DecodeError: nothing of it can be read.
        """
        ...


ReaderOf = Callable[[FeedSpec, str | None], BodyReader | None]
"""Returns what reads a body of a feed with a content type; None: it has the feed's own form."""


def own_form(feed: FeedSpec, content_type: str | None) -> None:
    """Read every body as the feed's own form."""
    del feed, content_type


def read_lines(body: bytes, *, events_max: int) -> list[ReadyItem | RefusedItem]:
    """Return one event of the feed's own form for each line of NDJSON.

    Raises:
        DecodeError: no line can be read, or there are more than ``events_max``.
    """
    found = items(body, newline_delimited=True, events_max=events_max)
    if not any(isinstance(item, Refusal) for item in found):
        return [ReadyItem(item) for item in found if not isinstance(item, Refusal)]
    lines = (line for line in body.split(b"\n") if line.strip())
    return [
        RefusedItem(item, line) if isinstance(item, Refusal) else ReadyItem(item)
        for item, line in zip(found, lines, strict=False)
    ]
