"""What a device may subscribe to: its own receipts, at QoS 0, and nothing else. Pure."""

from __future__ import annotations

from ioc.ingest.mqtt.packets import NO_PROPERTIES, Properties, Suback, Subscribe, Subscription, Unsuback, Unsubscribe
from ioc.ingest.mqtt.reasons import ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.topics import split_shared
from ioc.ingest.mqtt_topics import receipts_topic
from ioc.ingest.mqtt_welcome import Client

DOWNGRADED = Properties(reason_string="receipts are sent at QoS 0")


def subscribed(packet: Subscribe, client: Client, before: str | None) -> tuple[Suback, str | None]:
    """Return the answer to a SUBSCRIBE and the receipts topic that now holds; ``before`` held until now.

    Raises:
        ProtocolViolation: it carries a subscription identifier, which our CONNACK does not offer.
    """
    if packet.properties.subscription_identifiers:
        code = ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        raise ProtocolViolation(code, "subscription identifiers are not offered")
    own = receipts_topic(client.device)
    codes = tuple(_grant(wish, own) for wish in packet.subscriptions)
    granted = ReasonCode.SUCCESS in codes
    downgraded = any(wish.qos and wish.topic_filter == own for wish in packet.subscriptions)
    words = DOWNGRADED if downgraded and client.with_reason else NO_PROPERTIES
    answer = Suback(packet_id=packet.packet_id, reason_codes=codes, properties=words)
    return answer, own if granted else before


def _grant(wish: Subscription, own: str) -> ReasonCode:
    if wish.topic_filter == own:
        return ReasonCode.SUCCESS
    if split_shared(wish.topic_filter)[0] is not None:
        return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if "+" in wish.topic_filter or "#" in wish.topic_filter:
        return ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
    return ReasonCode.NOT_AUTHORIZED


def unsubscribed(packet: Unsubscribe, before: str | None) -> tuple[Unsuback, str | None]:
    """Return the answer to an UNSUBSCRIBE and the receipts topic that still holds, or None."""
    known = [topic_filter == before for topic_filter in packet.topic_filters]
    codes = tuple(ReasonCode.SUCCESS if is_known else ReasonCode.NO_SUBSCRIPTION_EXISTED for is_known in known)
    return Unsuback(packet_id=packet.packet_id, reason_codes=codes), None if any(known) else before
