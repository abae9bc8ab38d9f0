"""What people do with alerts: one of two wins, the condition forbids, everything leaves a trail."""

from __future__ import annotations

import asyncio

import pytest

from ioc.store.audit import verify_chain
from tests.integration.api.conftest import OTHER, World


async def test_one_of_sixteen_at_once_wins_and_the_rest_see_the_present_state(world: World):
    await world.alert("al_race")
    async with world.signed_in("op") as one, world.signed_in("op2") as two:
        clients = [one, two] * 8
        answers = await asyncio.gather(
            *(
                client.post("/api/v1/alerts/al_race/acknowledge", json={}, headers={"If-Match": '"1"'})
                for client in clients
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 15
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    for answer in answers:
        if answer.status_code == 412:
            assert answer.json()["current"] == winner
            assert answer.json()["code"] == "version_conflict"
    assert (winner["state"], winner["version"]) == ("acknowledged", 2)
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM alert_history WHERE alert = 'al_race'") == 1
        assert await connection.fetchval("SELECT count(*) FROM audit WHERE action = 'alert.acknowledge'") == 1
        assert await connection.fetchval("SELECT count(*) FROM change WHERE id = 'al_race'") == 2
        assert (await verify_chain(connection)).broken_at is None


async def test_without_if_match_it_is_428_and_a_wrong_form_422(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        assert (await client.post("/api/v1/alerts/al_one/acknowledge", json={})).status_code == 428
        answer = await client.post("/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": "*"})
        assert answer.status_code == 422


@pytest.mark.parametrize(
    ("condition", "state", "action", "status"),
    [
        ("firing", "new", "acknowledge", 200),
        ("firing", "acknowledged", "acknowledge", 409),
        ("firing", "resolved", "acknowledge", 409),
        ("firing", "new", "resolve", 409),
        ("firing", "acknowledged", "resolve", 409),
        ("cleared", "new", "resolve", 200),
        ("cleared", "acknowledged", "resolve", 200),
        ("cleared", "resolved", "resolve", 409),
        ("firing", "new", "reopen", 409),
        ("firing", "acknowledged", "reopen", 200),
        ("cleared", "resolved", "reopen", 200),
        ("firing", "new", "comment", 200),
        ("cleared", "resolved", "comment", 200),
    ],
)
async def test_transitions(world: World, condition: str, state: str, action: str, status: int):
    await world.alert(condition=condition)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET state = $1", state)
    async with world.signed_in("op") as client:
        body = {"text": "đã kiểm tra"}
        answer = await client.post(f"/api/v1/alerts/al_one/{action}", json=body, headers={"If-Match": '"1"'})
        assert answer.status_code == status, answer.text
        if status == 409:
            assert answer.json()["code"] == "forbidden_transition"
            return
        history = (await client.get("/api/v1/alerts/al_one/history")).json()
        assert (history[-1]["kind"], history[-1]["actor"], history[-1]["text"]) == (action, "op", "đã kiểm tra")
        assert answer.json()["comments"] == 1


async def test_a_viewer_and_a_key_may_not_act(world: World):
    await world.alert()
    async with world.signed_in("view") as client:
        answer = await client.post("/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": '"1"'})
        assert answer.status_code == 403
    async with world.client(key="display") as client:
        answer = await client.post("/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": '"1"'})
        assert answer.status_code == 403


async def test_a_foreign_alert_is_not_found_for_every_action(world: World):
    await world.alert("al_foreign")
    await world.alert("al_own", area=OTHER)
    async with world.signed_in("walled") as client:
        for action in ("acknowledge", "resolve", "reopen", "comment"):
            answer = await client.post(
                f"/api/v1/alerts/al_foreign/{action}", json={"text": "x"}, headers={"If-Match": '"1"'}
            )
            assert answer.status_code == 404, action
        answer = await client.post("/api/v1/alerts/al_own/acknowledge", json={}, headers={"If-Match": '"1"'})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [b'{"text":"a","text":"b"}', b'{"text":NaN}', b'{"text":"a","state":"resolved"}', b'{"text":"\\u0000"}',
     b'{"text":1}', b"[]", b"{", b'{"text":"\\ud800"}', b"[" * 20_000],
)  # fmt: skip
async def test_a_body_that_is_not_strict_is_refused_and_changes_nothing(world: World, body: bytes):
    await world.alert()
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    async with world.signed_in("op") as client:
        answer = await client.post("/api/v1/alerts/al_one/comment", content=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert (await client.get("/api/v1/alerts/al_one")).json()["version"] == 1


async def test_a_large_body_is_413(world: World):
    await world.alert()
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    async with world.signed_in("op") as client:
        body = b'{"text":"' + b"a" * 70_000 + b'"}'
        answer = await client.post("/api/v1/alerts/al_one/comment", content=body, headers=headers)
        assert answer.status_code == 413
