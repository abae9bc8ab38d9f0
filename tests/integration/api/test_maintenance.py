"""Maintenance windows: planned over the API, begun and ended by the keeper, seen by rules as changes of the device."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx2

from ioc.domain.moment import LOCAL_ZONE
from ioc.runtime.clock import AnchoredLogClock
from ioc.store.log.event_log import EventLog
from ioc.store.maintenance import windows
from ioc.store.maintenance.schedule import MaintenanceSchedule
from ioc.store.operations.keeper import Keeper, Retention
from tests.integration.api.conftest import NOW, OTHER, World

HOUR = timedelta(hours=1)


def body(start: float, end: float, **others: Any) -> dict[str, Any]:
    return {"starts_at": (NOW + start * HOUR).isoformat(), "ends_at": (NOW + end * HOUR).isoformat(),
            "reason": "Kiểm định", **others}  # fmt: skip


async def pass_time(world: World, hours: float) -> None:
    """Let the keeper look at that hour from the start."""
    world.clock.step_to(NOW + hours * HOUR)
    schedule = MaintenanceSchedule(
        database=world.database, log=EventLog(world.database), zone=LOCAL_ZONE, log_clock=world.clock,
        wall=AnchoredLogClock(),
    )  # fmt: skip
    for _ in range(20):
        if not await schedule.work(world.clock.now()):
            return
    raise AssertionError("the schedule does not come to rest")


async def plan(client: httpx2.AsyncClient, device: str, start: float, end: float, **others: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/devices/{device}/maintenance", json=body(start, end, **others))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/maintenance/{found['id']}"
    return found


async def states(client: httpx2.AsyncClient, *names: str) -> list[str]:
    return [(await client.get(f"/api/v1/devices/{name}")).json()["state"] for name in names]


async def entries(world: World) -> list[tuple[str, str]]:
    """What the rules read of devices."""
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT data FROM event WHERE kind = 'device' ORDER BY position")
    return [(row["data"]["id"], row["data"]["state"]) for row in rows]


async def test_a_window_begins_and_ends_by_itself_and_the_log_says_so(world: World):
    await world.device("rain-1")
    async with world.signed_in("chief") as client:
        window = await plan(client, "rain-1", 1, 3)
        assert (window["state"], window["next_at"][:16]) == ("planned", "2026-11-23T14:00")
        await pass_time(world, 0.9)
        assert await states(client, "rain-1") == ["active"]
        await pass_time(world, 1)
        device = (await client.get("/api/v1/devices/rain-1")).json()
        assert (device["state"], device["status"]) == ("maintenance", "maintenance")
        assert (device["maintenance"]["window"], device["maintenance"]["reason"]) == (window["id"], "Kiểm định")
        assert datetime.fromisoformat(device["maintenance"]["until"]) == NOW + 3 * HOUR
        running = (await client.get("/api/v1/maintenance?device=rain-1&state=running")).json()["items"]
        assert [one["id"] for one in running] == [window["id"]]
        await pass_time(world, 3)
        device = (await client.get("/api/v1/devices/rain-1")).json()
        assert (device["state"], device["maintenance"]) == ("active", None)
        assert (await client.get(f"/api/v1/maintenance/{window['id']}")).json()["state"] == "over"
    assert await entries(world) == [("rain-1", "maintenance"), ("rain-1", "active")]
    async with world.signed_in("root") as client:
        items = (await client.get("/api/v1/audit?limit=20")).json()["items"]
        actions = [one["action"] for one in items if "maintenance" in one["action"]]
    assert actions == ["device.maintenance_end", "device.maintenance_begin", "maintenance.plan"]


async def test_what_is_below_a_device_goes_with_it_and_comes_back_with_it(world: World):
    await world.device("gate-1", gateway=True, parent="rain-3")  # a ring does no harm
    await world.device("rain-2", parent="gate-1")
    await world.device("rain-3", parent="rain-2")
    await world.device("rain-4", parent="gate-1", state="retired")
    await world.device("rain-5")
    names = ("gate-1", "rain-2", "rain-3", "rain-4", "rain-5")
    async with world.signed_in("chief") as client:
        await plan(client, "gate-1", 1, 3, with_children=True)
        await plan(client, "rain-2", 2, 4)
        await pass_time(world, 1)
        assert await states(client, *names) == ["maintenance"] * 3 + ["retired", "active"]
        await pass_time(world, 2)
        await pass_time(world, 3)
        assert await states(client, *names) == ["active", "maintenance", "active", "retired", "active"]
        await pass_time(world, 4)
        assert await states(client, *names) == ["active", "active", "active", "retired", "active"]


async def test_a_window_that_ends_early_leaves_its_devices_to_the_one_above(world: World):
    await world.device("gate-1", gateway=True)
    await world.device("rain-2", parent="gate-1")
    async with world.signed_in("chief") as client:
        await plan(client, "gate-1", 1, 3, with_children=True)
        own = await plan(client, "rain-2", 1, 5)
        await pass_time(world, 1)
        version = (await client.get(f"/api/v1/maintenance/{own['id']}")).json()["version"]
        ended = await client.delete(f"/api/v1/maintenance/{own['id']}", headers={"If-Match": f'"{version}"'})
        assert (ended.status_code, ended.json()["state"]) == (200, "over")
        assert await states(client, "gate-1", "rain-2") == ["maintenance", "maintenance"]
        await pass_time(world, 3)
        assert await states(client, "gate-1", "rain-2") == ["active", "active"]


async def test_what_a_person_says_of_a_device_stands_whatever_window_runs(world: World):
    await world.device("rain-1")
    await world.device("rain-2")
    async with world.signed_in("chief") as client:
        await plan(client, "rain-1", 1, 3)
        await plan(client, "rain-2", 1, 3)
        await pass_time(world, 1)
        for name, state in (("rain-1", "active"), ("rain-2", "maintenance")):
            etag = (await client.get(f"/api/v1/devices/{name}")).headers["etag"]
            answer = await client.patch(f"/api/v1/devices/{name}", json={"state": state}, headers={"If-Match": etag})
            assert (answer.status_code, answer.json()["maintenance"]) == (200, None)
        await pass_time(world, 2)
        assert await states(client, "rain-1", "rain-2") == ["active", "maintenance"]
        await pass_time(world, 3)
        assert await states(client, "rain-1", "rain-2") == ["active", "maintenance"]


async def test_a_weekly_window_comes_again_and_one_that_passed_in_an_outage_is_not_made_up_for(world: World):
    await world.device("rain-1")
    week = 7 * 24
    async with world.signed_in("chief") as client:
        window = await plan(client, "rain-1", 1, 3, repeat="weekly", repeat_until="2026-12-31")
        await pass_time(world, 4)
        assert await entries(world) == []
        seen = (await client.get(f"/api/v1/maintenance/{window['id']}")).json()
        assert (seen["state"], seen["next_at"][:10]) == ("planned", "2026-11-30")
        await pass_time(world, week + 2)
        assert await states(client, "rain-1") == ["maintenance"]
        await pass_time(world, week + 3)
        assert await states(client, "rain-1") == ["active"]


async def test_a_running_window_is_made_longer_and_not_moved(world: World):
    await world.device("rain-1")
    async with world.signed_in("chief") as client:
        window = await plan(client, "rain-1", 1, 3)
        path = f"/api/v1/maintenance/{window['id']}"
        assert (await client.patch(path, json={"reason": "x"})).status_code == 428
        await pass_time(world, 1)
        stale = await client.patch(path, json={"reason": "x"}, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["current"]["state"]) == (412, "running")
        etag = (await client.get(path)).headers["etag"]
        moved = await client.patch(path, json={"starts_at": (NOW + 2 * HOUR).isoformat()}, headers={"If-Match": etag})
        assert (moved.status_code, moved.json()["errors"][0]["field"]) == (422, "starts_at")
        past = await client.patch(path, json={"ends_at": (NOW + HOUR).isoformat()}, headers={"If-Match": etag})
        assert past.status_code == 422
        endless = await client.patch(
            path, json={"ends_at": (NOW + 24 * 40 * HOUR).isoformat()}, headers={"If-Match": etag}
        )
        assert (endless.status_code, endless.json()["errors"][0]["field"]) == (422, "ends_at")
        longer = await client.patch(path, json={"ends_at": (NOW + 5 * HOUR).isoformat()}, headers={"If-Match": etag})
        assert longer.status_code == 200, longer.text
        await pass_time(world, 3)
        assert await states(client, "rain-1") == ["maintenance"]
        await pass_time(world, 5)
        assert await states(client, "rain-1") == ["active"]
        over = await client.delete(path, headers={"If-Match": (await client.get(path)).headers["etag"]})
        assert (over.status_code, over.json()["detail"]) == (409, "this window is over: plan another")


async def test_what_cannot_be_is_refused_by_its_member_and_windows_have_a_bound(world: World, monkeypatch: Any):
    await world.device("rain-1")
    async with world.signed_in("chief") as client:
        for sent, member in (
            (body(3, 1), "ends_at"), (body(-3, -1), "ends_at"), (body(1, 3, repeat="daily"), "repeat_until"),
            (body(1, 3, repeat="hourly"), "repeat"), (body(1, 3, reason=""), "reason"), (body(1, 3, x=1), "x"),
        ):  # fmt: skip
            answer = await client.post("/api/v1/devices/rain-1/maintenance", json=sent)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, member), answer.text
        monkeypatch.setattr(windows, "WINDOWS_MAX", 1)
        both = [client.post("/api/v1/devices/rain-1/maintenance", json=body(1, 3)) for _ in range(2)]
        answers = await asyncio.gather(*both)
        assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_windows_of_another_area_are_neither_seen_nor_touched(world: World):
    await world.device("rain-1")
    await world.device("rain-9", area=OTHER)
    async with world.signed_in("chief") as client:
        mine = await plan(client, "rain-1", 1, 3)
        theirs = await plan(client, "rain-9", 1, 3)
    async with world.signed_in("walled-admin") as client:
        listed = (await client.get("/api/v1/maintenance")).json()["items"]
        assert [one["id"] for one in listed] == [theirs["id"]]
        path, header = f"/api/v1/maintenance/{mine['id']}", {"If-Match": '"1"'}
        assert (await client.get(path)).status_code == 404
        assert (await client.patch(path, json={"reason": "x"}, headers=header)).status_code == 404
        assert (await client.delete(path, headers=header)).status_code == 404
        assert (await client.post("/api/v1/devices/rain-1/maintenance", json=body(1, 3))).status_code == 404
    async with world.signed_in("op") as client:
        assert (await client.post("/api/v1/devices/rain-1/maintenance", json=body(1, 3))).status_code == 403


async def test_a_window_that_is_over_goes_with_the_events_of_its_time(world: World):
    await world.device("rain-1")
    async with world.signed_in("chief") as client:
        over = await plan(client, "rain-1", 1, 3)
        await pass_time(world, 1)
        await pass_time(world, 3)
        waiting = await plan(client, "rain-1", 24, 26, repeat="weekly", repeat_until="2027-10-01")
        retention = Retention(event_days=30, dead_letter_days=30, outbound_days=30, series_5m_days=30,
                              series_1h_days=30, media_days=30)  # fmt: skip
        keeper = Keeper(database=world.database, log_clock=world.clock, retention=retention,
                        metrics=world.state.context.metrics)  # fmt: skip
        await keeper.work(NOW + timedelta(days=29))
        assert (await client.get(f"/api/v1/maintenance/{over['id']}")).status_code == 200
        await keeper.work(NOW + timedelta(days=40))
        assert (await client.get(f"/api/v1/maintenance/{over['id']}")).status_code == 404
        assert (await client.get(f"/api/v1/maintenance/{waiting['id']}")).status_code == 200


async def told_alerts(client: httpx2.AsyncClient, position: int) -> tuple[list[dict[str, Any]], int]:
    """Return the alerts that have changed after a position, and the position after them."""
    page = (await client.get(f"/api/v1/alerts?changed_after={position}")).json()
    return page["items"], page["position"]


async def test_an_open_alert_says_that_its_device_is_in_maintenance_and_is_told_when_that_changes(world: World):
    await world.device("rain-1")
    await world.device("rain-2")
    for name, device in (("al_one", "rain-1"), ("al_other", "rain-2")):
        await world.alert(name, device=device)
    await world.alert("al_over", device="rain-1", condition="cleared", cleared_at=NOW)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET state = 'resolved' WHERE alert = 'al_over'")
    async with world.signed_in("chief") as client:
        window = await plan(client, "rain-1", 1, 3)
        first = await client.get("/api/v1/alerts/al_one")
        assert (first.json()["maintenance"], first.headers["ETag"]) == (None, '"2.0"')
        position = (await client.get("/api/v1/alerts")).json()["position"]
        await pass_time(world, 1)
        [told], position = await told_alerts(client, position)
        assert (told["id"], told["version"], told["maintenance"]) == (
            "al_one", first.json()["version"],
            {"window": window["id"], "until": "2026-11-23T16:00:00.000Z", "reason": "Kiểm định"},
        )  # fmt: skip
        begun = await client.get("/api/v1/alerts/al_one", headers={"If-None-Match": first.headers["ETag"]})
        assert begun.status_code == 200
        assert (await client.get("/api/v1/alerts/al_over")).json()["maintenance"] is None

        running = (await client.get(f"/api/v1/maintenance/{window['id']}")).json()
        longer = await client.patch(
            f"/api/v1/maintenance/{window['id']}", json={"ends_at": (NOW + 4 * HOUR).isoformat(), "reason": "Thay pin"},
            headers={"If-Match": f'"{running["version"]}"'},
        )  # fmt: skip
        assert longer.status_code == 200, longer.text
        [told], position = await told_alerts(client, position)
        assert (told["maintenance"]["until"], told["maintenance"]["reason"]) == (
            "2026-11-23T17:00:00.000Z", "Thay pin",
        )  # fmt: skip
        changed = await client.get("/api/v1/alerts/al_one", headers={"If-None-Match": begun.headers["ETag"]})
        assert changed.status_code == 200
        device = (await client.get("/api/v1/devices/rain-1")).json()
        assert device["maintenance"]["until"] == told["maintenance"]["until"]

        await pass_time(world, 4)
        [told], position = await told_alerts(client, position)
        assert (told["id"], told["maintenance"]) == ("al_one", None)

        version = (await client.get("/api/v1/devices/rain-2")).json()["version"]
        put = await client.patch(
            "/api/v1/devices/rain-2", json={"state": "maintenance"}, headers={"If-Match": f'"{version}"'}
        )
        assert put.status_code == 200, put.text
        [told], position = await told_alerts(client, position)
        assert (told["id"], told["maintenance"]) == ("al_other", {"window": None, "until": None, "reason": None})
        seen = (await client.get("/api/v1/alerts/al_other")).headers["ETag"]
        taken = await client.post("/api/v1/alerts/al_other/acknowledge", json={}, headers={"If-Match": seen})
        assert taken.status_code == 200, "the ETag that was given is one that is taken"


async def test_who_does_not_see_the_alert_is_not_told_and_a_wall_display_gets_no_words(world: World):
    await world.device("rain-1")
    await world.device("far-1", area=OTHER)
    await world.alert("al_one", device="rain-1")
    await world.alert("al_far", area=OTHER, device="far-1")
    async with world.signed_in("chief") as client:
        for device in ("rain-1", "far-1"):
            await plan(client, device, 1, 3)
    async with world.signed_in("walled") as walled, world.client(key="display") as display:
        position = (await walled.get("/api/v1/alerts")).json()["position"]
        await pass_time(world, 1)
        told, _ = await told_alerts(walled, position)
        assert [one["id"] for one in told] == ["al_far"]
        masked = (await display.get("/api/v1/alerts/al_one")).json()["maintenance"]
        assert (masked["until"], masked["reason"]) == ("2026-11-23T16:00:00.000Z", None)
        assert (await display.get("/api/v1/devices/rain-1")).json()["maintenance"]["reason"] == ""
