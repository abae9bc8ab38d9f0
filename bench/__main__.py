"""`python -m bench`: latency from a device's publish to the operator's screen, under load."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from bench.latency import measure

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="events per second beside the probes")
    parser.add_argument("--probes", type=int, default=120, help="alerts whose way to the screen is timed")
    parser.add_argument("--keep", action="store_true", help="write bench/results/latency-RATE.json")
    given = parser.parse_args()
    result = asyncio.run(measure(rate=given.rate, probes=given.probes))
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if given.keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"latency-{given.rate}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
