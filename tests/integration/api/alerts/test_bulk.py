"""One action on many alerts: each is answered by itself, done, lost or refused, and a wall is a wall."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ioc.store.alerts.work_recorded import verify_work
from tests.integration.api.conftest import NOW, OTHER, World

PATH = "/api/v1/alerts/bulk"


async def alerts(world: World, *names: str, **columns: Any) -> None:
    for name in names:
        await world.alert(f"al_{name}", number=f"C-{name}", key=f"rain-{name}", **columns)


def named(*names: str, version: int = 2) -> list[dict[str, Any]]:
    return [{"id": f"al_{name}", "version": version} for name in names]


async def test_each_is_done_lost_or_refused_by_itself_in_the_order_asked(world: World):
    await alerts(world, "one", "two", "three")
    await alerts(world, "far", area=OTHER, zone="luong-son")
    async with world.signed_in("op") as client:
        await client.post("/api/v1/alerts/al_two/comment", json={"text": "x"}, headers={"If-Match": '"2"'})
        await client.post("/api/v1/alerts/al_three/acknowledge", json={}, headers={"If-Match": '"2"'})
        body = {"action": "acknowledge", "alerts": [*named("one", "two"), *named("three", version=3), *named("none")]}
        answer = await client.post(PATH, json=body)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert [(one["id"], one["outcome"], one["code"]) for one in items] == [
            ("al_one", "done", None), ("al_two", "lost", "version_conflict"),
            ("al_three", "refused", "forbidden_transition"), ("al_none", "refused", "not_found"),
        ]  # fmt: skip
        assert (items[0]["alert"]["state"], items[0]["alert"]["owner"]) == ("acknowledged", "op")
        assert (items[1]["alert"]["state"], items[1]["alert"]["version"]) == ("new", 3), "the loser sees how it is"
    async with world.signed_in("walled") as client:
        found = (
            await client.post(PATH, json={"action": "acknowledge", "alerts": named("far", "two", version=2)})
        ).json()
        assert [(one["outcome"], one["code"]) for one in found["items"]] == [("done", None), ("refused", "not_found")]
    async with world.signed_in("view") as client:
        assert (await client.post(PATH, json={"action": "comment", "alerts": named("one")})).status_code == 403
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT object FROM audit WHERE action = 'alert.acknowledge' ORDER BY id")
        assert [row["object"] for row in rows] == ["al_three", "al_one", "al_far"], "each has its own line"
    assert (await verify_work(world.database)).differences == []


async def test_what_an_action_asks_for_is_asked_for_once_and_a_critical_one_is_refused_alone(world: World):
    await alerts(world, "one")
    await alerts(world, "two", severity="critical", severity_rank=4, peak_severity="critical")
    until = (NOW + timedelta(hours=2)).isoformat()
    async with world.signed_in("op") as client:
        lacking = (({"until": until}, "text"), ({"text": "x"}, "until"), ({"text": " ", "until": until}, "text"))
        for carried, field in lacking:
            answer = await client.post(PATH, json={"action": "shelve", "alerts": named("one"), **carried})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        body = {"action": "shelve", "text": "thi công", "until": until, "alerts": named("one", "two")}
        items = (await client.post(PATH, json=body)).json()["items"]
        assert [(one["outcome"], one["code"]) for one in items] == [("done", None), ("refused", "forbidden")]
        body = {"action": "assign", "assignee": "view", "alerts": named("two")}
        [refused] = (await client.post(PATH, json=body)).json()["items"]
        assert (refused["outcome"], refused["code"]) == ("refused", "invalid_input")
        back = await client.post(PATH, json={"action": "unshelve", "alerts": named("one", version=3)})
        assert [one["alert"]["state"] for one in back.json()["items"]] == ["new"]
    assert (await verify_work(world.database)).differences == []


@pytest.mark.parametrize(
    "body",
    [
        {"action": "acknowledge", "alerts": []},
        {"action": "acknowledge", "alerts": named(*(f"{number}" for number in range(101)))},
        {"action": "acknowledge", "alerts": named("one", "one")},
        {"action": "fly", "alerts": named("one")},
        {"action": "acknowledge", "alerts": [{"id": "al_one"}]},
        {"action": "acknowledge", "alerts": [{"id": "al_one", "version": 0}]},
    ],
)
async def test_a_request_out_of_form_changes_nothing(world: World, body: dict[str, Any]):
    await alerts(world, "one")
    async with world.signed_in("op") as client:
        assert (await client.post(PATH, json=body)).status_code == 422
        assert (await client.get("/api/v1/alerts/al_one")).json()["version"] == 2
