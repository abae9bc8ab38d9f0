"""A PostgreSQL that a test may freeze: SIGSTOP to every process of it, as a stuck disk or a paused machine looks."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from ioc.store.embedded.process import workers_of
from ioc.store.embedded.server import EmbeddedPostgres
from tests.databases import TestDatabases

Freeze = Callable[[], AbstractContextManager[None]]


@contextlib.contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """Stop the postmaster, then its children (none is born meanwhile); let them go on at the end."""
    stopped: list[int] = []
    try:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        stopped.append(server.pid)
        for pid in workers_of(server.cluster):
            if pid != server.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
        yield
    finally:
        for pid in reversed(stopped):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.fixture
def freeze(databases: TestDatabases) -> Freeze:
    """Return what freezes the test run's server for the length of a `with`."""
    return lambda: frozen(databases.server)
