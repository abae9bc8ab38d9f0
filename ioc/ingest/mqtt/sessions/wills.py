"""Last wills: which may be left with a CONNECT, and what becomes of a due one. Pure.

A will is a message of its device like any other: stored as an event, or a dead letter with its reason. It may be left
only where the device may publish; whether it still may is asked again when the will is due.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from ioc.domain.event import DeadLetter
from ioc.domain.messaging.presence import LastWill
from ioc.ingest.mqtt.acl import own_topic, route
from ioc.ingest.mqtt.codec.packets import LEVEL_5, Connect
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import ConnectRefused
from ioc.ingest.pipeline.delivery import Delivery, Registry

DOOR = "mqtt"
NONCE_BYTES = 20
TOPIC_CHARS_MAX = 100
TOPIC_KEPT_CHARS_MAX = 512
HEAD_BYTES_MAX = 4_096
FORBIDDEN_WILL_TOPIC = "forbidden_will_topic"


def will_of(
    connect: Connect, connection: int, registry: Registry, *, device: str, body_bytes_max: int, delay_seconds_max: int
) -> LastWill | ConnectRefused | None:
    """Return the will that a CONNECT of ``device`` leaves, why it cannot be left, or None where there is none."""
    will = connect.will
    if will is None:
        return None
    if route(will.topic, device, registry) is None:
        topic = will.topic[:TOPIC_CHARS_MAX]
        words = f"{device} may not publish its will to {topic}: its topic is {own_topic(device, registry)}"
        return ConnectRefused(ReasonCode.TOPIC_NAME_INVALID, label=FORBIDDEN_WILL_TOPIC, words=words)
    if will.retain and connect.protocol_level == LEVEL_5:
        return ConnectRefused(ReasonCode.RETAIN_NOT_SUPPORTED)
    if len(will.payload) > body_bytes_max:
        return ConnectRefused(ReasonCode.PACKET_TOO_LARGE)
    return LastWill(
        device=device,
        connection=connection,
        topic=will.topic,
        payload=will.payload,
        content_type=will.properties.content_type,
        delay_seconds=min(will.properties.will_delay_s or 0, delay_seconds_max),
    )


def refused_will(connect: Connect, refused: ConnectRefused, *, device: str, now: datetime) -> DeadLetter | None:
    """Return the dead letter that shows on the screen why a device's connection is refused; None: not for its will."""
    will = connect.will
    if will is None or refused.label != FORBIDDEN_WILL_TOPIC:
        return None
    return DeadLetter(
        door=DOOR, feed=None, device=device, reason=FORBIDDEN_WILL_TOPIC, detail=refused.words or "",
        raw=will.payload[:HEAD_BYTES_MAX], received_at=now, topic=will.topic[:TOPIC_KEPT_CHARS_MAX],
        content_type=will.properties.content_type, raw_bytes=len(will.payload),
    )  # fmt: skip


def publication(will: LastWill, registry: Registry, now: datetime) -> Delivery | DeadLetter:
    """Return what a due will hands to the pipeline.

    Two doors may publish the same will when one of them dies in between: its nonce follows from its connection, so the
    log stores it once.
    """
    where = route(will.topic, will.device, registry)
    if where is None:
        return DeadLetter(
            door=DOOR, feed=None, device=will.device, reason="forbidden_topic",
            detail=f"{will.device} may no longer publish its will there", raw=will.payload, received_at=now,
            topic=will.topic, content_type=will.content_type,
        )  # fmt: skip
    nonce = blake2b(f"{will.device} {will.connection}".encode(), digest_size=NONCE_BYTES).digest()
    return Delivery(
        feed=where.feed, device=where.device, body=will.payload, received_at=now, door=DOOR, nonce=nonce,
        topic=will.topic, content_type=will.content_type,
    )  # fmt: skip
