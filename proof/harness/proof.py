"""What a proof is to the runner: how it is called, what it needs of the machine, how long it may take.

`PROOFS` in proof/catalogue.py lists them all. proof/README.md says how to add one.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass

from proof.harness.programs import find_program
from proof.harness.report import Profile, Report

QUICK_SECONDS = 360.0
"""What `make proof` may take in all, on two quiet cores."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof. Seconds are budgets on two quiet cores; twice that and three minutes end it as broken."""

    prove: Callable[[int, Profile], Awaitable[Report]]
    """Given a seed and a profile. It may raise NotRunError."""
    _: KW_ONLY
    quick_seconds: float
    full_seconds: float
    """Measured, never a default: one that is too small ends a proof on a busy machine before it has a verdict."""
    promises: tuple[str, ...] = ()
    """Which of the promises of docs/promises.md it is about."""
    figures: tuple[str, ...] = ()
    """What docs/promises.md quotes of its result: names of figures, `outer.inner` where they are nested."""
    controls: tuple[str, ...] = ()
    """The same of its control."""
    quick: bool = True
    """Whether `make proof` runs it; every proof is part of `make proof-full`."""
    needs: tuple[str, ...] = ()
    """Programs it drives, and `root` where only root may do what it does."""

    def missing(self) -> str | None:
        """Return why this machine cannot run it; None: as far as can be seen beforehand, it can."""
        for need in self.needs:
            if need == "root":
                if os.geteuid() != 0:
                    return "only root may do what it does"
            elif find_program(need) is None:
                return f"{need} is not installed (scripts/proof-deps.sh installs it)"
        return None
