"""Two PostgreSQL servers on loopback, the second a synchronous standby of the first: a site's own database pair."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from ioc.store.embedded.binaries import SERVER_UID, find_binaries, server_account, server_environment
from ioc.store.embedded.process import end_process, workers_of
from ioc.store.embedded.server import EmbeddedPostgres
from proof.harness.instance import InstanceError, free_port

START_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Pair:
    """The two servers."""

    folder: Path
    primary: EmbeddedPostgres
    primary_port: int
    standby_port: int
    password: str
    standby: subprocess.Popen[bytes] | None = None

    def dsn(self, *ports: int) -> str:
        """Return the address of servers at ports of 127.0.0.1, in this order."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"postgresql://ioc:{self.password}@{hosts}/ioc"

    @property
    def standby_cluster(self) -> Path:
        """The folder of the standby."""
        return self.folder / "standby"

    def primary_pids(self) -> list[int]:
        """Return every process of the primary, the postmaster first."""
        first = self.primary.pid
        assert first is not None, "it runs"
        return [first, *(pid for pid in workers_of(self.primary.cluster) if pid != first)]

    async def execute(self, port: int, *statements: str) -> None:
        """Run statements on one server, each on its own."""
        connection = await asyncpg.connect(self.dsn(port), timeout=10, command_timeout=30)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            connection.terminate()

    async def make_standby(self) -> None:
        """Copy the primary, start the copy as its standby, and make the primary wait for it at each commit.

        Raises:
            InstanceError: it cannot be made.
        """
        binaries = find_binaries(None, major=None)
        account = server_account()
        environment = {**server_environment(), "PGPASSWORD": self.password}
        self.standby_cluster.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.standby_cluster, SERVER_UID, SERVER_UID)
        copy = await asyncio.create_subprocess_exec(
            str(binaries.bin_dir / "pg_basebackup"), "-h", "127.0.0.1", "-p", str(self.primary_port), "-U", "ioc",
            "-D", str(self.standby_cluster), "-R", "-X", "stream", "-c", "fast", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", env=environment, **account,
        )  # fmt: skip
        _, said = await asyncio.wait_for(copy.communicate(), 60)
        if copy.returncode != 0:
            raise InstanceError(f"pg_basebackup failed: {said.decode(errors='replace')[-500:]}")
        with (self.folder / "standby.log").open("wb") as output:
            self.standby = subprocess.Popen(  # noqa: ASYNC220 - it runs beside us
                [str(binaries.bin_dir / "postgres"), "-D", str(self.standby_cluster), "-p", str(self.standby_port),
                 "-c", f"unix_socket_directories={self.standby_cluster}", "-c", "logging_collector=off"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/", env=server_environment(),
                start_new_session=True, **account,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
                await self.execute(self.standby_port, "SELECT 1")
                break
            if time.monotonic() > deadline or self.standby.poll() is not None:
                raise InstanceError((self.folder / "standby.log").read_text(errors="replace")[-2_000:])
            await asyncio.sleep(POLL_SECONDS)
        await self.execute(
            self.primary_port, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"
        )

    def close(self) -> None:
        """End both and remove their folders."""
        if self.standby is not None and self.standby.poll() is None:
            self.standby.send_signal(signal.SIGQUIT)
            self.standby.wait()
        for pid in workers_of(self.standby_cluster):
            end_process(pid, (signal.SIGKILL,), patience_seconds=1.0)
        self.primary.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def _folders() -> tuple[Path, Path]:
    """Return a folder that PostgreSQL's account may enter, and the primary's in it."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-proof-pair-"))
    folder.chmod(0o755)
    data = folder / "primary"
    data.mkdir()
    return folder, data


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Lend a primary with its synchronous standby; nothing is left of them."""
    folder, data = _folders()
    port = free_port()
    primary = EmbeddedPostgres(data, tcp_port=port)
    made = Pair(folder, primary, port, free_port(), password="")
    try:
        await asyncio.to_thread(primary.start)
        made.password = (data / "postgres" / "password").read_text(encoding="ascii").strip()
        await made.make_standby()
        yield made
    finally:
        await asyncio.to_thread(made.close)
