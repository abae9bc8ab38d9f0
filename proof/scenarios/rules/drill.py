"""Drills over the record of Hòa Bình: the alerts of the right days, the same at any speed, and nobody outside hears.

Rain, river and dam of whole months pass through the real MQTT door in seconds. SQL over the rows that were stored says
when each alert must open and clear. A second run at another speed must have the same log and the same moves,
evidence included. Three controls must fail: a clock that waits for nothing, a guard that lets all out, another limit.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ioc.replay.scenario import load_scenario
from proof.checkers.drill_oracle import judge, read_rules
from proof.harness.drill_run import PACK, Drill, played
from proof.harness.instance import REPOSITORY
from proof.harness.programs import NotRunError
from proof.harness.report import Profile, Report

PROMISE = "a drill over recorded days raises the alerts that its stored rows call for, the same at any speed"
RECORD = REPOSITORY.parent / "shared" / "data" / "hydrology"
LICENCE = "AI4RedRiver in-situ data, CC BY 4.0 (VNMHA, EVN; provided by Thuyloi University)"
FEEDS = ("rainfall", "river_level", "reservoir")
CONTROL_LIMIT = ("rain.24h.yaml", "rain_24h_mm > 100.0", "rain_24h_mm > 150.0")
SIDE_BY_SIDE = 2
STATIONS = [
    {"id": "rec-kim-boi", "feed": "rainfall", "name": {"vi": "Trạm Kim Bôi", "en": "Kim Bôi station"},
     "lat": 20.67, "lon": 105.53},
    {"id": "rec-mai-chau", "feed": "rainfall", "name": {"vi": "Trạm Mai Châu", "en": "Mai Châu station"},
     "lat": 20.66, "lon": 105.08},
]  # fmt: skip
RESERVOIR = ["inflow_m3s=inflow_m3s", "level_m=reservoir_level_m", "turbine_m3s=turbine_m3s",
             "bottom_outlet_m3s=bottom_outlet_m3s", "spillway_m3s=spillway_m3s"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrillSize:
    """Which months (first day, day after the last), and at which other speed they are played again."""

    months: Sequence[tuple[str, str]] = (("2005-09-01", "2005-10-01"), ("2002-08-01", "2002-09-01"))
    again: str = "400000"


SIZES = {
    Profile.QUICK: DrillSize(),
    Profile.FULL: DrillSize(
        months=(
            ("2005-09-01", "2005-10-01"), ("2002-08-01", "2002-09-01"), ("2000-09-01", "2000-10-01"),
            ("2007-07-01", "2007-08-01"), ("2007-10-01", "2007-11-01"),
        ),
        again="150000",
    ),
}  # fmt: skip


def scenario_of(month: tuple[str, str], folder: Path) -> Path:
    """Write the scenario of a month of the record. A day's row is known when the observers' day ends, at 19:00."""

    def record(name: str, feed: str, device: str, columns: list[str]) -> dict[str, object]:
        return {"file": str(RECORD / name), "feed": feed, "device": device, "columns": columns, "at": "19:00"}

    rain = "rainfall_mm_daily.csv"
    body = {
        "drill": f"record-{month[0][:7]}",
        "title": {"vi": f"Số liệu {month[0][:7]}", "en": f"The record of {month[0][:7]}"},
        "licence": LICENCE,
        "start": month[0],
        "end": month[1],
        "stations": STATIONS,
        "records": [
            record(rain, "rainfall", "rain-hoa-binh", ["rain_24h_mm=Hoa Binh"]),
            record(rain, "rainfall", "rec-kim-boi", ["rain_24h_mm=Kim Boi"]),
            record(rain, "rainfall", "rec-mai-chau", ["rain_24h_mm=Mai Chau"]),
            record("water_level_cm_daily.csv", "river_level", "river-hoa-binh", ["level_cm=Hoa Binh"]),
            record("hoa_binh_reservoir_daily.csv", "reservoir", "res-hoa-binh", RESERVOIR),
        ],
    }
    path = folder / f"{month[0]}.yaml"
    path.write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    return path


async def prove(*, seed: int, size: DrillSize) -> Report:
    """Play every month twice and the controls once; ``seed`` draws nothing: the record is what it is.

    Raises:
        NotRunError: the record is not there.
    """
    report = Report("drill", seed, PROMISE)
    if not RECORD.is_dir():
        raise NotRunError("the record is absent: ../shared/data/hydrology")
    gate = asyncio.Semaphore(SIDE_BY_SIDE)
    with TemporaryDirectory(prefix="ioc-drill-files-") as name:
        folder = Path(name)
        first, *others = await asyncio.gather(*(_month(month, folder, size, gate) for month in size.months))
        controls = await _controls(scenario_of(size.months[0], folder), folder, first, gate)
    months = [first, *others]
    problems = [f"{found['month']}: {problem}" for found in months for problem in found.pop("problems")]
    report.facts = {
        "faults": 0,
        "operations": sum(found["readings"] for found in months),
        "problems": problems,
        "months_played": len(months),
        "alerts_opened": sum(found["alerts_opened"] for found in months),
        "mismatches": len(problems),
        "months": {found.pop("month"): found for found in months},
    }
    report.control = controls
    report.judge(
        held=not problems,
        evidence=all(found["alerts_opened"] for found in months),
        control_failed=bool(
            controls["hasty_log_differs"] and controls["unguarded_connections"] and controls["other_limit_problems"]
        ),
    )
    return report


async def _month(month: tuple[str, str], folder: Path, size: DrillSize, gate: asyncio.Semaphore) -> dict[str, Any]:
    path = scenario_of(month, folder)
    one, two = await asyncio.gather(_run(path, gate), _run(path, gate, speed=size.again))
    problems = [*one["problems"], *two["problems"]]
    if one["log"] != two["log"]:
        problems.append(f"the log differs at another speed: {one['log']}, {two['log']}")
    if one["transitions"] != two["transitions"]:
        problems.append("the alerts' moves differ at another speed")
    log = one["log"]
    if log["gaps"] or log["unmarked"]:
        problems.append(f"{log['gaps']} gaps, {log['unmarked']} events without the flag `drill`")
    return {
        "month": month[0][:7],
        "readings": one["readings"],
        "seconds": one["seconds"],
        "seconds_at_another_speed": two["seconds"],
        "alerts_opened": one["openings"],
        "cleared": one["clearings"],
        "levels_reached": one["rises"],
        "moves": len(one["transitions"]),
        "opened_on": one["days"],
        "not_judged": one["others"],
        "log": log,
        "problems": problems,
    }


async def _run(path: Path, gate: asyncio.Semaphore, **given: Any) -> dict[str, Any]:
    """Play a scenario once and judge it by the true pack's rules."""
    rules, others = read_rules(PACK, FEEDS)
    async with gate, played(path, **given) as drill:
        async with drill.database() as connection:
            found = await judge(connection, rules, load_scenario(path).last, others=others)
        return {
            "readings": drill.acknowledged,
            "seconds": drill.seconds,
            "log": await drill.log(),
            "transitions": await drill.transitions(),
            "openings": found.openings,
            "clearings": found.clearings,
            "rises": found.rises,
            "days": found.days,
            "others": others,
            "rang": drill.rang,
            "problems": [*found.problems, *_kept_in(drill)],
        }


def _kept_in(drill: Drill) -> list[str]:
    problems = [f"{drill.rang} connections to a broker outside"] if drill.rang else []
    return problems + ([f"{drill.refused} readings refused"] if drill.refused else [])


async def _controls(path: Path, folder: Path, honest: dict[str, Any], gate: asyncio.Semaphore) -> dict[str, Any]:
    """Play the first month with what must not pass: no waiting and no guard, and another limit for rain."""
    other = folder / "pack"
    shutil.copytree(PACK, other, ignore=shutil.ignore_patterns("__pycache__"))
    name, true, false = CONTROL_LIMIT
    rule = other / "rules" / name
    text = rule.read_text(encoding="utf-8")
    assert true in text, "the control's limit is not in the rule"
    rule.write_text(text.replace(true, false), encoding="utf-8")
    hasty, wrong = await asyncio.gather(_run(path, gate, mutant="hasty_drill"), _run(path, gate, pack=other))
    return {
        "hasty_log_differs": hasty["log"]["digest"] != honest["log"]["digest"],
        "unguarded_connections": hasty["rang"],
        "other_limit_problems": len(wrong["problems"]),
    }
