"""Rows of lookup tables over the API on a real PostgreSQL: rows, history and audit as one, inside the wall."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from ioc.domain.lookups.table import ROWS_MAX
from ioc.store.audit import trail as audit
from ioc.store.lookups import kind
from tests.integration.api.conftest import OTHER, World

PERMIT: dict[str, Any] = {
    "table": "gauge-permit", "key": "rain-1", "source": "Bản chụp giấy phép",
    "data": {"permit": "12/GP-UBND", "volume": 500, "issued_on": "2026-01-15"}, "why": "Hồ sơ mới",
}  # fmt: skip
PLATE: dict[str, Any] = {
    "table": "plate", "key": "28A-123.45", "source": "Thông báo 7", "data": {"kind": "stolen", "agency": "CSGT"},
    "why": "Công an báo",
}  # fmt: skip


@dataclass
class Lookups:
    """The lookup tables of the running API."""

    world: World
    client: httpx2.AsyncClient

    async def put(self, body: dict[str, Any], version: int | None = 0, **changes: Any) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self.client.put("/api/v1/lookups", json={**body, **changes}, headers=headers)

    async def written(self, body: dict[str, Any], version: int = 0, **changes: Any) -> dict[str, Any]:
        answer = await self.put(body, version, **changes)
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return dict(answer.json())

    async def listed(self, query: str = "") -> list[str]:
        answer = await self.client.get(f"/api/v1/lookups{query}")
        assert answer.status_code == 200, answer.text
        return [item["key"] for item in answer.json()["items"]]

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        async with self.world.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement)]

    async def looks(self) -> list[tuple[str, str, Any]]:
        found = await self.rows("SELECT actor, object, detail FROM audit WHERE action = 'lookup.look' ORDER BY id")
        return [(row["actor"], row["object"], row["detail"]["rows"]) for row in found]


@pytest.fixture
async def lookups(world: World) -> AsyncIterator[Lookups]:
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    await world.device("car-1", feed="camera_detection")
    async with world.signed_in("root") as client:
        yield Lookups(world, client)


async def test_a_row_is_row_history_and_audit_and_says_why(lookups: Lookups):
    made = await lookups.written(PERMIT)
    assert (made["key"], made["device"], made["version"], made["state"]) == ("rain-1", "rain-1", 1, "holds")
    assert made["device_name"]["vi"] == "Trạm rain-1"
    assert [(one["label"]["vi"], one["value"], one["unit"]) for one in made["columns"]] == [
        ("Số giấy phép", "12/GP-UBND", ""), ("Lưu lượng", 500, "m³"), ("Ngày cấp", "2026-01-15", "")
    ]  # fmt: skip
    (line,) = await lookups.rows("SELECT actor, action, object, detail FROM audit WHERE action LIKE 'lookup.%'")
    assert (line["actor"], line["action"], line["object"]) == ("root", "lookup.put", made["id"])
    assert (line["detail"]["why"], line["detail"]["rows"][0]["data"]["permit"]) == ("Hồ sơ mới", "12/GP-UBND")
    assert (await lookups.written(PERMIT, 1))["version"] == 1, "the same once more changes nothing"
    changed = await lookups.written(PERMIT, 1, valid_to="2027-12-31", why="Đính chính")
    assert (changed["id"], changed["version"], changed["valid_to"]) == (made["id"], 2, "2027-12-31")
    history = (await lookups.client.get(f"/api/v1/lookups/{made['id']}/history")).json()["items"]
    assert [(step["action"], step["why"], step["row"]["valid_to"]) for step in history] == [
        ("put", "Đính chính", "2027-12-31"), ("put", "Hồ sơ mới", None)
    ]  # fmt: skip
    assert await lookups.rows("SELECT 1 FROM event") == [], "no rule reads them: the log is told nothing"
    async with lookups.world.database.connection() as connection:
        assert (await audit.verify_chain(connection)).broken_at is None


async def test_a_change_is_taken_back_step_by_step(lookups: Lookups):
    made = await lookups.written(PERMIT)
    await lookups.written(PERMIT, 1, source="Bản gốc")
    path, why = f"/api/v1/lookups/{made['id']}", {"why": "Nhập nhầm"}
    undone = await lookups.client.post(f"{path}/undo", json=why, headers={"If-Match": '"2"'})
    assert (undone.status_code, undone.json()["source"], undone.json()["version"]) == (200, "Bản chụp giấy phép", 3)
    lost = await lookups.client.request("DELETE", path, json=why, headers={"If-Match": '"2"'})
    assert (lost.status_code, lost.json()["current"]["version"]) == (412, 3)
    gone = await lookups.client.request("DELETE", path, json=why, headers={"If-Match": '"3"'})
    assert (gone.status_code, gone.json()["removed"]) == (200, True)
    assert (await lookups.client.get(path)).status_code == 404
    assert (await lookups.listed(), await lookups.listed("?removed=true")) == ([], ["rain-1"])
    back = await lookups.client.post(f"{path}/undo", json=why, headers={"If-Match": '"4"'})
    assert (back.status_code, back.json()["source"]) == (200, "Bản chụp giấy phép")


async def test_two_who_write_at_once_do_not_overwrite_each_other(lookups: Lookups):
    assert (await lookups.put(PERMIT, None)).status_code == 428
    await lookups.written(PERMIT)
    refused = await lookups.put(PERMIT, 0, source="Khác")
    assert (refused.status_code, refused.json()["current"]["source"]) == (412, "Bản chụp giấy phép")


async def test_a_plate_is_the_same_however_it_is_written(lookups: Lookups):
    made = await lookups.written(PLATE)
    again = await lookups.written(PLATE, 1, key="28a 12345", data={"kind": "priority"})
    assert (again["id"], again["version"], again["key"]) == (made["id"], 2, "28a 12345")
    assert again["columns"][0]["word"] == {"vi": "xe ưu tiên", "en": "priority"}
    for query in ("?key=28A%2012345", "?q=28a-123", "?table=plate&q=123.45"):
        assert await lookups.listed(query) == ["28a 12345"], query
    assert await lookups.listed("?q=28B") == []
    await lookups.written(PERMIT)
    assert await lookups.listed("?q=tram%20rain") == ["rain-1"], "by the device's name"


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({**PERMIT, "table": "permits"}, "table"),
    ({**PERMIT, "key": "rain-9"}, "key"),
    ({**PERMIT, "key": "car-1"}, "key"),
    ({**PERMIT, "data": {"volume": 5}}, "permit"),
    ({**PERMIT, "data": {"permit": "12", "volume": "5"}}, "volume"),
    ({**PERMIT, "data": {"permit": "12", "issued_on": "15/1/2026"}}, "issued_on"),
    ({**PERMIT, "data": {"permit": "12", "owner": "A"}}, "owner"),
    ({**PERMIT, "data": {"permit": "x" * 401}}, "permit"),
    ({**PERMIT, "source": "\u200b"}, "source"),
    ({**PERMIT, "valid_from": "2026-12-01", "valid_to": "2026-11-30"}, "valid_to"),
    ({**PLATE, "data": {"kind": "lost"}}, "kind"),
    ({**PLATE, "key": "..."}, "key"),
    ({**PERMIT, "why": ""}, "why"),
)  # fmt: skip


async def test_what_no_table_has_is_refused_by_its_member(lookups: Lookups):
    for body, field in FAULTS:
        answer = await lookups.put(body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert await lookups.listed() == []


async def test_of_the_rows_of_one_key_one_holds_on_a_day(lookups: Lookups):
    """2026-11-29 is today."""
    for first, last, permit in (
        (None, "2026-09-30", "old"), ("2026-10-01", None, "now"), ("2027-01-01", None, "next"),
    ):  # fmt: skip
        await lookups.written(PERMIT, valid_from=first, valid_to=last, data={"permit": permit})

    async def states(query: str = "") -> dict[str, str]:
        answer = await lookups.client.get(f"/api/v1/lookups?device=rain-1{query}")
        return {item["data"]["permit"]: item["state"] for item in answer.json()["items"]}

    assert await states() == {"old": "ended", "now": "holds", "next": "coming"}
    assert await states("&on=2026-09-01") == {"old": "holds"}
    assert await states("&on=2027-02-01") == {"now": "replaced", "next": "holds"}


async def test_a_wall_hides_rows_of_devices_beyond_it_and_machines_get_nothing_restricted(lookups: Lookups):
    await lookups.written(PERMIT)
    await lookups.written(PERMIT, key="rain-2")
    plate = await lookups.written(PLATE)
    tables = (await lookups.client.get("/api/v1/lookups/tables")).json()
    assert [(one["id"], one["rows"], one["restricted"]) for one in tables["items"]] == [
        ("gauge-permit", 2, False), ("plate", 1, True)
    ]  # fmt: skip
    async with lookups.world.client(key="district") as machine:
        seen = (await machine.get("/api/v1/lookups")).json()["items"]
        assert [one["key"] for one in seen] == ["rain-2"]
        assert [one["id"] for one in (await machine.get("/api/v1/lookups/tables")).json()["items"]] == ["gauge-permit"]
        for path in ("/api/v1/lookups?table=plate", f"/api/v1/lookups/{plate['id']}",
                     f"/api/v1/lookups/{plate['id']}/history"):  # fmt: skip
            answer = await machine.get(path)
            assert answer.status_code in (400, 404), path
            assert "28A" not in answer.text
    async with lookups.world.signed_in("walled") as person:
        assert [one["key"] for one in (await person.get("/api/v1/lookups")).json()["items"]] == ["rain-2", "28A-123.45"]
    async with lookups.world.client(key="display") as wall:
        assert (await wall.get("/api/v1/lookups")).status_code == 403


async def test_who_saw_a_restricted_row_is_in_the_audit_trail_once(lookups: Lookups):
    plate, other = await lookups.written(PLATE), await lookups.written(PLATE, key="30F-999.99")
    await lookups.written(PERMIT)
    async with lookups.world.signed_in("view") as person:
        await person.get("/api/v1/lookups?table=gauge-permit")
        assert await lookups.looks() == []
        await person.get("/api/v1/lookups?table=plate&key=28A12345")
        await person.get("/api/v1/lookups?table=plate&key=28A12345")
        await person.get(f"/api/v1/lookups/{plate['id']}/history")
        await person.get("/api/v1/lookups")
    assert await lookups.looks() == [
        ("view", plate["id"], [plate["id"]]),
        ("view", "plate", [plate["id"], other["id"]]),
    ]


async def test_rows_come_in_pages(lookups: Lookups):
    for number in range(5):
        await lookups.written(PLATE, key=f"28A-1000{number}")
    found, cursor = [], ""
    for _ in range(3):
        page = (await lookups.client.get(f"/api/v1/lookups?limit=2{cursor}")).json()
        found += [item["key"] for item in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert found == [f"28A-1000{number}" for number in range(5)]
    assert page["next"] is None


async def test_the_bound_on_rows_is_said(lookups: Lookups):
    object.__setattr__(kind.LOOKUPS, "rows_max", 1)
    try:
        await lookups.written(PLATE)
        refused = await lookups.put(PLATE, key="30F-999.99")
    finally:
        object.__setattr__(kind.LOOKUPS, "rows_max", ROWS_MAX)
    assert (refused.status_code, "more than 1 rows" in refused.json()["detail"]) == (409, True), refused.text
    assert await lookups.listed() == ["28A-123.45"]


async def test_those_who_keep_the_registry_of_every_area_write_rows(lookups: Lookups):
    async with lookups.world.signed_in("chief") as client:
        answer = await client.put("/api/v1/lookups", json=PERMIT, headers={"If-Match": '"0"'})
        assert answer.status_code == 200, answer.text
    for who in ("op", "walled-admin", "view"):
        async with lookups.world.signed_in(who) as client:
            refused = await client.put("/api/v1/lookups", json=PERMIT, headers={"If-Match": '"0"'})
            assert refused.status_code == 403, who
