"""The identity of a message that has an id and no time: it holds for a bounded time only. Pure.

Such an id is often a counter, and a counter begins anew when the device does. So the key names the stretch of the log's
time in which the message came, and a message is a repeat of one in its own stretch or the one before, if that came
less than the lifetime ago: exactly so long, wherever the stretches meet (docs/decisions/0018-ids-without-time.md).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from ioc.domain.event import HASH_BYTES, UNTIMED, Message, frame_parts, hash16

LIFETIME = timedelta(hours=24)
"""So long the same id with the same content and no time is the same message."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def untimed_identity(source: str, message_id: str, content: bytes, received_at: datetime) -> tuple[bytes, datetime]:
    """Return (key, key_time) of a message with an id and no time that came at ``received_at``."""
    return _in_stretch(source, message_id, content, EPOCH + (received_at - EPOCH) // LIFETIME * LIFETIME)


def earlier_identities(message: Message) -> tuple[tuple[bytes, datetime], tuple[bytes, datetime]]:
    """Return the identities under which the log may have such a message already, beside its own.

    The first is that of the stretch before, the second that of a version that knew no stretches.
    """
    assert message.id is not None, "only who has an id and no time"
    before = _in_stretch(message.source, message.id, message.content, message.key_time - LIFETIME)
    name = frame_parts(b"ic", message.source.encode())
    old = blake2b(name + frame_parts(message.id.encode(), message.content), digest_size=HASH_BYTES).digest()
    return before, (old, UNTIMED)


def _in_stretch(source: str, message_id: str, content: bytes, start: datetime) -> tuple[bytes, datetime]:
    return hash16(b"iu", source.encode(), message_id.encode(), content, start.isoformat().encode()), start
