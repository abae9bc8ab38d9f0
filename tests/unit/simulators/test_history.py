"""Yesterday: a day of readings before the demo began, once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from simulators.feeds import GENERATORS
from simulators.history import BACK, STEP, History, read_heard
from simulators.roster import Device
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, World

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=LOCAL_OFFSET)
GAUGE = Device(id="rain-1", feed="rainfall", key="k", lat=20.82, lon=105.34)


def made(tmp_path, devices=(GAUGE,), keys=("rainfall",), heard=()):
    world = World(scenario=read_scenario("calm"), devices=devices, seed=1)
    return History(devices, world=world, url="http://127.0.0.1:9", keys=dict.fromkeys(keys, "k"),
                   sent_file=tmp_path / "sent.json", heard=heard)  # fmt: skip


def test_a_day_ends_before_now_and_has_a_reading_every_ten_minutes(tmp_path):
    day = list(made(tmp_path).day_of(GAUGE, NOW))
    times = [datetime.fromisoformat(str(reading["time"])) for reading in day]
    assert times == [NOW - BACK + number * STEP for number in range(BACK // STEP)]
    assert times[-1] < NOW <= times[-1] + timedelta(minutes=10)


def test_yesterday_was_calm_for_every_kind_of_device(tmp_path):
    """Nothing that would alarm who looks back: the gates were shut and little rain fell."""
    devices = [Device(id=f"{feed}-1", feed=feed, key="k", lat=20.82, lon=105.34) for feed in GENERATORS]
    history = made(tmp_path, devices, GENERATORS)
    days = {device.feed: list(history.day_of(device, NOW)) for device in devices}
    assert all(reading["gates_open"] == 0 for reading in days["reservoir"])
    assert max(float(str(reading["rain_24h_mm"])) for reading in days["rainfall"]) < 20
    assert sum(map(len, days.values())) > 1_500


def test_it_is_not_sent_again_where_a_file_says_that_it_was(tmp_path):
    (tmp_path / "sent.json").write_text("{}")
    history = made(tmp_path)
    history.start(NOW)
    history.close()
    assert history.tally.given_up == history.tally.devices == 0


def test_what_the_log_has_of_a_device_already_is_left_out(tmp_path):
    """A calm reading between those of a story would show a trouble that comes and goes every ten minutes."""
    assert read_heard(tmp_path / "yesterday.json") == []
    first, last = NOW - timedelta(hours=3), NOW - timedelta(hours=2)
    span = {"device": "rain-1", "from": first.isoformat(), "to": last.isoformat()}
    (tmp_path / "yesterday.json").write_text(json.dumps({"heard": [span, {**span, "device": "rain-2"}]}))
    history = made(tmp_path, heard=read_heard(tmp_path / "yesterday.json"))
    times = [datetime.fromisoformat(str(reading["time"])) for reading in history.day_of(GAUGE, NOW)]
    assert len(times) == BACK // STEP - 7
    assert not [time for time in times if first <= time <= last]
