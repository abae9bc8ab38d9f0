"""Letting in what a door refused, once its cause is mended: which dead letters, and with which remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

DOOR = "release"
"""The door of what a person let in afterwards."""
NAMES_MAX = 20
"""Members that one remedy may rename."""


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """Dead letters of one cause: a feed, a reason, a field; of one source or one letter alone where that is named."""

    feed: str | None
    reason: str
    field: str | None = None
    device: str | None = None
    letter: int | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What is changed of each body before it is read again: the member ``names[old]`` takes the place of ``old``.

    None: the member is left out.
    """

    names: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter as it was kept; ``raw_bytes`` is how many bytes came."""

    id: int
    received_at: datetime
    feed: str | None
    device: str | None
    topic: str | None
    content_type: str | None
    reason: str
    raw: bytes
    raw_bytes: int
