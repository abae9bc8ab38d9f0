"""A whole instance as a newcomer starts it: `ioc up`, real processes, real ports, and how a test asks it things."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2

from ioc.store.embedded.process import exists, workers_of

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"IOC ready  (?P<url>\S+)(?:  operator: (?P<username>\S+) / (?P<password>\S+))?$", re.MULTILINE)
READY_SECONDS_MAX = 100.0
ROLES = ("keeper", "rollup", "rules", "door", "api")
T = TypeVar("T")


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the environment without any setting of our own, so that only the defaults and the test's words count."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IOC_")} | extra


def wait_until(ask: Callable[[], T | None], *, seconds: float = 10.0, what: str = "it") -> T:
    """Ask again and again until there is an answer that is not empty."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:g} s")
        time.sleep(0.03)


class Instance:
    """One `ioc up` on a data folder; it can be stopped and started again on the same folder."""

    def __init__(self, data: Path, *, demo: bool = False, words: Sequence[str] = (), **environment: str) -> None:
        self.data = data
        self._words = words
        self._environment = environment
        self.demo = demo
        self.log = data / "up.log"
        self.ready_seconds = 0.0
        self.url = self.username = self.password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0

    @property
    def pid(self) -> int:
        """The process id of `ioc up`."""
        assert self._process is not None
        return self._process.pid

    @property
    def mqtt_port(self) -> int:
        """The port of the MQTT door."""
        return int(self.fact("door", "mqtt_port"))

    def fact(self, role: str, name: str) -> Any:
        """Return what a role wrote into its ready file."""
        return json.loads((self.data / "run" / f"{role}.json").read_text())[name]

    def output(self) -> str:
        """Return what this start has printed."""
        return self.log.read_bytes()[self._began_at :].decode()

    def start(self) -> None:
        """Start it and wait for the ready line."""
        command = [sys.executable, "-m", "ioc", "up", "--http-port", "0", "--mqtt-port", "0", "--data", str(self.data)]
        if self.demo:
            command.append("--demo")
        command += self._words
        if shutil.which("setpriv"):  # it ends with the test run, also with one that is killed
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        self._began_at = self.log.stat().st_size if self.log.exists() else 0
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=clean_environment(**self._environment), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        line = wait_until(self._ready_line, seconds=READY_SECONDS_MAX, what="the ready line")
        self.ready_seconds = time.monotonic() - began
        self.url = line["url"]
        self.username, self.password = line["username"] or self.username, line["password"] or self.password

    def _ready_line(self) -> re.Match[str] | None:
        assert self._process is not None
        assert self._process.poll() is None, f"ioc up ended with {self._process.returncode}:\n{self.output()}"
        return READY.search(self.output())

    def stop(self, number: signal.Signals = signal.SIGINT, *, seconds_max: float = 40.0) -> int:
        """Stop it as Ctrl-C does and return the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(seconds_max)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"still running {seconds_max:g} s after {number.name}:\n{self.output()}") from None

    def processes(self) -> dict[str, int]:
        """Return the ids of everything that runs for this instance: roles, simulators, PostgreSQL."""
        found = {f"{name} {pid}": pid for pid, name in _commands_with(str(self.data))}
        found |= {f"postgres {pid}": pid for pid in workers_of((self.data / "postgres" / "cluster").resolve())}
        return {name: pid for name, pid in found.items() if exists(pid)}

    def sockets(self) -> list[Path]:
        """Return the socket and ready files that are there."""
        return [path for path in self.data.rglob("*") if path.is_socket() or path.parent.name == "run"]

    def client(self, *, key: str | None = None) -> httpx2.Client:
        """Return a client, with a machine's key or nobody's."""
        headers = {"Authorization": f"Bearer {key}"} if key else {"Origin": self.url}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=20)

    @contextlib.contextmanager
    def signed_in(self, username: str, password: str) -> Iterator[httpx2.Client]:
        """Open a client signed in as a person."""
        with self.client() as client:
            answer = client.post("/api/v1/session", json={"username": username, "password": password})
            assert answer.status_code == 200, answer.text
            yield client
            client.delete("/api/v1/session")  # an account has at most twenty: a test leaves none behind

    def cli(self, *words: str, data: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of `ioc` to its end."""
        given = [*words, "--data", str(self.data)] if data else list(words)
        return run_cli(*given)

    def made(self, *words: str) -> dict[str, Any]:
        """Run a command with --json that must succeed, and return what it printed."""
        done = self.cli(*words, "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def device(self, name: str, feed: str, area: str) -> Device:
        """Register a device as the first account does on its screen, and issue its key."""
        with self.signed_in(self.username, self.password) as admin:
            body = {"id": name, "feed": feed, "area": area, "name": {"vi": name, "en": name}}
            answer = admin.post("/api/v1/devices", json=body)
            assert answer.status_code == 201, answer.text
            issued = admin.post(f"/api/v1/devices/{name}/keys", json={})
            assert issued.status_code == 201, issued.text
        return Device(self, feed, name, issued.json()["key"])

    def key(self, kind: str, **members: str) -> str:
        """Issue a machine's key as the first account does on its screen."""
        with self.signed_in(self.username, self.password) as admin:
            answer = admin.post("/api/v1/keys", json={"kind": kind, "name": kind, **members})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device with its key."""

    instance: Instance
    feed: str
    id: str
    key: str

    def publish(self, reading: object, *more: str, qos: int = 1) -> subprocess.CompletedProcess[str]:
        """Publish with mosquitto_pub as anybody would; at QoS 1 it returns after the PUBACK."""
        text = reading if isinstance(reading, str) else json.dumps(reading)
        return subprocess.run(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.instance.mqtt_port), "-i", self.id, "-u", self.id,
             "-P", self.key, "-t", f"ioc/v1/{self.feed}/{self.id}", "-q", str(qos), "-m", text, *more],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip


def run_cli(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `ioc` to its end, as installed software is run: from any folder."""
    return subprocess.run(
        [sys.executable, "-m", "ioc", *words], cwd=cwd, capture_output=True, text=True, timeout=90, check=False,
        env=clean_environment(PYTHONPATH=str(ROOT), **environment),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the stream, with the moment at which it was here."""

    kind: str
    position: int | None
    data: dict[str, Any]
    at: float


@dataclass
class Stream:
    """A stream that a thread reads, from ``after`` on, until the block ends."""

    client: httpx2.Client
    after: int | None = None
    events: list[StreamEvent] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self.opened.wait(10), "the stream did not open"
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True  # the clock event of the next second ends the reader
        self._thread.join(10)

    def _read(self) -> None:
        params = {} if self.after is None else {"after": self.after}
        with self.client.stream("GET", "/api/v1/stream", params=params) as answer:
            assert answer.status_code == 200
            members: dict[str, str] = {}
            for line in answer.iter_lines():
                self.opened.set()
                if self._over:
                    return
                if line:
                    name, _, value = line.partition(": ")
                    members[name] = value
                elif members:
                    self._take(members)
                    members = {}

    def _take(self, members: dict[str, str]) -> None:
        if "event" in members:
            position = int(members["id"]) if "id" in members else None
            self.events.append(StreamEvent(members["event"], position, json.loads(members["data"]), time.time()))

    def of(self, kind: str) -> list[StreamEvent]:
        """Return the events of one kind so far."""
        return [event for event in self.events if event.kind == kind]


def items(client: httpx2.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return the items of a list that must be there."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def new_data_folder() -> Path:
    """Return an empty folder below one of this run's own, open to the account that PostgreSQL runs as.

    Its name is the one by which a later run finds and ends what a killed run has left behind.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"ioc-test-{os.getpid()}-"))
    folder.chmod(0o755)
    return folder


def _commands_with(text: str) -> Iterator[tuple[int, str]]:
    """Yield (pid, role) of the processes of `ioc` and the simulators whose command line or settings name ``text``."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if _is_ours(command) and any(text in word for word in [*command, *environment]):
            yield int(folder.name), " ".join(command[command.index("-m") + 1 :][:2])


def _is_ours(command: Sequence[str]) -> bool:
    return "-m" in command and command[command.index("-m") + 1] in ("ioc", "simulators")
