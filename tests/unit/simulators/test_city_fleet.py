"""The city's fleet: as many of each kind as the centre is sized for, the same for the same seed."""

from __future__ import annotations

from collections import Counter

from ioc.packs.loader import load_pack
from simulators.city_fleet import KINDS, MOVING_SECONDS, PARKED_SECONDS, VEHICLES, city_fleet
from simulators.roster import DEVICES_MAX, Device

PACK = load_pack("hoabinh", shapes=False)
MODELS = [Device(id=one.id, feed=one.feed, key="k", lat=one.lat, lon=one.lon) for one in PACK.devices]
DAY_SECONDS = 86_400


def test_it_has_every_kind_of_the_pack_and_as_many_of_each_as_planned():
    fleet = city_fleet(MODELS, seed=2017)
    counted = Counter(one.device.feed for one in fleet)
    assert set(counted) == {model.feed for model in MODELS}
    assert {feed: counted[feed] for feed in KINDS} == {feed: kind.devices for feed, kind in KINDS.items()}
    assert 2_150 < len(fleet) < 2_300
    assert len({one.device.id for one in fleet}) == len(fleet) <= DEVICES_MAX


def test_it_speaks_six_million_times_a_day():
    """What is not paced here speaks as its feed expects: at most once a minute, by some sixty devices."""
    fleet = city_fleet(MODELS, seed=2017)
    assert 5_800_000 < sum(DAY_SECONDS / one.every_seconds for one in fleet if one.every_seconds) < 6_200_000
    moving = Counter(one.every_seconds for one in fleet if one.device.feed == VEHICLES)
    assert set(moving) == {MOVING_SECONDS, PARKED_SECONDS}
    assert 430 < moving[MOVING_SECONDS] < 530


def test_each_stands_near_one_of_its_kind_and_the_seed_decides():
    known = {model.id: model for model in MODELS}
    fleet = city_fleet(MODELS, seed=2017)
    for one in fleet:
        model = known[one.model]
        assert model.feed == one.device.feed
        assert one.device.distance_km(model.lat, model.lon) < 1.0
    assert fleet == city_fleet(MODELS, seed=2017)
    assert fleet != city_fleet(MODELS, seed=2018)
