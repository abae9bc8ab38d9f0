"""`python -m proof.fuzzing --minutes 60`: fuzz for a stated time, and keep what reached something new.

What is kept are few inputs a target, as lines of hexadecimal in proof/corpus/mqtt/.
"""

from __future__ import annotations

import argparse
import sys

from proof.fuzzing.campaign import PROMISE, TARGETS, fuzz_all
from proof.harness.report import Profile, Report, lines


def main() -> int:
    """Fuzz for a stated time; the exit code is 1 unless it held."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzzing", description=__doc__)
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
    fuzz_all(report, seconds=given.minutes * 60, seed=given.seed, keep=given.keep, names=names, talk=True)
    print(lines(report.as_json()))
    report.write()
    return 0 if report.verdict == "held" else 1


if __name__ == "__main__":
    sys.exit(main())
