"""Last wills: which may be left with a CONNECT, and what becomes of a due one. Pure.

A will is a message of its device like any other: stored as an event, or a dead letter with its reason. It may be left
only where the device may publish; whether it still may is asked again when the will is due.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from ioc.domain.event import DeadLetter
from ioc.domain.presence import LastWill
from ioc.ingest.door import Delivery, Registry
from ioc.ingest.mqtt.packets import LEVEL_5, Connect
from ioc.ingest.mqtt.reasons import ReasonCode
from ioc.ingest.mqtt_topics import route

DOOR = "mqtt"
NONCE_BYTES = 20


def will_of(
    connect: Connect, connection: int, registry: Registry, *, device: str, body_bytes_max: int, delay_seconds_max: int
) -> LastWill | ReasonCode | None:
    """Return the will that a CONNECT of ``device`` leaves, why it cannot be left, or None where there is none."""
    will = connect.will
    if will is None:
        return None
    if route(will.topic, device, registry) is None:
        return ReasonCode.NOT_AUTHORIZED
    if will.retain and connect.protocol_level == LEVEL_5:
        return ReasonCode.RETAIN_NOT_SUPPORTED
    if len(will.payload) > body_bytes_max:
        return ReasonCode.PACKET_TOO_LARGE
    return LastWill(
        device=device,
        connection=connection,
        topic=will.topic,
        payload=will.payload,
        content_type=will.properties.content_type,
        delay_seconds=min(will.properties.will_delay_s or 0, delay_seconds_max),
    )


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
