"""P5 and S27 under any bytes: the MQTT codec, a live MQTT connection and the bodies of both doors, fuzzed.

`python -m proof.fuzz --minutes 60` runs it by itself for a stated time and keeps what reached something new: few inputs
a target, as lines of hexadecimal in proof/corpus/mqtt/. A crash is any error that is not promised, a connection that
neither answers nor ends, a hang, or memory that grows without end. The control is a decoder with a planted fault.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from proof.fuzzing.body import Body
from proof.fuzzing.codec import BrokenCodec, Codec
from proof.fuzzing.connection import Connection
from proof.fuzzing.engine import GROWTH_BYTES_MAX, Findings, Fuzzer, Target, smallest
from proof.proofs import Profile
from proof.report import Report, lines

PROMISE = (
    "Any bytes give packets, a dead letter or an answer with a reason; never another error, a hang or lasting memory"
)
CORPUS = Path(__file__).resolve().parent / "corpus" / "mqtt"
KEPT_MAX = 150
CONTROL_SECONDS_MAX = 120.0


class Closable(Target, Protocol):
    """A target that may hold something open."""

    def close(self) -> None:
        """Let go of it."""
        ...


TARGETS: dict[str, Callable[[], Closable]] = {"codec": Codec, "connection": Connection, "body": Body}
SHARES = {"codec": 0.4, "connection": 0.35, "body": 0.25}
"""How the time is divided."""


@dataclass(frozen=True, slots=True)
class Size:
    """How long."""

    seconds: float


SIZES = {Profile.QUICK: Size(6.0), Profile.FULL: Size(600.0)}


def read_corpus(name: str, folder: Path = CORPUS) -> list[bytes]:
    """Return the inputs that earlier runs kept for a target."""
    path = folder / f"{name}.hex"
    if not path.exists():
        return []
    return [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split()]


def write_corpus(name: str, kept: list[bytes], folder: Path = CORPUS) -> None:
    """Keep inputs, one a line."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.hex").write_text("".join(f"{data.hex()}\n" for data in kept if data), encoding="ascii")


def fuzz(
    name: str, *, seconds: float, seed: int, keep: bool, tell: Callable[[Findings], None] | None = None
) -> Findings:
    """Fuzz one target for so long; ``keep`` writes its corpus anew."""
    target = TARGETS[name]()
    try:
        findings = Fuzzer(target, seed=seed).run(read_corpus(name), seconds=seconds, tell=tell)
        if keep:
            write_corpus(name, smallest([*read_corpus(name), *findings.kept], target, count_max=KEPT_MAX))
    finally:
        target.close()
    return findings


def _run(report: Report, *, seconds: float, seed: int, keep: bool, names: list[str], talk: bool) -> None:
    whole = sum(SHARES[name] for name in names)
    targets: dict[str, dict[str, Any]] = {}
    crashes: list[str] = []
    grown = 0
    for name in names:

        def tell(findings: Findings, name: str = name) -> None:
            seen = f"{findings.executions} executions, {len(findings.kept)} kept, {len(findings.crashes)} crashes"
            print(f"{name}: {seen}", flush=True)

        findings = fuzz(name, seconds=seconds * SHARES[name] / whole, seed=seed, keep=keep, tell=tell if talk else None)
        targets[name] = findings.figures()
        crashes += [f"{name}: {crash.where}: {crash.error}: {crash.data.hex()[:1_000]}" for crash in findings.crashes]
        grown = max(grown, findings.growth_bytes)
    planted = Fuzzer(BrokenCodec(), seed=seed).run([], seconds=CONTROL_SECONDS_MAX, until_crash=True)
    report.facts = {
        "operations": sum(figures["executions"] for figures in targets.values()),
        "faults": sum(figures["executions"] for figures in targets.values()),
        "problems": crashes,
        "targets": targets,
    }
    report.control = {
        "mutant": "a decoder that fails at a SUBSCRIBE with a large packet id",
        "executions_until_found": planted.executions, "found": bool(planted.crashes),
    }  # fmt: skip
    report.judge(
        held=not crashes and grown < GROWTH_BYTES_MAX,
        evidence=all(figures["executions"] > 100 for figures in targets.values()),
        control_failed=bool(planted.crashes),
    )


async def prove(*, seed: int, size: Size) -> Report:
    """Fuzz all targets, then the control."""
    report = Report("fuzz", seed, PROMISE)
    work = asyncio.to_thread(_run, report, seconds=size.seconds, seed=seed, keep=False, names=list(TARGETS), talk=False)
    await work
    return report


def main() -> int:
    """Fuzz for a stated time; the exit code is 1 unless it held."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=2017)
    parser.add_argument("--keep", action="store_true", help="write the corpus anew")
    parser.add_argument("targets", nargs="*", default=[], help=f"of {', '.join(TARGETS)}; none: all")
    given = parser.parse_args()
    names = given.targets or list(TARGETS)
    if set(names) - set(TARGETS):
        parser.error(f"there are {', '.join(TARGETS)}")
    report = Report("fuzz", given.seed, PROMISE)
    report.profile = Profile.FULL
    _run(report, seconds=given.minutes * 60, seed=given.seed, keep=given.keep, names=names, talk=True)
    print(lines(report.as_json()))
    report.write()
    return 0 if report.verdict == "held" else 1


if __name__ == "__main__":
    sys.exit(main())
