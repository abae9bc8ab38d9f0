"""Dead letters by cause: a remedy is tried on them, they are let in batch by batch, and that is taken back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ioc.domain.event import DeadLetter
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.clock import AnchoredLogClock
from ioc.store.audit.trail import verify_chain
from ioc.store.log import releases
from ioc.store.log.event_log import EventLog
from ioc.store.registry.registry import RegistryStore
from tests.builders import letter
from tests.integration.api.conftest import NOW, OTHER, World
from tests.integration.api.test_quality import feed_of, roll_up

TYPO = {"feed": "rainfall", "reason": "wrong_type", "field": "rain_24h_mm"}
UNKNOWN = {"feed": "rainfall", "reason": "unknown_device"}


async def send(world: World, *bodies: dict[str, Any], device: str = "rain-1", feed: str = "rainfall") -> list[Any]:
    """What a device sends, through the preparation of the doors, into the log; returns reasons, None for stored."""
    pack = world.state.context.pack
    registry = CachedRegistry(RegistryStore(world.database, pack.zones), AnchoredLogClock())
    await registry.refresh()
    preparer = Preparer(feeds=pack.feeds, registry=registry, events_max=100)
    now = world.clock.now()
    prepared = [
        item
        for body in bodies
        for item in preparer.prepare(Delivery(feed, device, json.dumps(body).encode(), now, "mqtt", b"n"))
    ]
    return [receipt.reason for receipt in await EventLog(world.database, dead_letters_per_hour=0).append(prepared, now)]


def reading(number: int, value: Any, **more: Any) -> dict[str, Any]:
    time = (NOW - timedelta(minutes=30 - number % 30)).isoformat()
    return {"id": str(number), "time": time, "rain_24h_mm": value, **more}


async def values_of(world: World, device: str = "rain-1") -> dict[str, Any]:
    await roll_up(world)
    async with world.signed_in("op") as client:
        items = (await client.get(f"/api/v1/latest?device={device}")).json()["items"]
    return {item["field"]: item["value"] for item in items}


async def released(client: Any, **form: Any) -> dict[str, Any]:
    """Let a cause in to the end, and return the release."""
    answer = await client.post("/api/v1/dead-letters/release", json={"why": "đã sửa cấu hình", **form})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["release"]
    while not found["done"]:
        answer = await client.post(f"/api/v1/dead-letters/releases/{found['id']}/continue")
        assert answer.status_code == 200, answer.text
        found = answer.json()["release"]
    return found


async def undone(client: Any, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"undone_at": None}
    while found["undone_at"] is None:
        answer = await client.post(f"/api/v1/dead-letters/releases/{number}/undo", json={"why": "nhầm trạm"})
        assert answer.status_code == 200, answer.text
        found = answer.json()
    return found


async def test_letters_are_grouped_by_cause_with_sources_times_and_a_sample_as_it_came(world: World):
    for number in (1, 2):
        await world.device(f"rain-{number}")
    await send(world, *[reading(n, "nhiều") for n in range(3)])
    world.clock.advance(seconds=60)
    await send(world, reading(7, "ít"), device="rain-2")
    await send(world, reading(1, 3.0), reading(2, 3.0), device="rain-9")
    await EventLog(world.database).append([letter(raw=b"\xff\x00")], NOW)
    async with world.signed_in("op") as client:
        page = (await client.get("/api/v1/dead-letters/groups")).json()
        assert (page["letters"], page["truncated"]) == (7, False)
        told = [(one["reason"], one["field"], one["letters"], one["sources"], one["devices"]) for one in page["items"]]
        assert told == [
            ("wrong_type", "rain_24h_mm", 4, 2, ["rain-1", "rain-2"]),
            ("unknown_device", None, 2, 1, ["rain-9"]),
            ("not_json", None, 1, 1, ["rain-1"]),
        ]
        first = page["items"][0]
        assert (first["first_at"], first["last_at"]) == ("2026-11-23T13:00:00.000Z", "2026-11-23T13:01:00.000Z")
        assert json.loads(first["sample"]["raw_text"]) == reading(7, "ít")
        assert page["items"][2]["sample"]["raw_text"] is None
        by = (await client.get("/api/v1/dead-letters/groups?by=source&reason=wrong_type")).json()["items"]
        assert [(one["device"], one["letters"]) for one in by] == [("rain-1", 3), ("rain-2", 1)]
        short = (await client.get("/api/v1/dead-letters/groups?limit=1")).json()
        assert (len(short["items"]), short["truncated"]) == (1, True)
    async with world.signed_in("view") as client:
        assert (await client.get("/api/v1/dead-letters/groups")).status_code == 403


async def test_a_misnamed_field_is_tried_let_in_and_taken_back(world: World):
    await world.device("rain-1")
    bodies = [{**reading(n, "?"), "luong_mua": float(n)} for n in range(5)]
    bodies[4]["luong_mua"] = "nhiều"
    assert await send(world, *bodies) == [None] * 5, "an unknown member is kept, and flagged"
    strict = [{"id": f"s{n}", "time": reading(n, 0)["time"], "lat": "x", "lon": 1, "mua": float(n)} for n in range(5)]
    strict[4]["mua"] = "nhiều"
    assert set(await send(world, *strict)) == {"bad_place"}
    cause = {"feed": "rainfall", "reason": "bad_place"}
    names = {"mua": "rain_24h_mm", "lat": None, "lon": None}
    async with world.signed_in("chief") as client:
        plain = (await client.post("/api/v1/dead-letters/try", json=cause)).json()
        assert (plain["total"], plain["tried"], plain["passes"]) == (5, 5, 0)
        assert [(one["reason"], one["letters"]) for one in plain["left"]] == [("bad_place", 5)]
        wrong = await client.post("/api/v1/dead-letters/try", json={**cause, "names": {"mua": "mưa"}})
        assert wrong.status_code == 422, "no such field"
        tried = (await client.post("/api/v1/dead-letters/try", json={**cause, "names": names})).json()
        assert (tried["passes"], tried["events"], tried["duplicates"]) == (4, 4, 0)
        assert [(one["reason"], one["field"], one["letters"]) for one in tried["left"]] == [
            ("wrong_type", "rain_24h_mm", 1)
        ]
        assert tried["sample"]["data"] == {"rain_24h_mm": 0.0}
        assert "rain_24h_mm" not in await values_of(world), "a trial stores nothing"
        found = await released(client, **cause, names=names)
        assert (found["total"], found["released"], found["events"], found["left"]) == (5, 4, 4, 1)
        assert (await values_of(world))["rain_24h_mm"] == 3.0
        again = await client.post("/api/v1/dead-letters/release", json={**cause, "names": names, "why": "lần nữa"})
        assert again.json()["release"]["released"] == 0, "what is in is not let in again"
        account = await feed_of(world, "rainfall")
        assert (account["received"], account["stored"], account["refused"], account["released"]) == (10, 5, 5, 4)
        events = (await client.get("/api/v1/events?device=rain-1")).json()["items"]
        assert [one["door"] for one in events if "released" in one["flags"]] == ["release"] * 4
        back = await undone(client, found["id"])
        assert (back["undone"], back["kept"], back["undone_by"]) == (4, 0, "chief")
        assert "rain_24h_mm" not in await values_of(world)
        path = f"/api/v1/dead-letters/releases/{found['id']}"
        assert (await client.post(f"{path}/undo", json={"why": "hai lần"})).status_code == 409
        assert (await client.post(f"{path}/continue")).status_code == 409
        group = (await client.get("/api/v1/dead-letters/groups?reason=bad_place")).json()["items"][0]
        assert group["letters"] == 5, "they are dead letters again"
        once_more = await released(client, **cause, names=names)
        assert once_more["released"] == 4
        assert (await values_of(world))["rain_24h_mm"] == 3.0
        listed = (await client.get("/api/v1/dead-letters/releases?limit=2")).json()
        assert listed["items"][0]["id"] == once_more["id"]
        assert listed["next"] is not None
        assert (await client.get(f"/api/v1/dead-letters/releases/{found['id']}")).json() == back
    async with world.database.connection() as connection:
        trail = await connection.fetch("SELECT action, actor FROM audit WHERE action LIKE 'dead_letter%' ORDER BY id")
        assert (await verify_chain(connection)).broken_at is None
    assert [row["action"] for row in trail] == [
        "dead_letter.release", "dead_letter.released", "dead_letter.release", "dead_letter.release_undone",
        "dead_letter.release", "dead_letter.released",
    ]  # fmt: skip
    assert {row["actor"] for row in trail} == {"chief"}


async def test_what_an_unknown_device_sent_is_let_in_once_it_is_registered_batch_by_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(releases, "BATCH_LETTERS", 20)
    await send(world, *[reading(n, float(n)) for n in range(50)], device="rain-7")
    async with world.signed_in("chief") as client:
        before = (await client.post("/api/v1/dead-letters/try", json=UNKNOWN)).json()
        assert (before["passes"], before["left"][0]["letters"]) == (0, 50)
        await world.device("rain-7")
        async with world.database.connection() as connection:
            await connection.execute("UPDATE registry_version SET version = version + 1")
        after = (await client.post("/api/v1/dead-letters/try", json=UNKNOWN)).json()
        assert (after["passes"], after["left"]) == (50, [])
        answer = await client.post("/api/v1/dead-letters/release", json={**UNKNOWN, "why": "đã đăng ký trạm"})
        step = answer.json()
        assert (step["release"]["released"], step["release"]["done"]) == (20, False)
        await send(world, reading(99, 1.0), device="rain-8")
        # Its answer was lost, or the screen was closed: whoever goes on, goes on where it stopped.
        path = f"/api/v1/dead-letters/releases/{step['release']['id']}/continue"
        counts = []
        while not step["release"]["done"]:
            step = (await client.post(path)).json()
            counts.append(step["release"]["released"])
        assert counts[-1] == 50
        assert (await client.post(path)).json()["release"]["released"] == 50
        assert (await values_of(world, "rain-7")) == {"rain_24h_mm": 29.0}
        found = await undone(client, step["release"]["id"])
        assert found["undone"] == 50
        assert await values_of(world, "rain-7") == {}


async def test_what_the_log_has_by_now_is_a_duplicate_and_other_content_a_conflict(world: World):
    await send(world, reading(1, 1.0), reading(2, 2.0), reading(3, 3.0), device="rain-1")
    await world.device("rain-1")
    assert await send(world, reading(1, 1.0), reading(2, 9.0)) == [None, None]
    async with world.signed_in("chief") as client:
        tried = (await client.post("/api/v1/dead-letters/try", json=UNKNOWN)).json()
        assert (tried["passes"], tried["duplicates"]) == (1, 1)
        assert [(one["reason"], one["letters"]) for one in tried["left"]] == [("conflict", 1)]
        found = await released(client, **UNKNOWN)
        assert (found["released"], found["duplicates"], found["left"], found["events"]) == (1, 1, 1, 1)
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM event WHERE kind = 'event'") == 3
        assert await connection.fetchval("SELECT count(*) FROM dead_letter WHERE released_at IS NULL") == 1


async def test_what_says_no_time_is_of_the_moment_it_came_and_one_event_however_often_it_is_let_in(world: World):
    await send(world, {"rain_24h_mm": 4.0}, device="rain-1")
    await world.device("rain-1", registered_at=NOW - timedelta(days=1))
    world.clock.advance(seconds=7_200)
    async with world.signed_in("chief") as client:
        first = await released(client, **UNKNOWN)
        await undone(client, first["id"])
        await released(client, **UNKNOWN)
        events = (await client.get("/api/v1/events?device=rain-1")).json()["items"]
    assert len({one["key"] for one in events}) == 1
    assert {one["effective"] for one in events} == {"2026-11-23T13:00:00.000Z"}


async def test_what_was_corrected_since_is_not_taken_back(world: World):
    await send(world, reading(1, 1.0), reading(2, 2.0), device="rain-1")
    await world.device("rain-1")
    async with world.signed_in("chief") as client:
        found = await released(client, **UNKNOWN)
        async with world.database.transaction() as connection:
            row = await connection.fetchrow("SELECT * FROM released_event ORDER BY position LIMIT 1")
            await connection.execute(
                "INSERT INTO event (position, log_time, kind, key, feed, device, time, effective, received_at, data, "
                "revision, door) SELECT position + 100, log_time, kind, key, feed, device, time, effective, "
                "received_at, data, 1, 'mqtt' FROM event WHERE position = $1",
                row["position"],
            )
        back = await undone(client, found["id"])
        assert (back["undone"], back["kept"]) == (1, 1)
        group = (await client.get("/api/v1/dead-letters/groups")).json()["items"][0]
        assert group["letters"] == 1, "the letter of the other one stays let in"


async def test_what_no_remedy_mends_says_so(world: World):
    await world.device("rain-1")
    log = EventLog(world.database)
    cut = DeadLetter("mqtt", "rainfall", "rain-1", "not_json", "x", b'{"rain_24h_mm": 1', NOW, raw_bytes=5_000)
    await log.append([cut, letter("forbidden_topic", b"{}"), letter("outside_area", b'{"rain_24h_mm": 1}')], NOW)
    async with world.signed_in("chief") as client:
        for reason, told in (("not_json", "too_large"), ("forbidden_topic", "forbidden_topic"),
                             ("outside_area", "outside_area")):  # fmt: skip
            tried = (await client.post("/api/v1/dead-letters/try", json={"feed": "rainfall", "reason": reason})).json()
            assert (tried["passes"], tried["left"][0]["reason"]) == (0, told)
        nothing = await client.post(
            "/api/v1/dead-letters/release", json={"feed": "rainfall", "reason": "nul", "why": "thử xem"}
        )
        assert nothing.status_code == 409
        for bad in ("none", "0", "99999999999999999999", "1.5"):
            assert (await client.get(f"/api/v1/dead-letters/releases/{bad}")).status_code == 404, bad
        assert (await client.post("/api/v1/dead-letters/releases/7/continue")).status_code == 404


async def test_nobody_lets_in_or_takes_back_what_lies_beyond_their_wall(world: World):
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    for device in ("rain-1", "rain-2"):
        await send(world, reading(1, "?"), reading(2, "?"), device=device)
    names = {"rain_24h_mm": None, "id": None}
    form = {**TYPO, "names": names, "why": "bỏ giá trị sai"}
    async with world.signed_in("walled-admin") as walled, world.signed_in("chief") as chief:
        groups = (await walled.get("/api/v1/dead-letters/groups")).json()["items"]
        assert [(one["letters"], one["devices"]) for one in groups] == [(2, ["rain-2"])]
        tried = (await walled.post("/api/v1/dead-letters/try", json={**TYPO, "names": {"rain_24h_mm": "plate"}})).json()
        assert (tried["total"], tried["passes"]) == (2, 2)
        foreign = await walled.post("/api/v1/dead-letters/release", json={**form, "device": "rain-1"})
        assert foreign.status_code == 422
        own = await released(walled, **{**form, "names": {"rain_24h_mm": "plate"}})
        assert (own["total"], own["released"]) == (2, 2)
        every = await released(chief, **{**form, "names": {"rain_24h_mm": "plate"}})
        assert every["released"] == 2, "those of the other area"
        for action in ("continue", "undo"):
            path = f"/api/v1/dead-letters/releases/{every['id']}/{action}"
            body = {"why": "của người khác"} if action == "undo" else None
            assert (await walled.post(path, json=body)).status_code == 404, action
        assert (await walled.get(f"/api/v1/dead-letters/releases/{every['id']}")).status_code == 404
        assert [one["id"] for one in (await walled.get("/api/v1/dead-letters/releases")).json()["items"]] == [own["id"]]
        assert (await undone(walled, own["id"]))["undone"] == 2
    async with world.signed_in("op") as client:
        assert (await client.post("/api/v1/dead-letters/try", json=TYPO)).status_code == 200
        assert (await client.post("/api/v1/dead-letters/release", json=form)).status_code == 403
        path = f"/api/v1/dead-letters/releases/{every['id']}/undo"
        assert (await client.post(path, json={"why": "thử"})).status_code == 403


async def test_one_letter_is_let_in_by_its_number_and_taken_back(world: World):
    await send(world, reading(1, 1.0), reading(2, 2.0), device="rain-1")
    await world.device("rain-1")
    async with world.signed_in("chief") as client:
        newest, oldest = (one["id"] for one in (await client.get("/api/v1/dead-letters")).json()["items"])
        path, why = f"/api/v1/dead-letters/{newest}/release", {"why": "đã đăng ký trạm"}
        wrong = await client.post(path, json={**why, "names": {"x": "no_such"}})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "names")
        answer = await client.post(path, json=why)
        assert answer.status_code == 201, answer.text
        found = answer.json()["release"]
        assert (found["total"], found["released"], found["done"]) == (1, 1, True)
        assert await values_of(world) == {"rain_24h_mm": 2.0}
        assert (await client.post(path, json=why)).status_code == 404, "it is in"
        await undone(client, found["id"])
        assert await values_of(world) == {}
    async with world.signed_in("walled-admin") as client:
        foreign = await client.post(f"/api/v1/dead-letters/{oldest}/release", json=why)
        assert foreign.status_code == 404
        for number in ("0", "x", str(2**70)):
            assert (await client.post(f"/api/v1/dead-letters/{number}/release", json=why)).status_code == 404
