"""A tour: ways in that work once, a clock that visitors steer, and an end when nobody looks any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from ioc.assembly.drill_folder import DrillMark, open_folder, read_mark
from ioc.drills.conductor import Conductor
from ioc.drills.host import child_environment
from ioc.drills.instance import plan_drill
from ioc.drills.tour import ENTRIES_MAX, Admission, speeds_of, take_entry, write_entry
from ioc.drills.tour_host import IDLE_SECONDS, RUN_SECONDS_MAX, STARTING_SECONDS_MAX, is_over_for_all, tour_story
from ioc.errors import InvalidInputError
from ioc.packs.loader import pack_folder
from ioc.replay.scenario import load_scenario, reading_periods
from ioc.runtime.drill_clock import DrillClock, clock_file
from ioc.settings import Settings

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
START = datetime(2017, 10, 10, tzinfo=UTC)
SOMEBODY = Admission("hoa", "Trần Thị Hoa", "viewer", "04795")
STORY = pack_folder("hoabinh") / "drills" / "flood-2017.yaml"


def test_a_way_in_works_once_and_for_a_minute(tmp_path):
    code = write_entry(tmp_path, SOMEBODY, NOW)
    assert take_entry(tmp_path, code[:-1], NOW) is None
    assert take_entry(tmp_path, "../../etc/passwd", NOW) is None
    assert take_entry(tmp_path, code, NOW + timedelta(seconds=59)) == SOMEBODY
    assert take_entry(tmp_path, code, NOW) is None
    late = write_entry(tmp_path, SOMEBODY, NOW)
    assert take_entry(tmp_path, late, NOW + timedelta(seconds=61)) is None
    assert take_entry(tmp_path, late, NOW) is None, "an old code is gone, too"


def test_nobody_reads_a_code_off_the_disk_and_the_codes_that_wait_are_bounded(tmp_path):
    now = datetime.now(UTC)
    code = write_entry(tmp_path, SOMEBODY, now)
    files = list((tmp_path / "entries").iterdir())
    assert [code in path.name or code in path.read_text() for path in files] == [False]
    assert {path.stat().st_mode & 0o777 for path in [*files]} == {0o600}
    for _ in range(ENTRIES_MAX - 1):
        write_entry(tmp_path, SOMEBODY, now)
    with pytest.raises(InvalidInputError):
        write_entry(tmp_path, SOMEBODY, now)
    write_entry(tmp_path, SOMEBODY, now + timedelta(seconds=90))  # those before it were too old by then
    assert len(list((tmp_path / "entries").iterdir())) == 1


def test_a_tour_is_marked_for_life_and_says_when_its_story_ends(tmp_path):
    plan = plan_drill(start=None, speed="200", file=STORY, tour=True)
    assert plan is not None
    mark = open_folder(tmp_path / "tour", plan.mark())
    assert mark == read_mark(tmp_path / "tour")
    assert mark.tour
    assert mark.end == load_scenario(STORY).last
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "drill.json").write_text('{"start": "2005-09-01T00:00:00Z", "scenario": null, "title": null}')
    assert read_mark(tmp_path / "old") == DrillMark(datetime(2005, 9, 1, tzinfo=UTC))


@pytest.mark.parametrize(("speed", "file"), [("max", STORY), ("60", None)])
def test_a_tour_needs_a_story_and_a_speed_that_can_be_seen(speed, file):
    with pytest.raises(InvalidInputError, match="tour"):
        plan_drill(start="2017-10-10", speed=speed, file=file, tour=True)


def test_visitors_choose_between_sixty_times_and_the_whole_story_in_ten_minutes_or_in_one():
    assert speeds_of(START, START + timedelta(hours=34)) == [60.0, 204.0, 2040.0]


async def test_the_conductor_waits_while_it_is_paused_and_goes_as_fast_as_visitors_wish(tmp_path):
    clock = DrillClock.make(clock_file(tmp_path), START)
    clock.partitions_until = START + timedelta(days=30)
    clock.paused = True
    conductor = Conductor(clock=clock, host="127.0.0.1", port=1, keys={}, speed=60.0)

    async def engine() -> None:
        while True:
            clock.answer(clock.asked(), None)
            await asyncio.sleep(0.002)

    answering = asyncio.create_task(engine())
    playing = asyncio.create_task(conductor.play([], START + timedelta(hours=10)))
    await asyncio.sleep(0.35)
    assert clock.now() == START
    clock.paused = False
    await asyncio.sleep(0.35)
    went = clock.now() - START
    assert timedelta(seconds=3) < went < timedelta(minutes=2)
    clock.wished = 10_000.0
    await asyncio.wait_for(playing, 20)
    answering.cancel()
    assert clock.now() == START + timedelta(hours=10)
    assert clock.speed == 10_000.0


@dataclass(frozen=True, slots=True)
class Case:
    """How a tour stands: seconds since its start, since somebody asked for a way in, since somebody looked inside."""

    age: float
    asked: float
    seen: float | None
    up: bool = True
    ended: bool = False


@pytest.mark.parametrize(
    ("case", "over"),
    [
        (Case(age=20, asked=20, seen=None, up=False), False),
        (Case(age=STARTING_SECONDS_MAX + 1, asked=1, seen=None, up=False), True),
        (Case(age=60, asked=50, seen=1), False),
        (Case(age=600, asked=590, seen=2), False),
        (Case(age=600, asked=590, seen=IDLE_SECONDS + 1), True),
        (Case(age=600, asked=1, seen=IDLE_SECONDS + 1), False),
        (Case(age=IDLE_SECONDS + 20, asked=IDLE_SECONDS + 10, seen=None), True),
        (Case(age=RUN_SECONDS_MAX + 1, asked=1, seen=1), True),
        (Case(age=5, asked=5, seen=None, ended=True), True),
    ],
)
def test_a_tour_ends_when_nobody_looks_after_an_hour_or_when_it_does_not_come_up(case: Case, over: bool):
    assert is_over_for_all(age=case.age, asked=case.asked, seen=case.seen, up=case.up, ended=case.ended) is over


def test_visitors_are_shown_the_scenario_that_is_marked_for_them(tmp_path):
    """The flood, whatever else the pack has; of a pack that marks none, the first."""
    path, scenario = tour_story(STORY.parent)
    assert scenario is not None
    assert (path, scenario.drill) == (STORY, "flood-2017")
    for name in ("soc-night.yaml", "epidemic.yaml"):
        (tmp_path / name).write_bytes((STORY.parent / name).read_bytes())
    unmarked = tour_story(tmp_path)[1]
    assert unmarked is not None
    assert unmarked.drill == "epidemic"
    assert tour_story(tmp_path / "nowhere") == (None, None)


def test_at_the_fastest_speed_a_reading_is_seen_long_before_its_gauge_would_count_as_silent():
    folder = pack_folder("hoabinh") / "drills"
    flood = load_scenario(folder / "flood-2017.yaml")
    period = reading_periods(flood, folder)["rainfall"]
    flush_seconds = int(child_environment(Settings(), None)["IOC_ROLLUP_MILLISECONDS"]) / 1_000
    assert 2 * period.total_seconds() / max(speeds_of(flood.first, flood.last)) > 4 * flush_seconds
