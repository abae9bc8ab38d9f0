"""The drill of the flood of October 2017 keeps the days of the record, and says what is ours."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

DRILLS = Path("ioc/packs/hoabinh/drills")
RAIN_DAY, GATE_DAY = date(2017, 10, 10), date(2017, 10, 11)


@pytest.fixture(scope="module")
def days() -> dict[date, list[dict[str, float]]]:
    """The readings of the file by their local day."""
    found: dict[date, list[dict[str, float]]] = {}
    with (DRILLS / "flood-2017.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            day = datetime.fromisoformat(row.pop("time")).date()
            found.setdefault(day, []).append({name: float(value) for name, value in row.items()})
    return found


def highest(day: list[dict[str, float]], name: str) -> float:
    return max(row[name] for row in day)


def test_each_recorded_figure_is_reached_on_its_own_day(days):
    """The gates open on the day on which the record has them open, not on the day of the first rain."""
    assert sorted(days) == [RAIN_DAY, GATE_DAY]
    rain, gates = days[RAIN_DAY], days[GATE_DAY]
    assert (highest(rain, "rain_24h_mm"), highest(gates, "rain_24h_mm")) == (189.5, 182.7)
    assert (highest(rain, "bottom_outlet_m3s"), highest(gates, "bottom_outlet_m3s")) == (0, 9_785)
    assert (highest(rain, "gates_open"), highest(gates, "gates_open")) == (0, 8)
    assert rain[0]["da_level_cm"] == 1_314
    assert highest(rain, "da_level_cm") <= 1_320
    assert highest(gates, "da_level_cm") == 1_933


def test_the_release_is_that_of_the_gates_and_all_is_over_at_the_end(days):
    rows = [row for day in days.values() for row in day]
    assert all((row["bottom_outlet_m3s"] > 0) == (row["gates_open"] > 0) for row in rows)
    assert all(row["spillway_m3s"] == 0 for row in rows)
    assert rows[-1]["gates_open"] == 0


def test_it_says_what_is_recorded_and_what_is_ours():
    text = (DRILLS / "flood-2017.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    assert "the order is true" not in text
    assert "Ours are the hours" in text
    assert "are ours" in told["description"]["en"]
    assert "do hệ thống đặt" in told["description"]["vi"]
