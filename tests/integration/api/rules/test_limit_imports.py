"""Sheets of limits over the API on a real PostgreSQL: tried, written as a whole, and undone as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import SheetBounds, SheetReader
from ioc.store.audit import trail as audit
from tests.integration.api.conftest import OTHER
from tests.integration.api.rule_world import open_rules
from tests.integration.api.rules.test_limits import TABLED, ZONED, Limits

HEAD = "name,device,class,area,value,unit,source,verified,valid_from,valid_to"
CSV = {"Content-Type": "text/csv"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PATH = "/api/v1/limits/imports"


@pytest.fixture
async def limits(database_dsn: str) -> AsyncIterator[Limits]:
    async with open_rules(database_dsn, TABLED, ZONED) as opened:
        await opened.world.device("rain-1", device_class="slope")
        await opened.world.device("rain-2", area=OTHER)
        yield Limits(opened.world, opened.client)


def sheet(*rows: str) -> bytes:
    return "\n".join((HEAD, *rows)).encode()


async def sent(limits: Limits, body: bytes, **query: str) -> httpx2.Response:
    return await limits.client.post(PATH, content=body, headers=CSV, params=query)


async def undone(limits: Limits, identifier: str, version: int = 1) -> httpx2.Response:
    return await limits.client.post(f"{PATH}/{identifier}/undo", json={"why": "Nhầm tệp"},
                                    headers={"If-Match": f'"{version}"'})  # fmt: skip


TWO = ("rain.day,rain-1,,,70,mm,GP 70,true,2027-01-01,", "rain.day,,slope,,60,mm,GP 60,,,")


async def test_a_sheet_with_a_single_fault_writes_nothing_and_names_each_cell(limits: Limits):
    wrong = sheet(*TWO, "rain.day,rain-9,,,sáu,mm,GP,,,", "rain.day,rain-2,,,5,cm,GP,,,")
    tried = (await sent(limits, wrong, dry_run="true")).json()
    assert [(fault["cell"], fault["code"]) for fault in tried["faults"]] == [("E4", "bad_number"), ("F5", "wrong_unit")]
    assert (tried["fault_count"], tried["new_count"], tried["rows"]) == (2, 2, 4)
    assert [item["outcome"] for item in tried["items"]] == ["faulty", "faulty", "new", "new"]
    refused = await sent(limits, wrong, why="Giấy phép 2027")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["E4", "F5"]
    assert await limits.listed() == []
    assert await limits.logged() == []
    assert (await limits.client.get(PATH)).json()["items"] == []


async def test_a_sheet_is_tried_written_as_one_and_undone_as_one(limits: Limits):
    before = await limits.written(value=90, why="Đã có")
    body = sheet(*TWO, "rain.day,rain-1,,,80,mm,QĐ 12,false,,", "rain.day,rain-2,,,50,mm,GP 50,,,")
    tried = (await sent(limits, body, dry_run="true")).json()
    assert (tried["new_count"], tried["changed_count"], tried["unchanged_count"]) == (3, 1, 0)
    changed = next(item for item in tried["items"] if item["outcome"] == "changed")
    assert (changed["row"], changed["changed"], changed["before"]) == (4, ["value"], {"value": "90"})
    assert len(await limits.logged()) == 1, "a dry run writes nothing"
    assert (await sent(limits, body)).json()["errors"][0]["field"] == "why"

    done = await sent(limits, body, why="Giấy phép 2027", name="giay-phep.csv")
    assert done.status_code == 201, done.text
    told = done.json()
    assert (told["new_count"], told["changed_count"], told["why"]) == (3, 1, "Giấy phép 2027")
    assert {one["row"]["value"]: one["before"] and one["before"]["value"] for one in told["rows"]} == {
        70: None, 60: None, 80: 90, 50: None
    }  # fmt: skip
    assert len(await limits.listed()) == 4
    steps = (await limits.client.get(f"/api/v1/limits/{before['id']}/history")).json()["items"]
    assert [(step["action"], step["why"]) for step in steps] == [("import", "Giấy phép 2027"), ("put", "Đã có")]
    again = await sent(limits, body, why="Giấy phép 2027")
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "sheet")

    assert (await undone(limits, told["id"], 2)).status_code == 412
    back = await undone(limits, told["id"])
    assert (back.status_code, back.json()["state"], back.json()["reason"]) == (200, "undone", "Nhầm tệp")
    assert await limits.listed() == [("rain-1", 90.0)]
    assert (await undone(limits, told["id"], 2)).status_code == 409
    logged = [None if entry is None else entry["value"] for entry in await limits.logged()]
    assert {*logged[1:5]} == {50, 60, 70, 80}
    assert (len(logged), {*logged[5:]}, logged[5:].count(None)) == (9, {90, None}, 3)
    actions = await limits.rows("SELECT action, object FROM audit WHERE action LIKE 'limit.%' ORDER BY id")
    assert [(row["action"], row["object"]) for row in actions] == [
        ("limit.put", before["id"]), ("limit.import", told["id"]), ("limit.import_undo", told["id"])
    ]  # fmt: skip
    async with limits.world.database.connection() as connection:
        assert (await audit.verify_chain(connection)).broken_at is None


async def test_an_import_is_not_undone_over_what_people_changed_since(limits: Limits):
    done = (await sent(limits, sheet(*TWO), why="Giấy phép 2027")).json()
    mine = next(one["id"] for one in done["rows"] if one["row"]["device"] == "rain-1")
    changed = await limits.put(1, value=71, valid_from="2027-01-01", source="GP 71", why="Đính chính")
    assert changed.status_code == 200, changed.text
    refused = await undone(limits, done["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "undo_refused")
    assert [error["field"] for error in refused.json()["errors"]] == ["rain.day rain-1"]
    assert len(await limits.listed()) == 2, "nothing of it was undone"
    taken = await limits.client.post(f"/api/v1/limits/{mine}/undo", json={"why": "Nhầm"}, headers={"If-Match": '"2"'})
    assert taken.status_code == 200
    refused = await undone(limits, done["id"])
    assert refused.status_code == 409, "it has another version: somebody looked at it since"


async def test_what_is_exported_is_what_an_import_reads(limits: Limits):
    await sent(limits, sheet(*TWO), why="Giấy phép 2027")
    book = await limits.client.get("/api/v1/limits/export")
    assert book.headers["content-type"] == XLSX
    same = await limits.client.post(PATH, content=book.content, headers={"Content-Type": XLSX},
                                    params={"dry_run": "true"})  # fmt: skip
    assert (same.json()["fault_count"], same.json()["unchanged_count"]) == (0, 2), same.text
    bounds = SheetBounds(rows_max=20, columns_max=20)
    async with limits.world.client(key="district") as walled:
        rows = await SheetReader(bounds).read((await walled.get("/api/v1/limits/export")).content)
    assert [row[3] for row in rows[1:]] == ["slope"], "a limit of a device beyond the wall is not told"
    template = await limits.client.get("/api/v1/limits/template?form=csv")
    assert read_csv(template.content, bounds)[0][:3] == ["name", "level", "device"]
    names = await SheetReader(bounds).read((await limits.client.get("/api/v1/limits/template")).content)
    assert names[0][0] in ("Mã bảng", "Table")


async def test_only_an_administrator_of_every_area_imports_or_sees_imports(limits: Limits):
    done = (await sent(limits, sheet(*TWO), why="Giấy phép 2027")).json()
    for who in ("op", "walled-admin"):
        async with limits.world.signed_in(who) as client:
            for answer in (
                await client.post(PATH, content=sheet(*TWO), headers=CSV, params={"dry_run": "true"}),
                await client.get(PATH),
                await client.get(f"{PATH}/{done['id']}"),
                await client.post(f"{PATH}/{done['id']}/undo", json={"why": "Nhầm"}, headers={"If-Match": '"1"'}),
            ):
                assert answer.status_code == 403, (who, answer.request.url)
    other = await limits.client.post(PATH, content=b"{}", headers={"Content-Type": "application/json"})
    assert other.status_code == 415
