"""What the house tells a device: outbound messages on topics of the device's own, and what became of each. Pure.

Numbers of messages rise by one within a device, in commit order, for ever. So a packet id is a function of the number,
and whoever serves the device next sends an unacknowledged message again under the id that it had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ioc.domain.messaging.topic import topic_matches

RECEIPTS = "ioc/v1/receipts/"
COMMANDS = "ioc/v1/commands/"
SUFFIX = re.compile(r"[^/+#\x00-\x1f\x7f]{1,64}(/[^/+#\x00-\x1f\x7f]{1,64}){0,7}")
"""What may stand behind `ioc/v1/commands/{device}/`: up to eight levels without wildcards."""
PAYLOAD_BYTES_MAX = 32 << 10
PACKET_IDS = 65_535


class OutboundKind(StrEnum):
    """Who has something to tell."""

    MESSAGE = "message"
    """A person or a part of the house; kept for a while after its end, so that people see what became of it."""
    RECEIPT = "receipt"
    """The log's answer for one event; gone once the device has it."""


class OutboundOutcome(StrEnum):
    """How an outbound message ended; one without an outcome waits for its device."""

    SENT = "sent"
    """Written to the device at QoS 0; whether it arrived nobody knows."""
    ACKNOWLEDGED = "acknowledged"
    """The device has said that it has it."""
    REFUSED = "refused"
    """The device has said that it does not take it."""
    EXPIRED = "expired"
    """Its time was over before it could be sent."""
    TOO_LARGE = "too_large"
    """The device takes no packet of this length."""
    UNSUBSCRIBED = "unsubscribed"
    """The device no longer asks for its topic."""
    SESSION_ENDED = "session_ended"
    """The session that it waited in is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """Something to tell ``device`` under ``topic``, at most at ``qos``. ``expires_at``: not to be sent any more."""

    device: str
    topic: str
    payload: bytes
    qos: int
    expires_at: datetime
    created_by: str
    kind: OutboundKind = OutboundKind.MESSAGE
    meant_for: str | None = None
    """The device behind ``device``, which is its gateway; None: ``device`` itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMessage:
    """One outbound message that waits for its device, with its number there.

    ``released``: the device has confirmed its arrival at QoS 2, what is left is to let go of its packet id.
    """

    device: str
    number: int
    topic: str
    payload: bytes
    qos: int
    expires_at: datetime
    released: bool = False

    @property
    def packet_id(self) -> int:
        """The packet id that every attempt of this message has, 1 to 65,535."""
        return (self.number - 1) % PACKET_IDS + 1


@dataclass(frozen=True, slots=True)
class Closing:
    """One outbound message that has come to its end."""

    device: str
    number: int
    outcome: OutboundOutcome


def receipts_topic(device: str) -> str:
    """Return the topic of a device's receipts."""
    return f"{RECEIPTS}{device}"


def command_topic(device: str, suffix: str = "") -> str:
    """Return a topic on which people and systems speak to a device."""
    return f"{COMMANDS}{device}/{suffix}" if suffix else f"{COMMANDS}{device}"


def relayed_topic(gateway: str, device: str, suffix: str = "") -> str:
    """Return the topic on which a gateway is told something for a device behind it; it is the gateway's own."""
    return command_topic(gateway, f"devices/{device}/{suffix}" if suffix else f"devices/{device}")


def own_filters(device: str) -> tuple[str, str]:
    """Return the filters that cover all topics on which the house speaks to a device, and no others."""
    return receipts_topic(device), f"{COMMANDS}{device}/#"


def granted_qos(filters: Mapping[str, int], topic: str) -> int | None:
    """Return the highest QoS at which subscriptions (filter to QoS) ask for ``topic``; None: none does."""
    return max((qos for wanted, qos in filters.items() if topic_matches(wanted, topic)), default=None)
