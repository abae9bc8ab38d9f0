"""The embedded server on real processes: starts, kills, leftovers, rights.

Past 400 lines: one server is started, killed and started again all along; a second file would start its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from ioc.store.embedded.binaries import find_binaries, server_account
from ioc.store.embedded.cluster import SOCKET_PATH_BYTES_MAX, Status, read_status
from ioc.store.embedded.process import end_process, exists
from ioc.store.embedded.server import EmbeddedPostgres, EmbeddedPostgresError, attach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = os.geteuid() == 0
NAMED = os.environ.get("IOC_TEST_DATABASE_BIN")
BIN_DIR = Path(NAMED) if NAMED else None
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that the server's account can enter, unlike pytest's own when we are root."""
    with new_folder() as folder:
        yield folder


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, not started; stopped afterwards."""
    server = EmbeddedPostgres(data_dir, BIN_DIR)
    yield server
    server.stop("immediate")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A running server with its data folder, for tests that only look at it."""
    with new_folder() as folder:
        server = EmbeddedPostgres(folder, BIN_DIR)
        try:
            server.start()
            yield server, folder
        finally:
            server.stop("immediate")


@contextmanager
def new_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ioc-embedded-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def ask(dsn: str, sql: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def pid_of(server: EmbeddedPostgres) -> int:
    assert server.pid is not None
    return server.pid


def status_of(data_dir: Path) -> Status | None:
    return read_status((data_dir / "postgres").resolve() / "cluster")


def test_start_makes_a_durable_server_that_listens_on_its_socket_only(running):
    server, _ = running
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "jit": "off",
        "listen_addresses": "",
        "max_connections": "80",
        "timezone": "UTC",
        "server_encoding": "UTF8",
    }
    assert {name: ask(server.dsn, f"SHOW {name}") for name in expected} == expected
    assert ask(server.dsn, "SELECT lower('ĐÀ BẮC')") == "đà bắc"
    assert server.is_running()
    assert server.poll() is None


def test_the_password_is_asked_for_and_kept_private(running):
    server, data_dir = running
    password = data_dir / "postgres" / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(server.dsn.replace(password.read_text(), "guessed"), "SELECT 1")


def test_the_address_fits_sqlalchemy_and_holds_no_percent_sign(running):
    """Alembic's ini parser reads a percent sign as the start of a variable."""
    server, _ = running
    assert "%" not in server.url

    async def database() -> object:
        engine = create_async_engine(server.url)
        async with engine.connect() as connection:
            name = (await connection.execute(text("SELECT current_database()"))).scalar()
        await engine.dispose()
        return name

    assert asyncio.run(database()) == "ioc"


def test_a_restart_keeps_the_data_and_the_password(server, data_dir):
    server.start()
    ask(server.dsn, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
    first = server.dsn
    server.stop()
    assert not server.is_running()
    assert server.pid is None
    other = EmbeddedPostgres(data_dir, BIN_DIR)
    other.start()
    try:
        assert other.dsn == first
        assert ask(other.dsn, "SELECT answer FROM kept") == 42
    finally:
        other.stop()


def test_a_killed_server_is_seen_and_recovers_what_it_committed(server):
    server.start()
    ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: server.poll() is not None)
    assert server.poll() == -signal.SIGKILL
    assert not server.is_running()
    server.start()
    assert server.pid != killed
    assert ask(server.dsn, "SELECT answer FROM kept") == 42


async def test_a_worker_busy_in_a_killed_server_does_not_stop_the_next_start(server):
    """A worker in the middle of a computation does not notice that its server died, and holds the shared memory."""
    await asyncio.to_thread(server.start)
    connection = await asyncpg.connect(server.dsn)
    worker = await connection.fetchval("SELECT pg_backend_pid()")
    busy = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 100000000000) AS n"))
    await asyncio.sleep(0.5)
    os.kill(pid_of(server), signal.SIGKILL)
    await asyncio.to_thread(wait_until, lambda: server.poll() is not None)
    assert exists(worker)
    await asyncio.to_thread(server.start)
    assert not exists(worker)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy
    connection.terminate()
    assert await asyncio.to_thread(ask, server.dsn, "SELECT 1") == 1


def test_a_second_instance_on_the_same_folder_is_refused_and_does_no_harm(running):
    server, data_dir = running
    with pytest.raises(EmbeddedPostgresError, match=f"Process {os.getpid()} already runs"):
        EmbeddedPostgres(data_dir, BIN_DIR).start()
    assert server.is_running()
    assert attach(data_dir) == server.dsn


SUPERVISOR = """
    import sys, time
    from pathlib import Path
    from ioc.store.embedded.server import EmbeddedPostgres
    server = EmbeddedPostgres(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None)
    server.start()
    print(server.pid, flush=True)
    time.sleep(60)
"""


def test_a_server_that_outlived_its_killed_supervisor_is_replaced_with_its_data(server, data_dir):
    command = [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(data_dir), NAMED or ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as supervisor:
        assert supervisor.stdout is not None
        orphan = int(supervisor.stdout.readline())
        supervisor.kill()
    try:
        assert exists(orphan)
        ask(attach(data_dir), "CREATE TABLE kept AS SELECT 42 AS answer")
        server.start()
        assert not exists(orphan)
        assert ask(server.dsn, "SELECT answer FROM kept") == 42
    finally:
        if server.pid is None:
            end_process(orphan, (signal.SIGQUIT,), patience_seconds=10.0)


def test_a_stale_process_file_whose_number_another_process_has_does_not_stop_the_start(server, data_dir):
    """PostgreSQL alone would say that its lock file already exists and give up."""
    server.start()
    ask(server.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(pid_of(server), signal.SIGKILL)
    wait_until(lambda: server.poll() is not None)
    with subprocess.Popen(["sleep", "60"], cwd="/", **server_account()) as bystander:
        try:
            pid_file = data_dir / "postgres" / "cluster" / "postmaster.pid"
            lines = pid_file.read_text().splitlines()
            pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
            with pytest.raises(EmbeddedPostgresError, match="No instance runs"):
                attach(data_dir)
            server.start()
            assert ask(server.dsn, "SELECT answer FROM kept") == 42
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_the_ready_word_of_a_server_before_is_not_taken_for_the_new_one_s_when_both_bear_one_number(data_dir):
    """After a power cut, and in a container, process numbers begin anew; this broke the start in a guest that was cut.

    The program put before PostgreSQL writes its number, which becomes the server's, into the file that was left, as if
    it had stood there before, and takes its time.
    """
    programs = find_binaries(BIN_DIR).bin_dir
    slow = data_dir / "bin"
    slow.mkdir()
    (slow / "initdb").symlink_to(programs / "initdb")
    left = data_dir / "postgres" / "cluster" / "postmaster.pid"
    (slow / "postgres").write_text(
        textwrap.dedent(
            f"""\
            #!/bin/sh
            if [ "$1" = -D ]; then
                touch -r {left} {left}.time
                sed "1s/.*/$$/" {left}.text >{left}
                touch -r {left}.time {left}
                sleep 1
            fi
            exec {programs}/postgres "$@"
            """
        )
    )
    (slow / "postgres").chmod(0o755)
    first = EmbeddedPostgres(data_dir, BIN_DIR)
    first.start()
    os.kill(pid_of(first), signal.SIGKILL)
    wait_until(lambda: first.poll() is not None)
    first.stop("immediate")
    shutil.copy(left, f"{left}.text")
    Path(f"{left}.text").chmod(0o644)
    second = EmbeddedPostgres(data_dir, slow)
    try:
        second.start()
        assert ask(second.dsn, "SELECT 42") == 42
    finally:
        second.stop("immediate")


def test_a_socket_s_lock_whose_number_another_process_has_does_not_stop_the_start(server, data_dir):
    """After a power cut this was PostgreSQL's own logger."""
    server.start()
    status = status_of(data_dir)
    assert status is not None
    lock = status.socket_dir / ".s.PGSQL.5432.lock"
    os.kill(pid_of(server), signal.SIGKILL)
    wait_until(lambda: server.poll() is not None)
    with subprocess.Popen(["sleep", "60"], cwd="/", **server_account()) as bystander:
        try:
            lines = lock.read_text().splitlines()
            lock.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
            server.start()
            assert ask(server.dsn, "SELECT 42") == 42
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_a_process_file_that_a_power_cut_left_empty_does_not_stop_the_start(server, data_dir):
    """PostgreSQL alone would say that it may be the remnant of a crash, and give up."""
    server.start()
    server.stop()
    left = data_dir / "postgres" / "cluster" / "postmaster.pid"
    left.touch()
    shutil.chown(left, *[data_dir.joinpath("postgres", "cluster").stat().st_uid] * 2)
    server.start()
    assert server.is_running()


def test_an_initialisation_cut_in_the_middle_is_done_again(server, data_dir):
    half = data_dir / "postgres" / "cluster.new" / "base"
    half.mkdir(parents=True)
    (half.parent / "PG_VERSION").write_text("18\n")
    server.start()
    assert not half.parent.exists()
    assert server.is_running()


def test_attach_gives_the_running_server_and_says_what_to_do_without_one(server, data_dir):
    with pytest.raises(EmbeddedPostgresError, match=r"start it with `ioc up --data"):
        attach(data_dir)
    server.start()
    assert attach(data_dir) == server.dsn
    server.stop()
    with pytest.raises(EmbeddedPostgresError, match="No instance runs"):
        attach(data_dir)


def test_tcp_is_open_on_the_loopback_when_asked_for(data_dir):
    server = EmbeddedPostgres(data_dir, BIN_DIR, tcp_port=0)
    server.start()
    try:
        status = status_of(data_dir)
        assert status is not None
        over_tcp = server.dsn.partition("?")[0].replace("@/", f"@127.0.0.1:{status.port}/")
        assert ask(over_tcp, "SELECT host(inet_server_addr())") == "127.0.0.1"
        assert ask(server.dsn, "SELECT inet_server_addr()") is None
    finally:
        server.stop()


def test_a_data_folder_with_a_long_or_odd_name_gets_a_socket_elsewhere(data_dir):
    """The kernel refuses socket paths over 107 bytes; an instance's folder may well have one."""
    long = data_dir / ("Hòa Bình 'x' " + "d" * 100)
    server = EmbeddedPostgres(long, BIN_DIR)
    server.start()
    try:
        status = status_of(long)
        assert status is not None
        assert len(f"{status.socket_dir}/.s.PGSQL.{status.port}") <= SOCKET_PATH_BYTES_MAX
        assert status.socket_dir.stat().st_mode & 0o777 == 0o700
        assert ask(server.dsn, "SELECT 1") == 1
        assert attach(long) == server.dsn
    finally:
        server.stop()
    assert not status.socket_dir.exists()


def test_ctrl_c_in_a_terminal_does_not_reach_the_server(running):
    """It goes to the whole process group; the supervisor first stops the workers, then the server."""
    server, _ = running
    assert os.getpgid(pid_of(server)) != os.getpgid(0)


def test_a_failed_start_shows_the_last_words_of_the_log_and_frees_the_folder(server, data_dir):
    server.start()
    server.stop()
    conf = data_dir / "postgres" / "cluster" / "postgresql.conf"
    good = conf.read_text()
    conf.write_text(good + "\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)exit code 1.*no_such_setting.*start again"):
        server.start()
    conf.write_text(good)
    other = EmbeddedPostgres(data_dir, BIN_DIR)
    other.start()  # the lock is free again
    other.stop()


def test_programs_of_another_version_than_the_data_are_refused_with_both_versions(server, data_dir):
    server.start()
    server.stop()
    (data_dir / "postgres" / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match="the data folder was written by 14"):
        server.start()


def test_a_named_folder_without_programs_is_refused_by_name(tmp_path):
    with pytest.raises(EmbeddedPostgresError, match=rf"(?s){tmp_path}.*IOC_PG_BIN"):
        find_binaries(tmp_path)


@pytest.mark.skipif(not ROOT, reason="only root has folders that the server's account cannot enter")
def test_root_keeps_a_private_folder_private_and_the_database_where_the_server_reaches_it(data_dir):
    private = data_dir / "private"
    private.mkdir(mode=0o700)
    server = EmbeddedPostgres(private / "data", BIN_DIR)
    server.start()
    place = (private / "data" / "postgres").readlink()
    try:
        assert private.stat().st_mode & 0o777 == 0o700
        assert (place / "belongs-to").read_text().strip() == str(private / "data" / "postgres")
        assert attach(private / "data") == server.dsn
        assert ask(server.dsn, "SELECT 1") == 1
        server.stop()
        server.start()
        assert server.is_running()
    finally:
        server.stop()
        shutil.rmtree(place)
    with pytest.raises(EmbeddedPostgresError, match="is gone, and the database with it"):
        server.start()


def test_each_test_gets_a_database_of_its_own(database_dsn, databases):
    """The copy starts with what the template holds, and a change in it stays in it."""
    other = databases.create()
    tables = "SELECT array_agg(relname::text ORDER BY relname) FROM pg_class"
    before = ask(databases.dsn_of(other), tables)
    assert ask(database_dsn, tables) == before
    ask(database_dsn, "CREATE TABLE mine AS SELECT 1 AS n")
    assert ask(databases.dsn_of(other), tables) == before
    databases.drop(other)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        ask(databases.dsn_of(other), tables)
