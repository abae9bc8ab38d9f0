"""Builders that name only what matters to the test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ioc.domain.event import DeadLetter, Message, canonical, hash16, identity
from ioc.domain.untimed import untimed_identity

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def message(
    device: str = "rain-1",
    *,
    feed: str = "rainfall",
    id: str | None = "1",  # noqa: A002
    time: datetime | None = NOON,
    data: dict[str, Any] | None = None,
    **others: Any,
) -> Message:
    """One checked reading; its identity follows from source, id, time and data."""
    data = {"rain_mm": 1.5} if data is None else data
    raw = canonical({"id": id, **data})
    content = hash16(raw)
    source, received_at = f"{feed}/{device}", others.get("received_at", NOON)
    if id is not None and time is None:
        key, key_time = untimed_identity(source, id, content, received_at)
    else:
        key, key_time = identity(source, id, time, content)
    built = Message(
        feed=feed, device=device, key=key, key_time=key_time, content=content, data=data, received_at=NOON,
        door="test", id=id, time=time, raw=raw,
    )  # fmt: skip
    return built._replace(**others)


def letter(reason: str = "not_json", raw: bytes = b"\xff\x00", raw_bytes: int | None = None) -> DeadLetter:
    """One refused message."""
    return DeadLetter(
        door="test",
        feed="rainfall",
        device="rain-1",
        reason=reason,
        detail="x",
        raw=raw,
        received_at=NOON,
        raw_bytes=raw_bytes,
    )
