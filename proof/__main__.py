"""`python -m proof [kills stream puback] [--seed N]`: run proofs and write proof/results/*.json.

The exit code is 1 unless all held.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from proof import kills, puback, stream
from proof.report import RESULTS, Report, lines
from proof.syscalls import StraceUnavailableError

PROOFS: dict[str, Callable[[int], Awaitable[Report]]] = {
    "kills": lambda seed: kills.prove(seed=seed),
    "stream": lambda seed: stream.prove(seed=seed),
    "puback": lambda seed: puback.prove(seed=seed),
}


async def run(names: list[str], *, seed: int, results: Path) -> int:
    """Run the named proofs one after another; return how many did not hold."""
    failed = 0
    for name in names:
        print(f"{name}: running, seed {seed}", flush=True)
        try:
            report = await PROOFS[name](seed)
        except StraceUnavailableError as error:
            print(f"{name}: not run, strace cannot attach here: {error}", flush=True)
            continue
        report.write(results)
        failed += report.verdict != "held"
        print(f"{name}: {report.verdict} in {report.seconds:.0f} s\n{lines(report.as_json())}", flush=True)
    return failed


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("names", nargs="*", default=[], help=f"of {', '.join(PROOFS)}; none: all")
    parser.add_argument("--seed", type=int, default=2017)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in PROOFS]
    if unknown:
        parser.error(f"no such proof: {', '.join(unknown)}")
    return 1 if asyncio.run(run(given.names or list(PROOFS), seed=given.seed, results=given.results)) else 0


if __name__ == "__main__":
    sys.exit(main())
