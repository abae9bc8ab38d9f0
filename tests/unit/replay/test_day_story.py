"""The day before a demo: episodes by the hour of the day, whole and over whenever the demo begins."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.domain.moment import LOCAL_ZONE
from ioc.drills.conductor import Conductor, PersonAction
from ioc.errors import InvalidInputError
from ioc.packs.loader import load_pack
from ioc.replay.day_story import QUIET, load_story, placed, spans
from ioc.replay.publisher import DeviceKey
from ioc.runtime.drill_clock import DrillClock

SHIPPED = Path("ioc/packs/hoabinh/demo/yesterday.yaml")
STORY = """\
people:
  - {username: hoa, name: "Trần Thị Hoa"}
episodes:
  - id: bin
    at: "17:30"
    feed: waste_bin
    device: bin-1
    rule: bin.full
    every_minutes: 30
    values:
      fill_pct: [[0, 80], [60, 100], [61, 5]]
      temperature_c: [[0, 27.0], [61, 27.0]]
      tilted: [[0, false], [40, true]]
    work:
      - {minute: 90, by: hoa, action: acknowledge, text: "Đã báo xe."}
"""
EVENING = datetime(2026, 11, 28, 22, 0, tzinfo=LOCAL_ZONE)


def written(tmp_path, text):
    path = tmp_path / "yesterday.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_episode_is_the_last_one_of_its_hour_that_was_over(tmp_path):
    story = load_story(written(tmp_path, STORY))
    over = datetime(2026, 11, 28, 17, 30, tzinfo=LOCAL_ZONE) + timedelta(minutes=90) + QUIET
    assert placed(story, over)[0].start == datetime(2026, 11, 28, 17, 30, tzinfo=LOCAL_ZONE)
    assert placed(story, over - timedelta(minutes=1))[0].start == datetime(2026, 11, 27, 17, 30, tzinfo=LOCAL_ZONE)
    assert placed(story, over.astimezone(UTC)) == placed(story, over)


def test_numbers_go_in_a_straight_line_and_words_hold(tmp_path):
    item = placed(load_story(written(tmp_path, STORY)), EVENING)[0]
    told = {(turn.moment - item.start) // timedelta(minutes=1): turn.reading.values for turn in item.turns(0)}
    assert told == {
        0: {"fill_pct": 80, "temperature_c": 27.0, "tilted": False},
        30: {"fill_pct": 90, "temperature_c": 27.0, "tilted": False},
        40: {"fill_pct": 93, "temperature_c": 27.0, "tilted": True},
        60: {"fill_pct": 100, "temperature_c": 27.0, "tilted": True},
        61: {"fill_pct": 5, "temperature_c": 27.0, "tilted": True},
    }
    assert len({turn.id for turn in item.turns(0)}) == 5
    assert list(item.turns(0)) == list(item.turns(0)), "the same at every run"


def test_what_no_day_says_is_refused_with_its_place(tmp_path):
    for wrong, what in (
        (STORY.replace("by: hoa", "by: nobody"), "bin: who is nobody"),
        (STORY.replace("acknowledge", "shrug"), "episodes.0.work.0.action"),
        (STORY.replace('"17:30"', '"25:30"'), "episodes.0.at"),
        (STORY.replace("every_minutes: 30", "every_minutes: 0.001"), "readings"),
        ("- [", "yesterday.yaml"),
    ):
        with pytest.raises(InvalidInputError, match=what):
            load_story(written(tmp_path, wrong))


def test_the_shipped_day_speaks_of_the_pack_and_is_over_at_whatever_hour_a_demo_begins():
    story, pack = load_story(SHIPPED), load_pack("hoabinh", shapes=False)
    devices = {device.id: device.feed for device in pack.devices}
    rules = {rule.id for rule in pack.rules}
    for episode in story.episodes:
        assert episode.rule in rules
        assert devices.get(episode.device, episode.feed) == episode.feed
        assert episode.device in devices or not pack.feeds[episode.feed].device_required
        assert episode.values.keys() <= {*pack.feeds[episode.feed].fields, "lat", "lon"}
    for hour in range(48):
        now = EVENING + timedelta(minutes=30 * hour)
        episodes = placed(story, now)
        assert len(spans(episodes)) == len(story.episodes)
        assert all(item.end <= now - QUIET for item in episodes)
        assert all(item.end > now - QUIET - timedelta(days=1) for item in episodes)


async def test_a_person_acts_when_all_before_and_at_that_moment_is_folded(tmp_path):
    item = placed(load_story(written(tmp_path, STORY)), EVENING)[0]
    clock = DrillClock.make(tmp_path / "clock", item.start - timedelta(minutes=1))
    clock.partitions_until = item.end + timedelta(days=1)
    seen: list[str] = []

    class Recorder:
        async def publish(self, payload: bytes) -> int:
            seen.append("reading" if b"fill_pct" in payload else "something else")
            return 0

        async def close(self) -> None:
            seen.append("closed")

    async def engine() -> None:
        while True:
            if clock.asked() != (clock.answered() or (0, None))[0]:
                seen.append("folded")
                clock.answer(clock.asked(), None)
            await asyncio.sleep(0)

    async def act() -> None:
        seen.append("acted")

    readings = list(item.turns(0))
    conductor = Conductor(
        clock=clock, host="", port=0, speed=0.0, keys={"bin-1": DeviceKey("bin-1", "waste_bin", "")},
        sender=lambda _key: Recorder(),
    )  # fmt: skip
    answering = asyncio.create_task(engine())
    played = await conductor.play([*readings[:2], PersonAction(readings[1].moment, act)], item.end)
    answering.cancel()
    assert seen[seen.index("reading") :] == ["reading", "folded", "reading", "folded", "acted", "folded", "closed"]
    assert (played.sent, played.acknowledged) == (2, 2)
