"""Pictures and papers: sent in, attached to what people enter, seen by who may see that, and removed."""

from __future__ import annotations

import asyncio
import hashlib
import io
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from PIL import Image

from ioc.errors import NotFoundError, TransitionError
from ioc.runtime.health_conditions import DISK
from ioc.store.audit.trail import verify_chain
from ioc.store.media.removal import remove_medium, trim_media
from tests.integration.api.conftest import NOW, OTHER, World, open_world
from tests.pictures import CAMERA, PDF, SVG, png_flood, telephone_jpeg

REPORT = {"values": {"text": "cây đổ chắn đường", "category": "giao thông"}}


async def send(client: httpx2.AsyncClient, body: bytes, kind: str = "image/jpeg") -> httpx2.Response:
    return await client.post("/api/v1/media", content=body, headers={"Content-Type": kind})


async def sent(client: httpx2.AsyncClient, body: bytes | None = None, kind: str = "image/jpeg") -> dict[str, Any]:
    answer = await send(client, telephone_jpeg() if body is None else body, kind)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def rainfall(client: httpx2.AsyncClient, device: str, *media: str) -> httpx2.Response:
    return await client.post(
        "/api/v1/manual/rainfall", json={"device": device, "values": {"rain_24h_mm": 61.5}, "media": list(media)}
    )


async def count(world: World, table: str) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def trim(world: World, *, days: float = 0.0, keep_days: int = 365) -> int:
    return (await trim_media(world.database, world.state.context.wall.now() + timedelta(days=days),
                             keep_days=keep_days)).deleted  # fmt: skip


def outcome(world: World, name: str) -> float:
    return float(world.state.context.metrics.media_uploads.labels(name)._value.get())


async def test_a_picture_comes_back_as_pixels_and_nothing_else_under_its_own_hash(world: World):
    async with world.signed_in("op") as client:
        medium = await sent(client)
        answer = await client.get(f"/api/v1/media/{medium['id']}")
        assert answer.status_code == 200
        body = answer.content
        assert hashlib.sha256(body).hexdigest() == medium["sha256"]
        assert (len(body), medium["type"], medium["width"], medium["height"]) == (
            medium["bytes"], "image/jpeg", 480, 640,
        )  # fmt: skip
        assert (medium["uploaded_by"], medium["removed"]) == ("op", False)
        assert CAMERA.encode() not in body
        assert dict(Image.open(io.BytesIO(body)).getexif()) == {}
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "private, no-cache"
        assert "sandbox" in headers["content-security-policy"]
        assert headers["content-type"] == "image/jpeg"
        small = await client.get(f"/api/v1/media/{medium['id']}/thumbnail")
        assert max(Image.open(io.BytesIO(small.content)).size) == 320
        again = await client.get(f"/api/v1/media/{medium['id']}", headers={"If-None-Match": headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    async with world.database.connection() as connection:
        trail = await connection.fetch("SELECT actor, object, detail FROM audit WHERE action = 'media.add'")
        assert (await verify_chain(connection)).broken_at is None
    detail = {"type": "image/jpeg", "bytes": medium["bytes"], "sha256": medium["sha256"]}
    assert [tuple(row) for row in trail] == [("op", medium["id"], detail)]


async def test_a_paper_is_kept_as_it_came_and_only_ever_saved(world: World):
    async with world.signed_in("op") as client:
        medium = await sent(client, PDF, "application/pdf")
        assert (medium["width"], medium["sha256"]) == (None, hashlib.sha256(PDF).hexdigest())
        answer = await client.get(f"/api/v1/media/{medium['id']}")
        assert answer.content == PDF
        assert answer.headers["content-disposition"] == f'attachment; filename="{medium["id"]}.pdf"'
        assert "sandbox" in answer.headers["content-security-policy"]
        assert (await client.get(f"/api/v1/media/{medium['id']}/thumbnail")).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status", "code", "counted"),
    [
        (SVG, "image/svg+xml", 415, "unsupported_media_type", "wrong_type"),
        (SVG, "image/png", 415, "unsupported_media_type", "wrong_type"),
        (b"GIF89a/*" + bytes(90) + b"*/=alert(1)", "image/jpeg", 415, "unsupported_media_type", "wrong_type"),
        (b"SIMPLE  =                    T" * 90, "image/jpeg", 415, "unsupported_media_type", "wrong_type"),
        (PDF, "image/jpeg", 415, "unsupported_media_type", "wrong_type"),
        (b"", "image/jpeg", 415, "unsupported_media_type", "wrong_type"),
        (png_flood(), "image/png", 413, "body_too_large", "too_large"),
        (telephone_jpeg() + bytes(70_000), "image/jpeg", 413, "body_too_large", "too_large"),
        (telephone_jpeg()[:900], "image/jpeg", 400, "unreadable_body", "damaged"),
    ],
)
async def test_what_is_not_taken_is_told_counted_and_leaves_nothing(
    database_dsn: str, body: bytes, kind: str, status: int, code: str, counted: str
):
    async with open_world(database_dsn, media_bytes_max=65_536) as world, world.signed_in("op") as client:
        answer = await send(client, body, kind)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert outcome(world, counted) == 1
        assert (await count(world, "media"), await count(world, "media_content")) == (0, 0)


async def test_before_it_is_attached_it_is_its_senders_alone_and_afterwards_of_who_sees_the_event(world: World):
    await world.device("rain-1")
    await world.device("rain-far", area=OTHER)
    async with (
        world.signed_in("op") as client,
        world.signed_in("op2") as other,
        world.signed_in("root") as root,
        world.signed_in("view") as viewer,
        world.signed_in("walled") as walled,
        world.client(key="district") as district,
        world.client(key="display") as wall,
    ):
        medium = await sent(client)
        path = f"/api/v1/media/{medium['id']}"
        for foreign in (other, root, viewer, walled, district):
            assert (await foreign.get(path)).status_code == 404, "it hangs on nothing yet"
            assert (await foreign.get(f"{path}/thumbnail")).status_code == 404
        assert (await rainfall(other, "rain-1", medium["id"])).status_code == 422, "not theirs to attach"
        entry = await rainfall(client, "rain-1", medium["id"])
        assert entry.status_code == 201, entry.text
        assert entry.json()["media"] == [medium]
        for reader in (client, other, root, viewer):
            assert (await reader.get(path)).status_code == 200
        for beyond in (walled, district):
            assert (await beyond.get(path)).status_code == 404, "the event lies in another area"
        assert (await wall.get(path)).status_code == 403, "a wall display shows nobody's face"
        async with world.client() as nobody:
            assert (await nobody.get(path)).status_code == 401
        far = await sent(client)
        assert (await rainfall(client, "rain-far", far["id"])).status_code == 201
        for inside in (walled, district):
            assert (await inside.get(f"/api/v1/media/{far['id']}")).status_code == 200, "the same content, another use"
        assert await count(world, "media_content") == 1
        assert (await viewer.post("/api/v1/media", content=PDF)).status_code == 403


async def test_of_a_restricted_feed_it_stays_restricted(world: World):
    async with world.signed_in("op") as client, world.client(key="display") as wall:
        medium = await sent(client)
        body = {**REPORT, "lat": 20.82, "lon": 105.34, "media": [medium["id"]]}
        entry = (await client.post("/api/v1/manual/citizen_report", json=body)).json()
        assert entry["media"] == [medium]
        position = entry["position"]
        name = await world.alert(feed="citizen_report", area=entry["area"], restricted=True, opened_position=position)
        await world.insert("alert_history", {
            "alert": name, "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
            "evidence": {"clause": "true", "values": {}, "position": position},
        })  # fmt: skip
        evidence = (await client.get(f"/api/v1/alerts/{name}/evidence")).json()
        assert evidence["media"] == [medium], "it stands beside the evidence"
        assert (await wall.get(f"/api/v1/alerts/{name}/evidence")).status_code == 404
        assert (await wall.get(f"/api/v1/media/{medium['id']}")).status_code == 403
        gone = await client.post(
            f"/api/v1/manual/entries/{entry['event']}/withdraw", json={"reason": "nhầm chỗ"},
            headers={"If-Match": '"0"'},
        )  # fmt: skip
        assert gone.json()["media"] == []
        assert (await client.get(f"/api/v1/alerts/{name}/evidence")).json()["media"] == []


async def test_an_entry_takes_each_once_at_most_five_and_a_correction_adds(world: World):
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        many = [(await sent(client))["id"] for _ in range(6)]
        for wrong in (many, [many[0], many[0]], ["nothing"], [many[0].upper()]):
            assert (await rainfall(client, "rain-1", *wrong)).status_code == 422, wrong
        missing = await rainfall(client, "rain-1", many[0], "0" * 32)
        assert [(one["field"], one["code"]) for one in missing.json()["errors"]] == [("media", "unknown_media")]
        assert await count(world, "manual_entry") == 0, "an entry without what was attached to it is no entry"
        entry = (await rainfall(client, "rain-1", *many[:4])).json()
        assert (await rainfall(client, "rain-1", many[0])).status_code == 422, "each hangs on one entry"
        path = f"/api/v1/manual/entries/{entry['event']}"
        body = {"values": {"rain_24h_mm": 1.5}, "reason": "thêm ảnh", "media": many[4:6]}
        answer = await client.post(f"{path}/correct", json=body, headers={"If-Match": '"0"'})
        assert [one["code"] for one in answer.json()["errors"]] == ["too_many_media"]
        answer = await client.post(f"{path}/correct", json={**body, "media": [many[4]]}, headers={"If-Match": '"0"'})
        assert sorted(one["id"] for one in answer.json()["media"]) == sorted(many[:5])
        listed = (await client.get("/api/v1/manual?mine=true")).json()["items"]
        assert [len(one["media"]) for one in listed] == [5]
        history = (await client.get(f"{path}/history")).json()["items"]
        assert [len(one["media"]) for one in history] == [5, 5]


async def test_an_account_has_its_day_and_all_have_their_room(database_dsn: str):
    async with (
        open_world(database_dsn, media_account_mib_per_day=1, media_total_mib_max=2) as world,
        world.signed_in("op") as client,
        world.signed_in("op2") as other,
        world.signed_in("officer") as third,
    ):

        def paper(letter: bytes) -> bytes:
            return PDF + b"%" + letter * 700_000 + b"\n%%EOF"

        await sent(client, paper(b"a"), "application/pdf")
        full = await send(client, paper(b"b"), "application/pdf")
        assert (full.status_code, full.json()["code"], outcome(world, "account_full")) == (507, "media_full", 1)
        await sent(other, paper(b"c"), "application/pdf")
        await sent(third, paper(b"a"), "application/pdf")  # the same content takes no more room
        async with world.signed_in("root") as root, world.signed_in("chief") as chief:
            await sent(root, paper(b"a"), "application/pdf")
            full = await send(chief, paper(b"d"), "application/pdf")
        assert (full.status_code, outcome(world, "total_full")) == (507, 1)
        assert (await count(world, "media"), await count(world, "media_content")) == (4, 2)
        world.state.context.board.report(DISK, "90 % full")
        paused = await send(third, telephone_jpeg())
        assert (paused.status_code, paused.json()["code"], outcome(world, "disk")) == (503, "intake_paused", 1)


async def test_what_nobody_attaches_is_gone_after_a_day_and_what_an_event_has_stays_with_it(world: World):
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        loose, kept = await sent(client), await sent(client, telephone_jpeg(color="navy"))
        entry = (await rainfall(client, "rain-1", kept["id"])).json()
        assert await trim(world, days=0.9) == 0
        assert await trim(world, days=1.1) == 1
        assert (await client.get(f"/api/v1/media/{loose['id']}")).status_code == 404
        assert await count(world, "media_content") == 1, "what nothing uses any more is gone too"
        assert await trim(world, days=500) == 0, "the log still has its event"
        async with world.database.connection() as connection:
            await connection.execute("DELETE FROM event WHERE key = $1", bytes.fromhex(entry["event"]))
        assert (await client.get(f"/api/v1/media/{kept['id']}")).status_code == 200, "by where the event lay"
        name = await world.alert(opened_position=entry["position"])
        await world.insert("alert_history", {
            "alert": name, "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
            "evidence": {"clause": "x > 1", "values": {}, "position": 1,
                         "readings": [{"position": entry["position"], "device": "rain-1", "values": {},
                                       "effective": "2026-11-23T13:00:00.000Z"}]},
        })  # fmt: skip
        assert await trim(world, days=500) == 0, "an alert that is open rests on it"
        assert (await client.get(f"/api/v1/alerts/{name}/evidence")).json()["media"] == [kept]
        async with world.database.connection() as connection:
            await connection.execute("UPDATE alert SET condition = 'cleared', cleared_at = $1", NOW)
            await connection.execute("UPDATE alert_work SET state = 'resolved'")
        assert await trim(world, days=300) == 0, "not before its time"
        assert await trim(world, days=500) == 1
        assert (await count(world, "media"), await count(world, "media_content")) == (0, 0)


async def test_a_picture_of_a_person_is_removed_wherever_it_is_and_the_event_says_so(world: World):
    await world.device("rain-1")
    async with world.signed_in("op") as client:
        first, second = await sent(client), await sent(client)
        other = await sent(client, telephone_jpeg(color="navy"))
        entry = (await rainfall(client, "rain-1", first["id"], other["id"])).json()
        removed = await remove_medium(world.database, first["id"], actor="command line", reason="theo đơn", now=NOW)
        assert removed == sorted([first["id"], second["id"]]), "the same picture, sent twice"
        for each in removed:
            assert (await client.get(f"/api/v1/media/{each}")).status_code == 404
        told = (await client.get(f"/api/v1/manual/entries/{entry['event']}")).json()["media"]
        assert [(one["id"], one["removed"], one["sha256"]) for one in told] == [
            (first["id"], True, None), (other["id"], False, other["sha256"])
        ]  # fmt: skip
        assert (await client.get(f"/api/v1/media/{other['id']}")).status_code == 200
        assert (await rainfall(client, "rain-1", second["id"])).status_code == 422
        with pytest.raises(TransitionError):
            await remove_medium(world.database, first["id"], actor="x", reason="again", now=NOW)
        with pytest.raises(NotFoundError):
            await remove_medium(world.database, "0" * 32, actor="x", reason="none", now=NOW)
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM media_content") == 1
        trail = await connection.fetch("SELECT actor, object, detail FROM audit WHERE action = 'media.remove'")
    assert [tuple(row) for row in trail] == [
        ("command line", first["id"], {"reason": "theo đơn", "media": removed})
    ]  # fmt: skip


async def test_sending_and_trimming_at_once_lose_nothing(world: World):
    """What a pass deletes as unused may at that moment come into use again."""
    async with world.signed_in("op") as client:
        for _ in range(3):
            answers = await asyncio.gather(*(send(client, telephone_jpeg()) for _ in range(4)), trim(world, days=2),
                                           trim(world, days=2))  # fmt: skip
            for answer in answers[:4]:
                assert isinstance(answer, httpx2.Response)
                assert answer.status_code in (201, 404), answer.text
        async with world.database.connection() as connection:
            lost = await connection.fetchval(
                "SELECT count(*) FROM media m LEFT JOIN media_content c ON c.sha256 = m.sha256 WHERE c.sha256 IS NULL"
            )
    assert lost == 0


async def test_a_portal_sends_the_report_first_and_its_pictures_as_they_come(world: World):
    await world.device("rain-1")
    await world.event("rain-1", 1, id="r-1")
    await world.event("rain-far", 2, id="r-2", area=OTHER)
    await world.event("rain-1", 3, id="r-3", feed="citizen_report", data={"text": "x"})
    photo: dict[str, Any] = {"content": telephone_jpeg(), "headers": {"Content-Type": "image/jpeg"}}
    path = "/api/v1/media"
    async with (
        world.client(key="feed") as portal,
        world.client(key="district") as district,
        world.client(key="metrics") as scraper,
        world.signed_in("op") as client,
        world.signed_in("walled") as walled,
    ):
        own = {"feed": "rainfall", "device": "rain-1", "id": "r-1"}
        answer = await portal.post(path, params=own, **photo)
        assert answer.status_code == 201, answer.text
        medium = answer.json()
        key = (1).to_bytes(16, "big").hex()
        assert (await client.get(f"/api/v1/events/{key}")).json()["media"] == [medium]
        assert (await client.get(f"{path}/{medium['id']}")).status_code == 200
        assert (await walled.get(f"{path}/{medium['id']}")).status_code == 404
        assert (await portal.post(path, **photo)).status_code == 422, "a key says what it is of"
        for wrong in ({"event": key, "id": "r-1"}, {"feed": "rainfall"}, {**own, "event": key}):
            assert (await portal.post(path, params=wrong, **photo)).status_code == 422, wrong
        for foreign in ({**own, "id": "r-9"}, {**own, "device": "rain-2"}, {"event": "0" * 32},
                        {"feed": "citizen_report", "device": "rain-1", "id": "r-3"}):  # fmt: skip
            assert (await portal.post(path, params=foreign, **photo)).status_code == 404, foreign
        assert (await district.post(path, params=own, **photo)).status_code == 404, "beyond its wall"
        assert (await walled.post(path, params={"event": key}, **photo)).status_code == 404
        far = {"feed": "rainfall", "device": "rain-far", "id": "r-2"}
        assert (await district.post(path, params=far, **photo)).status_code == 201
        assert (await scraper.post(path, params=own, **photo)).status_code == 403
        for _ in range(2):
            assert (await client.post(path, params={"event": key}, **photo)).status_code == 201
        many = await asyncio.gather(*(client.post(path, params={"event": key}, **photo) for _ in range(4)))
        assert sorted(one.status_code for one in many) == [201, 201, 422, 422], "five in all, however many at once"
    async with world.database.connection() as connection:
        trail = await connection.fetchrow("SELECT actor, detail FROM audit WHERE action = 'media.add' ORDER BY id")
    assert trail["actor"].startswith("key ")
    assert trail["detail"]["event"] == key
