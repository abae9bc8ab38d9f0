"""How long work of the command line is told: a progress bar on a terminal, plain lines every few seconds elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PLAIN_SECONDS = 5.0
Tell = Callable[[int, int], None]
"""Hears how much is done, of how much."""


@contextlib.contextmanager
def progress(title: str, unit: str) -> Iterator[Tell]:
    """Tell on standard error how far some work has come, so that standard output is its result alone."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(console, title, unit)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(console: Console, title: str, unit: str) -> Tell:
    said = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= PLAIN_SECONDS:
            said = time.monotonic()
            console.print(f"{title}: {done:,} of {total:,} {unit}", markup=False, highlight=False, soft_wrap=True)

    return tell
