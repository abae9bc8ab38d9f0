"""One running instance for the acceptance tests, and a newcomer's ways to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx2
import pytest

from tests.acceptance.instance import Instance, new_data_folder


@pytest.fixture(scope="session")
def instance() -> Iterator[Instance]:
    """`ioc up` on an empty folder; at the end Ctrl-C must leave no process and no socket behind."""
    folder = new_data_folder()
    started = Instance(folder)
    try:
        started.start()
        yield started
        code = started.stop()
        assert code == 0, started.output()
        assert started.processes() == {}
        assert started.sockets() == []
    finally:
        for_good(started)


def for_good(instance: Instance) -> None:
    """End what may still run and remove the folder."""
    if instance.processes():
        instance.stop()
    shutil.rmtree(instance.data, ignore_errors=True)


@pytest.fixture(scope="module")
def operator(instance: Instance) -> Iterator[httpx2.Client]:
    """A client signed in with the one-time password of the ready line; anew for each file, whatever others did."""
    with instance.signed_in(instance.username, instance.password) as client:
        yield client
