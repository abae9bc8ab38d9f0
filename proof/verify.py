"""The alerts of a store held against its log by the independent evaluator: `python -m proof.verify --data DIR`.

`ioc verify alerts` folds the log anew with the engine; this asks proof/evaluator, which shares no code with it and
keeps everything in memory: for a day or so of a city, not for a year.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from ioc.packs.loader import load_pack
from ioc.store.embedded.server import attach
from proof.checkers.stored_alerts import compare

SHOWN_MAX = 50


def main() -> int:
    """Compare a running instance's alerts with its log; the exit code is 1 when they differ."""
    parser = argparse.ArgumentParser(prog="python -m proof.verify", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the instance")
    parser.add_argument("--pack", default="hoabinh", help="its pack: a name or a folder")
    given = parser.parse_args()
    pack = load_pack(given.pack, shapes=False)
    dsn = os.environ.get("IOC_DATABASE_URL") or attach(given.data)
    found = asyncio.run(compare(dsn, pack.feeds, pack.zone))
    for difference in found.mismatches[:SHOWN_MAX]:
        print(difference)
    print(
        f"{found.events} events, {len(found.kept)} moves: {len(found.mismatches)} differ from the independent"
        f" evaluator, {found.fold_mismatches} alerts from a fold in one go"
    )
    return 1 if found.mismatches or found.fold_mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
