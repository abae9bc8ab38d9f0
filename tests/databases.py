"""One real PostgreSQL for a whole test run, and a fresh database for each test, cloned from the migrated template."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import re
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from ioc.store.embedded.binaries import find_binaries
from ioc.store.embedded.process import exists, is_server, workers_of
from ioc.store.embedded.server import EmbeddedPostgres
from ioc.store.postgres.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

TEMPLATE = "ioc_template"
_FOLDER_PREFIX = "ioc-test-"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestDatabases:
    """The server of one test run; its databases are made and dropped by number."""

    __test__ = False  # its name begins like a test's

    def __init__(self) -> None:
        _sweep()
        # Not below pytest's own folder: that one is private to root, and the server does not run as root.
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-"))
        self._folder.chmod(0o755)
        named = os.environ.get("IOC_TEST_DATABASE_BIN")
        self.server = EmbeddedPostgres(self._folder, Path(named) if named else None, durable=False)
        self._numbers = itertools.count(1)
        atexit.register(self.close)  # also when pytest itself fails

    @property
    def programs(self) -> Path:
        """Return the folder of the server's programs, pg_dump among them."""
        named = os.environ.get("IOC_TEST_DATABASE_BIN")
        return find_binaries(Path(named) if named else None).bin_dir

    def open(self) -> None:
        """Start the server and make the template: the migrations, run once."""
        self.server.start()
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        run_apart(asyncio.to_thread(upgrade, self.dsn_of(TEMPLATE)))

    def close(self) -> None:
        """Stop the server and remove its folder; again does nothing."""
        atexit.unregister(self.close)
        self.server.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def dsn_of(self, database: str) -> str:
        """Return the ``postgresql://`` address of one database of this server."""
        return self.server.dsn.replace("/ioc?", f"/{database}?", 1)

    def create(self, *, template: str = TEMPLATE) -> str:
        """Return the name of a new database, a copy of the template."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, also while something is still connected."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.dsn_of("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_apart(run())


def run_apart(work: Coroutine[object, object, None]) -> None:
    """Run a coroutine to its end in a thread of its own: a fixture must not touch the test's event loop."""
    failures: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _sweep() -> None:
    """End the servers and remove the folders of earlier runs that were killed."""
    for folder in _left_behind():
        cluster = (folder / "postgres" / "cluster").resolve()
        server = EmbeddedPostgres(folder)
        if any(is_server(pid, cluster) for pid in workers_of(cluster)):
            server.start()
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def _left_behind() -> Iterator[Path]:
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        owner = re.match(rf"{_FOLDER_PREFIX}(\d+)-", folder.name)
        if owner is not None and not exists(int(owner[1])) and folder.stat().st_uid == os.geteuid():
            yield folder
