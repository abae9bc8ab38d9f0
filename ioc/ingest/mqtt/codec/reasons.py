"""Why a packet was accepted, refused or ended the connection: the reason codes of MQTT 5, and the codec's two errors.

Inside the house there is one set of codes. The six return codes of a 3.1.1 CONNACK are translated here, and only here.
"""

from __future__ import annotations

from enum import IntEnum

from ioc.errors import IOCError


class ReasonCode(IntEnum):
    """A reason code of MQTT 5 (section 2.4), with the number that it has on the wire."""

    SUCCESS = 0x00  # also: normal disconnection, granted QoS 0
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2

    @property
    def is_failure(self) -> bool:
        """Whether the code refuses what was asked (0x80 and above)."""
        return self >= ReasonCode.UNSPECIFIED_ERROR


REASON_BY_RETURN_CODE: dict[int, ReasonCode] = {
    0: ReasonCode.SUCCESS,
    1: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    2: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    3: ReasonCode.SERVER_UNAVAILABLE,
    4: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
    5: ReasonCode.NOT_AUTHORIZED,
}
"""The six return codes of a 3.1.1 CONNACK (section 3.2.2.3)."""

RETURN_CODE_BY_REASON: dict[ReasonCode, int] = {
    **{reason: code for code, reason in REASON_BY_RETURN_CODE.items()},
    ReasonCode.BANNED: 5,
    ReasonCode.BAD_AUTHENTICATION_METHOD: 5,
}


def return_code(reason: ReasonCode) -> int:
    """The 3.1.1 return code nearest to `reason`; 3 (server unavailable) where 3.1.1 has no word for it."""
    return RETURN_CODE_BY_REASON.get(reason, 3)


class ProtocolViolation(IOCError):  # noqa: N818 (the name says what the peer did)
    """The peer sent bytes that MQTT does not allow; the connection must be closed.

    `reason_code` is what a DISCONNECT (or, before the CONNECT is answered, a CONNACK) should carry; `message` says in
    English what was wrong, and never holds anything that the peer sent.
    """

    def __init__(self, reason_code: ReasonCode, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message


class Truncated(ProtocolViolation):
    """A length inside the packet points past the packet's end."""

    def __init__(self, message: str) -> None:
        super().__init__(ReasonCode.MALFORMED_PACKET, message)


class Unencodable(IOCError):  # noqa: N818 (the name says what the packet is)
    """The packet cannot be written: a field does not fit its place on the wire, or that version has no such packet."""
