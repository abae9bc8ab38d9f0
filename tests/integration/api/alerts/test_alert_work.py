"""What people do with alerts: one of two wins, the condition forbids, everything leaves a trail."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx2
import pytest

from ioc.api.serializers import nouns
from ioc.store.alerts.work_recorded import verify_work
from ioc.store.audit.trail import verify_chain
from ioc.work.transitions import WorkAction
from tests.integration.api.conftest import NOW, OTHER, World

FIRST = '"2"'
"""Of an alert that has opened (one move) and of which nobody has taken note (work's first version)."""


async def test_one_of_sixteen_at_once_wins_and_the_rest_see_the_present_state(world: World):
    await world.alert("al_race")
    async with world.signed_in("op") as one, world.signed_in("op2") as two:
        clients = [one, two] * 8
        answers = await asyncio.gather(
            *(
                client.post("/api/v1/alerts/al_race/acknowledge", json={}, headers={"If-Match": FIRST})
                for client in clients
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 15
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    for answer in answers:
        if answer.status_code == 412:
            assert answer.json()["current"] == winner
            assert answer.json()["code"] == "version_conflict"
    assert (winner["state"], winner["version"]) == ("acknowledged", 3)
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
        ("firing", "new", "call", 200),
        ("cleared", "resolved", "call", 200),
        ("firing", "acknowledged", "dispatch", 200),
        ("firing", "new", "false-alarm", 200),
        ("firing", "acknowledged", "false-alarm", 200),
        ("cleared", "resolved", "false-alarm", 200),
        ("firing", "false_alarm", "false-alarm", 200),
        ("firing", "false_alarm", "acknowledge", 200),
        ("firing", "false_alarm", "resolve", 409),
        ("firing", "false_alarm", "call", 200),
        ("firing", "false_alarm", "reopen", 200),
    ],
)
async def test_transitions(world: World, condition: str, state: str, action: str, status: int):
    await world.alert(condition=condition)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET state = $1", state)
    async with world.signed_in("op") as client:
        body = {"text": "đã kiểm tra"}
        answer = await client.post(f"/api/v1/alerts/al_one/{action}", json=body, headers={"If-Match": FIRST})
        assert answer.status_code == status, answer.text
        if status == 409:
            assert answer.json()["code"] == "forbidden_transition"
            return
        history = (await client.get("/api/v1/alerts/al_one/history")).json()["items"]
        assert (history[-1]["kind"], history[-1]["actor"], history[-1]["text"]) == (action, "op", "đã kiểm tra")
        assert answer.json()["comments"] == 1


async def test_who_was_called_and_to_whom_it_went_stay_on_the_alert_whatever_comes_after(world: World):
    await world.alert(device="rain-1")
    async with world.signed_in("op") as one, world.signed_in("op2") as two:
        for client, action, text in (
            (one, "acknowledge", None), (one, "call", "UBND phường, ông Nam"), (two, "dispatch", "Đội xung kích"),
            (two, "reopen", None),
        ):  # fmt: skip
            shown = (await client.get("/api/v1/alerts/al_one")).json()
            answer = await client.post(
                f"/api/v1/alerts/al_one/{action}", json={"text": text}, headers={"If-Match": f'"{shown["version"]}"'}
            )
            assert answer.status_code == 200, answer.text
        after = answer.json()
        assert (after["state"], after["owner"], after["acknowledged_at"]) == ("new", None, None)
        assert (after["called_by"], after["dispatched_by"]) == ("op", "op2")
        assert after["called_at"] is not None
        assert after["dispatched_at"] is not None
        kinds = [step["kind"] for step in (await one.get("/api/v1/alerts/al_one/history")).json()["items"]]
        assert kinds == ["acknowledge", "call", "dispatch", "reopen"]
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT action, detail ->> 'text' AS text FROM audit WHERE object = 'al_one'")
    assert [tuple(row) for row in rows][1:3] == [
        ("alert.call", "UBND phường, ông Nam"), ("alert.dispatch", "Đội xung kích"),
    ]  # fmt: skip


async def test_a_false_alarm_needs_a_reason_and_the_version_that_was_seen(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        path, seen = "/api/v1/alerts/al_one/false-alarm", {"If-Match": FIRST}
        for body in ({}, {"text": ""}, {"text": "  "}, {"text": None}):
            assert (await client.post(path, json=body, headers=seen)).status_code == 422, body
        assert (await client.post(path, json={"text": "máy đo bị đổ"})).status_code == 428
        assert (await client.post(path, json={"text": "máy đo bị đổ"}, headers={"If-Match": '"9"'})).status_code == 412


@pytest.mark.parametrize("comes_back", ["raised", "reopened"])
async def test_a_false_alarm_is_silent_until_it_rises_or_returns_and_is_then_nobodys(world: World, comes_back: str):
    await world.alert(device="rain-1")

    async def move(number: int, kind: str, condition: str) -> None:
        """What the engine writes, in short."""
        await world.insert("alert_history", {
            "alert": "al_one", "number": number, "at": NOW, "log_time": NOW, "kind": kind, "severity": "high",
        })  # fmt: skip
        async with world.database.connection() as connection:
            await connection.execute("UPDATE alert SET condition = $1", condition)

    async with world.signed_in("op") as client:

        async def seen() -> tuple[str, str | None, int, int]:
            one = (await client.get("/api/v1/alerts/al_one")).json()
            new = (await client.get("/api/v1/alerts", params={"state": "new"})).json()["items"]
            [tile] = [
                item for item in (await client.get("/api/v1/domains")).json()["items"] if item["id"] == "disaster"
            ]
            world.state.tiles._made.clear()
            return one["state"], one["owner"], len(new), tile["open"]["high"]

        await move(1, "raised", "firing")
        for action in ("acknowledge", "false-alarm"):
            version = (await client.get("/api/v1/alerts/al_one")).json()["version"]
            answer = await client.post(
                f"/api/v1/alerts/al_one/{action}", json={"text": "diễn tập"}, headers={"If-Match": f'"{version}"'}
            )
            assert answer.status_code == 200, answer.text
        world.state.tiles._made.clear()
        assert await seen() == ("false_alarm", None, 0, 0), "a rise before it was said changes nothing"
        [listed] = (await client.get("/api/v1/alerts", params={"open": "true"})).json()["items"]
        assert (listed["state"], listed["false_alarm_by"]) == ("false_alarm", "op"), (
            "it stays to be seen while it fires"
        )
        await move(4, "lowered", "firing")
        await move(5, "cleared", "cleared")
        assert await seen() == ("false_alarm", None, 0, 0)
        assert (await client.get("/api/v1/alerts", params={"open": "true"})).json()["items"] == []
        await move(6, comes_back, "firing")
        assert await seen() == ("new", None, 1, 1)
        version = (await client.get("/api/v1/alerts/al_one")).json()["version"]
        answer = await client.post("/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": f'"{version}"'})
        assert (answer.json()["state"], answer.json()["owner"]) == ("acknowledged", "op")
        assert answer.json()["false_alarm_by"] is None


async def test_a_viewer_and_a_key_may_not_act(world: World):
    await world.alert()
    async with world.signed_in("view") as client:
        answer = await client.post("/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": FIRST})
        assert answer.status_code == 403
    async with world.client(key="display") as client:
        answer = await client.post("/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": FIRST})
        assert answer.status_code == 403


async def test_an_action_that_nobody_knows_is_not_found_and_what_is_only_read_is_not_posted(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        for method, path, status in (
            ("POST", "unknown", 404), ("GET", "unknown", 404), ("POST", "false_alarm", 404), ("POST", "Resolve", 404),
            ("POST", "resolve/again", 404), ("POST", "history", 405), ("GET", "resolve", 405), ("PUT", "resolve", 405),
        ):  # fmt: skip
            answer = await client.request(method, f"/api/v1/alerts/al_one/{path}", headers={"If-Match": FIRST})
            assert answer.status_code == status, (method, path)
        assert (await client.get("/api/v1/alerts/al_one")).json()["version"] == 2


async def test_a_foreign_alert_is_not_found_for_every_action(world: World):
    await world.alert("al_foreign")
    await world.alert("al_own", area=OTHER)
    async with world.signed_in("walled") as client:
        for action in WorkAction:
            answer = await client.post(
                f"/api/v1/alerts/al_foreign/{action}", json={"text": "x"}, headers={"If-Match": FIRST}
            )
            assert answer.status_code == 404, action
        answer = await client.post("/api/v1/alerts/al_own/acknowledge", json={}, headers={"If-Match": FIRST})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [b'{"text":"a","text":"b"}', b'{"text":NaN}', b'{"text":"a","state":"resolved"}', b'{"text":"\\u0000"}',
     b'{"text":1}', b"[]", b"{", b'{"text":"\\ud800"}', b"[" * 20_000],
)  # fmt: skip
async def test_a_body_that_is_not_strict_is_refused_and_changes_nothing(world: World, body: bytes):
    await world.alert()
    headers = {"If-Match": FIRST, "Content-Type": "application/json"}
    async with world.signed_in("op") as client:
        answer = await client.post("/api/v1/alerts/al_one/comment", content=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert (await client.get("/api/v1/alerts/al_one")).json()["version"] == 2


async def test_a_large_body_is_413(world: World):
    await world.alert()
    headers = {"If-Match": FIRST, "Content-Type": "application/json"}
    async with world.signed_in("op") as client:
        body = b'{"text":"' + b"a" * 70_000 + b'"}'
        answer = await client.post("/api/v1/alerts/al_one/comment", content=body, headers=headers)
        assert answer.status_code == 413


MINUTE = timedelta(minutes=1)


async def reported(world: World) -> None:
    """An urgent report whose condition has ended an hour after it came, with nobody near it."""
    await world.alert("al_said", ends="person", condition="cleared", cleared_at=NOW + 60 * MINUTE,
                      acknowledge_due=NOW + 15 * MINUTE, resolve_due=NOW + 24 * 60 * MINUTE)  # fmt: skip
    for number, kind in ((1, "opened"), (2, "cleared")):
        await world.insert("alert_history", {"alert": "al_said", "number": number, "at": NOW, "log_time": NOW,
                                             "kind": kind, "severity": "medium", "position": number})  # fmt: skip


async def test_what_a_person_reported_ends_only_by_a_person_with_the_outcome(world: World):
    await reported(world)
    async with world.signed_in("op") as client:

        async def does(action: str, text: str | None = None) -> httpx2.Response:
            shown = (await client.get("/api/v1/alerts/al_said")).json()
            headers = {"If-Match": f'"{shown["version"]}"'}
            return await client.post(f"/api/v1/alerts/al_said/{action}", json={"text": text}, headers=headers)

        async def listed(**asked: str) -> bool:
            return len((await client.get("/api/v1/alerts", params=asked)).json()["items"]) == 1

        shown = (await client.get("/api/v1/alerts/al_said")).json()
        assert (shown["ends"], shown["condition"], shown["cleared_at"]) == ("person", "firing", None)
        assert shown["overdue_at"] == nouns.moment(NOW + 15 * MINUTE)
        assert await listed(open="true", condition="firing")
        assert [step["kind"] for step in (await client.get("/api/v1/alerts/al_said/history")).json()["items"]] == [
            "opened"
        ]

        taken = (await does("acknowledge")).json()
        assert (taken["condition"], taken["overdue_at"]) == ("firing", nouns.moment(NOW + 24 * 60 * MINUTE))
        assert await listed(open="true"), "an hour or a day: it is open until somebody says what came of it"
        refused = await does("resolve")
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
        assert "what came of it" in refused.text
        assert await listed(open="true")

        done = (await does("resolve", "đã đưa bà con ra khỏi nhà")).json()
        assert (done["state"], done["condition"], done["overdue_at"]) == ("resolved", "cleared", None)
        assert done["cleared_at"] == done["resolved_at"]
        assert not await listed(open="true")
        assert await listed(open="false", condition="cleared")

        async with world.database.connection() as connection:
            await connection.execute(
                "INSERT INTO alert_history (alert, number, at, log_time, kind, severity, position) "
                "SELECT 'al_said', max(number) + 1, $1, $1, 'reopened', 'medium', 9 FROM alert_history", NOW,
            )  # fmt: skip
        again = (await client.get("/api/v1/alerts/al_said")).json()
        assert (again["state"], again["condition"]) == ("new", "firing"), "its source has said it once more"
        assert (again["owner"], again["acknowledged_by"], again["resolved_at"]) == (None, None, None), "nobody has it"
        assert await listed(open="true")
        assert not await listed(assignee="op")

        taken = await does("acknowledge")
        assert (taken.status_code, taken.json()["state"], taken.json()["owner"]) == (200, "acknowledged", "op")
        done = await does("resolve", "đã đến lần nữa")
        assert (done.status_code, done.json()["condition"]) == (200, "cleared")
        undone = await does("reopen")
        assert (undone.json()["state"], undone.json()["condition"]) == ("new", "firing")
        assert (await does("acknowledge")).json()["state"] == "acknowledged"
    verdict = await verify_work(world.database)
    assert verdict.differences == [], "the audit trail explains each column"


async def test_what_was_resolved_is_new_again_while_it_is_back(world: World):
    await world.alert("al_back", condition="cleared", cleared_at=NOW, transitions=2, severity="critical",
                      severity_rank=4)  # fmt: skip
    async with world.signed_in("op") as client:

        async def does(action: str) -> httpx2.Response:
            shown = (await client.get("/api/v1/alerts/al_back")).json()
            headers = {"If-Match": f'"{shown["version"]}"'}
            return await client.post(f"/api/v1/alerts/al_back/{action}", json={}, headers=headers)

        assert (await does("resolve")).json()["state"] == "resolved"
        async with world.database.connection() as connection:
            await connection.execute(
                "INSERT INTO alert_history (alert, number, at, log_time, kind, severity, position) "
                "SELECT 'al_back', max(number) + 1, $1, $1, 'reopened', 'critical', 9 FROM alert_history", NOW,
            )  # fmt: skip
            await connection.execute("UPDATE alert SET condition = 'firing', transitions = 3 WHERE id = 'al_back'")
        listed = (await client.get("/api/v1/alerts", params={"open": "true"})).json()["items"]
        back = next(item for item in listed if item["id"] == "al_back")
        assert (back["state"], back["owner"], back["resolved_by"]) == ("new", None, None)
        refused = await does("resolve")
        assert (refused.status_code, refused.json()["code"]) == (409, "forbidden_transition"), "it fires"
        assert (await does("acknowledge")).json()["state"] == "acknowledged"
    assert (await verify_work(world.database)).differences == []


async def test_a_false_report_is_ended_too(world: World):
    await reported(world)
    async with world.signed_in("op") as client:
        answer = await client.post("/api/v1/alerts/al_said/false-alarm", json={"text": "gọi lại: báo nhầm"},
                                   headers={"If-Match": '"2"'})  # fmt: skip
        assert (answer.json()["state"], answer.json()["condition"]) == ("false_alarm", "cleared")
        assert (await client.get("/api/v1/alerts", params={"open": "true"})).json()["items"] == []
