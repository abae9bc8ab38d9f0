"""From the bytes of one whole packet to its value, for every packet but PUBLISH's fast way.

Each function reads one kind of packet to its last byte, or raises `ProtocolViolation`. MQTT 3.1.1 and 5 differ by the
protocol level that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias, TypeVar

from ioc.ingest.mqtt.packets import (
    LEVEL_5,
    LEVEL_311,
    NO_PROPERTIES,
    Ack,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from ioc.ingest.mqtt.properties import read_properties
from ioc.ingest.mqtt.reasons import REASON_BY_RETURN_CODE, ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.topics import check_topic_filter, check_topic_name, split_shared
from ioc.ingest.mqtt.wire import Reader

FILTERS_MAX = 1_024
"""The most topic filters in one SUBSCRIBE or UNSUBSCRIBE: the standard sets no bound but the packet's length."""

QOS_RESERVED = 3
RETAIN_HANDLING_RESERVED = 3

_T = PacketType
_R = ReasonCode


class Sender(Enum):
    """Whose packets are decoded."""

    CLIENT = "client"
    SERVER = "server"


TYPES_FROM: dict[Sender, frozenset[PacketType]] = {
    Sender.CLIENT: frozenset(_T) - {_T.WILL, _T.CONNACK, _T.SUBACK, _T.UNSUBACK, _T.PINGRESP},
    Sender.SERVER: frozenset(_T) - {_T.WILL, _T.CONNECT, _T.SUBSCRIBE, _T.UNSUBSCRIBE, _T.PINGREQ},
}
"""Which packets each side may send."""

FLAGS_REQUIRED: dict[PacketType, int] = {
    packet_type: 2 if packet_type in {_T.PUBREL, _T.SUBSCRIBE, _T.UNSUBSCRIBE} else 0
    for packet_type in _T
    if packet_type is not _T.PUBLISH
}
"""What the lower four bits of the first byte must be (table 2-2); PUBLISH uses them."""

_PUBLISH_RECEIVED = frozenset(
    {
        _R.SUCCESS,
        _R.NO_MATCHING_SUBSCRIBERS,
        _R.UNSPECIFIED_ERROR,
        _R.IMPLEMENTATION_SPECIFIC_ERROR,
        _R.NOT_AUTHORIZED,
        _R.TOPIC_NAME_INVALID,
        _R.PACKET_IDENTIFIER_IN_USE,
        _R.QUOTA_EXCEEDED,
        _R.PAYLOAD_FORMAT_INVALID,
    }
)
_PUBLISH_RELEASED = frozenset({_R.SUCCESS, _R.PACKET_IDENTIFIER_NOT_FOUND})
_ASKED = frozenset(
    {
        _R.SUCCESS,
        _R.UNSPECIFIED_ERROR,
        _R.IMPLEMENTATION_SPECIFIC_ERROR,
        _R.NOT_AUTHORIZED,
        _R.TOPIC_FILTER_INVALID,
        _R.PACKET_IDENTIFIER_IN_USE,
    }
)
_GRANTED = frozenset({_R.SUCCESS, _R.GRANTED_QOS_1, _R.GRANTED_QOS_2})
_DISCONNECTED_WITHOUT = frozenset(
    {
        _R.UNSUPPORTED_PROTOCOL_VERSION,
        _R.CLIENT_IDENTIFIER_NOT_VALID,
        _R.BAD_USER_NAME_OR_PASSWORD,
        _R.SERVER_UNAVAILABLE,
        _R.BANNED,
        _R.PACKET_IDENTIFIER_IN_USE,
        _R.PACKET_IDENTIFIER_NOT_FOUND,
    }
)
_CONNACK_WITHOUT = frozenset(
    {
        _R.SERVER_SHUTTING_DOWN,
        _R.KEEP_ALIVE_TIMEOUT,
        _R.SESSION_TAKEN_OVER,
        _R.TOPIC_FILTER_INVALID,
        _R.PACKET_IDENTIFIER_IN_USE,
        _R.PACKET_IDENTIFIER_NOT_FOUND,
        _R.RECEIVE_MAXIMUM_EXCEEDED,
        _R.TOPIC_ALIAS_INVALID,
        _R.MESSAGE_RATE_TOO_HIGH,
        _R.ADMINISTRATIVE_ACTION,
        _R.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
        _R.MAXIMUM_CONNECT_TIME,
        _R.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
        _R.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED,
    }
)
_FAILURES = frozenset(reason for reason in _R if reason.is_failure)

REASONS_IN: dict[PacketType, frozenset[ReasonCode]] = {
    _T.CONNACK: (_FAILURES | {_R.SUCCESS}) - _CONNACK_WITHOUT,
    _T.PUBACK: _PUBLISH_RECEIVED,
    _T.PUBREC: _PUBLISH_RECEIVED,
    _T.PUBREL: _PUBLISH_RELEASED,
    _T.PUBCOMP: _PUBLISH_RELEASED,
    _T.SUBACK: _ASKED
    | _GRANTED
    | {
        _R.QUOTA_EXCEEDED,
        _R.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
        _R.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
        _R.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED,
    },
    _T.UNSUBACK: _ASKED | {_R.NO_SUBSCRIPTION_EXISTED},
    _T.DISCONNECT: (_FAILURES | {_R.SUCCESS, _R.DISCONNECT_WITH_WILL}) - _DISCONNECTED_WITHOUT,
    _T.AUTH: frozenset({_R.SUCCESS, _R.CONTINUE_AUTHENTICATION, _R.REAUTHENTICATE}),
}
"""Which reason codes each packet of MQTT 5 may carry (its section of chapter 3)."""
