"""A real PostgreSQL that an instance carries with it: started, watched, stopped and found again.

It listens on a unix socket that only root and its own account reach, asks for a password (scram) and fsyncs every
commit. It outlives a killed supervisor on purpose: the next start stops what still runs on the folder and starts it
anew, so that it always runs on the present settings and orphaned workers lose their connections at once.
All of it blocks; an event loop calls it by ``asyncio.to_thread``.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import IO, TYPE_CHECKING, Literal

from ioc.store.embedded.binaries import EmbeddedPostgresError, find_binaries, server_account, server_environment
from ioc.store.embedded.cluster import (
    dsn_of,
    home_of,
    initialise,
    make_home,
    make_socket_dir,
    read_status,
    write_settings,
)
from ioc.store.embedded.process import end_process, exists, is_server, workers_of
from ioc.store.embedded.reserve import Reserve

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "attach"]

StopMode = Literal["smart", "fast", "immediate"]
_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_STEP_SECONDS = 0.02
_QUIT_SECONDS = 5.0
_LOG_LINES = 15
_TRANSIENT = ("is still in use", '.pid" already exists', '.lock" already exists')
_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The server of one data folder. One object (in one process) holds the folder from ``start`` to ``stop``."""

    def __init__(
        self, data_dir: Path, bin_dir: Path | None = None, *, tcp_port: int | None = None, durable: bool = True
    ) -> None:
        """Name the folder; nothing is touched before ``start``.

        ``bin_dir`` names the PostgreSQL programs (IOC_PG_BIN). ``tcp_port`` also opens 127.0.0.1 (0: a free port).
        ``durable=False`` switches fsync off: for throw-away test servers only.
        """
        self._data_dir = data_dir
        self._bin_dir = bin_dir
        self._tcp_port = tcp_port
        self._durable = durable
        self._home = home_of(data_dir)
        self._socket_dir: Path | None = None
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reserve = Reserve(self._home)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None before ``start`` and after ``stop``."""
        return None if self._process is None else self._process.pid

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own folder."""
        return self._home / "cluster"

    @property
    def dsn(self) -> str:
        """``postgresql://`` address of the running server, for asyncpg and libpq; holds the password."""
        status = read_status(self._home / "cluster")
        if status is None or status.pid != self.pid:
            raise EmbeddedPostgresError(f"The embedded PostgreSQL of {self._data_dir} is not running: start it first.")
        return dsn_of(self._home, status)

    @property
    def url(self) -> str:
        """The same for SQLAlchemy: ``postgresql+asyncpg://``."""
        return self.dsn.replace("postgresql://", "postgresql+asyncpg://", 1)

    def poll(self) -> int | None:
        """Return the exit code of a postmaster that ended (negative: by that signal), None while it runs."""
        return None if self._process is None else self._process.poll()

    def is_running(self) -> bool:
        """Return whether the postmaster lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_seconds: float = 120.0) -> None:
        """Make the cluster where there is none, start the server and wait until it accepts connections.

        Also after a crash or a kill -9 of the server or of the process that started it; again on the same object
        when ``poll`` says that the server died. A long recovery needs its time: the timeout includes it.

        Raises:
            EmbeddedPostgresError: another process holds the folder, or it did not start; with the log's last lines.
        """
        if self.is_running():
            return
        deadline = time.monotonic() + timeout_seconds
        self._home = make_home(self._data_dir)
        self._reserve = Reserve(self._home)
        self._take_lock()
        try:
            cluster = self._home / "cluster"
            _end_leftovers(cluster)
            binaries = find_binaries(self._bin_dir, major=_version_of(cluster))
            if not cluster.is_dir():
                initialise(self._home, binaries)
            port = _free_port() if self._tcp_port == 0 else self._tcp_port
            self._socket_dir = make_socket_dir(self._home)
            write_settings(cluster, socket_dir=self._socket_dir, tcp_port=port, durable=self._durable)
            self._reserve.spend_if_full()
            _remove_left_sockets(self._socket_dir)
            while not self._launch(binaries.bin_dir, deadline=deadline):
                time.sleep(0.2)
                _end_leftovers(cluster)
                _remove_left_sockets(self._socket_dir)
            self._reserve.keep()
        except BaseException:
            self.stop("immediate")
            raise

    def keep_reserve(self) -> None:
        """Set some space aside again for a start on a full disk, once there is plenty."""
        self._reserve.keep()

    def stop(self, mode: StopMode = "fast", timeout_seconds: float = 30.0) -> None:
        """Stop the server and let the folder go; after the timeout by SIGQUIT (the next start then recovers)."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(_SIGNALS[mode])
            try:
                process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                _log.warning("PostgreSQL %d did not stop in %g s: stopped at once", process.pid, timeout_seconds)
                process.send_signal(signal.SIGQUIT)
                try:
                    process.wait(_QUIT_SECONDS)
                except subprocess.TimeoutExpired:
                    # A frozen process reacts only to SIGKILL; its children exit, or the next start ends them.
                    process.kill()
                    process.wait()
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)  # under /run or /tmp nobody else would
            self._socket_dir = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        try:
            lock = (self._home / "lock").open("a+", encoding="ascii")
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"The data folder {self._data_dir} belongs to another account: run as that one, or choose another "
                "folder with --data."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise EmbeddedPostgresError(
                f"Process {holder} already runs the data folder {self._data_dir}. Stop it first, or choose another "
                "folder with --data."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _launch(self, bin_dir: Path, *, deadline: float) -> bool:
        """Start the server and wait for it.

        False: try again, orphans of a killed server still leave, or a number in a lock file that the server before left
        is borne by somebody who came meanwhile.
        """
        cluster, start_log = self._home / "cluster", self._home / "start.log"
        # After a power cut process ids start again: the old pid file may name our new server, and say "ready".
        left = _pid_file_identity(cluster)
        with start_log.open("wb") as output:
            process = self._process = subprocess.Popen(  # noqa: S603
                [str(bin_dir / "postgres"), "-D", str(cluster)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=server_environment(),
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the workers first
                **server_account(),
            )
        while process.poll() is None:
            status = read_status(cluster) if _pid_file_identity(cluster) != left else None
            if status is not None and status.pid == process.pid and status.ready:
                return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not accept connections in time. {_last_words(self._home)}\n"
                    "After a crash it first recovers: start again, it goes on from there."
                )
            time.sleep(_STEP_SECONDS)
        words = _last_words(self._home)
        if any(sign in words for sign in _TRANSIENT) and time.monotonic() < deadline:
            return False
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start (exit code {process.returncode}). {words}\n"
            f"Put right what it names and start again; to begin with an empty database, move {self._home} away."
        )


def attach(data_dir: Path) -> str:
    """Return the ``postgresql://`` address of the embedded server that runs on ``data_dir``.

    Raises:
        EmbeddedPostgresError: none runs there, or it belongs to another account.
    """
    home = home_of(data_dir)
    try:
        status = read_status(home / "cluster")
        if status is not None and status.ready and is_server(status.pid, home / "cluster"):
            return dsn_of(home, status)
    except PermissionError as error:
        raise EmbeddedPostgresError(
            f"The database of {data_dir} belongs to another account: run this command as the one that runs ioc."
        ) from error
    raise EmbeddedPostgresError(
        f"No instance runs on {data_dir}: start it with `ioc up --data {data_dir}`, name the folder of a running one "
        "with --data, or a server of your own with IOC_DATABASE_URL."
    )


def _pid_file_identity(cluster: Path) -> tuple[int, int] | None:
    """Return which writing of ``postmaster.pid`` this is; None: there is none."""
    try:
        found = (cluster / "postmaster.pid").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _remove_left_sockets(folder: Path) -> None:
    """Remove what a server that lost its power, or was killed, left in the folder of its socket, which is ours alone.

    Its lock names a process. When numbers begin anew that may be any other, PostgreSQL's own logger for one, and the
    start would fail.
    """
    for path in folder.glob(".s.PGSQL.*"):
        path.unlink(missing_ok=True)


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return False


def _version_of(cluster: Path) -> int | None:
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_words(home: Path) -> str:
    """Return the end of what the server wrote, before and after it opened its own log."""
    logs = sorted((home / "cluster" / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    lines: list[str] = []
    for path in [*logs[-1:], home / "start.log"]:
        lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    return "Its last words:\n" + "\n".join(lines)


def _end_leftovers(cluster: Path) -> None:
    """Stop a server that outlived its supervisor, and end workers that outlived their server.

    The folder's lock is ours, so nobody else starts one meanwhile. A ``postmaster.pid`` would stop the start when it
    names a living process which is not this server (the number was used again, or it comes from another container),
    or when a loss of power left it empty: it is removed. PostgreSQL's own check of its shared memory still guards the
    folder.
    """
    status = read_status(cluster)
    if status is not None and is_server(status.pid, cluster):
        _log.warning("PostgreSQL %d outlived the process that started it: stopping it", status.pid)
        end_process(status.pid, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), patience_seconds=10.0)
    elif (status is not None and exists(status.pid)) or _is_empty(cluster / "postmaster.pid"):
        (cluster / "postmaster.pid").unlink(missing_ok=True)
    for pid in workers_of(cluster):
        end_process(pid, (signal.SIGQUIT, signal.SIGKILL), patience_seconds=2.0)
