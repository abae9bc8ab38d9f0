"""The seventy systems of the decision: each has feeds or says why not, and each feed stands for one."""

from __future__ import annotations

from ioc.packs.loader import load_pack
from ioc.rules.loading.loader import load_rule
from simulators.feeds import GENERATORS

PACK = load_pack("hoabinh", shapes=False)
NOT_TAKEN_IN = {11, 46}
"""Looked up, and loaded with the pack as map layers."""


def test_the_pack_has_the_seventy_systems_in_their_order():
    assert [system.id for system in PACK.systems] == list(range(1, 71))


def test_every_feed_stands_for_a_system_and_every_system_without_one_says_why():
    named = {feed for system in PACK.systems for feed in system.feeds}
    assert set(PACK.feeds) - named == set()
    assert [system.id for system in PACK.systems if not system.feeds and system.reason is None] == []
    assert {system.id for system in PACK.systems if not system.feeds} == NOT_TAKEN_IN


def test_every_feed_has_a_rule_or_a_written_reason_for_none():
    ruled = {
        feed
        for raw in PACK.rules
        for feed in load_rule(raw.body, feeds=PACK.feeds, hash=raw.hash, version=1, zone=PACK.zone).feeds
    }
    assert set(PACK.feeds) - ruled == set(PACK.without_rule)


def test_every_feed_is_played_in_the_demo_and_has_devices_where_it_needs_them():
    """No domain is dark for a first visitor. An order to open a gate is none of an ordinary day."""
    assert set(PACK.feeds) - set(GENERATORS) - set(PACK.plays) == {"citizen_report", "gate_order"}
    placed = {device.feed for device in PACK.devices}
    assert {feed.id for feed in PACK.feeds.values() if feed.device_required} - placed == set()
    assert set(GENERATORS) & set(PACK.plays) == set()
