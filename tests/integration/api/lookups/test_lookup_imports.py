"""Sheets of lookup tables over the API on a real PostgreSQL: tried, written as a whole, and undone as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import SheetBounds, SheetReader
from tests.integration.api.conftest import OTHER, World
from tests.integration.api.lookups.test_lookups import PERMIT, PLATE, Lookups

CSV = {"Content-Type": "text/csv"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PATH = "/api/v1/lookups/imports"
BOUNDS = SheetBounds(rows_max=50, columns_max=20)
PERMITS = "key,permit,volume,issued_on,source,verified,valid_from,valid_to"
PLATES = "Biển số,Loại,Báo cho,Nguồn,Đến hết ngày,Ghi chú"


@pytest.fixture
async def lookups(world: World) -> AsyncIterator[Lookups]:
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    async with world.signed_in("root") as client:
        yield Lookups(world, client)


async def sent(lookups: Lookups, table: str, *lines: str, **query: str) -> httpx2.Response:
    body = "\n".join(lines).encode()
    return await lookups.client.post(PATH, content=body, headers=CSV, params={"table": table, **query})


async def undone(lookups: Lookups, identifier: str, version: int = 1) -> httpx2.Response:
    return await lookups.client.post(f"{PATH}/{identifier}/undo", json={"why": "Nhầm tệp"},
                                     headers={"If-Match": f'"{version}"'})  # fmt: skip


async def test_a_sheet_with_a_single_fault_writes_nothing_and_names_each_cell(lookups: Lookups):
    wrong = (PERMITS, "rain-1,12/GP,500,15/01/2026,Bản chụp,có,,", "rain-9,13/GP,,,Bản chụp,,,",
             "rain-2,,năm trăm,31/02/2026,Bản chụp,,,")  # fmt: skip
    tried = (await sent(lookups, "gauge-permit", *wrong, dry_run="true")).json()
    assert [(fault["cell"], fault["code"]) for fault in tried["faults"]] == [
        ("A3", "unknown_device"), ("C4", "bad_number"), ("D4", "bad_day"), ("B4", "missing")
    ]  # fmt: skip
    assert (tried["fault_count"], tried["new_count"], tried["rows"]) == (4, 1, 3)
    refused = await sent(lookups, "gauge-permit", *wrong, why="Hồ sơ")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["A3", "C4", "D4", "B4"]
    words = await sent(lookups, "plate", PLATES, "28A-123.45,xe lạ,,Thông báo 7,,", dry_run="true")
    assert "xe bị trộm cắp" in words.json()["faults"][0]["message"]["vi"]
    twice = await sent(lookups, "plate", PLATES, "28A-123.45,xe ưu tiên,,Thông báo 7,,",
                       "28a 12345,xe ưu tiên,,Thông báo 8,,", dry_run="true")  # fmt: skip
    assert [(fault["cell"], fault["code"]) for fault in twice.json()["faults"]] == [("A3", "twice")]
    assert (await sent(lookups, "plates", PLATES, dry_run="true")).status_code == 400
    assert await lookups.listed() == []
    assert (await lookups.client.get(PATH)).json()["items"] == []


async def test_a_sheet_is_tried_written_as_one_and_undone_as_one(lookups: Lookups):
    before = await lookups.written(PERMIT)
    lines = (
        PERMITS,
        "rain-1,12/GP-UBND,750,2026-01-15,Bản chụp giấy phép,,,",
        "rain-2,13/GP,,,Bản chụp,có,01/01/2026,",
    )
    tried = (await sent(lookups, "gauge-permit", *lines, dry_run="true")).json()
    assert (tried["new_count"], tried["changed_count"]) == (1, 1)
    changed = next(item for item in tried["items"] if item["outcome"] == "changed")
    assert (changed["changed"], changed["before"]) == (["volume"], {"volume": "500"})
    assert (await sent(lookups, "gauge-permit", *lines)).json()["errors"][0]["field"] == "why"
    done = await sent(lookups, "gauge-permit", *lines, why="Hồ sơ 2026", name="giay-phep.csv")
    assert done.status_code == 201, done.text
    told = done.json()
    assert {one["row"]["key"]: one["before"] and one["before"]["data"]["volume"] for one in told["rows"]} == {
        "rain-1": 500, "rain-2": None
    }  # fmt: skip
    assert await lookups.listed() == ["rain-1", "rain-2"]
    steps = (await lookups.client.get(f"/api/v1/lookups/{before['id']}/history")).json()["items"]
    assert [(step["action"], step["why"]) for step in steps] == [("import", "Hồ sơ 2026"), ("put", "Hồ sơ mới")]
    again = await sent(lookups, "gauge-permit", *lines, why="Hồ sơ 2026")
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "sheet")
    assert (await lookups.client.get("/api/v1/limits/imports")).json()["items"] == [], "it is none of limits"
    assert (await lookups.client.get(f"/api/v1/limits/imports/{told['id']}")).status_code == 404
    assert (await undone(lookups, told["id"], 2)).status_code == 412
    back = await undone(lookups, told["id"])
    assert (back.status_code, back.json()["state"], back.json()["reason"]) == (200, "undone", "Nhầm tệp")
    assert await lookups.listed() == ["rain-1"]
    row = (await lookups.client.get(f"/api/v1/lookups/{before['id']}")).json()
    assert (row["data"]["volume"], row["version"]) == (500, 3)
    actions = await lookups.rows("SELECT action, object FROM audit WHERE action LIKE 'lookup.%' ORDER BY id")
    assert [(line["action"], line["object"]) for line in actions] == [
        ("lookup.put", before["id"]), ("lookup.import", told["id"]), ("lookup.import_undo", told["id"])
    ]  # fmt: skip


async def test_an_import_is_not_undone_over_what_people_changed_since(lookups: Lookups):
    done = (await sent(lookups, "plate", PLATES, "28A-123.45,stolen,CSGT,Thông báo 7,,", why="Công an báo")).json()
    await lookups.written(PLATE, 1, source="Thông báo 8")
    refused = await undone(lookups, done["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "undo_refused")
    assert [error["field"] for error in refused.json()["errors"]] == ["plate 28A-123.45"]


async def test_what_is_exported_is_what_an_import_reads(lookups: Lookups):
    await sent(lookups, "plate", PLATES, "28A-123.45,xe bị trộm cắp,=CSGT,Thông báo 7,31/12/2027,của ca 1", why="Báo")
    await lookups.written(PERMIT)
    await lookups.written(PERMIT, key="rain-2")
    for table in ("plate", "gauge-permit"):
        for language in ("vi", "en"):
            book = await lookups.client.get("/api/v1/lookups/export", params={"table": table},
                                            headers={"Accept-Language": language})  # fmt: skip
            assert book.headers["content-type"] == XLSX
            same = await lookups.client.post(PATH, content=book.content, headers={"Content-Type": XLSX},
                                             params={"table": table, "dry_run": "true"})  # fmt: skip
            told = (same.json()["fault_count"], same.json()["changed_count"], same.json()["new_count"])
            assert told == (0, 0, 0), same.text
    async with lookups.world.client(key="district") as walled:
        book = await walled.get("/api/v1/lookups/export", params={"table": "gauge-permit"})
        rows = await SheetReader(BOUNDS).read(book.content)
        assert [row[0] for row in rows[1:]] == ["rain-2"], "a row of a device beyond the wall is not told"
        assert (await walled.get("/api/v1/lookups/export", params={"table": "plate"})).status_code == 400
    template = await lookups.client.get("/api/v1/lookups/template?table=plate&form=csv")
    assert read_csv(template.content, BOUNDS)[0] == [
        "key", "kind", "agency", "source", "verified", "valid_from", "valid_to"
    ]  # fmt: skip
    names = await SheetReader(BOUNDS).read(
        (await lookups.client.get("/api/v1/lookups/template?table=plate", headers={"Accept-Language": "vi"})).content
    )
    assert names[0][:4] == ["Biển số", "Loại", "Báo cho", "Nguồn"]
    assert ("root", "plate", "sheet") in await lookups.looks(), "an export of restricted rows is a look at them"


async def test_those_who_keep_the_registry_of_every_area_import_and_see_imports(lookups: Lookups):
    done = (await sent(lookups, "plate", PLATES, "28A-123.45,stolen,CSGT,Thông báo 7,,", why="Công an báo")).json()
    for who in ("op", "walled-admin"):
        async with lookups.world.signed_in(who) as client:
            for answer in (
                await client.post(PATH, content=b"key", headers=CSV, params={"table": "plate", "dry_run": "true"}),
                await client.get(PATH),
                await client.get(f"{PATH}/{done['id']}"),
                await client.post(f"{PATH}/{done['id']}/undo", json={"why": "Nhầm"}, headers={"If-Match": '"1"'}),
            ):
                assert answer.status_code == 403, (who, answer.request.url)
    async with lookups.world.signed_in("chief") as client:
        assert (await client.get(f"{PATH}/{done['id']}")).json()["rows"][0]["row"]["key"] == "28A-123.45"
