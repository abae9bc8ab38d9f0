"""An alert is handed to somebody who may handle it: it waits for them, and all of it leaves a trail."""

from __future__ import annotations

from typing import Any

import pytest

from ioc.store.alerts.work_recorded import verify_work
from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, OTHER, World

PATH = "/api/v1/alerts/al_one"


async def acted(client: Any, action: str, version: int, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/{action}", json=body, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_waits_for_the_assignee_as_new_and_is_theirs_once_they_take_it(world: World):
    await world.alert()
    async with world.signed_in("op") as one, world.signed_in("op2") as two:
        mine = await acted(one, "acknowledge", 2)
        assert (mine["state"], mine["owner"]) == ("acknowledged", "op")
        handed = await acted(one, "assign", 3, assignee="op2", text="ca sau làm tiếp")
        assert (handed["state"], handed["owner"], handed["assigned_by"], handed["acknowledged_by"]) == (
            "new", "op2", "op", None,
        )  # fmt: skip
        theirs = (await two.get("/api/v1/alerts", params={"assignee": "op2"})).json()["items"]
        assert [one["id"] for one in theirs] == ["al_one"]
        taken = await acted(two, "acknowledge", 4)
        assert (taken["state"], taken["owner"], taken["acknowledged_by"]) == ("acknowledged", "op2", "op2")
        lines = (await one.get(f"{PATH}/history")).json()["items"]
        assert [(line["kind"], line["actor"], line["assignee"], line["text"]) for line in lines if line["actor"]] == [
            ("acknowledge", "op", None, None), ("assign", "op", "op2", "ca sau làm tiếp"),
            ("acknowledge", "op2", None, None),
        ]  # fmt: skip
    assert (await verify_work(world.database)).differences == []
    async with world.database.connection() as connection:
        assert (await verify_chain(connection)).broken_at is None


async def test_what_was_handed_over_stands_with_what_nobody_has_taken(world: World):
    """Of one severity: it is older, and before it was handed over its taker's word had let it sink."""
    await world.alert()
    await world.alert("al_two", number="C-2", opened_at=NOW, key="rain-2")
    async with world.signed_in("op") as client:

        async def order() -> list[str]:
            return [one["id"] for one in (await client.get("/api/v1/alerts")).json()["items"]]

        first = await order()
        version = (await client.get(f"/api/v1/alerts/{first[0]}")).json()["version"]
        headers = {"If-Match": f'"{version}"'}
        await client.post(f"/api/v1/alerts/{first[0]}/acknowledge", json={}, headers=headers)
        assert await order() == first[::-1]
        headers = {"If-Match": f'"{version + 1}"'}
        answer = await client.post(f"/api/v1/alerts/{first[0]}/assign", json={"assignee": "op2"}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert await order() == first


async def test_it_is_taken_back_and_where_nobody_has_it_there_is_nothing_to_take_back(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        refused = await client.post(f"{PATH}/unassign", json={}, headers={"If-Match": '"2"'})
        assert (refused.status_code, refused.json()["code"]) == (409, "forbidden_transition")
        await acted(client, "assign", 2, assignee="op2")
        back = await acted(client, "unassign", 3)
        assert (back["state"], back["owner"], back["assigned_at"], back["assigned_by"]) == ("new", None, None, None)
        await acted(client, "assign", 4, assignee="op2")
        done = await acted(client, "false-alarm", 5, text="bảo trì")
        assert done["owner"] is None
        refused = await client.post(f"{PATH}/assign", json={"assignee": "op2"}, headers={"If-Match": '"6"'})
        assert refused.status_code == 409, "it is over"
    assert (await verify_work(world.database)).differences == []


@pytest.mark.parametrize("assignee", ["view", "walled", "gone", "nobody", "Op2"])
async def test_nobody_gets_it_who_may_not_handle_it_where_it_is(world: World, assignee: str):
    """A viewer, an operator of another area, a disabled account, nobody at all: told alike, and nothing changes."""
    await world.alert()
    async with world.database.connection() as connection:
        await connection.execute(
            "INSERT INTO account SELECT (jsonb_populate_record("
            "a, jsonb_build_object('username', 'gone', 'disabled', true))).* "
            "FROM account a WHERE username = 'op2'"
        )
    async with world.signed_in("op") as client:
        answer = await client.post(f"{PATH}/assign", json={"assignee": assignee}, headers={"If-Match": '"2"'})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "assignee")
        assert "nobody of this user name may handle this alert" in answer.json()["detail"]
        assert (await client.get(PATH)).json()["version"] == 2
        people = [one["username"] for one in (await client.get(f"{PATH}/assignees")).json()["items"]]
        assert assignee not in people
        assert {"op", "op2"} <= set(people)


async def test_assignees_come_in_pages_and_only_to_who_may_hand_over(world: World):
    await world.alert(area=OTHER, zone="luong-son")
    async with world.signed_in("walled") as client:
        whole = (await client.get(f"{PATH}/assignees")).json()["items"]
        assert "walled" in [one["username"] for one in whole]
        told: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get(f"{PATH}/assignees", params={"limit": 2, **cursor})).json()
            told += [one["username"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert told == sorted(told) == [one["username"] for one in whole]
    async with world.signed_in("view") as client:
        assert (await client.get(f"{PATH}/assignees")).status_code == 403


async def test_an_owner_that_no_action_explains_is_found(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        await acted(client, "assign", 2, assignee="op2")
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET owner = 'op'")
        [(_, told)] = (await verify_work(world.database)).differences
        assert "owner" in told
        await connection.execute("UPDATE alert_work SET owner = 'op2'")
        await connection.execute("UPDATE alert_history SET assignee = 'op' WHERE kind = 'assign'")
    [(_, told)] = (await verify_work(world.database)).differences
    assert "assignee" in told
