"""What a feed may say, its simulator says: a field that nobody plays is a chart that stays empty in the demo."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ioc.packs.loader import load_pack
from simulators.feeds import make_generator
from simulators.roster import Device, Roster
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, Moment, World

PACK = load_pack("hoabinh", shapes=False)
DEVICES = tuple(Device(id=one.id, feed=one.feed, key="k", lat=one.lat, lon=one.lon) for one in PACK.devices)
WORLD = World(scenario=read_scenario("calm"), devices=DEVICES, seed=2017)
SOURCES = Roster(
    devices=DEVICES, feed_keys=dict.fromkeys(PACK.plays, "k"),
    plays={name: dict(play) for name, play in PACK.plays.items()},
).sources()  # fmt: skip
START = datetime(2026, 11, 23, tzinfo=LOCAL_OFFSET)
READINGS = 2_000
NOT_PLAYED = {
    "disaster_bulletin": {"valid_from", "valid_to"},  # instants of a bulletin that does not exist
    "economic_indicator": {"actual", "period", "plan"},  # in each indicator's own unit: what offices enter
    "field_incident": {"caller", "description", "location", "trapped"},  # nobody and no distress is made up
    "loudspeaker": {"message"},  # nothing is played on an ordinary day
    "parking": {"free"},  # capacity and occupancy say it
    "security_event": {"destination", "malware", "rule", "source"},  # an ordinary day has no malware
    "service_portal": {"service"},  # the portal as a whole speaks
    "street_flood": {"camera"},  # no pictures are made up
    "target_security": {"snapshot"},
    "watchlist_hit": {"snapshot"},
}  # fmt: skip


@pytest.mark.parametrize("feed", sorted({one.feed for one in (*DEVICES, *SOURCES)}))
def test_every_field_of_a_feed_is_played(feed: str):
    said: set[str] = set()
    for one in (*DEVICES, *SOURCES):
        generator = make_generator(one, WORLD, PACK.plays) if one.feed == feed else None
        for number in range(READINGS if generator is not None else 0):
            assert generator is not None
            moment = Moment(seconds=0.0, now=START + timedelta(minutes=number))
            said.update(generator.reading(moment) or ())
    said -= {"lat", "lon"}
    spec = PACK.feeds[feed]
    assert said <= set(spec.fields), "fields that the door would refuse"
    assert set(spec.fields) - said - NOT_PLAYED.get(feed, set()) == set()
