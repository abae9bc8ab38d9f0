"""What becomes of each message of a batch: it is stored, repeats what the log has, or is refused (pure).

A message is known by its key, what it says by its content. An example, where the feed of `a` and `b` keeps what came
first and the feed of `d` takes revisions:

    the log before    a says 1, at position 40; d says 1, at 41, revision 0
    the batch         a·1    b·1    b·1    a·2    d·2    d·2    d·3         at positions 42 to 48
    its receipts      duplicate of 40, stored at 43, duplicate of 43, refused (`conflict`), stored at 46,
                      duplicate of 46, stored at 48
    the log after     new are b·1 at 43, d·2 at 46 (revision 1) and d·3 at 48 (revision 2); a says 1, at 40; b says 1,
                      at 43; d says 3, at 48, revision 2; a·2 is a dead letter; the head is 48

Each message has its position before its key is claimed, so that a new key is written once. The position of a duplicate
or a conflict stays empty, which no reader minds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast

from ioc.domain.event import DeadLetter, Message, Outcome, Receipt

CONFLICT_DETAIL = "the same source, id and time came before with other content"
# A tuple's own way to be made; by its generated __new__ it costs half as much again.
_made = cast("Callable[[type[Receipt], tuple[Any, ...]], Receipt]", tuple.__new__)


class KeyContent(NamedTuple):
    """What the log has under a key: the newest content, where it stands, and which revision it is."""

    content: bytes
    position: int
    revision: int


class NewEvent(NamedTuple):
    """An event that the batch adds. ``time`` is its effective one, ``flags`` are all that it has."""

    message: Message
    position: int
    revision: int
    time: datetime
    flags: tuple[str, ...]


class NewEvents(NamedTuple):
    """The events that a batch adds, column by column, as COPY takes them: see :class:`NewEvent`."""

    messages: Sequence[Message]
    positions: Sequence[int]
    revisions: Sequence[int]
    times: Sequence[datetime]
    flags: Sequence[tuple[str, ...]]

    def receipts(self) -> list[Receipt]:
        """Return the receipt of each: stored."""
        stored = Outcome.STORED
        return [
            _made(Receipt, (stored, message.key, position, None, message.remark, flags))
            for message, position, flags in zip(self.messages, self.positions, self.flags, strict=True)
        ]


@dataclass(slots=True)
class Outcomes:
    """What becomes of a batch: a receipt for each of its messages, what is new of them, and what is refused."""

    receipts: list[Receipt] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    conflicts: list[DeadLetter] = field(default_factory=list)

    def store(self, event: NewEvent) -> None:
        """Take a message that is new, or a revision."""
        self.events.append(event)
        self.receipts += columns([event]).receipts()

    def refuse(self, message: Message) -> None:
        """Refuse a message whose key has other content."""
        self.conflicts.append(dead_letter(message, reason="conflict", detail=CONFLICT_DETAIL))
        self.receipts.append(Receipt(Outcome.REFUSED, message.key, reason="conflict", detail=CONFLICT_DETAIL))

    def revised(self) -> list[NewEvent]:
        """Return the newest revision of each key that has one: what its key must say from now on."""
        return list({event.message.key: event for event in self.events if event.revision}.values())


def decide_outcomes(batch: NewEvents, known: Mapping[bytes, KeyContent]) -> Outcomes:
    """Return what becomes of a batch, in arrival order. ``batch`` has each of its messages as if it were new.

    ``known`` is what the log had before this batch; what a message adds counts for those after it.
    """
    known = dict(known)
    found = Outcomes()
    for message, position, _, time, flags in zip(*batch, strict=True):
        before = known.get(message.key)
        if before is not None and before.content == message.content:
            found.receipts.append(Receipt(Outcome.DUPLICATE, message.key, before.position))
        elif before is not None and not message.revise:
            found.refuse(message)
        else:
            revision = 0 if before is None else before.revision + 1
            known[message.key] = KeyContent(message.content, position, revision)
            found.store(NewEvent(message, position, revision, time, flags))
    return found


def columns(events: Sequence[NewEvent]) -> NewEvents:
    """Return events column by column; there is at least one."""
    return NewEvents(*zip(*events, strict=True))


def dead_letter(message: Message, *, reason: str, detail: str) -> DeadLetter:
    """Return the dead letter that keeps a refused message."""
    return DeadLetter(
        door=message.door,
        feed=message.feed,
        device=message.device,
        reason=reason,
        detail=detail,
        raw=message.raw,
        received_at=message.received_at,
    )
