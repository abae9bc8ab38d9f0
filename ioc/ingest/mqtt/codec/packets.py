"""The packets of MQTT 3.1.1 and 5 as frozen values: one noun for both versions.

What only MQTT 5 has (properties, most reason codes) stands at its default when the peer speaks 3.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple, TypeAlias

from ioc.ingest.mqtt.codec.reasons import ReasonCode

LEVEL_311 = 4
"""The protocol level by which a CONNECT says MQTT 3.1.1."""
LEVEL_5 = 5
"""The protocol level by which a CONNECT says MQTT 5."""


class PacketType(IntEnum):
    """The upper four bits of a packet's first byte."""

    WILL = 0  # no packet on the wire: the will inside a CONNECT, which has properties of its own
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """Every property of MQTT 5 (section 2.2.2.2); None or an empty tuple where the peer did not send it.

    Units: names in `_s` are seconds, in `_bytes` bytes. Flags that the standard sends as 0 or 1 are booleans.
    """

    payload_format_indicator: bool | None = None
    message_expiry_s: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_s: int | None = None
    assigned_client_id: str | None = None
    server_keep_alive_s: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = field(default=None, repr=False)  # a secret must not reach a log
    request_problem_information: bool | None = None
    will_delay_s: int | None = None
    request_response_information: bool | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: bool | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_bytes: int | None = None
    wildcard_subscription_available: bool | None = None
    subscription_identifiers_available: bool | None = None
    shared_subscription_available: bool | None = None


NO_PROPERTIES = Properties()
"""The one value for "no properties", shared by every packet without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What a client asks to have published when it is lost."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """A client introduces itself. `keep_alive_s` 0 means none; `client_id` may be empty (the server then gives one)."""

    protocol_level: int
    client_id: str
    clean_start: bool = True
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)  # a secret must not reach a log
    will: Will | None = None
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Connack:
    """The server's answer to a CONNECT. A 3.1.1 return code is given as the reason code that means the same."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    session_present: bool = False
    properties: Properties = NO_PROPERTIES


class Publish(NamedTuple):
    """A message. `packet_id` is 1-65535 at QoS 1 and 2, and 0 at QoS 0.

    `topic` is empty only where `properties.topic_alias` stands for it: the receiver of the packets keeps the aliases.
    A tuple, because nearly every packet is one: to make it costs a third of what a frozen dataclass costs.
    """

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversize:
    """A PUBLISH above the decoder's bound: everything about it but its body, of which only `head` was kept.

    `head` is the first 4,096 bytes of the payload or less; `payload_bytes` the payload's full length.
    """

    topic: str
    head: bytes
    payload_bytes: int
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Puback:
    """The answer to a PUBLISH at QoS 1."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pubrec:
    """The first answer to a PUBLISH at QoS 2."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pubrel:
    """The publisher's answer to a PUBREC."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pubcomp:
    """The last answer at QoS 2."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One topic filter of a SUBSCRIBE with its options; all but `qos` are MQTT 5's."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """A client asks for messages; at least one subscription."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Suback:
    """The answer to a SUBSCRIBE: one code for each subscription, in order."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """A client gives up topic filters; at least one."""

    packet_id: int
    topic_filters: tuple[str, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsuback:
    """The answer to an UNSUBSCRIBE; 3.1.1 sends no codes, so `reason_codes` is then empty."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...] = ()
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pingreq:
    """The client is alive."""


@dataclass(frozen=True, slots=True)
class Pingresp:
    """The server is alive."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The last packet of a connection; from the server only in MQTT 5."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Auth:
    """A step of MQTT 5's enhanced authentication."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


Ack: TypeAlias = Puback | Pubrec | Pubrel | Pubcomp

Packet: TypeAlias = (
    Connect
    | Connack
    | Publish
    | Ack
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)


class Sender(Enum):
    """Which side of the connection wrote the packets."""

    CLIENT = "client"
    SERVER = "server"


_T = PacketType

TYPES_FROM: dict[Sender, frozenset[PacketType]] = {
    Sender.CLIENT: frozenset(_T) - {_T.WILL, _T.CONNACK, _T.SUBACK, _T.UNSUBACK, _T.PINGRESP},
    Sender.SERVER: frozenset(_T) - {_T.WILL, _T.CONNECT, _T.SUBSCRIBE, _T.UNSUBSCRIBE, _T.PINGREQ},
}
"""Which packets each side may send."""

FLAGS_OF: dict[PacketType, int] = {
    packet_type: 2 if packet_type in {_T.PUBREL, _T.SUBSCRIBE, _T.UNSUBSCRIBE} else 0
    for packet_type in _T
    if packet_type not in {_T.WILL, _T.PUBLISH}
}
"""What the lower four bits of the first byte must be (table 2-2); PUBLISH alone uses them."""


def _reasons(codes: str) -> frozenset[ReasonCode]:
    return frozenset(map(ReasonCode, bytes.fromhex(codes)))


_RECEIVED = _reasons("00 10 80 83 87 90 91 97 99")
_RELEASED = _reasons("00 92")

REASONS_IN: dict[PacketType, frozenset[ReasonCode]] = {
    _T.CONNACK: _reasons("00 80 81 82 83 84 85 86 87 88 89 8A 8C 90 95 97 99 9A 9B 9C 9D 9F"),
    _T.PUBACK: _RECEIVED,
    _T.PUBREC: _RECEIVED,
    _T.PUBREL: _RELEASED,
    _T.PUBCOMP: _RELEASED,
    _T.SUBACK: _reasons("00 01 02 80 83 87 8F 91 97 9E A1 A2"),
    _T.UNSUBACK: _reasons("00 11 80 83 87 8F 91"),
    _T.DISCONNECT: _reasons(
        "00 04 80 81 82 83 87 89 8B 8C 8D 8E 8F 90 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2"
    ),
    _T.AUTH: _reasons("00 18 19"),
}
"""Which reason codes each packet of MQTT 5 may carry (table 2-6)."""
