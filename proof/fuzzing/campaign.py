"""All targets fuzzed for a stated time, with a decoder beside them whose planted fault must be found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from proof.fuzzing.body import BodyTarget
from proof.fuzzing.codec import BrokenCodec, CodecTarget
from proof.fuzzing.connection import ConnectionTarget
from proof.fuzzing.engine import GROWTH_BYTES_MAX, Findings, Fuzzer, Target, smallest
from proof.harness.report import Report

PROMISE = (
    "Any bytes give packets, a dead letter or an answer with a reason; never another error, a hang or lasting memory"
)
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "mqtt"
KEPT_MAX = 150
CONTROL_SECONDS_MAX = 120.0


class Closable(Target, Protocol):
    """A target that may hold something open."""

    def close(self) -> None:
        """Let go of it."""
        ...


TARGETS: dict[str, Callable[[], Closable]] = {"codec": CodecTarget, "connection": ConnectionTarget, "body": BodyTarget}
SHARES = {"codec": 0.4, "connection": 0.35, "body": 0.25}
"""How the time is divided."""


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
    name: str, *, seconds: float, seed: int, keep: bool, report_progress: Callable[[Findings], None] | None = None
) -> Findings:
    """Fuzz one target for so long; ``keep`` writes its corpus anew."""
    target = TARGETS[name]()
    try:
        findings = Fuzzer(target, seed=seed).run(read_corpus(name), seconds=seconds, report_progress=report_progress)
        if keep:
            write_corpus(name, smallest([*read_corpus(name), *findings.kept], target, count_max=KEPT_MAX))
    finally:
        target.close()
    return findings


def fuzz_all(report: Report, *, seconds: float, seed: int, keep: bool, names: list[str], talk: bool) -> None:
    """Fuzz the named targets, then the control, and judge; ``talk`` prints how far each has come."""
    whole = sum(SHARES[name] for name in names)
    targets: dict[str, dict[str, Any]] = {}
    crashes: list[str] = []
    grown = 0
    for name in names:

        def report_progress(findings: Findings, name: str = name) -> None:
            seen = f"{findings.executions} executions, {len(findings.kept)} kept, {len(findings.crashes)} crashes"
            print(f"{name}: {seen}", flush=True)

        findings = fuzz(
            name,
            seconds=seconds * SHARES[name] / whole,
            seed=seed,
            keep=keep,
            report_progress=report_progress if talk else None,
        )
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
