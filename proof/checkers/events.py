"""The events of a run: what was sent and acknowledged against what the log holds. Pure.

The classes of an event are Jepsen's: lost (acknowledged and absent), recovered (never acknowledged, yet there:
allowed), duplicate, unexpected (never sent), altered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from ioc.domain.event import Entry, EntryKind, Event
from proof.harness.recorder import Identity, OperationHistory


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """The events of a run by class."""

    operations: int
    acknowledged: int
    stored: int
    lost: int
    stored_twice: int
    unexpected: int
    altered: int
    refused: int
    recovered: int

    @property
    def clean(self) -> bool:
        """Tell whether every promise to the senders was kept."""
        return not (self.lost or self.stored_twice or self.unexpected or self.altered or self.refused)

    def facts(self) -> dict[str, int]:
        """Return it for a report."""
        return asdict(self)


def judge_events(history: OperationHistory, stored: Iterable[Event]) -> EventVerdict:
    """Compare what was sent and acknowledged with what the log holds of those devices."""
    counts: Counter[Identity] = Counter()
    altered = 0
    for event in stored:
        identity = (event.device, event.id or "")
        counts[identity] += 1
        sent = history.sent.get(identity)
        altered += sent is not None and any(event.data.get(name) != value for name, value in sent.items())
    return EventVerdict(
        operations=len(history.sent),
        acknowledged=len(history.acknowledged),
        stored=sum(counts.values()),
        lost=len(history.acknowledged - counts.keys()),
        stored_twice=sum(count - 1 for count in counts.values()),
        unexpected=len(counts.keys() - history.sent.keys()),
        altered=altered,
        refused=len(history.refused),
        recovered=len(counts.keys() - history.acknowledged),
    )


def events_of(entries: Iterable[Entry], devices: Collection[str]) -> list[Event]:
    """Return the events of some devices."""
    return [
        entry.event
        for entry in entries
        if entry.kind is EntryKind.EVENT and entry.event is not None and entry.event.device in devices
    ]
