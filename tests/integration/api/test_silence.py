"""Silence is never green: a domain whose sources stopped says so, and since when, within two expected periods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from itertools import zip_longest

import pytest

from ioc.api.views.tiles import expected_to_speak
from ioc.api.views.working_time import working_time_over
from ioc.domain.moment import format_time
from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack
from tests.integration.api import conftest
from tests.integration.api.conftest import NOW, World, open_world

PACK = load_pack("hoabinh", shapes=False)
STOPPED = NOW
"""A Monday evening; the next day is a day off in the calendar."""
SECOND = timedelta(seconds=1)


@pytest.fixture
async def city(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The shipped city, each of whose feeds was heard at the same instant."""
    monkeypatch.setattr(conftest, "make_pack", lambda: PACK)
    async with open_world(database_dsn, fresh=False) as world:
        await conftest.populate_people(world)
        await hear(world, PACK.feeds, STOPPED)
        yield world


async def hear(world: World, feeds: Iterable[str], at: datetime) -> None:
    """Note that feeds were heard from one of their devices, or from a source that need not be registered."""
    named = {device.feed: device.id for device in reversed(PACK.devices)}
    feeds = list(feeds)
    async with world.database.connection() as connection:
        await connection.execute(
            "INSERT INTO device_seen (device, feed, log_time, effective, events, position) "
            "SELECT device, feed, $3, $3, 1, 1 FROM unnest($1::text[], $2::text[]) AS s(device, feed) "
            "ON CONFLICT (device, feed) DO UPDATE SET log_time = $3",
            [named.get(feed, "mot-nguon") for feed in feeds], feeds, at,
        )  # fmt: skip


async def tiles_at(world: World, client, moment: datetime):
    """Return the tiles as they are at a moment, by domain."""
    world.clock.current = moment
    world.state.tiles._made.clear()
    return {tile["id"]: tile for tile in (await client.get("/api/v1/domains")).json()["items"]}


def told_by(feed: str, pack: Pack = PACK) -> datetime:
    """Return until when a feed that stopped may go unsaid."""
    spec = pack.feeds[feed]
    if not spec.working_days:
        return STOPPED + 2 * spec.expected_period
    holidays = {holiday.date for holiday in pack.holidays}
    return working_time_over(STOPPED, 2 * spec.expected_period, zone=pack.zone, holidays=holidays)


async def test_each_domain_whose_sources_stopped_says_since_when(city: World):
    """All fifteen: those of offices and of citizens too, which stayed green for ever."""
    async with city.signed_in("op") as client:
        tiles = await tiles_at(city, client, STOPPED + SECOND)
        assert {tile["state"] for tile in tiles.values()} == {"normal"}
        assert len(tiles) == 15
        for domain in PACK.domains:
            first = min(told_by(spec.id) for spec in expected_to_speak([PACK.feeds[name] for name in domain.feeds]))
            before = (await tiles_at(city, client, first))[domain.id]
            assert (before["state"], before["no_data_since"]) == ("normal", None), domain.id
            after = (await tiles_at(city, client, first + SECOND))[domain.id]
            assert (after["state"], after["no_data_since"]) == ("no_data", format_time(STOPPED)), domain.id


async def test_one_regular_feed_that_stopped_is_told_though_its_domain_goes_on(city: World):
    """By its own period: what speaks once a week does not hide what spoke by the minute."""
    at = STOPPED + timedelta(days=70)
    regular = [[spec for spec in PACK.feeds.values() if spec.domain == domain.id and not spec.occasional]
               for domain in PACK.domains]  # fmt: skip
    assert sum(len(specs) for specs in regular) > 60
    async with city.signed_in("op") as client:
        for together in zip_longest(*regular):
            await hear(city, PACK.feeds, at)
            stopped = {
                spec.id: at - (7 if spec.working_days else 2) * spec.expected_period - SECOND
                for spec in together
                if spec is not None
            }
            for name, moment in stopped.items():
                await hear(city, [name], moment)
            tiles = await tiles_at(city, client, at)
            told = {name: tiles[PACK.feeds[name].domain] for name in stopped}
            assert {name: tile["no_data_since"] for name, tile in told.items()} == {
                name: format_time(moment) for name, moment in stopped.items()
            }
            assert {tile["state"] for tile in told.values()} == {"no_data"}


async def test_what_speaks_only_when_something_happens_darkens_no_domain_that_reports(city: World):
    """A month without a crime report, an emergency or a gate order is a good month."""
    at = STOPPED + timedelta(days=31)
    async with city.signed_in("op") as client:
        await hear(city, (spec.id for spec in PACK.feeds.values() if not spec.occasional), at)
        tiles = await tiles_at(city, client, at)
        silent = {name for name, tile in tiles.items() if tile["state"] != "normal"}
        assert silent == {"citizen_reports"}, "only citizens speak there, and fifteen a day are expected"
        feeds = {feed["id"]: feed for feed in (await client.get("/api/v1/feeds")).json()["items"]}
        assert {name for name, feed in feeds.items() if feed["occasional"]} >= {"crime_report", "gate_order"}
