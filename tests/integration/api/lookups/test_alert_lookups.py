"""What lookup tables say of an alert: of its device and of the codes in its readings, on the day it opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import NOW, OTHER, World
from tests.integration.api.lookups.test_lookups import PERMIT, PLATE, Lookups

PLATES = ("28A 123.45", "28a-12345", "29X-000.11")


@pytest.fixture
async def lookups(world: World) -> AsyncIterator[Lookups]:
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    await world.device("car-1", feed="camera_detection")
    await world.alert("al_rain", device="rain-1")
    async with world.signed_in("root") as client:
        yield Lookups(world, client)


async def seen(lookups: Lookups, plates: tuple[str, ...] = PLATES, **columns: Any) -> None:
    """An alert of cameras rests on readings with these plates."""
    for position, plate in enumerate(plates, start=1):
        await lookups.world.event("car-1", position, feed="camera_detection", data={"plate": plate, "speed_kmh": 90.0},
                                  **columns)  # fmt: skip
    await lookups.world.alert("al_cars", feed="camera_detection", domain="traffic", opened_position=1)
    readings = [{"position": position, "device": "car-1", "effective": "2026-11-23T13:00:00Z", "values": {}}
                for position in range(1, len(plates) + 1)]  # fmt: skip
    await lookups.world.insert("alert_history", {
        "alert": "al_cars", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
        "text": "", "evidence": {"clause": "speed_kmh > 80", "values": {}, "position": 1, "readings": readings},
    })  # fmt: skip


async def told(lookups: Lookups, alert: str, who: str = "op") -> dict[str, Any]:
    async with lookups.world.signed_in(who) as client:
        answer = await client.get(f"/api/v1/alerts/{alert}/evidence")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_device_is_told_with_its_permit_of_the_day_the_alert_opened(lookups: Lookups):
    """It opened on 2026-11-23, local time; a permit of the next day is not that of the alert."""
    (before,) = (await told(lookups, "al_rain"))["lookups"]
    assert (before["state"], before["row"], before["noun"]["vi"], before["device"]) == (
        "missing", None, "giấy phép", "rain-1"
    )  # fmt: skip
    made = await lookups.written(PERMIT, valid_to="2026-11-23")
    await lookups.written(PERMIT, valid_from="2026-11-24", data={"permit": "99/GP"})
    (found,) = (await told(lookups, "al_rain"))["lookups"]
    assert (found["state"], found["row"], found["columns"][0]["value"]) == ("holds", made["id"], "12/GP-UBND")
    assert (found["source"], found["verified"], found["valid_to"]) == ("Bản chụp giấy phép", False, "2026-11-23")
    await lookups.written(PERMIT, 1, valid_to="2026-11-22")
    (ended,) = (await told(lookups, "al_rain"))["lookups"]
    assert (ended["state"], ended["row"], ended["valid_to"]) == ("ended", made["id"], "2026-11-22")
    await lookups.client.request("DELETE", f"/api/v1/lookups/{made['id']}", json={"why": "Nhầm"},
                                 headers={"If-Match": '"2"'})  # fmt: skip
    (coming,) = (await told(lookups, "al_rain"))["lookups"]
    assert (coming["state"], coming["valid_from"]) == ("coming", "2026-11-24")


async def test_the_plates_of_readings_are_told_once_each_and_unknown_ones_not_at_all(lookups: Lookups):
    made = await lookups.written(PLATE)
    await seen(lookups)
    evidence = await told(lookups, "al_cars")
    assert [(one["key"], one["state"], one["columns"][0]["word"]["vi"]) for one in evidence["lookups"]] == [
        ("28A-123.45", "holds", "xe bị trộm cắp")
    ]  # fmt: skip
    assert evidence["lookups_left"] == 0
    await told(lookups, "al_cars")
    assert await lookups.looks() == [("op", "al_cars", [made["id"]])], "who saw it is written down, once"


async def test_a_wall_display_and_a_machine_are_told_nothing_restricted(lookups: Lookups):
    await lookups.written(PLATE)
    await seen(lookups)
    for key in ("display", "district"):
        async with lookups.world.client(key=key) as client:
            answer = await client.get("/api/v1/alerts/al_cars/evidence")
        assert "28A-123.45" not in answer.text, key
        assert answer.status_code == (200 if key == "display" else 404)
    assert await lookups.looks() == []
    async with lookups.world.client(key="display") as client:
        assert (await client.get("/api/v1/alerts/al_rain/evidence")).json()["lookups"] == []


async def test_readings_beyond_the_wall_and_those_taken_back_say_nothing(lookups: Lookups):
    await lookups.written(PLATE)
    await seen(lookups, (PLATES[0],), flags=["withdrawn"])
    assert (await told(lookups, "al_cars"))["lookups"] == []


async def test_ten_answers_are_told_and_the_rest_counted(lookups: Lookups):
    plates = tuple(f"28A-100.{number:02}" for number in range(12))
    for plate in plates:
        await lookups.written(PLATE, key=plate)
    await seen(lookups, plates)
    evidence = await told(lookups, "al_cars")
    assert (len(evidence["lookups"]), evidence["lookups_left"]) == (10, 2)


async def test_an_alert_of_many_devices_is_told_with_what_its_readings_came_from(lookups: Lookups):
    """It has no device of its own; of those behind it only the reader's own are asked for."""
    await lookups.written(PERMIT)
    await lookups.written(PERMIT, key="rain-2", data={"permit": "2/GP"})
    for position, (device, area) in enumerate((("rain-1", "04795"), ("rain-2", OTHER)), start=1):
        await lookups.world.event(device, position, area=area, when=NOW - timedelta(minutes=1))
    await lookups.world.alert("al_zone", area=OTHER)
    readings = [{"position": position, "device": device, "effective": "2026-11-23T12:59:00Z", "values": {}}
                for position, device in ((1, "rain-1"), (2, "rain-2"))]  # fmt: skip
    await lookups.world.insert("alert_history", {
        "alert": "al_zone", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
        "text": "", "evidence": {"clause": "rain > 1", "values": {}, "position": 2, "readings": readings},
    })  # fmt: skip
    assert {one["key"] for one in (await told(lookups, "al_zone"))["lookups"]} == {"rain-1", "rain-2"}
    assert [one["key"] for one in (await told(lookups, "al_zone", "walled"))["lookups"]] == ["rain-2"]
