"""docs/scenarios.md: the drills of the shipped pack, what each plays and must raise, and what completes it later."""

from __future__ import annotations

from ioc.domain.moment import LOCAL_ZONE
from ioc.packs.loader import pack_folder
from ioc.replay.scenario import Scenario, load_scenario

TOP = """# Scenarios

Written from `ioc/packs/hoabinh/drills/` by `python -m tests.docs.reference`. Each is a drill: on the page "Diễn tập",
with `POST /api/v1/drills`, or `ioc up --drill-file ioc/packs/hoabinh/drills/ID.yaml`; [replay](replay.md) says how a
drill runs and what a scenario's file holds. *Must raise* is every alert of it with the highest severity that it
reaches, (n) of how many keys: `tests/timelines/test_scenarios.py` plays each through the checks of the doors and all
rules of the pack, and holds that it raises these and nothing else, no other critical one above all. Hours are local.

| scenario | what it tells | from | hours | must raise |
| --- | --- | --- | --- | --- |
"""
LATER_TOP = """
## What completes them later

Each is played by the parts that there are. What the centre does beyond alerts is not built yet:

| scenario | not shown yet |
| --- | --- |
"""
LATER = {
    "bualoi-2025": "The broadcast is the loudspeakers' own word; sending one from here comes with notifications.",
    "bui-2025": "Reports of one flood become one incident with the river's alert: incidents.",
    "gate-order": "Who downstream has confirmed the notice, unit by unit: notifications with acknowledgements.",
    "watch-list": "Two people confirm a match before anybody acts on it: approval by a second account.",
    "broken-lamp": "Duplicates merged, due date, extension, closing and reopening of a report: work on reports.",
    "school-wifi": "The alert about the devices hidden behind the one about the line: root causes.",
    "epidemic": "The schools' alert and the ward's as one incident: incidents.",
    "soc-night": "Isolation as a task of the response team with its hours: tasks.",
    "switch-over": "Monthly figures by the units of before, beside those of today: reports.",
}


def scenarios_page() -> str:
    """Return docs/scenarios.md."""
    shipped = [load_scenario(path) for path in sorted((pack_folder("hoabinh") / "drills").glob("*.yaml"))]
    lines = [line(scenario) for scenario in shipped]
    assert set(LATER) <= {scenario.drill for scenario in shipped}
    later = [f"| `{name}` | {text} |\n" for name, text in sorted(LATER.items())]
    return TOP + "".join(lines) + LATER_TOP + "".join(later)


def line(scenario: Scenario) -> str:
    """Return one scenario's line."""
    hours = (scenario.last - scenario.first).total_seconds() / 3_600
    raised = ", ".join(
        f"`{item.rule}` {item.severity.value}{f' ({item.times})' if item.times > 1 else ''}" for item in scenario.alerts
    )
    told = scenario.description.en if scenario.description is not None else ""
    start = f"{scenario.first.astimezone(LOCAL_ZONE):%Y-%m-%d %H:%M}"
    cells = (f"`{scenario.drill}`", f"{scenario.title.en}. {told}", start, f"{hours:g}", raised or "see the record")
    return f"| {' | '.join(cells)} |\n"
