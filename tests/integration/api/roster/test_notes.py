"""The shift log over the API on a real PostgreSQL: added in one call, never changed, inside the wall."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, OTHER, World
from tests.integration.api.roster.test_shifts import Roster


async def write(client: httpx2.AsyncClient, text: str, **others: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/shift-notes", json={"text": text, **others})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def texts(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/api/v1/shift-notes", params=query)
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["items"]]


async def test_a_line_stays_as_it_was_written_and_a_correction_refers_to_it(world: World):
    await world.alert()
    async with world.signed_in("op") as client:
        first = await write(client, "Mất điện trạm Tân Hòa lúc 14:20", alert="al_one")
        assert (first["author"], first["alert"]["id"], first["corrected"]) == ("op", "al_one", False)
        assert first["place"]["vi"] == "Phường Hòa Bình"
        again = await write(client, "Đính chính: 14:02", corrects=first["id"])
        assert (again["corrects"], again["place"]) == (first["id"], first["place"])
        listed = (await client.get("/api/v1/shift-notes")).json()["items"]
        assert [(one["text"], one["corrected"]) for one in listed] == [
            ("Đính chính: 14:02", False), ("Mất điện trạm Tân Hòa lúc 14:20", True),
        ]  # fmt: skip
        assert await texts(client, alert="al_one") == ["Mất điện trạm Tân Hòa lúc 14:20"]
    async with world.database.connection() as connection:
        for change in ("UPDATE shift_note SET text = 'x'", "DELETE FROM shift_note"):
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(change)
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT detail FROM audit WHERE action = 'shift_note.add' ORDER BY id")
        assert [row["detail"]["corrects"] for row in rows] == [None, first["id"]]
        assert "Mất điện" not in str(rows)
        assert (await verify_chain(connection)).broken_at is None


async def test_lines_are_listed_by_shift_and_in_pages(world: World):
    async with world.signed_in("root") as client:
        roster = Roster(world, client)
        unit, (one, other) = await roster.crew("Kíp A", "Kíp B")
        early, late = await roster.shift(unit, one, -8, 0), await roster.shift(unit, other, 0, 8)
        world.clock.step_to(NOW + timedelta(hours=1))
        for number in range(5):
            await write(client, f"Dòng {number}")
        assert await texts(client, shift=early["id"]) == []
        assert await texts(client, shift=late["id"]) == [f"Dòng {number}" for number in (4, 3, 2, 1, 0)]
        page = (await client.get("/api/v1/shift-notes", params={"limit": 2})).json()
        assert await texts(client, limit=2, cursor=page["next"]) == ["Dòng 2", "Dòng 1"]
        assert (await client.get("/api/v1/shift-notes", params={"shift": "sh-0"})).status_code == 404


async def test_the_wall_holds_for_reading_writing_and_correcting(world: World):
    await world.alert()
    await world.alert("al_far", area=OTHER)
    async with world.signed_in("op") as client:
        site = await write(client, "Toàn địa bàn: gió mạnh")
        here = await write(client, "Ở phường Hòa Bình", alert="al_one")
        there = await write(client, "Ở xã Lương Sơn", alert="al_far")
        assert site["place"] is None
    async with world.signed_in("walled") as client:
        assert await texts(client) == ["Ở xã Lương Sơn"]
        own = await write(client, "Đã kiểm tra ngầm tràn")
        assert own["place"] is not None
        assert await texts(client) == ["Đã kiểm tra ngầm tràn", "Ở xã Lương Sơn"]
        for body, member in (({"alert": "al_one"}, "alert"), ({"corrects": here["id"]}, "corrects")):
            refused = await client.post("/api/v1/shift-notes", json={"text": "x", **body})
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, member), refused.text
        assert (await write(client, "Sửa", corrects=there["id"]))["corrects"] == there["id"]


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "x" * 501])
async def test_a_line_has_words_and_an_end(world: World, text: str):
    async with world.signed_in("op") as client:
        answer = await client.post("/api/v1/shift-notes", json={"text": text})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")


async def test_it_is_for_who_handles_alerts(world: World):
    for name, allowed in (("officer", True), ("chief", True), ("view", False), ("mayor", False), ("auditor", False)):
        async with world.signed_in(name) as client:
            assert (await client.get("/api/v1/shift-notes")).status_code == (200 if allowed else 403), name
            answer = await client.post("/api/v1/shift-notes", json={"text": "Thử"})
            assert answer.status_code == (201 if allowed else 403), name
