"""Media: the pictures and papers that people attach to what they enter, and how many there may be of them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

ATTACHED_MAX = 5
"""Media of one event."""
MEDIA_ID = r"^[0-9a-f]{32}$"
_ID = re.compile(r"[0-9a-f]{32}")


class MediaType(StrEnum):
    """What a medium is stored and served as."""

    JPEG = "image/jpeg"
    """A picture: whatever it came as, it was drawn anew as this."""
    PDF = "application/pdf"
    """A paper, as it came: it is handed out to be saved, never shown inside a page."""


@dataclass(frozen=True, slots=True)
class MediaContent:
    """The bytes of a medium as they are stored, whose name is their SHA-256."""

    sha256: bytes
    type: MediaType
    content: bytes
    thumbnail: bytes | None = None
    """A small picture of it; a paper has none."""
    width: int | None = None
    height: int | None = None


def new_media_id() -> str:
    """Return an id that nobody can guess: it says nothing of the content."""
    return secrets.token_hex(16)


def is_media_id(text: object) -> bool:
    """Tell whether a value has the form of an id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None
