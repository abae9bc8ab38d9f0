"""What a replay did: the running count and the final answer."""

from __future__ import annotations

from dataclasses import dataclass

REASONS_MAX = 10


@dataclass(slots=True)
class Progress:
    """The running count. ``rows`` are data rows read; each is empty, bad, or sent and then answered."""

    rows: int = 0
    rows_expected: int = 0
    empty: int = 0
    bad: int = 0
    sent: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    waits: int = 0


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The final count, the first reasons of what was refused (`file:line: reason`) and the time it took."""

    rows: int
    empty: int
    bad: int
    sent: int
    stored: int
    duplicate: int
    rejected: int
    seconds: float
    reasons: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 1 when a row could not be read or the door rejected one, else 0."""
        return 1 if self.rejected or self.bad else 0

    @classmethod
    def of(cls, progress: Progress, *, seconds: float, reasons: tuple[str, ...]) -> ReplayResult:
        """Make the final answer of the running count."""
        return cls(
            rows=progress.rows,
            empty=progress.empty,
            bad=progress.bad,
            sent=progress.sent,
            stored=progress.stored,
            duplicate=progress.duplicate,
            rejected=progress.rejected,
            seconds=seconds,
            reasons=reasons,
        )
