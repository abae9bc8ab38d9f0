"""The directory over the API on a real PostgreSQL: units and contacts, their history, the wall, and where names lie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from ioc.domain.contacts.directory import Unit
from ioc.store.audit.trail import verify_chain
from ioc.store.log.event_log import EventLog
from ioc.store.personal.erasure import erase_person
from ioc.store.rules.pack_apply import PackStore
from tests.integration.api.conftest import NOW, OTHER, OWN, World, make_pack

WARD = {"name_vi": "UBND phường Hòa Bình", "areas": [OWN], "why": "Lập danh bạ"}
DESK = {"title_vi": "Trực ban", "methods": [{"kind": "tel", "value": "0218 000 0001"}], "why": "Lập danh bạ"}
NAME, NUMBER = "Quách Thị Canh", "0912 000 777"


class Directory:
    """The directory of the running API, as the administrator of every area edits it."""

    def __init__(self, world: World, client: httpx2.AsyncClient) -> None:
        self.world, self.client = world, client

    async def add(self, noun: str, **body: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/api/v1/{noun}", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def unit(self, **changes: Any) -> dict[str, Any]:
        return await self.add("units", **{**WARD, **changes})

    async def contact(self, unit: str, **changes: Any) -> dict[str, Any]:
        return await self.add("contacts", **{**DESK, "unit": unit, **changes})

    async def do(self, method: str, path: str, body: Mapping[str, Any], version: int | None) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self.client.request(method, f"/api/v1/{path}", json=body, headers=headers)


@pytest.fixture
async def directory(world: World) -> AsyncIterator[Directory]:
    async with world.signed_in("root") as client:
        yield Directory(world, client)


async def ids(client: httpx2.AsyncClient, path: str) -> list[str]:
    answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_a_unit_is_added_corrected_taken_out_and_brought_back_with_who_and_why(directory: Directory):
    made = await directory.unit(domains=["disaster"], hours={"days": ["mon", "fri"], "hours": ["07:30-17:00"]})
    assert (made["origin"], made["version"], made["name"]) == (
        "site", 1, {"vi": "UBND phường Hòa Bình", "en": "UBND phường Hòa Bình"},
    )  # fmt: skip
    assert made["areas"] == [{"code": OWN, "name": {"vi": "Phường Hòa Bình", "en": "Hoa Binh ward"}}]
    assert made["hours"] == {"days": ["mon", "fri"], "hours": ["07:30-17:00"], "holidays": None}
    path, why = f"units/{made['id']}", {"why": "Nhập nhầm"}
    assert (await directory.do("PUT", path, WARD, None)).status_code == 428
    same = await directory.do("PUT", path, {**WARD, "domains": ["disaster"], "hours": made["hours"]}, 1)
    assert (same.status_code, same.json()["version"]) == (200, 1), (
        "as it is told it may be sent back, and nothing changes"
    )
    corrected = await directory.do("PUT", path, {**WARD, "name_vi": "UBND P. Hòa Bình"}, 1)
    assert (corrected.status_code, corrected.json()["version"], corrected.headers["etag"]) == (200, 2, '"2"')
    lost = await directory.do("DELETE", path, why, 1)
    assert (lost.status_code, lost.json()["current"]["version"]) == (412, 2)
    gone = await directory.do("DELETE", path, why, 2)
    assert (gone.status_code, gone.json()["removed"]) == (200, True)
    assert (await directory.client.get(f"/api/v1/{path}")).status_code == 404
    assert await ids(directory.client, "units") == []
    assert await ids(directory.client, "units?removed=true") == [made["id"]]
    back = await directory.do("POST", f"{path}/undo", why, 3)
    assert (back.status_code, back.json()["name"]["vi"], back.json()["version"]) == (200, "UBND P. Hòa Bình", 4)
    before = await directory.do("POST", f"{path}/undo", why, 4)
    assert (before.status_code, before.json()["removed"]) == (200, True), "the step before was the taking out"
    history = (await directory.client.get(f"/api/v1/{path}/history")).json()["items"]
    assert [(step["action"], step["why"], step["actor"]) for step in history] == [
        ("undo", "Nhập nhầm", "root"), ("undo", "Nhập nhầm", "root"), ("remove", "Nhập nhầm", "root"),
        ("put", "Lập danh bạ", "root"), ("put", "Lập danh bạ", "root"),
    ]  # fmt: skip
    async with directory.world.database.connection() as connection:
        rows = await connection.fetch("SELECT action, detail FROM audit WHERE action LIKE 'unit.%' ORDER BY id")
        assert [row["action"] for row in rows] == ["unit.put", "unit.put", "unit.remove", "unit.undo", "unit.undo"]
        assert rows[1]["detail"]["changed"] == ["name_vi", "name_en", "domains", "hours"]
        assert (await verify_chain(connection)).broken_at is None


FAULTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("units", {**WARD, "domains": ["weather"]}, "domains"),
    ("units", {**WARD, "areas": ["99999"]}, "areas"),
    ("units", {**WARD, "areas": ["04801"]}, "areas"),
    ("units", {**WARD, "hours": {"hours": ["08:00-08:00"]}}, "hours"),
    ("units", {**WARD, "next_level": "nobody"}, "next_level"),
    ("units", {**WARD, "name_vi": "\u200b"}, "name_vi"),
    ("units", {**WARD, "why": ""}, "why"),
    ("contacts", {**DESK, "unit": "nobody"}, "unit"),
    ("contacts", {**DESK, "methods": [{"kind": "tel", "value": "call me"}]}, "methods"),
    ("contacts", {**DESK, "methods": [{"kind": "email", "value": "truc.ban"}]}, "methods"),
    ("contacts", {**DESK, "methods": [{"kind": "fax", "value": "1"}]}, "methods"),
    ("contacts", {**DESK, "deputy": "nobody"}, "deputy"),
)


@pytest.mark.parametrize(("noun", "body", "field"), FAULTS)
async def test_what_makes_no_sense_is_refused_by_its_member(
    directory: Directory, noun: str, body: dict[str, Any], field: str
):
    unit = await directory.unit()
    answer = await directory.client.post(
        f"/api/v1/{noun}", json={"unit": unit["id"], **body} if noun != "units" else body
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field), answer.text


async def test_a_deputy_is_of_the_same_unit(directory: Directory):
    one, other = await directory.unit(), await directory.unit(name_vi="Đội khác")
    desk, foreign = await directory.contact(one["id"]), await directory.contact(other["id"])
    body = {**DESK, "unit": one["id"], "deputy": foreign["id"]}
    refused = await directory.do("PUT", f"contacts/{desk['id']}", body, 1)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "deputy")


async def test_names_and_numbers_lie_where_they_can_be_erased_and_nowhere_in_the_audit_trail(directory: Directory):
    unit = await directory.unit()
    made = await directory.contact(unit["id"], person=NAME, methods=[{"kind": "zalo", "value": NUMBER}])
    assert made["person"] == NAME
    path, body = f"contacts/{made['id']}", {**DESK, "unit": unit["id"], "person": NAME}
    kept = await directory.do("PUT", path, {**body, "title_vi": "Lãnh đạo trực"}, 1)
    assert (kept.json()["person"], kept.json()["version"]) == (NAME, 2)
    database = directory.world.database
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM person_data") == 1, (
            "the same name stays under its reference"
        )
        assert await connection.fetchval("SELECT person FROM contact") != NAME
        trail = await connection.fetch("SELECT detail FROM audit WHERE action LIKE 'contact.%'")
        log = await connection.fetch("SELECT data FROM event")
        told = json.dumps([dict(row) for row in [*trail, *log]], ensure_ascii=False)
        assert len(trail) == 2
        assert NAME not in told
        assert NUMBER not in told
        assert "0218" not in told
    erased = await erase_person(database, NAME, actor="root", reason="yêu cầu", now=NOW)
    assert (erased.rows, erased.left) == ({"person_data.value": 1}, {})
    number = await erase_person(database, NUMBER, actor="root", reason="yêu cầu", now=NOW)
    assert (number.rows, number.left) == ({"directory_history.body": 1}, {})
    assert (await directory.client.get(f"/api/v1/{path}")).json()["person"] is None


async def test_who_held_a_function_before_is_kept_for_an_undo_and_then_forgotten(directory: Directory):
    unit = await directory.unit()
    made = await directory.contact(unit["id"], person=NAME)
    path = f"contacts/{made['id']}"
    await directory.do("PUT", path, {**DESK, "unit": unit["id"], "person": "Bùi Văn Mẫu"}, 1)
    async with directory.world.database.connection() as connection:
        dated = await connection.fetch("SELECT value, log_time IS NULL AS held FROM person_data ORDER BY value")
    assert [(row["value"], row["held"]) for row in dated] == [("Bùi Văn Mẫu", True), (NAME, False)]
    back = await directory.do("POST", f"{path}/undo", {"why": "Nhập nhầm"}, 2)
    assert back.json()["person"] == NAME
    async with directory.world.database.connection() as connection:
        dated = await connection.fetch("SELECT value, log_time IS NULL AS held FROM person_data ORDER BY value")
    assert [(row["value"], row["held"]) for row in dated] == [("Bùi Văn Mẫu", False), (NAME, True)]


async def test_the_wall_shows_units_that_act_inside_it_and_lets_only_those_be_changed_that_act_nowhere_else(
    directory: Directory,
):
    own, other = await directory.unit(areas=[OTHER]), await directory.unit(areas=[OWN])
    zone, wide = await directory.unit(areas=["luong-son"]), await directory.unit(areas=[])
    both = await directory.unit(areas=[OWN, OTHER])
    desks = {one["id"]: await directory.contact(one["id"]) for one in (own, other, zone, wide, both)}
    async with directory.world.signed_in("walled-admin") as client:
        walled = Directory(directory.world, client)
        assert set(await ids(client, "units")) == {own["id"], zone["id"], wide["id"], both["id"]}
        assert set(await ids(client, "contacts")) == {
            desks[one["id"]]["id"] for one in (own, zone, wide, both)
        }  # fmt: skip
        assert (await client.get(f"/api/v1/units/{other['id']}")).status_code == 404
        assert (await client.get(f"/api/v1/contacts/{desks[other['id']]['id']}/history")).status_code == 404
        why = {"why": "Đính chính"}
        inside = {"name_vi": "Đội Lương Sơn", "areas": [OTHER], **why}
        verdicts = {
            one["id"]: (await walled.do("PUT", f"units/{one['id']}", inside, 1)).status_code
            for one in (own, zone, wide, both, other)
        }
        assert list(verdicts.values()) == [200, 200, 403, 403, 404]
        assert (await client.post("/api/v1/units", json={**WARD})).status_code == 403
        assert (await client.post("/api/v1/units", json={**WARD, "areas": []})).status_code == 403
        assert (await client.post("/api/v1/units", json={**inside, "areas": ["luong-son"]})).status_code == 201
        answers = [
            (await walled.do("DELETE", f"contacts/{desks[one['id']]['id']}", why, 1)).status_code
            for one in (own, wide, other)
        ]
        assert answers == [200, 403, 404]
        foreign = await client.post("/api/v1/contacts", json={**DESK, "unit": other["id"]})
        assert foreign.status_code == 422
        assert (await walled.do("POST", f"units/{wide['id']}/undo", why, 1)).status_code == 403


async def test_only_those_who_handle_alerts_read_it_and_no_wall_or_key_ever(directory: Directory):
    unit = await directory.unit()
    desk = await directory.contact(unit["id"], person=NAME)
    paths = ("units", "contacts", f"units/{unit['id']}", f"contacts/{desk['id']}", f"contacts/{desk['id']}/history")
    for person in ("view", "mayor", "auditor"):
        async with directory.world.signed_in(person) as client:
            assert {(await client.get(f"/api/v1/{path}")).status_code for path in paths} == {403}, person
    for key in ("display", "district", "feed", "metrics"):
        async with directory.world.client(key=key) as client:
            assert {(await client.get(f"/api/v1/{path}")).status_code for path in paths} == {403}, key
    async with directory.world.signed_in("op") as client:
        assert {(await client.get(f"/api/v1/{path}")).status_code for path in paths} == {200}
        assert (await client.post("/api/v1/units", json=WARD)).status_code == 403, "reading is no editing"


async def test_a_list_is_read_in_pages_and_narrowed_by_area_and_domain(directory: Directory):
    made = [await directory.unit(areas=[OWN if number % 2 else OTHER]) for number in range(4)]
    health = await directory.unit(domains=["health"], areas=[])
    client = directory.client
    first = (await client.get("/api/v1/units", params={"limit": 3})).json()
    rest = (await client.get("/api/v1/units", params={"limit": 3, "cursor": first["next"]})).json()
    listed = [item["id"] for item in [*first["items"], *rest["items"]]]
    assert listed == sorted(one["id"] for one in (*made, health))
    assert rest["next"] is None
    assert set(await ids(client, f"units?area={OWN}")) == {made[1]["id"], made[3]["id"], health["id"]}
    assert set(await ids(client, "units?domain=disaster")) == {one["id"] for one in made}
    assert (await client.get("/api/v1/units?domain=weather")).status_code == 400


async def test_the_pack_brings_units_and_never_overwrites_what_the_site_says(directory: Directory):
    database = directory.world.database
    store = PackStore(database, EventLog(database))
    pack = make_pack()
    units = tuple(Unit(id=name, name_vi=name, name_en=name, domains=("disaster",)) for name in ("kttv", "pctt", "old"))
    await store.apply(replace(pack, units=units), NOW)
    assert await ids(directory.client, "units") == ["kttv", "old", "pctt"]
    edited = await directory.do("PUT", "units/kttv", {"name_vi": "Đài KTTV Hòa Bình", "why": "Tên mới"}, 1)
    assert (edited.json()["origin"], edited.json()["version"]) == ("site", 2)
    newer = tuple(replace(unit, name_vi=f"{unit.name_vi} mới") for unit in units[:2])
    await store.apply(replace(pack, units=newer), NOW)
    listed = (await directory.client.get("/api/v1/units")).json()["items"]
    assert [(one["id"], one["name"]["vi"], one["changed_by"]) for one in listed] == [
        ("kttv", "Đài KTTV Hòa Bình", "root"), ("pctt", "pctt mới", None),
    ]  # fmt: skip
    assert await ids(directory.client, "units?removed=true") == ["old"]
