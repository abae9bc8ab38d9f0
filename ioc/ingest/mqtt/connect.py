"""What a CONNECT is answered with: who it is, what it may do here, and the bounds that we announce. Pure.

The user name is the device id and the password its key; or a client certificate names the device. The identity is
the key's or certificate's device and nothing else: the client id is only echoed, topic and payload can claim no other
(SECURITY S24).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from ioc.domain.device import DeviceState
from ioc.domain.people.account import KeyKind, KeyRecord, parse_key
from ioc.ingest.mqtt.client_cert import Certificate
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import LEVEL_5, LEVEL_311, REASONS_IN, Connack, Connect, PacketType, Properties
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.limits import MQTTLimits
from ioc.ingest.pipeline.delivery import Registry

PACKET_HEADROOM_BYTES = 4_096
"""What topic and properties may take beside the body of a PUBLISH."""
RECEIVE_MAXIMUM = 65_535
PACKET_BYTES_ANY = 268_435_460
"""The longest packet that MQTT can frame."""
DELAYED = frozenset({
    ReasonCode.BAD_USER_NAME_OR_PASSWORD, ReasonCode.NOT_AUTHORIZED, ReasonCode.BAD_AUTHENTICATION_METHOD,
    ReasonCode.BANNED, ReasonCode.CONNECTION_RATE_EXCEEDED,
})  # fmt: skip
"""Refusals that are the client's own doing."""


class LiveRegistry(Registry, Protocol):
    """The registry as a door with lasting connections needs it."""

    on_change: list[Callable[[], None]]
    """Called after every refresh that changed something."""

    def key_by_hash(self, digest: bytes) -> KeyRecord | None:
        """Return the valid key with this hash."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MQTTBounds:
    """Every bound of the MQTT door."""

    connections_max: int = 10_000
    connect_seconds: float = 10.0
    """Time a client has for its CONNECT."""
    inflight_max: int = 2_000
    """Messages of one connection that are submitted and not yet committed."""
    body_bytes_max: int = 256 << 10
    connect_bytes_max: int = 16 << 10
    write_buffer_bytes_max: int = 64 << 10
    """Answers waiting for a client that does not read: past it nothing more is read from it, and receipts drop."""
    keep_alive_seconds_max: int = 3_600
    sweep_seconds: float = 0.5
    """How often deadlines are looked at."""
    refresh_seconds: float = 1.0
    """Unknown keys make the door ask the database at most this often."""
    linger_seconds: float = 2.0
    """Time a client has to read our last packet and hang up."""
    session_seconds_max: int = 7 * 86_400
    """How long a session outlives its connection at most, and a will waits."""
    outbound_inflight_max: int = 100
    """Messages to one device that it has not confirmed."""
    limits: MQTTLimits = field(default_factory=MQTTLimits)

    @property
    def packet_bytes_max(self) -> int:
        """Return the longest packet that is read whole."""
        return self.body_bytes_max + PACKET_HEADROOM_BYTES


@dataclass(frozen=True, slots=True)
class ConnectRefused:
    """Why a client may not come in. ``ask_again``: the key may have been made since the registry was read.

    ``label`` is what the log and the metrics call it, where the code is too broad; ``words`` tell the client (MQTT 5).
    """

    reason_code: ReasonCode
    ask_again: bool = False
    label: str | None = None
    words: str | None = None

    @property
    def name(self) -> str:
        """What the log and the metrics call it."""
        return self.label or self.reason_code.name.lower()

    @property
    def is_delayed(self) -> bool:
        """Whether it is the client's own doing, so that its answer may wait."""
        return self.label is not None or self.reason_code in DELAYED


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An accepted client: its identity and what its CONNECT asked of us."""

    device: str
    level: int
    keep_alive_seconds: int
    """0 is none."""
    with_reason: bool
    """It takes reason strings in acknowledgements."""
    packet_bytes_max: int
    """The longest packet that it takes."""
    clean_start: bool
    """It wants no earlier session."""
    session_expiry_seconds: int
    """How long its session outlives this connection; 0 not at all."""
    receive_maximum: int
    """How many messages at QoS 1 and 2 it takes unconfirmed."""


Grant = KeyRecord | Certificate
"""What lets a device in: its key, or its certificate."""


def judge(
    connect: Connect, registry: Registry, *, certificate: Certificate | None = None,
    revoked: Collection[str] = frozenset(),
) -> Grant | ConnectRefused:  # fmt: skip
    """Return what proves who the client of a CONNECT is, or why nothing does.

    A client that showed a certificate is that device or nobody: no key makes it another.
    """
    if certificate is not None:
        return _certified(connect, registry, certificate, revoked)
    secret = _secret(connect)
    if isinstance(secret, ConnectRefused):
        return secret
    record = registry.key(secret)
    if record is None:
        return ConnectRefused(ReasonCode.BAD_USER_NAME_OR_PASSWORD, ask_again=True)
    if record.device is None or record.device != connect.username:
        return ConnectRefused(ReasonCode.BAD_USER_NAME_OR_PASSWORD)
    device = registry.device(record.device)
    if device is None or device.state is DeviceState.RETIRED:
        return ConnectRefused(ReasonCode.NOT_AUTHORIZED)
    return record


def _certified(
    connect: Connect, registry: Registry, certificate: Certificate, revoked: Collection[str]
) -> Certificate | ConnectRefused:
    if connect.properties.authentication_method is not None:
        return ConnectRefused(ReasonCode.BAD_AUTHENTICATION_METHOD)
    if certificate.fingerprint in revoked:
        return ConnectRefused(ReasonCode.BANNED)
    if not certificate.device or connect.username not in (None, certificate.device):
        return ConnectRefused(ReasonCode.BAD_USER_NAME_OR_PASSWORD)
    device = registry.device(certificate.device)
    if device is None:
        return ConnectRefused(ReasonCode.NOT_AUTHORIZED, ask_again=True)
    return ConnectRefused(ReasonCode.NOT_AUTHORIZED) if device.state is DeviceState.RETIRED else certificate


def still_granted(grant: Grant, registry: LiveRegistry, revoked: Collection[str]) -> Grant | None:
    """Return what a live connection rests on, as the registry has it now; None: it is gone."""
    if isinstance(grant, KeyRecord):
        record = registry.key_by_hash(grant.hash)
        return record if record is not None and record.device == grant.device else None
    device = registry.device(grant.device)
    if device is None or device.state is DeviceState.RETIRED or grant.fingerprint in revoked:
        return None
    return grant


def _secret(connect: Connect) -> str | ConnectRefused:
    """Return the password when it has the form of a device key: only then is the registry worth asking."""
    if connect.properties.authentication_method is not None:
        return ConnectRefused(ReasonCode.BAD_AUTHENTICATION_METHOD)
    if connect.username is None or connect.password is None:
        return ConnectRefused(ReasonCode.NOT_AUTHORIZED)
    secret = connect.password.decode(errors="replace")
    kind = parse_key(secret)
    if kind is KeyKind.DEVICE:
        return secret
    return ConnectRefused(ReasonCode.BAD_USER_NAME_OR_PASSWORD if kind is None else ReasonCode.NOT_AUTHORIZED)


def client_of(connect: Connect, bounds: MQTTBounds, *, device: str) -> Client:
    """Return what is to be known of a client that :func:`judge` let in as ``device``."""
    asked = connect.properties
    return Client(
        device=device,
        level=connect.protocol_level,
        keep_alive_seconds=_keep_alive_seconds(connect, bounds),
        with_reason=asked.request_problem_information is not False,
        packet_bytes_max=asked.maximum_packet_bytes or PACKET_BYTES_ANY,
        clean_start=connect.clean_start,
        session_expiry_seconds=_session_expiry_seconds(connect, bounds),
        receive_maximum=asked.receive_maximum or RECEIVE_MAXIMUM,
    )


def _session_expiry_seconds(connect: Connect, bounds: MQTTBounds) -> int:
    """Return how long the session lasts; a 3.1.1 client can only say "for ever", which is our bound."""
    if connect.protocol_level != LEVEL_5:
        return 0 if connect.clean_start else bounds.session_seconds_max
    return min(connect.properties.session_expiry_s or 0, bounds.session_seconds_max)


def _keep_alive_seconds(connect: Connect, bounds: MQTTBounds) -> int:
    """Return the keep-alive that holds; 0 is none, which only a 3.1.1 client can have (it cannot be told another)."""
    asked = connect.keep_alive_s
    if connect.protocol_level == LEVEL_5 and not 0 < asked <= bounds.keep_alive_seconds_max:
        return bounds.keep_alive_seconds_max
    return asked


def refusal(verdict: ConnectRefused, level: int) -> Connack:
    """Return the CONNACK of a refused client, with words where it can read them."""
    if level != LEVEL_5 or verdict.words is None:
        code = ReasonCode.NOT_AUTHORIZED if level != LEVEL_5 and verdict.label else verdict.reason_code
        return Connack(reason_code=code)
    return Connack(reason_code=verdict.reason_code, properties=Properties(reason_string=verdict.words))


def answer_to_violation(code: ReasonCode, level: int | None) -> bytes:
    """Return what a client that breaks the protocol before it is let in is told; nothing where it would not read it."""
    if level is None:
        if code is not ReasonCode.UNSUPPORTED_PROTOCOL_VERSION:
            return b""
        level = LEVEL_311  # older clients understand this one answer
    known = code in REASONS_IN[PacketType.CONNACK]
    return encode(Connack(reason_code=code if known else ReasonCode.PROTOCOL_ERROR), level)


def welcome(connect: Connect, bounds: MQTTBounds, *, assigned_client_id: str, resumed: bool) -> Connack:
    """Return the CONNACK of an accepted client: exactly what holds here.

    ``assigned_client_id`` is told to one that brought none; ``resumed``: an earlier session goes on.
    """
    if connect.protocol_level != LEVEL_5:
        return Connack(session_present=resumed)
    keep_alive, expiry = _keep_alive_seconds(connect, bounds), _session_expiry_seconds(connect, bounds)
    return Connack(
        session_present=resumed,
        properties=Properties(
            session_expiry_s=expiry if expiry != (connect.properties.session_expiry_s or 0) else None,
            receive_maximum=min(RECEIVE_MAXIMUM, bounds.inflight_max),
            maximum_packet_bytes=bounds.packet_bytes_max,
            retain_available=False,
            topic_alias_maximum=0,
            wildcard_subscription_available=True,
            subscription_identifiers_available=False,
            shared_subscription_available=False,
            server_keep_alive_s=keep_alive if keep_alive != connect.keep_alive_s else None,
            assigned_client_id=None if connect.client_id else assigned_client_id,
        ),
    )
