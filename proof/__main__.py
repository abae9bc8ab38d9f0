"""`python -m proof [NAME ...] [--full] [--seed N]`: run proofs; write proof/results/NAME.json, or NAME-full.json.

Exit codes: 0 all held; 1 one did not; 2 usage; 3 none failed, but one could not be run here, as the last lines say.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from pathlib import Path

from proof.catalogue import PROOFS
from proof.harness.report import RESULTS, Profile
from proof.runner import run
from proof.table import write_page

QUICK_SEED = 2017
"""The quick set is the same each time, so that a change of its outcome is a change of the code."""
SEEDS = 1_000_000


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        prog="python -m proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PROOFS)}; none: every one of the profile")
    parser.add_argument("--full", action="store_true", help="the long form, with a fresh seed unless one is given")
    parser.add_argument("--seed", type=int, help=f"quick: {QUICK_SEED}; full: drawn, and printed")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in PROOFS]
    if unknown:
        parser.error(f"no such proof: {', '.join(unknown)}")
    profile = Profile.FULL if given.full else Profile.QUICK
    seed = given.seed
    if seed is None:
        seed = QUICK_SEED if profile is Profile.QUICK else secrets.randbelow(SEEDS)
    names = given.names or [name for name, proof in PROOFS.items() if given.full or proof.quick]
    outcome = asyncio.run(run(PROOFS, names, profile=profile, seed=seed, results=given.results))
    if given.results == RESULTS:
        write_page()
    print(outcome.summary(), flush=True)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
