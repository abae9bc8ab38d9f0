"""Runs proofs one after another, within their budgets, and says what came of each.

A proof that cannot run here is named with its reason and shows in the exit code: nothing that was not run is green.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proof.harness.programs import NotRunError
from proof.harness.proof import Proof
from proof.harness.report import RESULTS, Profile, Report, lines

HELD, FAILED, NOT_RUN = 0, 1, 3
"""Exit codes: all held; one did not hold (broken, void, no evidence); none failed, but one could not be run."""
ERROR_CHARACTERS = 200
OVERTIME, OVERTIME_SECONDS = 2.0, 180.0
"""On a busy machine a proof may take so many times its budget, and so much on top, before it is ended."""


@dataclass(slots=True)
class Outcome:
    """What came of a run, by the names of proofs."""

    held: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Return the code to end with."""
        if self.failed:
            return FAILED
        return NOT_RUN if self.not_run else HELD

    def summary(self) -> str:
        """Return the closing lines for a person."""
        said = [f"held: {', '.join(self.held) or 'none'}"]
        said += [f"NOT RUN: {name}, because {reason}" for name, reason in self.not_run.items()]
        said += [f"FAILED: {name}: {reason}" for name, reason in self.failed.items()]
        return "\n".join(said)


async def run(
    proofs: Mapping[str, Proof], names: Sequence[str], *, profile: Profile, seed: int, results: Path = RESULTS
) -> Outcome:
    """Run the named proofs; write each report into ``results`` and print it."""
    outcome = Outcome()
    for name in names:
        print(f"{name}: running, {profile}, seed {seed}", flush=True)
        await _run_one(name, proofs[name], outcome, profile=profile, seed=seed, results=results)
    return outcome


async def _run_one(name: str, proof: Proof, outcome: Outcome, *, profile: Profile, seed: int, results: Path) -> None:
    budget = proof.quick_seconds if profile is Profile.QUICK else proof.full_seconds
    end_seconds = budget * OVERTIME + OVERTIME_SECONDS
    reason = proof.missing()
    if reason is None:
        try:
            async with asyncio.timeout(end_seconds) as limit:
                report = await proof.prove(seed, profile)
        except NotRunError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - a proof that falls over has not held, and the others still run
            traceback.print_exc()
            outcome.failed[name] = f"ended after {end_seconds:.0f} s" if limit.expired() else _describe_error(error)
            report = Report(name, seed, "", facts={"error": outcome.failed[name]}, verdict="broken", profile=profile)
            report.write(results)
            return
    if reason is not None:
        outcome.not_run[name] = reason
        print(f"{name}: not run, because {reason}", flush=True)
        return
    report.profile = profile
    report.write(results)
    late = f", over its budget of {budget:.0f} s" if report.seconds > budget else ""
    print(f"{name}: {report.verdict} in {report.seconds:.0f} s{late}\n{lines(report.as_json())}", flush=True)
    if report.verdict == "held":
        outcome.held.append(name)
    else:
        outcome.failed[name] = report.verdict


def _describe_error(error: BaseException) -> str:
    """Return what went wrong in one line, out of whatever group of tasks it comes from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = str(error).replace("\0", "").strip().splitlines() or [""]
    return f"{type(error).__name__}: {said[0][:ERROR_CHARACTERS]}"
