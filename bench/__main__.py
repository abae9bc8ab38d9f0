"""`python -m bench`: throughput side by side, how fast rules fold, backtests, and latency up to the screen."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from bench import backtest, latency, rules, throughput
from bench.table import table

RESULTS = Path(__file__).parent / "results"
RATES = (500, 2_000)


def main() -> None:
    """Measure, print, and keep the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "throughput", "latency", "rules", "backtest"), default="all")
    parser.add_argument("--rate", type=int, help="latency: events per second beside the probes (500, then 2,000)")
    parser.add_argument("--probes", type=int, default=80, help="latency: alerts whose way to the screen is timed")
    parser.add_argument("--seconds", type=float, default=3.0, help="throughput: about how long one round lasts")
    parser.add_argument("--rounds", type=int, default=5, help="throughput: rounds of every road")
    parser.add_argument("--keys", type=int, default=20_000_000, help="throughput: identities stored beforehand")
    parser.add_argument("--batch-rows", type=int, default=2_000, help="throughput: IOC_BATCH_ROWS of the roles")
    parser.add_argument("--doors", type=int, default=1, help="throughput: processes that share the MQTT port")
    parser.add_argument("--events", type=int, help="readings: rules 20,000 a round, backtest 10,000,000 in the log")
    parser.add_argument("--no-keep", action="store_true", help="do not write bench/results")
    parser.add_argument("--note", default="", help="backtest: what else the machine did meanwhile")
    given = parser.parse_args()
    if given.what in ("all", "throughput"):
        found = asyncio.run(
            throughput.measure(
                seconds=given.seconds, rounds=given.rounds, keys=given.keys, batch_rows=given.batch_rows,
                doors=given.doors,
            )
        )  # fmt: skip
        print(table(found))
        _keep("throughput", found, keep=not given.no_keep)
    if given.what in ("all", "rules"):
        found = rules.measure(events=given.events or 20_000, rounds=given.rounds)
        print(json.dumps(found, indent=1, ensure_ascii=False))
        _keep("rules", found, keep=not given.no_keep)
    if given.what in ("all", "backtest"):
        found = asyncio.run(backtest.measure(events=given.events or 10_000_000, note=given.note))
        print(json.dumps(found, indent=1, ensure_ascii=False))
        _keep("backtest", found, keep=not given.no_keep)
    if given.what in ("all", "latency"):
        for rate in (given.rate,) if given.rate is not None else RATES:
            found = asyncio.run(latency.measure(rate=rate, probes=given.probes))
            print(json.dumps(found, indent=1, ensure_ascii=False))
            _keep(f"latency-{rate}", found, keep=not given.no_keep)


def _keep(name: str, found: dict[str, Any], *, keep: bool) -> None:
    if keep:
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
