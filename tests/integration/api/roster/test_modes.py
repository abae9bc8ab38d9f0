"""Duty modes over the API on a real PostgreSQL: declared and ended by people, one at a time, told to every stream."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ioc.api.views.duty import read_roster_state
from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, World

STORM = {"mode": "reinforced", "why": "Bão số 9 vào đất liền"}
ORDER = {"mode": "emergency", "level": 2, "decision": "123/QĐ-UBND", "why": "Phòng thủ dân sự cấp độ 2"}


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).isoformat()


async def declare(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/duty-modes", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def mode_now(world: World) -> tuple[str, int | None] | None:
    """What the clock of every stream would tell."""
    async with world.database.connection() as connection:
        state = await read_roster_state(connection, world.state.context, await world.state.areas.book())
    return None if state.mode is None else (str(state.mode.mode), state.mode.level)


async def test_a_mode_is_declared_replaced_and_ended_with_who_and_why(world: World):
    assert await mode_now(world) is None
    async with world.signed_in("chief") as client:
        first = await declare(client, **STORM, ends_at=at(48))
        assert (first["declared_by"], first["level"], first["version"]) == ("chief", None, 1)
        assert await mode_now(world) == ("reinforced", None)
        world.clock.step_to(NOW + timedelta(hours=2))
        second = await declare(client, **ORDER)
        assert await mode_now(world) == ("emergency", 2)
        listed = (await client.get("/api/v1/duty-modes")).json()["items"]
        assert [one["id"] for one in listed] == [second["id"], first["id"]]
        assert (listed[1]["ends_at"], listed[1]["ended_by"]) == (second["starts_at"], "chief")
        path, why = f"/api/v1/duty-modes/{second['id']}/end", {"why": "Bão tan"}
        assert (await client.post(path, json=why)).status_code == 428
        world.clock.step_to(NOW + timedelta(hours=5))
        ended = await client.post(path, json=why, headers={"If-Match": '"1"'})
        assert (ended.status_code, ended.json()["ended_why"], ended.headers["etag"]) == (200, "Bão tan", '"2"')
        assert await mode_now(world) is None
        lost = await client.post(path, json=why, headers={"If-Match": '"1"'})
        assert (lost.status_code, lost.json()["current"]["version"]) == (412, 2)
        over = await client.post(path, json=why, headers={"If-Match": '"2"'})
        assert over.status_code == 409
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT action FROM audit WHERE action LIKE 'duty_mode.%' ORDER BY id")
        assert [row["action"] for row in rows] == ["duty_mode.declare", "duty_mode.declare", "duty_mode.end"]
        assert (await verify_chain(connection)).broken_at is None


async def test_a_mode_ends_by_itself_and_one_ahead_begins_by_itself(world: World):
    async with world.signed_in("root") as client:
        await declare(client, **STORM, starts_at=at(2), ends_at=at(4))
        assert await mode_now(world) is None
        into = await client.post("/api/v1/duty-modes", json=ORDER)
        assert (into.status_code, into.json()["errors"][0]["field"]) == (422, "ends_at"), (
            "it would reach into the later"
        )
    for hours, expected in ((2, ("reinforced", None)), (3.99, ("reinforced", None)), (4, None)):
        world.clock.step_to(NOW + timedelta(hours=hours))
        assert await mode_now(world) == expected, hours


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": "normal"}, "mode"),
        ({"level": 4}, "level"),
        ({"decision": None}, "decision"),
        ({"decision": "\u200b"}, "decision"),
        ({"ends_at": at(-1)}, "ends_at"),
        ({"ends_at": at(24 * 400)}, "ends_at"),
        ({"starts_at": at(24 * 100)}, "starts_at"),
        ({"why": ""}, "why"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_member(world: World, changes: dict[str, Any], field: str):
    async with world.signed_in("root") as client:
        answer = await client.post("/api/v1/duty-modes", json={**ORDER, **changes})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_who_keeps_the_registry_of_every_area_declares_and_everybody_reads(world: World):
    for name, status in (("op", 403), ("view", 403), ("walled-admin", 403), ("chief", 201)):
        async with world.signed_in(name) as client:
            assert (await client.get("/api/v1/duty-modes")).status_code == 200, name
            assert (await client.post("/api/v1/duty-modes", json=STORM)).status_code == status, name
