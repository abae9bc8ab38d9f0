"""Scenarios: data files that say how the world departs from a calm day, second by second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from simulators.course import Course, CourseError

FOLDER = Path(__file__).parent / "scenarios"
REPORTS_MAX = 1_000


class ScenarioError(Exception):
    """There is no such scenario, or its file is wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happens: full strength at the ``nearest`` devices of a feed, fading over ``radius_km``."""

    lat: float
    lon: float
    radius_km: float
    nearest: int = 0


@dataclass(frozen=True, slots=True)
class ScriptedReport:
    """A citizen's report at ``at_seconds`` of the scenario, with its own place (degrees)."""

    at_seconds: float
    lat: float
    lon: float
    category: str
    urgency: str
    text: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name, the courses that replace calm values, the places they act at and the citizens' reports in time order."""

    name: str
    duration_seconds: float = 0.0
    signals: Mapping[str, Course] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    reports: tuple[ScriptedReport, ...] = ()


def scenario_names() -> list[str]:
    """Return the names of the scenarios shipped here."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _build(name: str, document: Mapping[str, Any]) -> Scenario:
    """Make a scenario of its file's content; a missing or odd member raises what Python raises."""
    signals = {
        signal: Course.through(item["points"], stepped=bool(item.get("stepped", False)))
        for signal, item in document.get("signals", {}).items()
    }
    places = {place: Place(**item) for place, item in document.get("places", {}).items()}
    reports = sorted(
        (ScriptedReport(**item) for item in document.get("reports", [])), key=lambda report: report.at_seconds
    )
    if len(reports) > REPORTS_MAX:
        raise ScenarioError(f"scenario {name}: more than {REPORTS_MAX} reports")
    return Scenario(
        name=name,
        duration_seconds=float(document.get("duration_seconds", 0)),
        signals=signals,
        places=places,
        reports=tuple(reports),
    )


def read_scenario(name: str) -> Scenario:
    """Read a scenario shipped here, by its name.

    Raises:
        ScenarioError: there is no such scenario, or its file is wrong.
    """
    path = FOLDER / f"{name}.yaml"
    if path.stem not in scenario_names():
        raise ScenarioError(f"no scenario {name!r}; there are: {', '.join(scenario_names())}")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return _build(name, document)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, CourseError) as error:
        raise ScenarioError(f"scenario {name}: {error!r}") from error
