"""The scenarios of the pack: each raises the alerts that it must and nothing else, and its readings are taken whole."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from ioc.domain.alert import TransitionKind
from ioc.packs.loader import load_pack
from tests.timelines.played_scenario import DRILLS, PlayedScenario

PACK = load_pack("hoabinh")
THIRTEEN = (
    "bualoi-2025", "bui-2025", "gate-order", "winter-dust", "hidden-cod", "late-files", "watch-list", "broken-lamp",
    "school-wifi", "epidemic", "forest-fire", "soc-night", "switch-over",
)  # fmt: skip


@cache
def played(name: str) -> PlayedScenario:
    return PlayedScenario(PACK, DRILLS / f"{name}.yaml")


@pytest.mark.parametrize("name", THIRTEEN)
def test_a_scenario_raises_what_it_must_and_nothing_else(name: str):
    """`alerts` of its file, each with the highest severity that it reached; no critical one beside them."""
    found = played(name)
    wanted = Counter({(item.rule, item.severity.value): item.times for item in found.scenario.alerts})
    assert wanted
    assert found.raised == wanted


def test_the_thirteen_and_the_flood_are_all_that_the_pack_has():
    assert {path.stem for path in DRILLS.glob("*.yaml")} == {*THIRTEEN, "flood-2017"}


def test_late_files_each_count_for_their_own_time_and_none_twice():
    """Twelve an hour for ten hours, and the order in which they came leaves no trace in the times that count."""
    station = [event for event in played("late-files").events if event.device == "nt-tan-hoa"]
    late = [event for event in station if (event.received_at - event.effective).total_seconds() > 180]
    assert len(late) == 72
    assert late != sorted(late, key=lambda event: event.effective), "they come in no order"
    assert len({event.effective for event in station}) == len(station)
    assert {event.effective.minute % 5 for event in late} == {0}


def test_over_the_switch_each_report_stands_in_one_unit_of_today_and_the_parts_add_up():
    """Cao Sơn was split: what was said under its old name lies in X. Lương Sơn or X. Liên Sơn, and nowhere else."""
    reports = [event for event in played("switch-over").events if event.feed == "citizen_report"]
    by_unit = Counter(event.area for event in reports)
    assert by_unit == {"04960": 3, "04924": 1}
    assert sum(by_unit.values()) == len(reports)
    former = [area for area in PACK.areas if area.code == "04957"]
    assert [set(area.successors) for area in former] == [{"04924", "04960"}]
    assert {event.zone for event in reports} == {"luong-son"}


def test_a_school_without_its_line_is_no_list_of_access_points():
    """Six silent devices are six rows of the technician's list, and none of the operator's."""
    found = played("school-wifi")
    [told] = [move for move in found.moves if (move.rule, move.kind) == ("silence.parent", TransitionKind.OPENED)]
    assert told.summary.en.startswith("3 devices behind Hoàng Văn Thụ school link")
    assert found.memory.open_alerts() == {}, "all is over once the line is mended"
    assert not any(rule.startswith("wifi.") for rule, _ in found.raised)
