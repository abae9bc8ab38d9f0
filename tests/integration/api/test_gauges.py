"""Gauges of state at a scrape: what the city measures now, who measures it, and how the database does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.store.operations import gauges
from tests.integration.api.conftest import NOW, OTHER, World

Samples = dict[str, list[tuple[dict[str, str], float]]]


async def scraped(world: World, key: str = "metrics") -> Samples:
    """Return the samples by name, without the roles' own."""
    async with world.client(key=key) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    samples: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


async def said(world: World, device: str, field: str, value: Any, *, minutes_ago: int = 0) -> None:
    """Let a device have said something, as the roll-up keeps it."""
    when = NOW - timedelta(minutes=minutes_ago)
    await world.insert("latest", {"device": device, "feed": "rainfall", "field": field, "value": value,
                                  "effective": when, "log_time": when, "position": 1})  # fmt: skip


def values(samples: Samples) -> dict[tuple[str, str], float]:
    """Return the readings by device and field."""
    return {(labels["device"], labels["field"]): value for labels, value in samples.get("ioc_reading", [])}


@pytest.fixture
def opted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed rainfall, with one more number and a switch that are shown as metrics, and one that is not."""
    feed = world.state.context.pack.feeds["rainfall"]
    more = {
        "rain_1h_mm": FieldSpec("rain_1h_mm", Label("Mưa 1 giờ", "Rain 1 h"), metric=True),
        "heated": FieldSpec("heated", Label("Sưởi", "Heated"), FieldType.BOOLEAN, metric=True),
        "battery_v": FieldSpec("battery_v", Label("Pin", "Battery")),
    }
    monkeypatch.setitem(world.state.context.pack.feeds, "rainfall", replace(feed, fields={**feed.fields, **more}))


@pytest.mark.usefixtures("opted")
async def test_readings_are_of_chosen_fields_and_go_when_their_device_is_silent(world: World):
    """A value that nobody renews is no value of now: a chart that kept it would show a dead gauge as a calm one."""
    for name, columns in (("rain-1", {}), ("rain-old", {}), ("rain-slow", {"expected_period_seconds": 3600}),
                          ("rain-off", {"state": "maintenance"})):  # fmt: skip
        await world.device(name, **columns)
    for field, value in (
        ("rain_24h_mm", 12.5),
        ("rain_1h_mm", 3),
        ("heated", True),
        ("battery_v", 12.1),
        ("plate", "x"),
    ):
        await said(world, "rain-1", field, value)
    await said(world, "rain-old", "rain_24h_mm", 99, minutes_ago=21)
    await said(world, "rain-slow", "rain_24h_mm", 7, minutes_ago=90)
    await said(world, "rain-off", "rain_24h_mm", 5)
    samples = await scraped(world)
    assert values(samples) == {
        ("rain-1", "rain_24h_mm"): 12.5, ("rain-1", "rain_1h_mm"): 3, ("rain-1", "heated"): 1,
        ("rain-slow", "rain_24h_mm"): 7,
    }  # fmt: skip
    world.clock.advance(seconds=1_201)
    assert set(values(await scraped(world))) == {("rain-slow", "rain_24h_mm")}


async def test_devices_have_names_and_a_time_when_they_were_last_heard(world: World):
    await world.device("rain-1", name_vi='Trạm "Cầu"\nHòa Bình')
    await world.device("rain-2", state="retired")
    for name in ("rain-1", "rain-2"):
        await world.insert("device_seen", {"device": name, "feed": "rainfall", "log_time": NOW, "effective": NOW,
                                           "position": 1, "events": 1})  # fmt: skip
    samples = await scraped(world)
    names = {labels["device"]: (labels["name"], labels["state"]) for labels, _ in samples["ioc_device_info"]}
    assert names == {"rain-1": ('Trạm "Cầu"\nHòa Bình', "active"), "rain-2": ("Trạm rain-2", "retired")}
    assert [(labels["device"], value) for labels, value in samples["ioc_device_last_seen_timestamp_seconds"]] == [
        ("rain-1", NOW.timestamp())
    ]


async def test_series_are_bounded_and_what_does_not_fit_is_counted(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gauges, "SERIES_MAX", 2)
    for number in range(5):
        await world.device(f"rain-{number}")
        if number:
            await said(world, f"rain-{number}", "rain_24h_mm", number)
    samples = await scraped(world)
    assert len(samples["ioc_reading"]) == len(samples["ioc_device_info"]) == 2
    left_out = {labels["metric"]: value for labels, value in samples["ioc_series_left_out"]}
    assert left_out == {"ioc_reading": 2, "ioc_device_info": 3}


async def test_the_database_is_told_to_whoever_may_see_the_whole_site(world: World):
    """Size, connections by what they do, their bound, and a transaction that somebody has left open."""
    await world.device("rain-1")
    async with world.database.connection() as connection, connection.transaction():
        await connection.execute("SELECT 1")
        samples = await scraped(world)
    assert samples["ioc_database_size_bytes"][0][1] > 1_000_000
    states = {labels["state"]: value for labels, value in samples["ioc_database_connections"]}
    assert set(states) == {"active", "idle", "idle_in_transaction", "other"}
    assert states["idle_in_transaction"] >= 1
    assert samples["ioc_database_connections_max"][0][1] >= sum(states.values())
    assert 0 <= samples["ioc_database_oldest_transaction_seconds"][0][1] < 60
    async with world.database.connection() as connection:
        await connection.execute("UPDATE api_key SET area = $1 WHERE kind = 'metrics'", OTHER)
    inside = await scraped(world)
    assert [name for name in inside if name.startswith("ioc_database")] == []
    assert "ioc_device_info" not in inside


async def test_answers_are_timed_by_the_template_of_their_route(world: World):
    """And by nothing that a client makes up."""
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        await client.get("/api/v1/devices/rain-1")
        await client.get("/api/v1/devices/other-made-up")
        await client.get("/made/up")
    value = world.state.context.metrics.registry.get_sample_value
    assert value("ioc_http_request_seconds_count", {"route": "/devices/{device}"}) == 2
    assert value("ioc_http_request_seconds_count", {"route": "other"}) == 1
    assert (value("process_resident_memory_bytes") or 0) > 1_000_000
    assert value("process_cpu_seconds_total") is not None
