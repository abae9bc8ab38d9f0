"""Work on an alert is begun and closed: who begins has it, what is closed is final but for who leads the shift."""

from __future__ import annotations

from typing import Any

from ioc.store.alerts.work_recorded import verify_work
from tests.integration.api.conftest import NOW, World

PATH = "/api/v1/alerts/al_one"


async def acted(client: Any, action: str, version: int, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/{action}", json=body, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_who_begins_has_it_and_has_taken_note_where_nobody_had(world: World):
    await world.alert()
    async with world.signed_in("op") as one, world.signed_in("op2") as two:
        begun = await acted(one, "start", 2)
        assert (begun["state"], begun["owner"], begun["started_by"], begun["acknowledged_by"]) == (
            "in_progress", "op", "op", "op",
        )  # fmt: skip
        assert begun["acknowledged_at"] == begun["started_at"]
        refused = await one.post(f"{PATH}/start", json={}, headers={"If-Match": '"3"'})
        assert refused.status_code == 409
        handed = await acted(one, "assign", 3, assignee="op2")
        assert (handed["state"], handed["started_by"], handed["acknowledged_by"]) == ("new", None, None)
        await acted(one, "acknowledge", 4)
        taken = await acted(two, "start", 5, text="ra hiện trường")
        assert (taken["owner"], taken["started_by"], taken["acknowledged_by"]) == ("op2", "op2", "op")
        found = (await two.get("/api/v1/alerts?state=in_progress")).json()["items"]
        assert [each["id"] for each in found] == ["al_one"]
        undone = await acted(two, "reopen", 6)
        assert (undone["state"], undone["owner"], undone["started_at"]) == ("new", None, None)
    assert (await verify_work(world.database)).differences == []


async def test_what_is_closed_is_final_but_for_who_leads_the_shift_and_for_its_condition(world: World):
    await world.alert(condition="cleared")
    async with world.signed_in("op") as client, world.signed_in("chief") as chief:
        refused = await client.post(f"{PATH}/close", json={}, headers={"If-Match": '"2"'})
        assert refused.status_code == 409, "it is not resolved"
        await acted(client, "start", 2)
        await acted(client, "resolve", 3, text="đã xong")
        closed = await acted(client, "close", 4)
        assert (closed["state"], closed["owner"], closed["closed_by"], closed["resolved_by"]) == (
            "closed", "op", "op", "op",
        )  # fmt: skip
        assert (await client.get("/api/v1/alerts?open=true")).json()["items"] == []
        for action, body in (("acknowledge", {}), ("resolve", {}), ("false-alarm", {"text": "x"}), ("close", {})):
            answer = await client.post(f"{PATH}/{action}", json=body, headers={"If-Match": '"5"'})
            assert answer.status_code == 409, action
        answer = await client.post(f"{PATH}/reopen", json={}, headers={"If-Match": '"5"'})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await acted(client, "comment", 5, text="bổ sung biên bản"))["state"] == "closed"
        opened = await acted(chief, "reopen", 6)
        assert (opened["state"], opened["closed_by"], opened["resolved_by"]) == ("new", None, None)

        await acted(client, "resolve", 7)
        await acted(client, "close", 8)
        async with world.database.connection() as connection:
            number = await connection.fetchval("SELECT max(number) FROM alert_history")
            await connection.execute("UPDATE alert SET condition = 'firing', transitions = 2")
        await world.insert("alert_history", {
            "alert": "al_one", "number": number + 1, "at": NOW, "log_time": NOW, "kind": "reopened", "severity": "high",
        })  # fmt: skip
        again = (await client.get(PATH)).json()
        assert (again["state"], again["closed_by"], again["version"]) == ("new", None, 10)
        assert (await acted(client, "acknowledge", 10))["owner"] == "op"
    assert (await verify_work(world.database)).differences == []
