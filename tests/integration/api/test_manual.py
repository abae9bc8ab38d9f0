"""What people enter by hand: one reading, its corrections, that it is taken back; who, why, and inside whose wall."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, OTHER, World

ENTRY = {"id": "phone-call-1", "device": "rain-1", "values": {"rain_24h_mm": 61.5}}


async def log_rows(world: World) -> list[tuple[Any, ...]]:
    async with world.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT revision, data, flags, door, effective FROM event WHERE kind = 'event' ORDER BY position"
        )
    return [tuple(row) for row in rows]


async def test_an_entry_is_committed_once_however_often_it_is_sent_with_who_made_it(world: World):
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        first = await client.post("/api/v1/manual/rainfall", json=ENTRY)
        assert first.status_code == 201, first.text
        world.clock.advance(seconds=20)
        again = await client.post("/api/v1/manual/rainfall", json=ENTRY)
        entry = first.json()
        assert again.json() == entry, "its answer was lost: sent again it is the same entry"
        assert (entry["action"], entry["entered_by"], entry["data"]) == ("entered", "op", {"rain_24h_mm": 61.5})
        assert await log_rows(world) == [(0, {"rain_24h_mm": 61.5}, [], "manual", NOW)]
        event = (await client.get(f"/api/v1/events/{entry['event']}")).json()
        assert (event["door"], event["area"], event["device"]) == ("manual", "04795", "rain-1")
    async with world.database.connection() as connection:
        trail = await connection.fetch("SELECT actor, action, object, detail FROM audit WHERE action LIKE 'manual%'")
        assert (await verify_chain(connection)).broken_at is None
    detail = {"feed": "rainfall", "device": "rain-1", "revision": 0}
    assert [tuple(row) for row in trail] == [("op", "manual.entered", entry["event"], detail)]
    stored = world.state.context.metrics.ingest_events.labels("rainfall", "manual", "stored")
    assert stored._value.get() == 1


async def test_each_field_that_does_not_fit_is_named_and_nothing_is_stored(world: World):
    await world.device("rain-1")
    await world.device("cam-1", feed="camera_detection")
    late = (NOW + timedelta(hours=1)).isoformat()
    wrong: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
        ("rainfall", {"device": "rain-1", "values": {"rain_24h_mm": "nhiều", "mưa": 1}},
         [("values.mưa", "unknown_field"), ("values.rain_24h_mm", "wrong_type")]),
        ("rainfall", {"device": "rain-1", "values": {}}, [("values", "no_data")]),
        ("rainfall", {"values": {"rain_24h_mm": 1}}, [("device", "no_device")]),
        ("rainfall", {"device": "nobody", "values": {"rain_24h_mm": 1}}, [("device", "unknown_device")]),
        ("rainfall", {"device": "cam-1", "values": {"rain_24h_mm": 1}}, [("device", "wrong_feed")]),
        ("rainfall", {"device": "rain-1", "time": late, "values": {"rain_24h_mm": 1}}, [("time", "future_time")]),
        ("rainfall", {"device": "rain-1", "time": "2020-01-01T00:00:00Z", "values": {"rain_24h_mm": 1}},
         [("time", "old_time")]),
        ("rainfall", {"device": "rain-1", "lat": 20.8, "values": {"rain_24h_mm": 1}}, [("place", "bad_place")]),
    ]  # fmt: skip
    async with world.signed_in("op") as client:
        for feed, body, expected in wrong:
            answer = await client.post(f"/api/v1/manual/{feed}", json=body)
            assert answer.status_code == 422, (body, answer.text)
            assert sorted((one["field"], one["code"]) for one in answer.json()["errors"]) == expected, body
        assert (await client.post("/api/v1/manual/none", json=ENTRY)).status_code == 404
        for body in ({"values": {"a": float("inf")}}, {"values": {"a": "x\x00"}}, {"values": {"a": [1]}}):
            content = json.dumps(body)
            answer = await client.post(
                "/api/v1/manual/rainfall", content=content, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 422, body
    assert await log_rows(world) == []


async def test_a_correction_is_a_revision_with_its_reason_and_a_lost_race_shows_the_present_one(world: World):
    await world.device("rain-1")
    async with world.signed_in("op") as client, world.signed_in("op2") as other:
        entry = (await client.post("/api/v1/manual/rainfall", json=ENTRY)).json()
        path = f"/api/v1/manual/entries/{entry['event']}"
        world.clock.advance(seconds=300)
        body = {"values": {"rain_24h_mm": 16.5}, "reason": "nghe nhầm"}
        assert (await client.post(f"{path}/correct", json=body)).status_code == 428
        answer = await other.post(f"{path}/correct", json=body, headers={"If-Match": '"0"'})
        assert answer.status_code == 200, answer.text
        lost = await client.post(f"{path}/correct", json=body, headers={"If-Match": '"0"'})
        assert lost.status_code == 412
        assert (lost.json()["current"]["actor"], lost.json()["current"]["data"]) == ("op2", {"rain_24h_mm": 16.5})
        back = {"values": {"rain_24h_mm": 61.5}, "reason": "đúng là 61,5"}
        assert (await client.post(f"{path}/correct", json=back, headers={"If-Match": '"1"'})).status_code == 200
        wrong = {"values": {"rain_24h_mm": "?"}, "reason": "thử"}
        refused = await client.post(f"{path}/correct", json=wrong, headers={"If-Match": '"2"'})
        assert refused.json()["errors"][0]["field"] == "values.rain_24h_mm"
        history = (await client.get(f"{path}/history")).json()["items"]
        told = [(one["revision"], one["action"], one["actor"], one["reason"], one["data"]) for one in history]
        assert told == [
            (0, "entered", "op", None, {"rain_24h_mm": 61.5}),
            (1, "corrected", "op2", "nghe nhầm", {"rain_24h_mm": 16.5}),
            (2, "corrected", "op", "đúng là 61,5", {"rain_24h_mm": 61.5}),
        ]
    assert [row[0] for row in await log_rows(world)] == [0, 1, 2]
    assert {row[4] for row in await log_rows(world)} == {NOW}, "it was so when it was so, whenever it was corrected"


async def test_what_is_taken_back_has_no_values_and_names_what_it_takes_back(world: World):
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        entry = (await client.post("/api/v1/manual/rainfall", json=ENTRY)).json()
        path = f"/api/v1/manual/entries/{entry['event']}"
        body = {"values": {"rain_24h_mm": 16.5}, "reason": "nghe nhầm"}
        second = (await client.post(f"{path}/correct", json=body, headers={"If-Match": '"0"'})).json()
        for reason in ("", " x ", None):
            answer = await client.post(f"{path}/withdraw", json={"reason": reason}, headers={"If-Match": '"1"'})
            assert answer.status_code == 422, reason
        gone = await client.post(f"{path}/withdraw", json={"reason": "nhầm trạm"}, headers={"If-Match": '"1"'})
        assert gone.status_code == 200, gone.text
        assert (gone.json()["action"], gone.json()["data"], gone.json()["flags"]) == ("withdrawn", {}, ["withdrawn"])
        positions = [entry["position"], second["position"]]
        assert (await log_rows(world))[-1][1:3] == ({"_withdrawn": positions}, ["withdrawn"])
        for action in ("correct", "withdraw"):
            given = body if action == "correct" else {"reason": "lần nữa"}
            answer = await client.post(f"{path}/{action}", json=given, headers={"If-Match": '"2"'})
            assert answer.status_code == 409, action
        listed = (await client.get("/api/v1/manual?mine=true")).json()["items"]
        assert [(one["event"], one["revision"]) for one in listed] == [(entry["event"], 2)]


async def test_entries_are_listed_newest_first_and_only_inside_the_wall(world: World):
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    async with world.signed_in("op") as client, world.signed_in("op2") as other:
        for number in range(3):
            body = {**ENTRY, "id": f"phone-call-{number}", "time": (NOW - timedelta(hours=number)).isoformat()}
            assert (await client.post("/api/v1/manual/rainfall", json=body)).status_code == 201
        entry = (await other.post("/api/v1/manual/rainfall", json={**ENTRY, "device": "rain-2"})).json()
        page = (await client.get("/api/v1/manual?limit=3")).json()
        rest = (await client.get("/api/v1/manual", params={"limit": 3, "cursor": page["next"]})).json()
        assert [one["entered_by"] for one in page["items"] + rest["items"]] == ["op2", "op", "op", "op"]
        assert rest["next"] is None
        mine = (await client.get("/api/v1/manual?mine=true&feed=rainfall")).json()["items"]
        assert len(mine) == 3
        for place in (f"area={OTHER}", "zone=luong-son"):
            there = (await client.get(f"/api/v1/manual?{place}")).json()["items"]
            assert [one["event"] for one in there] == [entry["event"]], place
        inside = page["items"][1]["event"]
    async with world.signed_in("walled") as walled:
        assert [one["event"] for one in (await walled.get("/api/v1/manual")).json()["items"]] == [entry["event"]]
        answer = await walled.post("/api/v1/manual/rainfall", json={**ENTRY, "id": "another-1"})
        assert answer.status_code == 422
        for path in (f"/api/v1/manual/entries/{inside}", f"/api/v1/manual/entries/{inside}/history"):
            assert (await walled.get(path)).status_code == 404
        for action, change in (("correct", {"values": {"rain_24h_mm": 1.0}, "reason": "thử tường"}),
                             ("withdraw", {"reason": "thử tường"})):  # fmt: skip
            path = f"/api/v1/manual/entries/{inside}/{action}"
            answer = await walled.post(path, json=change, headers={"If-Match": '"0"'})
            assert answer.status_code == 404
        given: dict[str, Any] = {"lat": 20.8, "lon": 105.3, "values": {"text": "cây đổ"}}
        answer = await walled.post("/api/v1/manual/citizen_report", json=given)
        assert answer.json()["errors"][0]["code"] == "outside_area"
    async with world.signed_in("view") as viewer:
        assert (await viewer.post("/api/v1/manual/rainfall", json=ENTRY)).status_code == 403
