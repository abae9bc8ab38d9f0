"""What a device may subscribe to: its own outgoing topics, by name or by wildcards, and nothing else. Pure.

A filter is granted when some topic of the device's own can match it; it then delivers those topics only, so `#` means
"all of mine". Receipts go out at QoS 0 unless the session outlives the connection: only there is a row for each.
"""

from __future__ import annotations

from collections.abc import Mapping

from ioc.domain.messaging.outbound import own_filters, receipts_topic
from ioc.domain.messaging.topic import filters_overlap
from ioc.ingest.mqtt.codec.packets import (
    NO_PROPERTIES,
    Properties,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
)
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.codec.topics import split_shared
from ioc.ingest.mqtt.connect import Client

DOWNGRADED = Properties(reason_string="receipts are sent at QoS 0 in a session that ends with its connection")
FILTERS_MAX = 32
FILTER_CHARS_MAX = 512
GRANTED = (ReasonCode.SUCCESS, ReasonCode.GRANTED_QOS_1, ReasonCode.GRANTED_QOS_2)


class ReceiptSubscription:
    """Whether a client asks for receipts. Its session sets this from SUBSCRIBE; whoever acknowledges reads it."""

    __slots__ = ("qos", "topic")

    def __init__(self) -> None:
        self.topic: str | None = None
        """The topic of its receipts; None: it does not ask for them."""
        self.qos: int | None = None
        """At which QoS they go, as far as we send them."""


def subscribed(packet: Subscribe, client: Client, before: Mapping[str, int]) -> tuple[Suback, dict[str, int]]:
    """Return the answer to a SUBSCRIBE and the filters that now hold with their QoS; ``before`` held until now.

    Raises:
        ProtocolViolation: it carries a subscription identifier, which our CONNACK does not offer.
    """
    if packet.properties.subscription_identifiers:
        code = ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        raise ProtocolViolation(code, "subscription identifiers are not offered")
    filters = dict(before)
    codes = []
    downgraded = False
    for wish in packet.subscriptions:
        code = _grant(wish, client, filters)
        codes.append(code)
        if code in GRANTED:
            filters[wish.topic_filter] = int(code)
            downgraded = downgraded or code < wish.qos
    words = DOWNGRADED if downgraded and client.with_reason else NO_PROPERTIES
    return Suback(packet_id=packet.packet_id, reason_codes=tuple(codes), properties=words), filters


def _grant(wish: Subscription, client: Client, filters: Mapping[str, int]) -> ReasonCode:
    if split_shared(wish.topic_filter)[0] is not None:
        return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if not any(filters_overlap(wish.topic_filter, own) for own in own_filters(client.device)):
        return ReasonCode.NOT_AUTHORIZED
    too_many = wish.topic_filter not in filters and len(filters) >= FILTERS_MAX
    if too_many or len(wish.topic_filter) > FILTER_CHARS_MAX:
        return ReasonCode.QUOTA_EXCEEDED
    if wish.topic_filter == receipts_topic(client.device) and not client.session_expiry_seconds:
        return ReasonCode.SUCCESS
    return GRANTED[wish.qos]


def unsubscribed(packet: Unsubscribe, before: Mapping[str, int]) -> tuple[Unsuback, dict[str, int]]:
    """Return the answer to an UNSUBSCRIBE and the filters that still hold."""
    filters = dict(before)
    codes = tuple(
        ReasonCode.NO_SUBSCRIPTION_EXISTED if filters.pop(one, None) is None else ReasonCode.SUCCESS
        for one in packet.topic_filters
    )
    return Unsuback(packet_id=packet.packet_id, reason_codes=codes), filters
