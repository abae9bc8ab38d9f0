"""The client certificate of a device: its subject's common name is the device, and nothing else is believed. Pure.

Whether the chain leads to the operator's authority and the dates hold is OpenSSL's verdict in the handshake; here is
what a handshake cannot know: that the device is registered, not retired, and the certificate not revoked since.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from ioc.domain.device import DEVICE_ID

FINGERPRINT_LETTERS = 64


class Peer(Protocol):
    """What is asked of a TLS connection."""

    def getpeercert(self, *, binary_form: bool = False) -> Any:
        """Return the verified certificate as a dict, or its bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Certificate:
    """A verified client certificate. ``device`` is empty when its subject names none, or more than one."""

    device: str
    fingerprint: str
    """SHA-256 of its bytes, in lowercase hex."""
    expires_at: datetime


def certificate_of(peer: Peer | None) -> Certificate | None:
    """Return the certificate that the other side proved to hold; None when it showed none, or there is no TLS."""
    if peer is None:
        return None
    raw = peer.getpeercert(binary_form=True)
    fields: Mapping[str, Any] = peer.getpeercert() or {}
    if not raw or not fields:
        return None
    names = [value for part in fields.get("subject", ()) for kind, value in part if kind == "commonName"]
    device = names[0] if len(names) == 1 and DEVICE_ID.fullmatch(names[0]) else ""
    expires_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(fields["notAfter"]), UTC)
    return Certificate(device, hashlib.sha256(raw).hexdigest(), expires_at)


def read_revoked(lines: Sequence[str]) -> tuple[frozenset[str], list[int]]:
    """Return the fingerprints of a revocation list and the numbers of lines that are none.

    A line holds one SHA-256 fingerprint as `openssl x509 -fingerprint -sha256` prints it, colons or not; `#` begins
    a comment.
    """
    revoked, wrong = set(), []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip().rpartition("=")[2].replace(":", "").lower()
        if not text:
            continue
        if len(text) == FINGERPRINT_LETTERS and all(letter in "0123456789abcdef" for letter in text):
            revoked.add(text)
        else:
            wrong.append(number)
    return frozenset(revoked), wrong


def named_by(certificate: Certificate | None) -> str | None:
    """Return the device that a certificate names; None: there is none, or it names nobody."""
    return certificate.device or None if certificate is not None else None
