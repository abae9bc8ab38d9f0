"""People and keys: who may do what, and where."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LETTERS = 30
CHECK_LETTERS = 6


class Role(StrEnum):
    """What a person may do."""

    ADMIN = "admin"
    """Quản trị hệ thống: everything, users and keys too."""
    OPERATOR = "operator"
    """Trực ban: sees and handles alerts."""
    VIEWER = "viewer"
    """Người xem: sees."""


class KeyKind(StrEnum):
    """What a machine may do."""

    DEVICE = "device"
    """Publish as one device."""
    FEED = "feed"
    """Send events of one feed, for any of its devices."""
    DISTRICT = "district"
    """Read events and follow changes of an area."""
    METRICS = "metrics"
    """Scrape /metrics."""
    DISPLAY = "display"
    """Show a wall: read-only, masked, bound to an area."""


KEY_PATTERN = re.compile(r"ioc_(device|feed|district|metrics|display)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})")


def checksum(text: str) -> str:
    """Return six base62 letters of CRC-32 (the form GitHub published), so a typo is refused without the database."""
    value = zlib.crc32(text.encode())
    letters = []
    for _ in range(CHECK_LETTERS):
        value, digit = divmod(value, 62)
        letters.append(BASE62[digit])
    return "".join(reversed(letters))


def new_key(kind: KeyKind) -> str:
    """Return a new secret `ioc_<kind>_<30 base62><6 base62 of CRC-32>` (178 bits)."""
    secret = "".join(secrets.choice(BASE62) for _ in range(SECRET_LETTERS))
    return f"ioc_{kind}_{secret}{checksum(f'{kind}_{secret}')}"


def parse_key(text: str) -> KeyKind | None:
    """Return the kind of a well-formed key with a right checksum, else None."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None or checksum(f"{match[1]}_{match[2]}") != match[3]:
        return None
    return KeyKind(match[1])


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person with a session or a machine with a key. ``areas`` null means every area."""

    name: str
    kind: str
    """`user` or a key kind."""
    role: Role | None = None
    areas: frozenset[str] | None = None
    """Area codes it may see; an empty set sees nothing."""
    feed: str | None = None
    device: str | None = None
    key_id: str | None = None
    session_id: str | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)

    @property
    def masked(self) -> bool:
        """Tell whether restricted feeds and personal fields are withheld."""
        return self.kind == KeyKind.DISPLAY


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One machine key as the doors know it. ``hash`` is the SHA-256 of the secret; the secret is nowhere."""

    id: str
    kind: KeyKind
    hash: bytes
    device: str | None = None
    feed: str | None = None
    area: str | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    expires_at: datetime | None = None


def key_hash(secret: str) -> bytes:
    """Return the SHA-256 by which a key is found. Secrets are random (178 bits), so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()
