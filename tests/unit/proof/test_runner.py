"""The runner: nothing that did not run, or fell over, is green."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from proof import runner
from proof.catalogue import PROOFS
from proof.harness.programs import NotRunError
from proof.harness.proof import QUICK_SECONDS, Proof
from proof.harness.report import Profile, Report
from proof.runner import FAILED, HELD, NOT_RUN, Outcome, run


async def holds(seed: int, profile: Profile) -> Report:
    report = Report("holds", seed, f"runs {profile}")
    report.judge(held=True, evidence=True, control_failed=True)
    return report


async def passes_its_control(seed: int, _: Profile) -> Report:
    report = Report("passes", seed, "nothing")
    report.judge(held=True, evidence=True, control_failed=False)
    return report


async def falls_over(_: int, __: Profile) -> Report:
    raise ExceptionGroup("tasks", [AssertionError("the instance did not start\nand its log")])


async def cannot_trace(_: int, __: Profile) -> Report:
    raise NotRunError("the kernel lets us trace nobody")


async def hangs(_: int, __: Profile) -> Report:
    await asyncio.Event().wait()
    raise AssertionError


def proof_of(prove: Callable[[int, Profile], Awaitable[Report]], *needs: str, quick_seconds: float = 5.0) -> Proof:
    return Proof(prove, needs=needs, quick_seconds=quick_seconds, full_seconds=5.0)


async def ran(folder: Path, proofs: dict[str, Proof], profile: Profile = Profile.QUICK) -> Outcome:
    return await run(proofs, list(proofs), profile=profile, seed=5, results=folder)


async def test_what_held_is_written_by_profile_with_its_seed(tmp_path):
    assert (await ran(tmp_path, {"holds": proof_of(holds)})).exit_code == HELD
    assert (await ran(tmp_path, {"holds": proof_of(holds)}, Profile.FULL)).exit_code == HELD
    quick, full = (json.loads((tmp_path / name).read_text()) for name in ("holds.json", "holds-full.json"))
    assert (quick["profile"], full["profile"]) == ("quick", "full")
    assert (quick["seed"], quick["verdict"]) == (5, "held")
    assert quick["date"]


async def test_a_missing_tool_is_named_and_shows_in_the_exit_code(tmp_path):
    needy = proof_of(holds, "no-such-program")
    outcome = await ran(tmp_path, {"needy": needy, "traceless": proof_of(cannot_trace), "holds": proof_of(holds)})
    assert outcome.exit_code == NOT_RUN
    assert "no-such-program is not installed" in outcome.not_run["needy"]
    assert "NOT RUN: traceless, because the kernel lets us trace nobody" in outcome.summary()
    assert outcome.held == ["holds"]
    assert not (tmp_path / "needy.json").exists()


async def test_one_that_falls_over_or_hangs_fails_and_the_others_run(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "OVERTIME_SECONDS", 0.0)
    proofs = {
        "falls": proof_of(falls_over), "hangs": proof_of(hangs, quick_seconds=0.05),
        "passes": proof_of(passes_its_control), "needy": proof_of(holds, "no-such-program"), "holds": proof_of(holds),
    }  # fmt: skip
    outcome = await ran(tmp_path, proofs)
    assert outcome.exit_code == FAILED, "a failure outweighs what could not be run"
    assert set(outcome.failed) == {"falls", "hangs", "passes"}
    assert outcome.failed["passes"] == "no evidence"
    assert outcome.failed["falls"] == "AssertionError: the instance did not start"
    kept = json.loads((tmp_path / "falls.json").read_text())
    assert (kept["verdict"], kept["error"]) == ("broken", outcome.failed["falls"]), "an old result is not left standing"
    assert outcome.held == ["holds"]


def test_the_budgets_of_the_quick_set_fit_together():
    assert sum(proof.quick_seconds for proof in PROOFS.values() if proof.quick) <= QUICK_SECONDS
