"""An alert is put aside until a time: silent meanwhile, back by itself, at once when its condition moves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ioc.runtime.clock import AnchoredLogClock
from ioc.store.alerts.shelved import ShelvedAlerts
from ioc.store.alerts.work_recorded import verify_work
from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, OTHER, World

PATH = "/api/v1/alerts/al_one"
HOUR = timedelta(hours=1)


def until(hours: float) -> str:
    return (NOW + hours * HOUR).isoformat()


async def shelved(client: Any, version: int, hours: float = 1.0, path: str = PATH) -> dict[str, Any]:
    answer = await client.post(
        f"{path}/shelve", json={"text": "đang thi công", "until": until(hours)}, headers={"If-Match": f'"{version}"'}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def keeper(world: World) -> ShelvedAlerts:
    return ShelvedAlerts(database=world.database, log_clock=world.clock, wall=AnchoredLogClock())


async def moved(world: World, number: int, kind: str, *, condition: str = "firing", severity: str = "high") -> None:
    """What the engine writes, in short."""
    await world.insert("alert_history", {
        "alert": "al_one", "number": number, "at": NOW, "log_time": NOW, "kind": kind, "severity": severity,
    })  # fmt: skip
    async with world.database.connection() as connection:
        await connection.execute(
            "UPDATE alert SET condition = $1, transitions = transitions + 1 WHERE id = 'al_one'", condition
        )


async def proven(world: World) -> None:
    """The record, the history and the audit trail tell the same, and nobody has touched them."""
    assert (await verify_work(world.database)).differences == []
    async with world.database.connection() as connection:
        assert (await verify_chain(connection)).broken_at is None


async def test_it_is_silent_stands_apart_and_comes_back_at_its_time_by_itself(world: World):
    await world.alert()
    async with world.signed_in("op") as client:

        async def seen(asked: str) -> list[str]:
            return [one["id"] for one in (await client.get(f"/api/v1/alerts?{asked}")).json()["items"]]

        async def tile() -> int:
            world.state.tiles._made.clear()
            items = (await client.get("/api/v1/domains")).json()["items"]
            count: int = next(item["open"]["high"] for item in items if item["id"] == "disaster")
            return count

        assert await tile() == 1
        done = await shelved(client, 2)
        assert (done["state"], done["shelved_by"], done["overdue_at"]) == ("shelved", "op", None)
        assert (await seen("state=new"), await seen("state=shelved"), await tile()) == ([], ["al_one"], 0)
        assert await seen("open=true") == ["al_one"], "what comes back is open"

        assert await keeper(world).work(NOW + HOUR - timedelta(seconds=1)) == 0
        # Two keepers at once: one of them brings it back.
        await asyncio.gather(*(keeper(world).work(NOW + HOUR) for _ in range(2)))
        back = (await client.get(PATH)).json()
        assert (back["state"], back["owner"], back["shelved_until"], back["version"]) == ("new", None, None, 4)
        assert (await seen("state=new"), await seen("state=shelved"), await tile()) == (["al_one"], [], 1)
        lines = (await client.get(f"{PATH}/history?kind=shelve,unshelve")).json()["items"]
        assert [(line["kind"], line["actor"], line["text"], line["reason"], line["until"]) for line in lines] == [
            ("shelve", "op", "đang thi công", "", "2026-11-23T14:00:00.000Z"),
            ("unshelve", None, None, "until_reached", None),
        ]  # fmt: skip
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT actor, action, detail FROM audit WHERE action LIKE 'alert.%' ORDER BY id")
        assert [(row["actor"], row["action"]) for row in rows] == [
            ("op", "alert.shelve"), ("by itself", "alert.unshelve"),
        ]  # fmt: skip
        assert rows[1]["detail"]["reason"] == "until_reached"
        # Put aside, and back: each is a change that the stream tells.
        versions = await connection.fetchval(
            "SELECT array_agg(version ORDER BY position) FROM change WHERE version > 0"
        )
        assert versions == [3, 4]
    await proven(world)


@pytest.mark.parametrize(("kind", "reason"), [("raised", "level_rose"), ("reopened", "fired_again")])
async def test_it_is_back_at_once_when_its_level_rises_or_it_fires_again(world: World, kind: str, reason: str):
    """Before the keeper has looked too: lists follow the condition, the line in the history comes after."""
    await world.alert()
    async with world.signed_in("op") as client:
        await moved(world, 1, kind)
        await shelved(client, 3)
        assert (await client.get(PATH)).json()["state"] == "shelved", "what it did before changes nothing"
        await moved(world, 3, "lowered", severity="medium")
        await moved(world, 4, "cleared", condition="cleared")
        [listed] = (await client.get("/api/v1/alerts?open=true&state=shelved")).json()["items"]
        assert (listed["condition"], listed["version"]) == ("cleared", 6), "it waits for its time although it is over"
        assert await keeper(world).work(NOW) == 0
        await moved(world, 5, kind)
        one = (await client.get(PATH)).json()
        assert (one["state"], one["shelved_by"], one["version"]) == ("new", None, 7)
        assert await keeper(world).work(NOW) == 1
        assert await keeper(world).work(NOW) == 0
        line = (await client.get(f"{PATH}/history?sort=newest&limit=1")).json()["items"][0]
        assert (line["kind"], line["actor"], line["reason"]) == ("unshelve", None, reason)
        assert (await client.get(PATH)).json()["version"] == 8
        done = await client.post(f"{PATH}/acknowledge", json={}, headers={"If-Match": '"8"'})
        assert (done.json()["state"], done.json()["owner"]) == ("acknowledged", "op")
    await proven(world)


async def test_who_takes_it_before_the_keeper_has_looked_has_it(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        await shelved(client, 2)
        await moved(world, 2, "raised")
        done = await client.post(f"{PATH}/acknowledge", json={}, headers={"If-Match": '"4"'})
        assert (done.json()["state"], done.json()["shelved_until"]) == ("acknowledged", None)
        assert await keeper(world).work(NOW + 25 * HOUR) == 0
    await proven(world)


async def test_it_is_due_by_its_row_however_long_nobody_looked(world: World):
    """A keeper that was killed and comes back hours later; what was not due stays."""
    await world.alert()
    await world.alert("al_two", number="C-2", key="rain-2")
    async with world.signed_in("op") as client:
        await shelved(client, 2, hours=1)
        await shelved(client, 2, hours=9, path="/api/v1/alerts/al_two")
        assert await keeper(world).work(NOW + 8 * HOUR) == 1
        found = {one["id"]: one["state"] for one in (await client.get("/api/v1/alerts")).json()["items"]}
    assert found == {"al_one": "new", "al_two": "shelved"}
    await proven(world)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "x"}, "until"),
        ({"until": until(1)}, "text"),
        ({"text": " ", "until": until(1)}, "text"),
        ({"text": "x", "until": until(24.01)}, "until"),
        ({"text": "x", "until": until(0)}, "until"),
        ({"text": "x", "until": "mai"}, "until"),
    ],
)
async def test_a_reason_and_a_time_within_a_day_are_asked_for(world: World, body: dict[str, str], field: str):
    await world.alert()
    async with world.signed_in("op") as client:
        answer = await client.post(f"{PATH}/shelve", json=body, headers={"If-Match": '"2"'})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
        assert (await client.get(PATH)).json()["version"] == 2
        if body.get("until") == until(24.01):
            assert "at most 24 hours ahead" in answer.text
        assert (await shelved(client, 2, hours=24))["state"] == "shelved"


async def test_a_critical_one_is_put_aside_by_who_leads_the_shift_alone(world: World):
    await world.alert(severity="critical", severity_rank=4, peak_severity="critical")
    body, seen = {"text": "đã biết", "until": until(1)}, {"If-Match": '"2"'}
    async with world.signed_in("op") as client:
        answer = await client.post(f"{PATH}/shelve", json=body, headers=seen)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
        assert "lead" in answer.json()["detail"]
        assert (await client.get(PATH)).json()["version"] == 2
    async with world.signed_in("chief") as client:
        assert (await client.post(f"{PATH}/shelve", json=body, headers=seen)).status_code == 200
    async with world.signed_in("op") as client:
        back = await client.post(f"{PATH}/unshelve", json={}, headers={"If-Match": '"3"'})
        assert back.json()["state"] == "new", "anybody may bring it back"


async def test_its_time_is_moved_it_is_brought_back_and_nobody_does_so_beyond_their_wall(world: World):
    await world.alert()
    await world.alert("al_far", number="C-9", key="rain-9", area=OTHER, zone="luong-son")
    async with world.signed_in("op") as client:
        refused = await client.post(f"{PATH}/unshelve", json={}, headers={"If-Match": '"2"'})
        assert refused.status_code == 409
        await shelved(client, 2)
        longer = await shelved(client, 3, hours=5)
        assert longer["shelved_until"] == "2026-11-23T18:00:00.000Z"
        for action in ("assign", "reopen"):
            body = {"assignee": "op2"} if action == "assign" else {}
            refused = await client.post(f"{PATH}/{action}", json=body, headers={"If-Match": '"4"'})
            assert refused.status_code == 409, action
        lost = await client.post(f"{PATH}/unshelve", json={}, headers={"If-Match": '"3"'})
        assert (lost.status_code, lost.json()["current"]["shelved_until"]) == (412, longer["shelved_until"])
        back = (await client.post(f"{PATH}/unshelve", json={"text": "xong việc"}, headers={"If-Match": '"4"'})).json()
        assert (back["state"], back["shelved_by"], back["comments"]) == ("new", None, 3)
    async with world.signed_in("walled") as client:
        body = {"text": "x", "until": until(1)}
        assert (await client.post(f"{PATH}/shelve", json=body, headers={"If-Match": '"5"'})).status_code == 404
        far = await client.post("/api/v1/alerts/al_far/shelve", json=body, headers={"If-Match": '"2"'})
        assert far.status_code == 200, far.text
    await proven(world)


async def test_a_time_that_no_action_explains_is_found(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        await shelved(client, 2)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET shelved_until = shelved_until + interval '1 day'")
        [(_, told)] = (await verify_work(world.database)).differences
        assert "shelved_until" in told
        await connection.execute("UPDATE alert_work SET shelved_until = shelved_until - interval '1 day'")
        await connection.execute("UPDATE alert_history SET actor = NULL WHERE kind = 'shelve'")
    [(_, told)] = (await verify_work(world.database)).differences
    assert "actor" in told
