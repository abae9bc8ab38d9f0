"""What a proof is to the runner: its two profiles, what it needs of the machine, how long it may take.

`PROOFS` in proof/catalogue.py lists them all. proof/README.md says how to add one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proof.report import Report

QUICK_SECONDS = 360.0
"""What `make proof` may take in all, on two quiet cores."""
SYSTEM_PATH = ("/usr/sbin", "/sbin")
"""Where Debian keeps mosquitto and mkfs, which the PATH of a normal user leaves out."""


class Profile(StrEnum):
    """How much of a proof is run. quick: each change. full: by hand or at night."""

    QUICK = "quick"
    FULL = "full"


class NotRunError(Exception):
    """This machine cannot run the proof. The text completes "not run, because ..."."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof. Seconds are budgets on two quiet cores; twice that and three minutes end it as broken."""

    prove: Callable[[int, Profile], Awaitable[Report]]
    """Given a seed and a profile. It may raise NotRunError."""
    promises: tuple[str, ...] = ()
    """Which of P1 to P15 (docs/promises.md) it is about."""
    figures: tuple[str, ...] = ()
    """What README.md quotes of its result: names of figures, `outer.inner` where they are nested."""
    controls: tuple[str, ...] = ()
    """The same of its control."""
    quick: bool = True
    """Whether `make proof` runs it; every proof is part of `make proof-full`."""
    needs: tuple[str, ...] = ()
    """Programs it drives, and `root` where only root may do what it does."""
    quick_seconds: float = 30.0
    full_seconds: float = 300.0

    def missing(self) -> str | None:
        """Return why this machine cannot run it; None: as far as can be seen beforehand, it can."""
        for need in self.needs:
            if need == "root":
                if os.geteuid() != 0:
                    return "only root may do what it does"
            elif find_program(need) is None:
                return f"{need} is not installed (scripts/proof-deps.sh installs it)"
        return None


def find_program(name: str) -> str | None:
    """Return the path of a program, also of one that only root's PATH shows."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PATH]))
