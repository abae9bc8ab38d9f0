"""The highest rate that a whole instance holds, everything on, while its rules stay less than two seconds behind.

Short steps find about where it is; a rate counts once it has been held for half a minute, which a lag that only grows
slowly does not stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bench.readings import Gauge
from bench.site import Site, cpu_seconds
from bench.workers import worker

LAG_SECONDS_MAX = 2.0
STEP_SECONDS = 6.0
HOLD_SECONDS = 30.0
BACK = 0.92
"""A rate that was not held for so long is tried again at this share of it."""
WINDOW = 400
FIRST_RATE = 2_000.0
GROWTH = 1.25
REFINEMENTS = 2
"""How often the last gap between a rate that held and one that did not is halved."""
POLL_SECONDS = 0.2
KEPT_UP = 0.97
"""A step counts as held when at least this share of its rate was acknowledged within its time."""
SETTLE_SECONDS = 30.0
TIMEOUT_SECONDS = 90.0


async def sustain(site: Site, gauges: Sequence[Gauge]) -> dict[str, Any]:
    """Raise the rate step by step until the rules fall behind; return the last step that held, and what each showed."""
    steps: list[dict[str, Any]] = []
    high: float | None = None
    rate, low = FIRST_RATE, 0.0
    refinements = REFINEMENTS
    while True:
        step = await _step(site, gauges, rate=rate, tag=f"s{len(steps)}")
        steps.append(step)
        print(f"everything on at {rate:,.0f}/s: {step}", flush=True)
        low, high = (rate, high) if step["held"] else (low, rate)
        if not step["held"]:
            await _settle(site)  # the next rate begins without the lag of this one
        if high is None:
            rate *= GROWTH
        elif refinements:
            refinements -= 1
            rate = (low + high) / 2
        else:
            break
    await _settle(site)
    best: dict[str, Any] = {"events_per_second": 0, "rules_lag_seconds": None}
    rate = low
    while rate >= FIRST_RATE:
        step = await _step(site, gauges, rate=rate, tag=f"s{len(steps)}", seconds=HOLD_SECONDS)
        steps.append(step)
        print(f"everything on at {rate:,.0f}/s for {HOLD_SECONDS:g} s: {step}", flush=True)
        await _settle(site)
        if step["held"]:
            best = step
            break
        rate *= BACK
    return {"what": f"everything on, held for {HOLD_SECONDS:g} s, rules lag < {LAG_SECONDS_MAX:g} s, "
                    f"{len(gauges)} connections", **best, "steps": steps}  # fmt: skip


async def _step(
    site: Site, gauges: Sequence[Gauge], *, rate: float, tag: str, seconds: float = STEP_SECONDS
) -> dict[str, Any]:
    job = {"port": site.settings.mqtt_port, "gauges": [[gauge.device, gauge.feed, gauge.key] for gauge in gauges],
            "count": int(rate * seconds), "window": WINDOW, "tag": tag, "rate": rate,
            "timeout_seconds": TIMEOUT_SECONDS}  # fmt: skip
    async with worker("publisher", **job) as publisher, site.instance.database() as connection:
        pids = site.pids()
        before = {name: cpu_seconds(of) for name, of in pids.items()}
        publisher.begin()
        answer = asyncio.create_task(publisher.answer())
        worst = {"rules": 0.0, "rollup": 0.0}
        while not answer.done():
            await asyncio.sleep(POLL_SECONDS)
            for name, lag in (await _lags(connection)).items():
                worst[name] = max(worst[name], lag)
        found = await answer
        used = {name: round((cpu_seconds(of) - before[name]) / found["count"] * 1e6, 1) for name, of in pids.items()}
    reached = found["count"] / (found["ended"] - found["began"])
    held = reached >= rate * KEPT_UP and worst["rules"] < LAG_SECONDS_MAX
    return {"events_per_second": round(reached), "seconds": seconds, "rules_lag_seconds": round(worst["rules"], 2),
            "rollup_lag_seconds": round(worst["rollup"], 2), "held": held, "cpu_us_per_event": used}  # fmt: skip


async def _lags(connection: Any) -> dict[str, float]:
    """Return by how much log time each reader is behind the newest entry."""
    rows = await connection.fetch(
        "SELECT c.name, CASE WHEN c.position >= h.position THEN 0 "
        "ELSE extract(epoch FROM h.log_time - c.log_time) END::float8 AS lag "
        "FROM cursor c, log_head h WHERE c.name IN ('rules', 'rollup')"
    )
    return {row["name"]: row["lag"] for row in rows}


async def _settle(site: Site) -> None:
    """Wait until the readers have caught up."""
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    async with site.instance.database() as connection:
        while any((await _lags(connection)).values()) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - asks another process
            await asyncio.sleep(POLL_SECONDS)
