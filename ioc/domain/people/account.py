"""People and keys: who may do what, and where."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ioc.domain.people.capabilities import CAPABILITIES, Capability, Role
from ioc.domain.scope import Scope

USER = "user"
"""The kind of a principal that is a person."""
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LETTERS = 30
CHECK_LETTERS = 6


class KeyKind(StrEnum):
    """What a machine may do."""

    DEVICE = "device"
    """Publish as one device."""
    FEED = "feed"
    """Send events of one feed, for any of its devices."""
    DISTRICT = "district"
    """A district's own system: reads and follows its area, and sends for the devices there, whatever their feed."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The columns of `account` that people read: all but the hash of the password."""

    username: str
    name: str
    role: Role
    area: str | None
    must_change: bool
    """Whether somebody else has set the password; ``temporary``: and it opens nothing before it is changed."""
    temporary: bool
    disabled: bool = False
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person with a session or a machine with a key. ``areas`` null means every area."""

    name: str
    kind: str
    """`user` or a key kind."""
    role: Role | None = None
    areas: frozenset[str] | None = None
    """Area codes it may see; an empty set sees nothing."""
    area: str | None = None
    """What the account or key is bound to, as it was written: a code, a zone or a former district."""
    feed: str | None = None
    device: str | None = None
    key_id: str | None = None
    session_id: str | None = None
    temporary: bool = False
    """Whether its password is one that opens nothing but its own change."""
    scopes: frozenset[str] = field(default_factory=frozenset)

    def has(self, capability: Capability) -> bool:
        """Tell whether a person's role has a capability; a key has none, its kind says what it is for."""
        return self.role is not None and capability in CAPABILITIES[self.role]

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what a person's role has; a key has none."""
        return frozenset() if self.role is None else CAPABILITIES[self.role]

    def may(self, capability: Capability, kinds: Collection[str]) -> bool:
        """Tell whether something is open to it that people do by a capability, and machines by their kind of key."""
        return self.has(capability) if self.kind == USER else self.kind in kinds

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
    wall: Scope | None = None
    """What it may write into, as ``area`` means it today; None: everywhere."""
    scopes: frozenset[str] = field(default_factory=frozenset)
    expires_at: datetime | None = None


def key_hash(secret: str) -> bytes:
    """Return the SHA-256 by which a key is found. Secrets are random (178 bits), so a slow hash adds nothing."""
    return hashlib.sha256(secret.encode()).digest()
