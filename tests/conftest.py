"""Fixtures for every kind of test. A unit test asks for none of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import structlog

# In this process the rules run as Python, since tests look inside and break them; what tests start runs compiled.
GIVEN = os.environ.get("IOC_COMPILED")
os.environ.setdefault("IOC_COMPILED", "0")
import ioc  # noqa: E402, F401 - it decides when it is imported first

if GIVEN is None:
    del os.environ["IOC_COMPILED"]

from tests import hang  # noqa: E402 - after that
from tests.databases import TestDatabases, free_port  # noqa: E402
from tests.summary import pytest_sessionstart, pytest_terminal_summary  # noqa: E402, F401 - hooks
from tests.workers import SchedulingByInstance  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xdist.remote import Producer


def pytest_configure() -> None:
    """In each process of the run: say where it stands should it not end in time."""
    hang.arm()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SchedulingByInstance:
    """Share the tests out by the instances that they need."""
    return SchedulingByInstance(config, log)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that a test runs in this process sends its logs to what is standard error then, which ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def databases() -> Iterator[TestDatabases]:
    """The test run's PostgreSQL (IOC_TEST_DATABASE_BIN names other programs), started by the first that asks."""
    databases = TestDatabases()
    try:
        databases.open()
        yield databases
    finally:
        databases.close()


@pytest.fixture
def database_dsn(databases: TestDatabases) -> Iterator[str]:
    """``postgresql://`` address of a database of this test's own, with every migration in it; dropped afterwards."""
    name = databases.create()
    yield databases.dsn_of(name)
    databases.drop(name)


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    """Return a function that finds a free port of 127.0.0.1."""
    return free_port
