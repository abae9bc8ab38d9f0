"""Devices that nobody has registered: listed by what they sent, adopted with it, ignored, and all of it taken back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ioc.domain.event import DeadLetter
from ioc.domain.scope import Scope
from ioc.store.audit.trail import verify_chain
from ioc.store.log import releases
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import delete_old
from ioc.store.registry import unknown_devices as unknown
from tests.integration.api.conftest import NOW, OTHER, OWN, World
from tests.integration.api.test_releases import reading, send, undone, values_of

LIST = "/api/v1/devices/unknown"


async def listed(client: Any, **query: Any) -> dict[str, Any]:
    answer = await client.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def adopted(client: Any, device: str, **form: Any) -> dict[str, Any]:
    answer = await client.post(f"{LIST}/{device}/adopt", json={"area": OWN, **form})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def named(page: dict[str, Any]) -> list[str]:
    return [one["device"] for one in page["items"]]


async def test_devices_are_told_by_feed_with_count_times_and_three_samples_who_sent_last_first(world: World):
    await world.device("rain-1")
    await send(world, reading(1, "?"))
    await send(world, *[reading(n, float(n)) for n in range(5)], device="rain-7")
    world.clock.advance(seconds=60)
    await send(world, reading(9, 9.0, lat=20.81, lon=105.34), device="rain-7")
    await send(world, reading(1, 1.0), device="rain-8")
    await send(world, {"speed_kmh": 3.0}, device="rain-8", feed="camera_detection")
    async with world.signed_in("op") as client:
        page = await listed(client)
        assert [(one["device"], one["feed"], one["letters"]) for one in page["items"]] == [
            ("rain-8", "camera_detection", 1), ("rain-8", "rainfall", 1), ("rain-7", "rainfall", 6),
        ]  # fmt: skip
        assert (page["devices"], page["letters"], page["truncated"]) == (2, 8, False)
        last = page["items"][-1]
        assert (last["first_at"], last["last_at"]) == ("2026-11-23T13:00:00.000Z", "2026-11-23T13:01:00.000Z")
        assert ['"id": "9"' in last["samples"][0]["raw_text"], len(last["samples"])] == [True, 3]
        assert last["place"] == {"lat": 20.81, "lon": 105.34, "area": None, "area_name": None}
        first = await listed(client, limit=1)
        second = await listed(client, limit=1, cursor=first["next"])
        assert [*named(first), *named(second)] == ["rain-8", "rain-8"]
        assert second["items"][0]["feed"] == "rainfall"
        assert second["devices"] == 2, "of all pages"
        assert (await client.get(LIST, params={"limit": 101})).status_code == 422
    async with world.signed_in("view") as client:
        assert (await client.get(LIST)).status_code == 403


async def test_what_was_looked_at_is_bounded_and_the_answer_says_so(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unknown, "SCAN_MAX", 4)
    await send(world, reading(1, 1.0), device="rain-6")
    await send(world, *[reading(n, 1.0) for n in range(4)], device="rain-7")
    long = DeadLetter("mqtt", "rainfall", "rain-7", "unknown_device", "x", b"x" * 9_000, NOW)
    await EventLog(world.database).append([long], NOW)
    async with world.signed_in("op") as client:
        page = await listed(client)
    assert (named(page), page["letters"], page["truncated"]) == (["rain-7"], 4, True)
    sample = page["items"][0]["samples"][0]
    assert (len(sample["raw_text"]), sample["raw_bytes"]) == (2_000, 9_000)


async def test_an_id_that_could_not_be_registered_and_one_that_is_are_not_listed(world: World):
    await world.device("rain-1")
    for device in ("rain-1", "Trạm mưa", "../x"):
        bad = DeadLetter("http", "rainfall", device, "unknown_device", "x", b"{}", NOW)
        await EventLog(world.database).append([bad], NOW)
    async with world.signed_in("chief") as client:
        assert named(await listed(client)) == []
        for device in ("rain-1", "nobody"):
            assert (await client.post(f"{LIST}/{device}/adopt", json={"area": OWN})).status_code == 404
            assert (await client.post(f"{LIST}/{device}/ignore", json={"reason": "không cần"})).status_code == 404
        word = await client.post(
            "/api/v1/devices", json={"id": "unknown", "feed": "rainfall", "name": {"vi": "x"}, "area": OWN}
        )
        assert word.status_code == 422, "its path is the list's"


async def test_a_device_is_adopted_with_all_it_has_sent_batch_by_batch_and_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(releases, "BATCH_LETTERS", 20)
    await send(world, *[reading(n, float(n)) for n in range(50)], device="rain-7")
    async with world.signed_in("chief") as client:
        told = await adopted(client, "rain-7", name={"vi": "Trạm mưa Thịnh Minh"}, expected_period_seconds=300)
        assert (told["device"]["name"]["vi"], told["device"]["expected_period_seconds"]) == ("Trạm mưa Thịnh Minh", 300)
        release = told["release"]
        assert (release["released"], release["done"], release["adopted"]) == (20, False, True)
        while not release["done"]:
            path = f"/api/v1/dead-letters/releases/{release['id']}/continue"
            release = (await client.post(path)).json()["release"]
        assert (release["released"], release["left"]) == (50, 0)
        assert named(await listed(client)) == []
        assert await values_of(world, "rain-7") == {"rain_24h_mm": 29.0}
        assert (await client.post(f"{LIST}/rain-7/adopt", json={"area": OWN})).status_code == 404
        back = await undone(client, release["id"])
        assert (back["undone"], back["device_removed"]) == (50, True)
        assert (await client.get("/api/v1/devices/rain-7")).status_code == 404
        assert (await listed(client))["items"][0]["letters"] == 50, "it is unknown again, with all it sent"
        again = await adopted(client, "rain-7")
        assert again["device"]["version"] == 1
    async with world.database.connection() as connection:
        trail = await connection.fetch("SELECT action FROM audit WHERE object = 'rain-7' ORDER BY id")
        entries = await connection.fetch(
            "SELECT data IS NULL AS gone FROM event WHERE subject = 'rain-7' ORDER BY position"
        )
        assert (await verify_chain(connection)).broken_at is None
    assert [row["action"] for row in trail] == ["device.create", "device.delete", "device.create"]
    assert [row["gone"] for row in entries] == [False, True, False]


async def test_a_device_that_something_rests_on_stays_when_its_release_is_taken_back(world: World):
    for device in ("rain-7", "rain-8", "rain-9"):
        await send(world, reading(1, 1.0), device=device)
    async with world.signed_in("chief") as client:
        reported, keyed, parent = [await adopted(client, one) for one in ("rain-7", "rain-8", "rain-9")]
        assert await send(world, reading(2, 2.0), device="rain-7") == [None]
        assert (await client.post("/api/v1/devices/rain-8/keys", json={})).status_code == 201
        await world.device("rain-10", parent="rain-9")
        for told in (reported, keyed, parent):
            back = await undone(client, told["release"]["id"])
            assert (back["undone"], back["device_removed"]) == (1, False), told["device"]["id"]
            assert (await client.get(f"/api/v1/devices/{told['device']['id']}")).status_code == 200
        assert await values_of(world, "rain-7") == {"rain_24h_mm": 2.0}, "what came since stands"


async def test_one_that_sent_for_several_feeds_is_adopted_for_the_one_that_is_named(world: World):
    await send(world, reading(1, 1.0), device="rain-8")
    await send(world, {"speed_kmh": 3.0}, device="rain-8", feed="camera_detection")
    async with world.signed_in("chief") as client:
        for form in ({}, {"feed": "slope"}):
            answer = await client.post(f"{LIST}/rain-8/adopt", json={"area": OWN, **form})
            assert answer.status_code == 422
            assert "camera_detection, rainfall" in answer.text
        told = await adopted(client, "rain-8", feed="rainfall")
        assert (told["release"]["total"], told["device"]["feed"]) == (1, "rainfall")


async def test_what_names_its_device_itself_is_that_device_s_and_read_as_at_its_door(world: World):
    await send(world, {**reading(1, 1.0), "device": "rain-7"}, device=None)  # type: ignore[arg-type]
    async with world.signed_in("chief") as client:
        assert named(await listed(client)) == ["rain-7"]
        assert (await adopted(client, "rain-7"))["release"]["released"] == 1
        event = (await client.get("/api/v1/events?device=rain-7")).json()["items"][0]
        assert (event["data"], event["flags"]) == ({"rain_24h_mm": 1.0}, ["released", "before_registration"])


async def test_an_ignored_device_is_not_shown_still_counted_and_shown_again_after_a_month(world: World):
    await send(world, reading(1, 1.0), device="rain-7")
    async with world.signed_in("chief") as client:
        path = f"{LIST}/rain-7/ignore"
        assert (await client.post(f"{path}/undo")).status_code == 404
        assert (await client.post(path, json={"reason": "trạm của nhà dân"})).status_code == 204
        assert (await client.post(path, json={"reason": "hai lần"})).status_code == 409
        await send(world, reading(2, 1.0), device="rain-7")
        page = await listed(client)
        assert (page["items"], page["devices"]) == ([], 0)
        [one] = (await listed(client, ignored="true"))["items"]
        assert (one["letters"], one["ignored"]["by"], one["ignored"]["reason"]) == (2, "chief", "trạm của nhà dân")
        assert (await client.post(f"{path}/undo")).status_code == 204
        assert named(await listed(client)) == ["rain-7"]
        await client.post(path, json={"reason": "trạm của nhà dân"})
        assert (await adopted(client, "rain-7"))["release"]["released"] == 2, "one that is ignored may be adopted"
        assert named(await listed(client, ignored="true")) == []
        await send(world, reading(2, 1.0), device="rain-8")
        await client.post(f"{LIST}/rain-8/ignore", json={"reason": "thử máy"})
    month = world.state.context.wall.now() + unknown.IGNORED_FOR
    assert await delete_old(world.database, table="ignored_device", column="ignored_at", before=month) == 1
    async with world.signed_in("op") as client:
        assert named(await listed(client)) == ["rain-8"]
        assert (await client.post(f"{LIST}/rain-8/ignore", json={"reason": "không phải của tôi"})).status_code == 403
        assert (await client.post(f"{LIST}/rain-8/adopt", json={"area": OWN})).status_code == 403


async def test_how_many_are_ignored_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unknown, "IGNORED_MAX", 1)
    for device in ("rain-7", "rain-8"):
        await send(world, reading(1, 1.0), device=device)
    async with world.signed_in("chief") as client:
        assert (await client.post(f"{LIST}/rain-7/ignore", json={"reason": "thử máy"})).status_code == 204
        refused = await client.post(f"{LIST}/rain-8/ignore", json={"reason": "thử máy"})
        assert (refused.status_code, "the bound" in refused.json()["detail"]) == (409, True)


async def test_nobody_sees_or_adopts_what_lies_beyond_their_wall(world: World):
    """Where such a device is nobody knows: it is inside no wall but the whole."""
    await send(world, reading(1, 1.0), device="rain-7")
    await send(world, {"matches": 1.0}, device="camera-7", feed="watch_list")
    async with world.signed_in("walled-admin") as client:
        assert await listed(client) == {"items": [], "devices": 0, "letters": 0, "truncated": False, "next": None}
        for path, body in (("adopt", {"area": OTHER}), ("ignore", {"reason": "thử máy"}), ("ignore/undo", None)):
            assert (await client.post(f"{LIST}/rain-7/{path}", json=body)).status_code == 403, path
    async with world.signed_in("op") as client:
        assert named(await listed(client)) == ["camera-7", "rain-7"], "an operator may read restricted feeds"
    async with world.database.connection() as connection:
        masked = await unknown.list_unknown(
            connection, Scope(hidden_feeds=frozenset({"watch_list"})), ignored=False, before=None, limit=9
        )
    assert [row["device"] for row in masked.rows] == ["rain-7"], "nothing of a restricted feed for who may not read it"


async def test_who_sees_a_place_sees_the_unknown_devices_that_say_they_are_there(world: World):
    ring = [[105.4, 20.8], [105.6, 20.8], [105.6, 21.0], [105.4, 21.0], [105.4, 20.8]]
    async with world.database.connection() as connection:
        shape = {"type": "Polygon", "coordinates": [ring]}
        await connection.execute("UPDATE area SET shape = $1 WHERE code = $2", shape, OTHER)
    await send(world, reading(1, 1.0, lat=20.9, lon=105.5), reading(2, 1.0), device="rain-7")
    await send(world, reading(1, 1.0, lat=20.1, lon=105.5), device="rain-8")
    await send(world, reading(1, 1.0), device="rain-9")
    async with world.signed_in("walled") as client:
        page = await listed(client)
        assert [(one["device"], one["letters"]) for one in page["items"]] == [("rain-7", 1)]
    async with world.signed_in("walled-admin") as client:
        assert (await client.post(f"{LIST}/rain-7/adopt", json={"area": OTHER})).status_code == 403
    async with world.signed_in("op") as client:
        assert named(await listed(client)) == ["rain-9", "rain-8", "rain-7"]
    async with world.signed_in("chief") as client:
        told = await adopted(client, "rain-7", area=None, lat=20.9, lon=105.5)
        assert (told["device"]["area"], told["release"]["released"]) == (OTHER, 2)


async def test_a_place_beyond_the_site_is_no_guess(world: World):
    await send(world, reading(1, 1.0, lat=48.8, lon=2.3), device="rain-7")
    await send(world, reading(2, 1.0, lat="20.8", lon=105.3), device="rain-8")
    async with world.signed_in("op") as client:
        assert [one["place"] for one in (await listed(client))["items"]] == [None, None]


async def test_a_form_that_the_registry_refuses_registers_nothing(world: World):
    await send(world, reading(1, 1.0), device="rain-7")
    async with world.signed_in("chief") as client:
        for form in ({"lat": 20.8}, {"area": "99999"}, {"parent": "nobody"}, {"why": "x"}, {"id": "rain-9"}):
            answer = await client.post(f"{LIST}/rain-7/adopt", json={"area": OWN, **form})
            assert answer.status_code == 422, form
        assert named(await listed(client)) == ["rain-7"]
        assert (await client.get("/api/v1/devices/rain-7")).status_code == 404


async def test_of_two_who_adopt_at_once_one_does(world: World):
    await send(world, reading(1, 1.0), device="rain-7")
    async with world.signed_in("chief") as one, world.signed_in("root") as other:
        answers = await asyncio.gather(*[c.post(f"{LIST}/rain-7/adopt", json={"area": OWN}) for c in (one, other)])
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 201
        assert codes[1] in (404, 409), "it was registered before, or a moment before"
        assert len((await one.get("/api/v1/dead-letters/releases")).json()["items"]) == 1


async def test_taking_an_adoption_back_waits_for_who_changes_the_device_and_holds_nothing_meanwhile(world: World):
    """Devices come before the log's head in the order of locks: the other way round one of the two would be ended."""
    await send(world, reading(1, 1.0), device="rain-7")
    async with world.signed_in("root") as client:
        release = (await adopted(client, "rain-7"))["release"]["id"]
        async with world.database.transaction() as connection:
            await connection.fetchrow("SELECT * FROM device WHERE id = 'rain-7' FOR UPDATE")
            undoing = asyncio.create_task(undone(client, release))
            await asyncio.sleep(0.5)
            await asyncio.wait_for(connection.execute("SELECT 1 FROM log_head WHERE id = 1 FOR UPDATE"), 3)
            assert not undoing.done()
        assert (await undoing)["device_removed"] is True
