"""Sources that are no devices: each speaks over HTTP with its feed's key, soon again when no door took what it said."""

from __future__ import annotations

import json
import threading

import pytest

from simulators.feeds import make_generator
from simulators.offices import RETRY_SECONDS, Offices
from simulators.reading_id import ReadingIds
from simulators.roster import RosterError, read_roster
from simulators.scenario import read_scenario
from simulators.world import World

PLAYS = {"tasks": {"source": "nhiem-vu", "every_seconds": 600.0, "fields": {"open": {"value": 3}}}}


def roster(tmp_path, **members):
    path = tmp_path / "devices.json"
    path.write_text(json.dumps({"devices": [], "feed_keys": {"tasks": "ioc_feed_k"}, "plays": PLAYS, **members}))
    return read_roster(path)


def speak(url, tmp_path, *, answers: int, seconds=lambda: 1.0):
    """Run until the door has answered so often; return the tally."""
    read = roster(tmp_path)
    world = World(scenario=read_scenario("calm"), devices=[], seed=1)
    played = [(source, make_generator(source, world, read.plays)) for source in read.sources()]
    sources = [(source, generator) for source, generator in played if generator is not None]
    offices = Offices(sources, url=url, keys=read.feed_keys, ids=ReadingIds(1, boot="b"))
    offices.start(seconds)
    for _ in range(100):
        if offices.tally.accepted + offices.tally.refused >= answers:
            break
        threading.Event().wait(0.05)
    offices.close()
    return offices.tally


def test_a_source_speaks_with_the_key_of_its_feed(served, tmp_path):
    url, answers, heard = served
    answers.append((202, {}, {"accepted": 1, "duplicate": 0, "rejected": []}))
    tally = speak(url, tmp_path, answers=1)
    assert (tally.sent, tally.accepted, tally.refused) == (1, 1, 0)
    path, key, body = heard[0]
    assert path == "/api/v1/feeds/tasks/events?device=nhiem-vu"
    assert key == "Bearer ioc_feed_k"
    assert body["open"] == 3
    assert body["id"] == "1-b-1"


def test_what_a_full_door_did_not_take_is_said_again_soon(served, tmp_path):
    url, answers, _ = served
    answers += [(503, {}, {}), (202, {}, {"accepted": 1, "duplicate": 0, "rejected": []})]
    clock = iter([1.0, 1.0 + RETRY_SECONDS + 0.1])
    tally = speak(url, tmp_path, answers=2, seconds=lambda: next(clock, 10.0))
    assert (tally.sent, tally.accepted, tally.refused) == (2, 1, 1)
    assert "503" in tally.last_refusal


def test_a_feed_that_has_devices_or_no_key_has_no_such_source(tmp_path):
    device = {"id": "one", "feed": "tasks", "key": "k", "lat": 20.8, "lon": 105.3}
    assert [source.id for source in roster(tmp_path).sources()] == ["nhiem-vu"]
    assert roster(tmp_path, devices=[device]).sources() == []
    assert roster(tmp_path, feed_keys={}).sources() == []


def test_plays_of_another_shape_are_refused(tmp_path):
    with pytest.raises(RosterError, match="plays"):
        roster(tmp_path, plays={"tasks": {"fields": []}})
