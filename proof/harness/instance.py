"""A real `ioc up` in a folder of its own under the system's temporary folder, on free ports; nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from ioc.runtime.supervisor import read_ready
from ioc.store.embedded.server import attach
from ioc.store.postgres.engine import prepare_connection
from proof.harness.readings import SWING_RULE

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = ("door", "api", "rules", "rollup", "keeper")
READY_SECONDS = 120.0
STOP_SECONDS = 40.0
ANSWER_SECONDS = 3.0
POLL_SECONDS = 0.1
READY_LINE = re.compile(r"^IOC ready  \S+(?:  operator: (\S+) / (\S+))?$", re.MULTILINE)


class InstanceError(Exception):
    """The instance under test did not do what every proof needs of it."""


def free_port() -> int:
    """Return a free port below the kernel's range for outgoing connections.

    While a killed door is away, no client's own connection may sit on its port.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(slots=True)
class Instance:
    """One running instance, as a stranger with its folder and its admin's password sees it."""

    data: Path
    http_port: int
    mqtt_port: int
    mutant: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    username: str = ""
    password: str = ""
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dsn(self) -> str:
        """The database: the one that it was told to use, else its own embedded one."""
        return str(self.settings.get("database_url") or attach(self.data))

    @property
    def output(self) -> str:
        """What it has said so far."""
        return (self.data / "up.log").read_text(encoding="utf-8", errors="replace")

    @property
    def supervisor_pid(self) -> int | None:
        """Return the process of `ioc up`."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def launch(self) -> None:
        """Start `ioc up` on the folder and wait for its ready line; again after it was killed, as an init would.

        Raises:
            InstanceError: it did not become ready.
        """
        program = ["-m", "ioc"] if self.mutant is None else ["-m", "proof.mutants", self.mutant]
        given = {f"IOC_{name.upper()}": str(value) for name, value in self.settings.items()}
        with (self.data / "up.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *program, "up", "--http-port", str(self.http_port), "--mqtt-port", str(self.mqtt_port),
                "--data", str(self.data), cwd=REPOSITORY, stdin=asyncio.subprocess.DEVNULL, stdout=output,
                stderr=output, env={**clean_environment(), "IOC_PACK": str(self.data / "pack"),
                                    "IOC_LOG_LEVEL": "warning", **given, **self.environment},
            )  # fmt: skip
        self.starts += 1
        deadline = time.monotonic() + READY_SECONDS
        while len(said := READY_LINE.findall(self.output)) < self.starts:
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise InstanceError(f"the instance did not become ready:\n{self.output[-3_000:]}")
            await asyncio.sleep(POLL_SECONDS)
        if self.starts == 1:
            self.username, self.password = said[0]

    async def ended(self) -> None:
        """Wait until the process of `ioc up` has ended."""
        if self._process is not None:
            await self._process.wait()

    async def close(self) -> None:
        """Ask it to stop, then make sure: what still belongs to the folder is ended by its id."""
        pid = self.supervisor_pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(self.ended(), STOP_SECONDS)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                await self.ended()
        for left in self.postgres_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGQUIT if left == self.postmaster_pid() else signal.SIGKILL)

    def role_pid(self, role: str) -> int | None:
        """Return the process of a role that has said that it is ready and lives."""
        pid = read_ready(self.data / "run" / f"{role}.json").get("pid")
        return pid if isinstance(pid, int) and _alive(pid) else None

    def postmaster_pid(self) -> int | None:
        """Return PostgreSQL's first process."""
        path = (self.data / "postgres").resolve() / "cluster" / "postmaster.pid"
        try:
            pid = int(path.read_text(encoding="utf-8").splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if _alive(pid) else None

    def backends(self) -> list[int]:
        """Return the processes of PostgreSQL that serve a connection."""
        postmaster = self.postmaster_pid()
        return [
            pid
            for pid, parent, title in _processes()
            if parent == postmaster and "postgres: " in title and " ioc " in title
        ]

    def postgres_pids(self) -> list[int]:
        """Return every process of PostgreSQL, the postmaster first."""
        postmaster = self.postmaster_pid()
        if postmaster is None:
            return []
        return [postmaster, *(pid for pid, parent, _ in _processes() if parent == postmaster)]

    async def is_ready(self) -> bool:
        """Ask /readyz, over a bare socket: it is asked often while the machine is busy coming back."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.http_port)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    async def wait_until_back(self, timeout_seconds: float) -> bool:
        """Return whether every role lives and /readyz is true, within the time."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if all(self.role_pid(role) for role in ROLES) and await self.is_ready():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection of the proof's own."""
        connection = await asyncpg.connect(self.dsn, timeout=10, command_timeout=60)
        try:
            await prepare_connection(connection)
            yield connection
        finally:
            connection.terminate()

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Lend a signed-in client."""
        async with httpx2.AsyncClient(base_url=self.url, headers={"Origin": self.url}, timeout=20.0) as client:
            answer = await client.post("/api/v1/session", json={"username": self.username, "password": self.password})
            _check(answer, 200)
            yield client


async def add_device(admin: httpx2.AsyncClient, device: str, *, feed: str = "rainfall", area: str = "04795") -> str:
    """Register a device over the API and return its key."""
    body = {"id": device, "feed": feed, "area": area, "name": {"vi": device}}
    _check(await admin.post("/api/v1/devices", json=body), 201)
    answer = await admin.post(f"/api/v1/devices/{device}/keys", json={})
    _check(answer, 201)
    return str(answer.json()["key"])


def _check(answer: httpx2.Response, status: int) -> None:
    if answer.status_code != status:
        raise InstanceError(f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:300]}")


def clean_environment() -> dict[str, str]:
    """Return our environment without any setting of ioc."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IOC_")}


@contextlib.asynccontextmanager
async def running(*, mutant: str | None = None, **settings: object) -> AsyncIterator[Instance]:
    """Run an instance with the proof's rule in its pack; at the end nothing of it runs and its folder is gone.

    ``mutant`` names one of proof.mutants to run in every process of it; ``settings`` are IOC_* by their lower names.

    Raises:
        InstanceError: it did not become ready.
    """
    async with running_with(settings, mutant=mutant) as instance:
        yield instance


@contextlib.asynccontextmanager
async def running_with(
    settings: Mapping[str, object],
    *,
    mutant: str | None = None,
    environment: Mapping[str, str] | None = None,
    rules: Sequence[str] = (),
    pack_rules: bool = True,
) -> AsyncIterator[Instance]:
    """Run an instance as :func:`running` does, with more ``rules`` (YAML) in its pack and another environment.

    ``pack_rules`` false: the pack has the proof's own rule alone.
    """
    folder = make_folder()
    for path in () if pack_rules else (folder / "pack" / "rules").glob("*.yaml"):
        if path.name != "proof.swing.yaml":
            path.unlink()
    for rule in rules:
        name = rule.split("\n", 1)[0].removeprefix("rule: ")
        (folder / "pack" / "rules" / f"{name}.yaml").write_text(rule, encoding="utf-8")
    instance = Instance(folder, free_port(), free_port(), mutant, settings, environment or {})
    try:
        await instance.launch()
        yield instance
    finally:
        await instance.close()
        shutil.rmtree(folder, ignore_errors=True)


def make_folder() -> Path:
    """Return a folder with the city's pack and the proof's own rule in it."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-proof-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account when we are root
    pack = folder / "pack"
    shutil.copytree(REPOSITORY / "ioc" / "packs" / "hoabinh", pack, ignore=shutil.ignore_patterns("__pycache__"))
    (pack / "rules" / "proof.swing.yaml").write_text(SWING_RULE, encoding="utf-8")
    return folder


def _alive(pid: int) -> bool:
    """Tell whether a process lives; a dead one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _processes() -> Iterator[tuple[int, int, str]]:
    """Return (pid, parent, command line) of every process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, ValueError):
            continue
        yield int(folder.name), parent, title


def version_facts() -> dict[str, Any]:
    """Return what the figures were measured with."""
    import platform

    from ioc import __version__
    from ioc.runtime import compiled

    return {
        "ioc": __version__,
        "python": platform.python_version(),
        "compiled_rules": bool(compiled.look()[0]),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[1], 1),
    }
