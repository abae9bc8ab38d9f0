"""Where every thread and every task stands, printed once when a test run passes the limit that .ci/run gives it."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import io
import os
import threading

LIMIT = "TEST_SECONDS_MAX"
"""The environment variable with the limit in seconds; a run that a person starts has none."""


def arm() -> None:
    """Begin to count, in this process; a run that ends before its limit prints nothing."""
    seconds = float(os.environ.get(LIMIT, "0"))
    if seconds > 0:
        timer = threading.Timer(seconds, dump, args=[os.dup(2)])  # the tests' own standard error is caught by pytest
        timer.daemon = True
        timer.start()


def dump(output: int) -> None:
    """Write the stacks of all threads and of all tasks of all event loops to a file descriptor."""
    os.write(output, f"\nprocess {os.getpid()} is beyond its limit; its threads:\n".encode())
    faulthandler.dump_traceback(file=output, all_threads=True)
    for loop in [found for found in gc.get_objects() if isinstance(found, asyncio.AbstractEventLoop)]:
        if not loop.is_closed():
            for task in asyncio.all_tasks(loop):
                text = io.StringIO()
                task.print_stack(file=text)
                os.write(output, text.getvalue().encode())
