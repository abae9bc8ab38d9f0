"""The embedded server's folder: where it lies, how it is made, how it is configured, what it says about itself.

``DATA/postgres/`` holds ``cluster/`` (PostgreSQL's own), ``password`` (0600), ``lock`` and ``start.log``. When root's
data folder is one that the server's account cannot enter (under /root), ``DATA/postgres`` is a link to a folder in
``/var/lib/ioc``. The socket lies beside the cluster, or under /run or /tmp where that path would be too long.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pwd
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ioc.runtime.disk import measure
from ioc.store.embedded.binaries import (
    REACHABLE_DIR,
    SERVER_UID,
    Binaries,
    EmbeddedPostgresError,
    is_root,
    reaches,
    server_account,
    server_environment,
)

DATABASE = "ioc"
SUPERUSER = "ioc"
SOCKET_PORT = 5432
WAL_MEGABYTES_MAX = 2_048
WAL_MEGABYTES_MIN = 32
"""Two segments: PostgreSQL takes no less."""
SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un: 108 with its closing zero
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")  # needs no quoting in postgresql.conf, in a URL or for Alembic
_BUILTIN_LOCALE_SINCE = 17
_log = logging.getLogger(__name__)

_SETTINGS = """\
# Written by ioc at every start. Change a value with ALTER SYSTEM: that wins over this file and stays.
unix_socket_permissions = 0700   # root and the server's own account
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
# Acknowledged means committed.
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
# A small machine of 2 cores that also runs the doors and the engine.
max_connections = 80
shared_buffers = '{shared_buffers}'
effective_cache_size = '1GB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
max_wal_size = '{wal_max_mb}MB'   # a tenth of the volume at most: a full disk stops the log's writer
min_wal_size = '{wal_min_mb}MB'
checkpoint_timeout = '10min'
wal_compression = on
random_page_cost = 1.1
max_locks_per_transaction = 256   # partitions by day and by month
max_parallel_workers_per_gather = 0   # a long report must not take the cores of the live path,
max_parallel_maintenance_workers = 0   # nor the 64 MB /dev/shm of a container
jit = off   # the first run of a wide query would spend 100 ms in the compiler
# Seven files, one a weekday, each overwritten a week later.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = '1d'
log_rotation_size = 0
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
log_parameter_max_length_on_error = 0   # no personal data in the log
"""


@dataclass(frozen=True, slots=True)
class Status:
    """What ``postmaster.pid`` says about the server that wrote it."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool


def home_of(data_dir: Path) -> Path:
    """Return the real path of the embedded server's folder of an instance; it need not exist."""
    return (data_dir / "postgres").resolve()


def make_home(data_dir: Path) -> Path:
    """Return the folder of an instance, made where the server's account reaches it.

    Raises:
        EmbeddedPostgresError: no such place can be made.
    """
    entry = data_dir.resolve() / "postgres"
    if entry.is_symlink() and not entry.is_dir():
        raise EmbeddedPostgresError(
            f"{entry} points to {entry.readlink()}, which is gone, and the database with it. Bring that folder back, "
            f"or remove {entry} to start with an empty database."
        )
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        if not entry.is_dir():
            _make_reachable(entry)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The folder {entry} cannot be made: {error}. Choose another data folder with --data or IOC_DATA_DIR."
        ) from error
    home = entry.resolve()
    if not reaches(home):
        account = f"uid {SERVER_UID}, under which root runs PostgreSQL," if is_root() else "this account"
        raise EmbeddedPostgresError(
            f"{account} cannot enter {home}. Let the folders above it be entered (chmod o+x), choose another data "
            "folder with --data or IOC_DATA_DIR, or run as a normal user."
        )
    return home


def _make_reachable(entry: Path) -> None:
    """Make the folder; where only root may enter those above it, elsewhere: they are private and stay so."""
    if reaches(entry.parent):
        entry.mkdir()
        entry.chmod(0o755)  # whatever the umask; what is private inside has its own mode
        return
    place = REACHABLE_DIR / "data" / secrets.token_hex(4)
    place.mkdir(parents=True)
    for folder in (REACHABLE_DIR, place.parent, place):
        folder.chmod(0o755)
    (place / "belongs-to").write_text(f"{entry}\n", encoding="utf-8")
    entry.symlink_to(place)
    _log.warning("uid %d cannot enter %s: its database is kept in %s", SERVER_UID, entry.parent, place)


def make_socket_dir(home: Path) -> Path:
    """Return a private folder for the socket with a path short enough for the kernel (107 bytes)."""
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    owner = SERVER_UID if is_root() else os.geteuid()
    places = [home / "socket", Path("/run/ioc") / name, Path(f"/tmp/ioc-{owner}-{name}")]  # noqa: S108 - checked below
    complaints: list[str] = []
    for place in places:
        path = f"{place}/.s.PGSQL.{SOCKET_PORT:05d}"
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX or _PLAIN_PATH.fullmatch(str(place)) is None:
            complaints.append(f"{place}: too long, or signs that need quoting")
            continue
        try:
            _make_private(place, owner=owner)
        except OSError as error:
            complaints.append(str(error))
        else:
            return place
    raise EmbeddedPostgresError(f"No place for the socket of PostgreSQL: {'; '.join(complaints)}.")


def _make_private(folder: Path, *, owner: int) -> None:
    """Make a folder that only ``owner`` may use; refuse one that somebody else put there first (in /tmp)."""
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or found.st_uid not in {owner, os.geteuid()}:
            raise PermissionError(f"{folder} belongs to another account") from None
    folder.chmod(0o700)
    if is_root():
        os.chown(folder, SERVER_UID, SERVER_UID)
    if not reaches(folder):
        raise PermissionError(f"{folder} cannot be entered by uid {owner}")


def initialise(home: Path, binaries: Binaries) -> None:
    """Make the cluster with its password and its database, all of it or nothing (a kill leaves ``cluster.new``).

    Raises:
        EmbeddedPostgresError: initdb failed; the message carries its last lines.
    """
    _check_account()
    fresh, password = home / "cluster.new", home / "password"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24), encoding="ascii")
    if is_root():
        os.chown(fresh, SERVER_UID, SERVER_UID)
        os.chown(password, SERVER_UID, SERVER_UID)
    locale = ["--locale=C.UTF-8"]
    if binaries.major >= _BUILTIN_LOCALE_SINCE:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same order on every system
    initdb = [str(binaries.bin_dir / "initdb"), "-D", str(fresh), f"--username={SUPERUSER}", f"--pwfile={password}"]
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums", "--no-instructions"]
    _run([*initdb, *locale, *options], given="")
    single = [str(binaries.bin_dir / "postgres"), "--single", "-D", str(fresh), "template1"]
    _run(single, given=f"CREATE DATABASE {DATABASE}\n")
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write("\ninclude 'ioc.conf'\n")
    fresh.rename(home / "cluster")


def _check_account() -> None:
    """Refuse an account without a name (a container run with an arbitrary --user), as initdb would, but clearly."""
    uid = SERVER_UID if is_root() else os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"Account {uid} has no name in /etc/passwd, and PostgreSQL refuses to make its files for such an account. "
            "Run as an account that has one, or use a server of your own with IOC_DATABASE_URL."
        ) from None


def _run(command: list[str], *, given: str) -> None:
    done = subprocess.run(  # noqa: S603
        command,
        check=False,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
        env=server_environment(),
        **server_account(),
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise EmbeddedPostgresError(
            f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{said}\n"
            "Check free disk space and the rights on the data folder, then start again."
        )


def wal_megabytes(cluster: Path) -> int:
    """Return how much write-ahead log may gather between checkpoints on this volume, in MB."""
    usage = measure(cluster)
    tenth = (usage.used_bytes + usage.free_bytes) // 10 >> 20
    return max(WAL_MEGABYTES_MIN, min(WAL_MEGABYTES_MAX, tenth))


def write_settings(cluster: Path, *, socket_dir: Path, tcp_port: int | None, durable: bool) -> None:
    """Write ``ioc.conf`` for the coming start; ``durable=False`` (no fsync) is for throw-away test servers only."""
    wal_max_mb = wal_megabytes(cluster)
    text = _SETTINGS.format(
        durable="on" if durable else "off",
        shared_buffers="256MB" if durable else "64MB",
        wal_max_mb=wal_max_mb,
        wal_min_mb=max(WAL_MEGABYTES_MIN, wal_max_mb // 8),
    )
    text += f"unix_socket_directories = '{socket_dir}'\n"
    text += f"port = {SOCKET_PORT if tcp_port is None else tcp_port}\n"
    text += f"listen_addresses = '{'' if tcp_port is None else '127.0.0.1'}'\n"
    conf = cluster / "ioc.conf"
    conf.write_text(text, encoding="utf-8")
    conf.chmod(0o644)  # inside a folder of mode 0700; the server's account must read what root wrote


def read_status(cluster: Path) -> Status | None:
    """Return what the server of this cluster wrote about itself; None: no such file, or not all of it yet."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid, port, socket_dir = abs(int(lines[0])), int(lines[3]), Path(lines[4])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - its eighth line, as pg_ctl reads it
    return Status(pid=pid, port=port, socket_dir=socket_dir, ready=ready)


def dsn_of(home: Path, status: Status) -> str:
    """Return the address for asyncpg, libpq and (with another scheme) SQLAlchemy; it holds no percent sign."""
    password = (home / "password").read_text(encoding="ascii").strip()
    port = "" if status.port == SOCKET_PORT else f"&port={status.port}"
    return f"postgresql://{SUPERUSER}:{quote(password)}@/{DATABASE}?host={status.socket_dir}{port}"
