"""The report of a proof: figures with the seed, the versions and a verdict, as JSON that docs/promises.md quotes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from proof.harness.instance import REPOSITORY, version_facts

RESULTS = REPOSITORY / "proof" / "results"
Verdict = Literal["held", "broken", "void", "no evidence"]
RULE_OF_THREE = 3.0


class Profile(StrEnum):
    """How much of a proof is run. quick: each change. full: by hand or at night."""

    QUICK = "quick"
    FULL = "full"


@dataclass(slots=True)
class Report:
    """One proof's figures. ``void``: nothing was acknowledged; ``no evidence``: its must-fail control passed."""

    proof: str
    seed: int
    promise: str
    facts: dict[str, Any] = field(default_factory=dict)
    control: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict = "void"
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    profile: Profile = Profile.QUICK
    """The runner sets it."""

    def judge(self, *, held: bool, evidence: bool, control_failed: bool | None) -> None:
        """Set the verdict. ``control_failed`` None: this run had no control."""
        self.seconds = round(time.monotonic() - self.started, 1)
        if not held:
            self.verdict = "broken"
        elif not evidence:
            self.verdict = "void"
        else:
            self.verdict = "no evidence" if control_failed is False else "held"

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "proof": self.proof,
            "promise": self.promise,
            "verdict": self.verdict,
            "profile": self.profile,
            "seed": self.seed,
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "seconds": self.seconds,
            "versions": version_facts(),
            **self.facts,
            "control": self.control,
        }

    def write(self, folder: Path = RESULTS) -> Path:
        """Write it as `<proof>.json`, the full profile as `<proof>-full.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.proof}{'-full' if self.profile is Profile.FULL else ''}.json"
        path.write_text(json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def bound_95(faults: int) -> float | None:
    """Return the 95 % upper bound of the chance that one fault breaks the promise, after clean faults only."""
    return round(min(1.0, RULE_OF_THREE / faults), 3) if faults else None


def lines(figures: Mapping[str, Any], indent: str = "  ") -> str:
    """Return figures for a person, one a line."""
    shown = []
    for name, value in figures.items():
        if isinstance(value, dict):
            shown.append(f"{indent}{name}:\n{lines(value, indent + '  ')}")
        else:
            shown.append(f"{indent}{name}: {value}")
    return "\n".join(shown)
