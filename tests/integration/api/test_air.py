"""VN_AQI over the API: from stored hours, inside the wall, on the station and on the domain's tile."""

from __future__ import annotations

from datetime import timedelta

from tests.integration.api.conftest import NOW, OTHER, World


async def hours(world: World, device: str, field: str, value: float, *, count: int = 12, before: int = 1) -> None:
    """Store hourly means, the newest of the hour that ended at the full hour ``before - 1`` hours ago."""
    for age in range(before, before + count):
        bucket = NOW - timedelta(hours=age)
        await world.insert("series", {
            "feed": "air_quality", "device": device, "field": field, "step": 3600, "bucket": bucket, "n": 12,
            "sum": value * 12, "min": value, "max": value, "first": value, "first_at": bucket, "last": value,
            "last_at": bucket,
        })  # fmt: skip


async def test_index_band_pollutant_and_advice_are_told_hourly_and_daily_and_the_worst_on_the_tile(world: World):
    await world.device("air-a", feed="air_quality")
    await world.device("air-b", feed="air_quality", area=OTHER)
    await world.device("air-c", feed="air_quality")
    await hours(world, "air-a", "pm2_5", 60.0, count=48)
    await hours(world, "air-a", "o3", 180.0, count=1)
    await hours(world, "air-b", "pm2_5", 200.0)
    await hours(world, "air-b", "pm2_5", 600.0, count=1, before=0)
    async with world.signed_in("op") as client:
        told = (await client.get("/api/v1/air-quality")).json()
        items = {item["device"]: item for item in told["items"]}
        assert list(items) == ["air-a", "air-b", "air-c"]
        hourly, daily = items["air-a"]["hourly"], items["air-a"]["daily"]
        assert (hourly["t"], hourly["value"]["index"], hourly["value"]["pollutant"]) == (
            "2026-11-23T13:00:00.000Z", 117, "pm2_5",
        )  # fmt: skip
        assert (hourly["value"]["band"]["vi"], hourly["value"]["colour"]) == ("Kém", "#FF7E00")
        assert "nhạy cảm" in hourly["value"]["health"]["vi"]
        assert (daily["day"], daily["value"]["index"]) == ("2026-11-22", 117)
        assert items["air-b"]["hourly"]["value"]["index"] == 250, "the running hour's 600 is not over yet"
        assert items["air-c"]["hourly"]["value"] is None
        assert [band["colour"] for band in told["bands"]][:3] == ["#00E400", "#FFFF00", "#FF7E00"]
        assert told["source"]["text"] == "QĐ 1459/QĐ-TCMT"
        back = (await client.get("/api/v1/air-quality?device=air-a&hours=24&days=2")).json()["items"][0]
        assert ([len(back[name]) for name in ("hours", "days")]) == [23, 1]
        assert back["hours"][-1]["value"]["index"] == 117
        for query in ("hours=24", "days=2", "device=a,b,c,d,e,f&days=2", "hours=99&device=air-a", "x=1"):
            assert (await client.get(f"/api/v1/air-quality?{query}")).status_code == 422, query
        tile = (await client.get("/api/v1/domains/environment")).json()["air"]
        assert (tile["device"], tile["value"]["band"]["vi"], tile["stations"]) == ("air-b", "Rất xấu", 2)
        assert (await client.get("/api/v1/domains/disaster")).json()["air"] is None
    async with world.signed_in("walled") as client:
        assert [item["device"] for item in (await client.get("/api/v1/air-quality")).json()["items"]] == ["air-b"]
        assert (await client.get("/api/v1/air-quality?device=air-a")).json()["items"] == []
    async with world.client(key="display") as client:
        assert len((await client.get("/api/v1/air-quality")).json()["items"]) == 3
