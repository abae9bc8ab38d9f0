"""A small coverage-guided fuzzer: mutates what it kept, keeps what reaches new lines or a new kind of outcome.

It traces only the files that read hostile bytes, by their line arcs, and only inputs with a new outcome and every
tenth other, because tracing is slow. It needs nothing beside Python. A crash is any error that the target does not
promise, a hang, or growth without end.
"""

from __future__ import annotations

import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, Protocol

SLOW_SECONDS = 2.0
"""CPU time after which one input counts as a hang."""
GROWTH_BYTES_MAX = 150 << 20
INPUT_BYTES_MAX = 4_096
CRASHES_MAX = 20
TRACED_EACH = 10
ENERGY = 8
"""How many mutants are made of one kept input in turn."""
NUMBERS = (0, 1, 2, 3, 4, 5, 0x0F, 0x10, 0x30, 0x32, 0x34, 0x7F, 0x80, 0x81, 0xC0, 0xE0, 0xFE, 0xFF)


class Target(Protocol):
    """What is fuzzed."""

    name: str
    words: Sequence[bytes]
    """Pieces that mean something to it."""
    files: Sequence[str]
    """Ends of the paths whose lines count as coverage."""

    def seeds(self) -> list[bytes]:
        """Return inputs to begin with."""
        ...

    def run(self, data: bytes) -> Hashable:
        """Read the bytes; return the kind of outcome. Any error is a crash."""
        ...

    def split(self, data: bytes) -> list[bytes]:
        """Return the parts that can be changed, moved and doubled each for itself; one part where there are none."""
        ...

    def join(self, parts: Sequence[bytes]) -> bytes:
        """Put parts together again, their lengths made right."""
        ...


@dataclass(slots=True)
class Crash:
    """One input that broke a promise."""

    data: bytes
    error: str
    where: str


@dataclass(slots=True)
class Findings:
    """What a run has seen."""

    executions: int = 0
    arcs: int = 0
    outcomes: int = 0
    kept: list[bytes] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)
    slowest_seconds: float = 0.0
    growth_bytes: int = 0
    cpu_seconds: float = 0.0

    def figures(self) -> dict[str, Any]:
        """Return the figures of a report."""
        return {
            "executions": self.executions,
            "line_arcs": self.arcs,
            "outcomes": self.outcomes,
            "kept": len(self.kept),
            "crashes": len(self.crashes),
            "slowest_ms": round(self.slowest_seconds * 1_000, 1),
            "growth_mb": round(self.growth_bytes / 2**20, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
        }


class Coverage:
    """The arcs between lines of some files that were ever run."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = tuple(files)
        self._watched: dict[CodeType, bool] = {}
        self._seen: set[tuple[CodeType, int, int]] = set()
        self._new = 0

    def __len__(self) -> int:
        """How many arcs were seen."""
        return len(self._seen)

    def begin(self) -> None:
        """Watch from here on."""
        self._new = 0
        sys.settrace(self._call)

    def end(self) -> int:
        """Watch no more; return how many arcs were new."""
        sys.settrace(None)
        return self._new

    def _call(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        del event
        code = frame.f_code
        watched = self._watched.get(code)
        if watched is None:
            watched = self._watched[code] = code.co_filename.endswith(self._files)
        if not watched:
            return None
        seen, last = self._seen, 0

        def line(frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
            nonlocal last
            if event == "line":
                arc = (code, last, frame.f_lineno)
                last = frame.f_lineno
                if arc not in seen:
                    seen.add(arc)
                    self._new += 1
            return line

        return line


class Fuzzer:
    """Runs one target."""

    def __init__(self, target: Target, *, seed: int) -> None:
        self._target = target
        self._random = random.Random(f"{target.name}/{seed}")
        self._coverage = Coverage(target.files)
        self._outcomes: set[Hashable] = set()
        self._where: set[str] = set()
        self.findings = Findings()

    def run(
        self, corpus: Sequence[bytes], *, seconds: float, executions_max: int | None = None,
        until_crash: bool = False, report_progress: Callable[[Findings], None] | None = None,
    ) -> Findings:  # fmt: skip
        """Fuzz for so long, beginning with the target's seeds and a corpus; ``tell`` hears of it twice a minute."""
        findings, began = self.findings, time.monotonic()
        cpu_began, memory_began, reported = time.process_time(), 0, began
        for data in [*self._target.seeds(), *corpus]:
            self._one(data)
        turn = 0
        while True:
            now = time.monotonic()
            if now - began > seconds or len(findings.crashes) >= CRASHES_MAX:
                break
            if (until_crash and findings.crashes) or (executions_max and findings.executions >= executions_max):
                break
            if report_progress is not None and now - reported > 30:
                reported = now
                report_progress(findings)
            if not memory_began and findings.executions > 2_000:
                memory_began = _memory_bytes()  # caches are warm
            # An input that has just reached something new is likely near more, so it is mutated before the others.
            parent = findings.kept[-1 - turn % 4] if turn % 3 and len(findings.kept) > 4 else None
            parent = parent or self._random.choice(findings.kept or [b""])
            turn += 1
            for _ in range(ENERGY):
                self._one(self._mutate(parent))
        findings.cpu_seconds = time.process_time() - cpu_began
        if memory_began:
            findings.growth_bytes = _memory_bytes() - memory_began
        findings.arcs, findings.outcomes = len(self._coverage), len(self._outcomes)
        return findings

    def _one(self, data: bytes) -> None:
        findings = self.findings
        findings.executions += 1
        began = time.process_time()
        new_arcs = 0
        try:
            outcome = self._target.run(data)
            if outcome not in self._outcomes or not findings.executions % TRACED_EACH:
                self._coverage.begin()
                try:
                    self._target.run(data)
                finally:
                    new_arcs = self._coverage.end()
        except Exception as error:  # noqa: BLE001 - finding the errors that nobody promised is the point
            self._crashed(data, error)
            return
        spent = time.process_time() - began
        findings.slowest_seconds = max(findings.slowest_seconds, spent)
        if spent > SLOW_SECONDS:
            self._crashed(data, TimeoutError(f"one input took {spent:.1f} s of CPU"))
            return
        if outcome not in self._outcomes and len(self._outcomes) < 50_000:
            self._outcomes.add(outcome)
            new_arcs += len(self._outcomes) < 500  # beyond, kinds of outcome are mere variety
        if new_arcs:
            findings.kept.append(data)

    def _crashed(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{type(error).__name__} at {frames[-1].name}:{frames[-1].lineno}" if frames else repr(error)
        if where not in self._where:
            self._where.add(where)
            self.findings.crashes.append(Crash(data, f"{error!r}"[:300], where))

    def _mutate(self, data: bytes) -> bytes:
        """Return a neighbour: half of the time some parts are changed and their lengths made right again."""
        pick = self._random
        if pick.random() < 0.5:
            return self._scramble(data)[:INPUT_BYTES_MAX]
        parts = self._target.split(data)
        for _ in range(1 + pick.randrange(2)):
            at = pick.randrange(len(parts))
            choice = pick.randrange(8)
            if choice == 0:
                parts.insert(pick.randrange(len(parts) + 1), parts[at])
            elif choice == 1 and len(parts) > 1:
                del parts[at]
            elif choice == 2 and self.findings.kept:
                parts[at:at] = self._target.split(pick.choice(self.findings.kept))[1:]
            else:
                parts[at] = self._scramble(parts[at])
        return self._target.join(parts)[:INPUT_BYTES_MAX]

    def _scramble(self, data: bytes) -> bytes:
        made, pick = bytearray(data), self._random
        for _ in range(1 << pick.randrange(3)):
            choice = pick.randrange(9)
            at = pick.randrange(len(made) + 1)
            length = 1 << pick.randrange(6)
            if choice == 0 and made:
                made[at % len(made)] ^= 1 << pick.randrange(8)
            elif choice == 1 and made:
                made[at % len(made)] = pick.choice(NUMBERS)
            elif choice == 2:
                made[at:at] = pick.choice(self._target.words)
            elif choice == 3:
                del made[at : at + length]
            elif choice == 4:
                made[at:at] = made[at : at + length]
            elif choice == 5:
                made[at:at] = bytes([pick.choice(NUMBERS)]) * length
            elif choice == 6 and self.findings.kept:
                other = pick.choice(self.findings.kept)
                begin = pick.randrange(len(other) + 1)
                made[at : at + length] = other[begin : begin + length]
            elif choice == 7 and self.findings.kept:
                made = made[:at] + pick.choice(self.findings.kept)
            elif made:
                made[at % len(made)] = pick.randrange(256)
        return bytes(made)


def smallest(kept: Sequence[bytes], target: Target, *, count_max: int) -> list[bytes]:
    """Return few inputs that together reach what all reach: the short ones first, each only if it adds something."""
    coverage = Coverage(target.files)
    chosen = []
    for data in sorted(set(kept), key=lambda data: (len(data), data)):
        coverage.begin()
        try:
            target.run(data)
        finally:
            new = coverage.end()
        if new:
            chosen.append(data)
    return sorted(chosen[-count_max:] if len(chosen) > count_max else chosen, key=lambda data: (len(data), data))


def _memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
