"""How a replay is told while it runs: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from ioc.replay.result import Progress, ReplayResult

PLAIN_SECONDS = 5.0


class Report(Protocol):
    """Hears of a replay."""

    def begin(self, title: str, rows_expected: int) -> None:
        """Hear that it starts."""
        ...

    def progress(self, progress: Progress) -> None:
        """Hear the running count, after each batch and each second of waiting."""
        ...

    def trouble(self, text: str) -> None:
        """Hear of a bad row, a rejected reading or a wait for the door."""
        ...

    def end(self, result: ReplayResult) -> None:
        """Hear the final count; called once, also when the replay is broken off."""
        ...


def summary_lines(result: ReplayResult) -> list[str]:
    """Return the final count in words, and the first reasons of what was refused."""
    head = (
        f"{result.stored} stored, {result.duplicate} duplicate, {result.rejected} rejected"
        f" ({result.rows} rows, {result.empty} without a value, {result.bad} unreadable) in {result.seconds:.1f} s"
    )
    return [head, *(f"  {reason}" for reason in result.reasons)]


def _counts(progress: Progress) -> str:
    return f"{progress.stored} stored, {progress.duplicate} duplicate, {progress.rejected + progress.bad} refused"


class PlainReport:
    """Plain lines, at most one every five seconds but for trouble."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, title: str, rows_expected: int) -> None:
        """Say what is replayed."""
        self._say(f"replay {title}: about {rows_expected} rows")
        self._next = time.monotonic() + PLAIN_SECONDS

    def progress(self, progress: Progress) -> None:
        """Say the count when five seconds have passed since the last line."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_SECONDS
            self._say(f"{progress.rows} of about {progress.rows_expected} rows: {_counts(progress)}")

    def trouble(self, text: str) -> None:
        """Say it at once."""
        self._say(text)

    def end(self, result: ReplayResult) -> None:
        """Say the final count."""
        for line in summary_lines(result):
            self._say(line)


class TerminalReport:
    """A progress bar with the count beside it; trouble scrolls above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None

    def begin(self, title: str, rows_expected: int) -> None:
        """Show the bar."""
        self._task = self._bar.add_task(escape(title), total=rows_expected, counts="")
        self._bar.start()

    def progress(self, progress: Progress) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=progress.rows, counts=_counts(progress))

    def trouble(self, text: str) -> None:
        """Print above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def end(self, result: ReplayResult) -> None:
        """Stop the bar and print the final count below it."""
        if self._task is not None:
            self._bar.update(self._task, completed=result.rows, total=result.rows)
        self._bar.stop()
        for line in summary_lines(result):
            self._console.print(line, markup=False, highlight=False)


def report_for(console: Console) -> Report:
    """Return the report that suits where the output goes."""
    return TerminalReport(console) if console.is_terminal else PlainReport(console)
