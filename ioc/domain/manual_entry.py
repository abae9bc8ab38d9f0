"""What a person enters by hand: one reading, its corrections, and that it is taken back; each is a revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ioc.domain.event import TAKEN_BACK, UNTIMED, Flag, Message, hash16

DOOR = "manual"
"""The door of what people enter; there is no device behind it that could send it again."""
DESK = "desk"
"""What stands as the device of an entry whose feed needs none: the people of the room."""


class ManualAction(StrEnum):
    """What a person did with an entry."""

    ENTERED = "entered"
    """They entered it."""
    CORRECTED = "corrected"
    """They gave it other values, and said why."""
    WITHDRAWN = "withdrawn"
    """They took it back, and said why."""


@dataclass(frozen=True, slots=True)
class EntryChange:
    """Who did what, why, and from where. ``submission`` is the sender's name for an entry, which makes it one.

    ``media`` are what they attach with it.
    """

    action: ManualAction
    actor: str
    address: str | None
    reason: str | None = None
    submission: str | None = None
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManualReading:
    """What a person entered, as it came; ``device`` null: of a feed that needs none."""

    feed: str
    device: str | None
    id: str
    time: datetime
    lat: float | None
    lon: float | None
    values: Mapping[str, Any]


def manual_message(message: Message, *, number: int, nonce: str) -> Message:
    """Return a message as the log takes it from a person: a revision ``number`` that is like no other revision.

    The content that tells a repeat from a revision is that of the deed: whoever corrects 7 to 8 and back to 7 has made
    two corrections.
    """
    return message._replace(
        content=hash16(message.content, str(number).encode(), nonce.encode()), revise=True, registered_at=None
    )


def taken_back(row: Mapping[str, Any], positions: Sequence[int], *, now: datetime, nonce: str) -> Message:
    """Return the revision that takes an event back: ``row`` is its newest revision, ``positions`` are those of all."""
    kept = [Flag.DRILL] if Flag.DRILL in row["flags"] else []
    message = Message(
        feed=row["feed"],
        device=row["device"],
        key=bytes(row["key"]),
        key_time=row["time"] or UNTIMED,
        content=bytes(row["key"]),
        data={TAKEN_BACK: list(positions)},
        received_at=now,
        door=DOOR,
        id=row["id"],
        time=row["time"],
        lat=row["lat"],
        lon=row["lon"],
        area=row["area"],
        zone=row["zone"],
        flags=(Flag.WITHDRAWN, *kept),
    )
    return manual_message(message, number=row["revision"] + 1, nonce=nonce)
