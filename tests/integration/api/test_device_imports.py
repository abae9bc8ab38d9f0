"""A sheet of devices over HTTP: tried, every fault named by its cell, applied as a whole, walled, audited, undone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from ioc.registration.plan import plan_import
from ioc.store.audit.trail import verify_chain
from ioc.store.log.partitions import ensure_partitions
from tests.integration.api.conftest import NOW, OTHER, OWN, World

XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}
HEAD = ("Mã thiết bị", "Mã nguồn dữ liệu", "Tên tiếng Việt", "Mã xã, phường", "Vĩ độ", "Kinh độ", "Mã đơn vị quản lý",
        "Chu kỳ gửi (giây)", "Mã thiết bị cấp trên")  # fmt: skip
IMPORTS = "/api/v1/devices/imports"
Row = tuple[Any, ...]


def workbook(rows: Sequence[Row], head: Sequence[str] = HEAD) -> bytes:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("Thiết bị")
    for number, row in enumerate([head, *rows]):
        for place, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, place, value)
            elif value is not None:
                sheet.write_number(number, place, value)
    book.close()
    return out.getvalue()


async def send(client: httpx2.AsyncClient, rows: Sequence[Row], **query: Any) -> httpx2.Response:
    return await client.post(IMPORTS, content=workbook(rows), headers=XLSX, params=query)


async def undo(client: httpx2.AsyncClient, brought: dict[str, Any], version: int | None = None) -> httpx2.Response:
    headers = {"If-Match": f'"{brought["version"] if version is None else version}"'}
    return await client.post(f"{IMPORTS}/{brought['id']}/undo", headers=headers, json={"reason": "nhập nhầm tệp"})


async def registry(world: World) -> dict[str, dict[str, Any]]:
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM device")
    left_out = ("version", "updated_at")
    return {row["id"]: {name: value for name, value in row.items() if name not in left_out} for row in rows}


async def entries(world: World) -> list[tuple[str, bool]]:
    """Return the device entries of the log: which device, and whether it is gone."""
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT subject, data FROM event WHERE kind = 'device' ORDER BY position")
    return [(row["subject"], row["data"] is None) for row in rows]


@pytest.fixture
async def city(world: World) -> World:
    await ensure_partitions(world.database, NOW)
    return world


def many(count: int) -> list[Row]:
    return [
        (f"imp-{number}", "rainfall", f"Trạm {number}", OWN, 20.8 + number / 10_000, 105.3, "kttv", 600, None)
        for number in range(count)
    ]


FAULTS: Sequence[tuple[int, int, Any, str]] = (
    (17, 0, "Trạm 17", "bad_id"), (40, 1, "khong_co", "unknown_feed"), (41, 0, None, "no_id"),
    (55, 3, "99999", "unknown_area"), (70, 4, 10.8, "outside_site"), (71, 4, "bắc", "bad_degrees"),
    (90, 5, None, "half_point"), (111, 6, "Sở NN&MT", "bad_code"), (112, 7, "10 phút", "bad_period"),
    (150, 8, "gate-9", "unknown_parent"), (200, 0, "imp-3", "twice"), (201, 2, "x" * 201, "too_long"),
)  # fmt: skip
"""Row of the sheet, column, what stands there, and the fault that it is."""


async def test_each_fault_is_named_by_its_cell_and_nothing_is_imported(city: World):
    rows = [list(row) for row in many(300)]
    for number, place, value, _ in FAULTS:
        rows[number - 2][place] = value
    sheet = [tuple(row) for row in rows]
    wanted = {(f"{'ABCDEFGHI'[place]}{number}", code) for number, place, _, code in FAULTS}
    before = await registry(city)
    async with city.signed_in("root") as client:
        seen = (await send(client, sheet, dry_run=1)).json()
        assert (seen["rows"], seen["new_count"], seen["fault_count"]) == (300, 300 - len(FAULTS), len(FAULTS))
        assert {(one["cell"], one["code"]) for one in seen["faults"]} == wanted
        assert [one["outcome"] for one in seen["items"][: len(FAULTS)]] == ["faulty"] * len(FAULTS)
        words = {one["cell"]: one["message"] for one in seen["faults"]}
        assert words["D55"] == {
            "vi": "không có xã, phường nào hiện nay mang mã 99999", "en": "no unit of today has the code 99999",
        }  # fmt: skip
        refused = await send(client, sheet)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_sheet")
        assert {(one["field"], one["code"]) for one in refused.json()["errors"]} == wanted
        assert (await client.get(IMPORTS)).json()["items"] == []
    assert await registry(city) == before
    assert await entries(city) == []


async def test_a_sheet_registers_and_changes_as_a_whole_and_undoing_restores(city: World):
    await city.device("rain-a", origin="pack", owner="kttv", place="Cầu cũ", critical=True)
    await city.device("rain-b")
    before = await registry(city)
    rows: list[Row] = [
        ("rain-a", None, "Trạm mới", None, None, None, "so-nnmt", 900, "imp-0"),
        ("rain-b", "rainfall", None, OWN, None, None, None, None, None), *many(2),
    ]  # fmt: skip
    async with city.signed_in("root") as client:
        seen = (await send(client, rows, dry_run=1)).json()
        assert (seen["new_count"], seen["changed_count"], seen["unchanged_count"]) == (2, 1, 1)
        changed = next(one for one in seen["items"] if one["outcome"] == "changed")
        assert changed["changed"] == ["expected_period_seconds", "name_vi", "owner", "parent"]
        assert changed["before"] == {"name_vi": "Trạm rain-a", "owner": "kttv"}
        assert await registry(city) == before, "a trial changes nothing"
        answer = await send(client, rows, name="tram.xlsx", keys=1)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert (made["state"], made["file_name"], made["new_count"]) == ("applied", "tram.xlsx", 2)
        assert [(one["id"], one["new"]) for one in made["devices"]] == [
            ("imp-0", True), ("imp-1", True), ("rain-a", False),
        ]  # fmt: skip
        assert [(one["device"], one["key"][:11]) for one in made["keys"]] == [
            ("imp-0", "ioc_device_"), ("imp-1", "ioc_device_"),
        ]  # fmt: skip
        told = (await client.get("/api/v1/devices/rain-a")).json()
        assert (told["name"]["vi"], told["owner"], told["expected_period_seconds"], told["parent"]) == (
            "Trạm mới", "so-nnmt", 900, "imp-0",
        )  # fmt: skip
        again = await send(client, rows)
        assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "sheet")
        assert (await undo(client, made, version=7)).status_code == 412
        undone = await undo(client, made)
        assert (undone.status_code, undone.json()["state"], undone.json()["reason"]) == (200, "undone", "nhập nhầm tệp")
        assert (await undo(client, undone.json())).status_code == 409
        one = (await client.get(f"{IMPORTS}/{made['id']}")).json()
        assert (one["version"], one["undone_by"], "keys" in one) == (2, "root", False)
        assert (await client.get("/api/v1/devices/imp-0")).status_code == 404
        corrected = [("imp-0", "air_quality", None, OWN, None, None, None, None, None)]
        assert (await send(client, corrected)).status_code == 201, "the id is free again, for another feed too"
    after = await registry(city)
    assert {name: after[name] for name in before} == before
    assert await entries(city) == [
        ("imp-0", False), ("imp-1", False), ("rain-a", False), ("rain-a", False), ("imp-0", True), ("imp-1", True),
        ("imp-0", False),
    ]  # fmt: skip
    async with city.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM api_key WHERE device LIKE 'imp-%'") == 0
        trail = await connection.fetch("SELECT action, actor FROM audit WHERE action LIKE 'device.import%' ORDER BY id")
        assert [tuple(row) for row in trail] == [
            ("device.import", "root"), ("device.import_undo", "root"), ("device.import", "root"),
        ]  # fmt: skip
        await verify_chain(connection)


async def test_undoing_is_refused_for_what_has_moved_on_and_names_it(city: World):
    await city.device("rain-a")
    rows: list[Row] = [("rain-a", None, "Trạm mới", None, None, None, None, None, None), *many(4)]
    async with city.signed_in("root") as client:
        made = (await send(client, rows)).json()
        device = (await client.get("/api/v1/devices/rain-a")).json()
        changed = await client.patch(
            "/api/v1/devices/rain-a", json={"place": "Đã dời"}, headers={"If-Match": f'"{device["version"]}"'}
        )
        assert changed.status_code == 200
        await city.device("below", parent="imp-1")
        await city.insert("dated_limit", {
            "id": "l1", "name": "cod", "device": "imp-2", "value": 1.0, "unit": "mg/l", "source": "QCVN",
            "verified": False, "version": 1, "origin": "site", "changed_at": NOW, "changed_why": "cho bài thử",
        })  # fmt: skip
        refused = await undo(client, made)
        assert (refused.status_code, refused.json()["code"]) == (409, "undo_refused")
        assert {(one["field"], one["code"]) for one in refused.json()["errors"]} == {
            ("rain-a", "changed"), ("imp-1", "children"), ("imp-2", "limits"),
        }  # fmt: skip
        second = (await send(client, [(f"new-{n}", *many(1)[0][1:]) for n in range(2)])).json()
        await city.event("new-1", 900)
        refused = await undo(client, second)
        assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("new-1", "readings")]
        assert (await client.get("/api/v1/devices/new-0")).status_code == 200, "nothing of it was undone"
    assert ("new-0", True) not in await entries(city)


async def test_the_maintenance_of_a_window_comes_back_only_while_the_window_runs(city: World):
    for name, until in (("runs", NOW + timedelta(hours=1)), ("over", NOW - timedelta(hours=1))):
        await city.insert("maintenance_window", {
            "id": f"mw-{name}", "device": name, "with_children": False, "starts_at": NOW - timedelta(hours=2),
            "ends_at": until, "repeat": "never", "reason": "thay pin", "version": 1, "created_by": "root",
            "created_at": NOW, "due_at": None, "running_until": until,
        })  # fmt: skip
        await city.device(name, state="maintenance", maintenance_window=f"mw-{name}")
    sheet = b"id,state\nruns,active\nover,active\n"
    async with city.signed_in("root") as client:
        made = (await client.post(IMPORTS, content=sheet, headers=CSV)).json()
        assert {row["state"] for row in (await registry(city)).values()} == {"active"}
        assert (await undo(client, made)).status_code == 200
        after = await registry(city)
        told = {name: (row["state"], row["maintenance_window"]) for name, row in after.items()}
        assert told == {"runs": ("maintenance", "mw-runs"), "over": ("active", None)}
        new = (await send(client, [("planned", *many(1)[0][1:])])).json()
        await city.insert("maintenance_window", {
            "id": "mw-new", "device": "planned", "with_children": False, "starts_at": NOW, "ends_at": NOW,
            "repeat": "never", "reason": "lắp đặt", "version": 1, "created_by": "root", "created_at": NOW,
        })  # fmt: skip
        refused = await undo(client, new)
        assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("planned", "maintenance")]


async def test_nobody_imports_sees_or_undoes_beyond_their_areas(city: World):
    await city.device("far", area=OWN)
    async with city.signed_in("root") as client:
        beyond = (await send(client, [("both", "rainfall", None, OWN, None, None, None, None, None)])).json()
    async with city.signed_in("walled-admin") as client:
        for row, code in (
            (("far", None, "Của tôi", None, None, None, None, None, None), "not_yours"),
            (("imp-9", "rainfall", None, OWN, None, None, None, None, None), "not_yours"),
            (("imp-9", "rainfall", None, None, None, None, None, None, None), "not_yours"),
            (("imp-9", "rainfall", None, OTHER, None, None, None, None, "far"), "unknown_parent"),
        ):
            refused = await send(client, [row])
            assert (refused.status_code, [one["code"] for one in refused.json()["errors"]]) == (422, [code])
        made = await send(client, [("imp-9", "rainfall", None, OTHER, None, None, None, None, None)])
        assert made.status_code == 201
        assert [one["id"] for one in (await client.get(IMPORTS)).json()["items"]] == [made.json()["id"]]
        assert (await client.get(f"{IMPORTS}/{beyond['id']}")).status_code == 404
        assert (await undo(client, beyond)).status_code == 404
        exported = await client.get("/api/v1/devices/export")
        ids = {
            row[0]
            for row in CalamineWorkbook.from_filelike(io.BytesIO(exported.content)).get_sheet_by_index(0).to_python()
        }
        assert "imp-9" in ids
        assert not {"far", "both"} & ids
        assert (await undo(client, made.json())).status_code == 200
    async with city.signed_in("op") as client:
        assert (await send(client, many(1))).status_code == 403
        assert (await client.get(IMPORTS)).status_code == 403


async def test_csv_and_the_templates_and_an_export_are_read_and_other_files_are_refused_with_what_to_do(city: World):
    await city.device("rain-a", place="=1+1")
    async with city.signed_in("root") as client:
        body = "id;feed;area;lat;lon\nimp-1;rainfall;4795;20,81;105,3\n".encode("utf-8-sig")
        assert (await client.post(IMPORTS, content=body, headers=CSV)).status_code == 201
        told = (await client.get("/api/v1/devices/imp-1")).json()
        assert (told["area"], told["lat"], told["zone"]) == (OWN, 20.81, "hoa-binh")
        exported = await client.get("/api/v1/devices/export", params={"feed": "rainfall"})
        seen = await client.post(IMPORTS, content=exported.content, headers=XLSX, params={"dry_run": 1})
        assert (seen.json()["fault_count"], seen.json()["unchanged_count"]) == (0, seen.json()["rows"])
        for form, kind in (("xlsx", XLSX), ("csv", CSV)):
            empty = await client.get("/api/v1/devices/template", params={"form": form})
            none = (await client.post(IMPORTS, content=empty.content, headers=kind, params={"dry_run": 1})).json()
            assert [one["code"] for one in none["faults"]] == ["no_rows"]
        for content, kind, status, code in (
            (b"PK no zip", XLSX, 400, "unreadable_body"), ("Mã".encode("latin-1"), CSV, 400, "unreadable_body"),
            (b"{}", {"Content-Type": "application/json"}, 415, "unsupported_media_type"),
            (b"x" * ((2 << 20) + 1), CSV, 413, "body_too_large"),
        ):  # fmt: skip
            refused = await client.post(IMPORTS, content=content, headers=kind)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        taken = await client.post(
            "/api/v1/devices", json={"id": "imports", "feed": "rainfall", "name": {"vi": "x"}, "area": OWN}
        )
        assert taken.status_code == 422
        pages = await client.get(IMPORTS, params={"limit": 1})
        assert (len(pages.json()["items"]), pages.json()["next"]) == (1, None)


async def test_two_who_change_the_same_device_do_not_overwrite_each_other(city: World, monkeypatch: pytest.MonkeyPatch):
    """What was planned against an older version is refused as a whole when it is written."""
    await city.device("rain-a")

    def slow(*arguments: Any) -> Any:
        plan = plan_import(*arguments)
        plan.changed[0] = type(plan.changed[0])("rain-a", plan.changed[0].version - 1, plan.changed[0].values)
        return plan

    monkeypatch.setattr("ioc.api.routes.devices.device_imports.plan_import", slow)
    before = await registry(city)
    async with city.signed_in("root") as client:
        lost = await send(client, [("rain-a", None, "Trạm mới", None, None, None, None, None, None), *many(2)])
        assert lost.status_code == 409
    assert await registry(city) == before
