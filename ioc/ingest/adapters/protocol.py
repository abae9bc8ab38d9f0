"""What an adapter is: the content types that it takes, and a pure function from a body to events of feeds."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.ingest.pipeline.ready import BodyReader


@dataclass(frozen=True, slots=True)
class Adapter:
    """One foreign format. Over HTTP a body of another content type is refused before it is read."""

    content_types: tuple[str, ...]
    read: BodyReader
