"""`changed_after`: a district system misses nothing, is told what it has lost, and learns when it must start again."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from ioc.store.changes import changed_after as store_changed
from tests.integration.api.conftest import NOW, OTHER, OWN, World


async def page(client: httpx2.AsyncClient, noun: str, **params: Any) -> dict[str, Any]:
    """Return one answer that must be there."""
    answer = await client.get(f"/api/v1/{noun}", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def told(body: dict[str, Any]) -> list[tuple[str, bool, int]]:
    """Return id, whether gone, and position of each item."""
    return [(item["id"], item.get("gone", False), item["change_position"]) for item in body["items"]]


async def test_each_alert_comes_once_at_its_newest_change_as_it_is_now(world: World):
    for name in ("al_one", "al_two", "al_three"):
        await world.alert(name)  # changes 1, 2, 3
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert SET condition = 'cleared', cleared_at = $1 WHERE id = 'al_one'", NOW)
    await world.change("alert", "al_one")  # 4
    await world.change("rule", "rain.24h")  # 5: of another noun
    async with world.signed_in("op") as client:
        body = await page(client, "alerts", changed_after=0)
        assert told(body) == [("al_two", False, 2), ("al_three", False, 3), ("al_one", False, 4)]
        assert body["items"][2]["condition"] == "cleared"
        assert (body["next"], body["position"]) == (None, 5)
        assert told(await page(client, "alerts", changed_after=3)) == [("al_one", False, 4)]
        assert told(await page(client, "alerts", changed_after=5)) == []


async def test_pages_and_positions_both_lead_through_everything(world: World):
    for number in range(23):
        await world.alert(f"al_{number:02}")
    for number in (3, 4, 20):
        await world.change("alert", f"al_{number:02}")
    expected = {f"al_{number:02}" for number in range(23)}
    async with world.signed_in("op") as client:
        by_cursor: list[str] = []
        params: dict[str, Any] = {"changed_after": 0, "limit": 5}
        while True:
            body = await page(client, "alerts", **params)
            by_cursor += [item["id"] for item in body["items"]]
            if body["next"] is None:
                break
            params["cursor"] = body["next"]
        assert len(by_cursor) == 23
        assert set(by_cursor) == expected
        by_position: list[str] = []
        position = 0
        while (body := await page(client, "alerts", changed_after=position, limit=5))["items"]:
            by_position += [item["id"] for item in body["items"]]
            position = body["position"]
        assert (by_position, position) == (by_cursor, 26)


async def test_what_leaves_the_area_or_the_filters_is_gone_and_what_is_foreign_is_never_told(world: World):
    await world.device("rain-1", area=OTHER)
    await world.device("rain-2", area=OWN)
    await world.change("device", "rain-1", area=OTHER, zone="luong-son")  # 1
    await world.change("device", "rain-2")  # 2
    async with world.client(key="district") as district:  # of Lương Sơn
        assert told(await page(district, "devices", changed_after=0)) == [("rain-1", False, 1)]
        async with world.signed_in("root") as root:
            moved = await root.patch("/api/v1/devices/rain-1", json={"area": OWN}, headers={"If-Match": '"1"'})
            assert moved.status_code == 200, moved.text
        body = await page(district, "devices", changed_after=1)
        [(name, gone, _)] = told(body)
        assert (name, gone) == ("rain-1", True)
        assert set(body["items"][0]) == {"id", "gone", "change_position"}
        assert body["position"] == 4
    async with world.signed_in("op") as client:
        await world.alert("al_one", severity="critical")
        await world.change("alert", "al_gone")  # of an alert that is no more
        body = await page(client, "alerts", changed_after=4, severity="high")
        assert [(name, gone) for name, gone, _ in told(body)] == [("al_one", True), ("al_gone", True)]
        assert [name for name, gone, _ in told(await page(client, "alerts", changed_after=4, area=OTHER))] == []


async def test_a_wall_display_is_not_even_told_that_something_restricted_has_gone(world: World):
    await world.alert("al_hidden", restricted=True)
    await world.alert("al_watch", feed="watch_list")
    await world.device("watch-1", feed="watch_list")
    await world.change("device", "watch-1")
    async with world.client(key="display") as display:
        for noun in ("alerts", "devices"):
            assert told(await page(display, noun, changed_after=0)) == []


async def test_a_position_that_is_no_longer_kept_or_never_was_is_410(world: World):
    for number in range(6):
        await world.alert(f"al_{number}")
    async with world.database.connection() as connection:
        await connection.execute("DELETE FROM change WHERE position <= 3")
    async with world.signed_in("op") as client:
        for position in (0, 2, 7, 2**62):
            answer = await client.get("/api/v1/alerts", params={"changed_after": position})
            assert (answer.status_code, answer.json()["code"]) == (410, "changes_pruned"), position
        assert [name for name, _, _ in told(await page(client, "alerts", changed_after=3))] == ["al_3", "al_4", "al_5"]
        for wrong in ("-1", "x", str(2**63)):
            answer = await client.get("/api/v1/alerts", params={"changed_after": wrong})
            assert answer.status_code in (400, 422), wrong


async def test_a_long_absence_is_read_in_bounded_stretches(world: World, monkeypatch: pytest.MonkeyPatch):
    """Nothing of mine for many positions: an empty page that says how far it has come, and where to go on."""
    monkeypatch.setattr(store_changed, "STRETCH_POSITIONS", 2)
    monkeypatch.setattr(store_changed, "STRETCHES_MAX", 2)
    for _ in range(9):
        await world.change("rule", "rain.24h")
    await world.alert("al_one")
    async with world.signed_in("op") as client:
        body = await page(client, "alerts", changed_after=0)
        assert (told(body), body["position"]) == ([], 4)
        body = await page(client, "alerts", changed_after=0, cursor=body["next"])
        assert (told(body), body["position"]) == ([], 8)
        body = await page(client, "alerts", changed_after=0, cursor=body["next"])
        assert (told(body), body["next"], body["position"]) == ([("al_one", False, 10)], None, 10)
