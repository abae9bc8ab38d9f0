"""Figures of indicators in a sheet: every fault named by its cell, nothing half imported, approval, and undoing."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from ioc.domain.indicators.indicator import Indicator, PeriodKind
from ioc.ingest.pipeline.manual import ManualDoor
from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack
from ioc.store.audit.trail import verify_chain
from ioc.store.indicators.late_reports import LateReports
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.rules.pack_apply import PackStore
from tests.integration.api import conftest
from tests.integration.api.conftest import NOW, World, open_world

XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
HEAD = ("Mã chỉ tiêu", "Kỳ", "Kế hoạch", "Thực hiện", "Đơn vị tính", "Cơ quan báo cáo")
Row = tuple[Any, ...]


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch) -> Pack:
    found = load_pack("hoabinh")
    monkeypatch.setattr(conftest, "make_pack", lambda: found)
    return found


@pytest.fixture
async def city(database_dsn: str, pack: Pack) -> AsyncIterator[World]:
    async with open_world(database_dsn, fresh=False) as world:
        await ensure_partitions(world.database, NOW)
        await PackStore(world.database, EventLog(world.database)).apply(pack, NOW)
        await conftest.populate_people(world)
        world.state.areas._checked = float("-inf")  # it had read the areas before the pack came
        yield world


def workbook(rows: Sequence[Row], head: Sequence[str] = HEAD) -> bytes:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("Chỉ tiêu")
    for number, row in enumerate([head, *rows]):
        for place, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, place, value)
            elif value is not None:
                sheet.write_number(number, place, value)
    book.close()
    return out.getvalue()


async def send(client: httpx2.AsyncClient, body: bytes, **query: Any) -> httpx2.Response:
    return await client.post("/api/v1/indicators/import", content=body, headers=XLSX, params=query)


async def decide(
    client: httpx2.AsyncClient, brought: dict[str, Any], deed: str, *, version: int | None = None
) -> httpx2.Response:
    path = f"/api/v1/indicators/imports/{brought['id']}/{deed}"
    headers = {"If-Match": f'"{brought["version"] if version is None else version}"'}
    if deed == "approve":
        return await client.post(path, headers=headers)
    return await client.post(path, headers=headers, json={"reason": "số liệu sai tháng"})


async def figures(world: World) -> dict[tuple[str, str], tuple[float | None, float | None, str]]:
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT indicator, period, plan, actual, changed_by FROM indicator_figure")
    return {(row["indicator"], row["period"]): (row["plan"], row["actual"], row["changed_by"]) for row in rows}


async def events(world: World) -> list[dict[str, Any]]:
    async with world.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT revision, device, data, flags, door, time, key FROM event WHERE kind = 'event' ORDER BY position"
        )
    return [dict(row) for row in rows]


def monthly(pack: Pack) -> list[Indicator]:
    return [one for one in pack.indicators if one.period_kind is PeriodKind.MONTH]


def five_hundred(pack: Pack) -> list[Row]:
    """500 sound rows: indicators by month, over two years."""
    months = [f"{year}-{month:02}" for year in (2025, 2026) for month in range(1, 13)]
    pairs = [(one, month) for one in monthly(pack) for month in months if month <= "2026-10"][:500]
    assert len(pairs) == 500
    return [
        (one.code, month, 90.0, 80.0 + number % 10, one.unit, one.agency.name.vi)
        for number, (one, month) in enumerate(pairs)
    ]


FAULTS: Sequence[tuple[int, int, Any, str]] = (
    (17, 2, "mười", "not_a_number"), (18, 3, "n/a", "not_a_number"), (25, 2, "1.234", "two_numbers"),
    (40, 0, "khong_co", "unknown_indicator"), (41, 0, None, "no_indicator"), (55, 1, "hôm nay", "bad_period"),
    (56, 1, "Q4/2026", "wrong_period"), (70, 1, None, "no_period"), (71, 1, "2026-12", "future_period"),
    (90, 1, "2031-01", "far_period"), (111, 3, -5.0, "out_of_range"), (112, 2, 1e14, "out_of_range"),
    (150, 4, "kg", "wrong_unit"), (180, 5, "Sở Xây dựng", "wrong_agency"), (222, 3, "12;5", "not_a_number"),
    (300, 3, "=1+1", "not_a_number"), (333, 2, "chín mươi", "not_a_number"), (404, 1, "2026-13", "bad_period"),
    (450, 0, "GRDP", "unknown_indicator"), (501, 3, "-", "not_a_number"),
)  # fmt: skip
"""Row of the sheet, column, what stands there, and the fault that it is."""


async def test_of_500_rows_with_20_faults_each_is_named_by_its_cell_and_nothing_is_imported(city: World, pack: Pack):
    rows = [list(row) for row in five_hundred(pack)]
    for number, place, value, _ in FAULTS:
        rows[number - 2][place] = value
    body = workbook([tuple(row) for row in rows])
    places = {"future_period": 3}
    wanted = {(f"{'ABCDEF'[places.get(code, place)]}{number}", code) for number, place, _, code in FAULTS}
    async with city.signed_in("op") as client:
        seen = (await send(client, body, dry_run=1)).json()
        assert (seen["rows"], seen["valid_rows"], seen["fault_count"]) == (500, 480, 20)
        assert {(one["cell"], one["code"]) for one in seen["faults"]} == wanted
        assert [one["ok"] for one in seen["items"]].count(False) == 20
        words = {one["cell"]: one["message"] for one in seen["faults"]}
        assert words["C17"] == {"vi": "'mười' không phải số", "en": "'mười' is no number"}
        refused = await send(client, body)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_sheet")
        assert {(one["field"], one["code"]) for one in refused.json()["errors"]} == wanted
        assert (await client.get("/api/v1/indicators/imports")).json()["items"] == []
    async with city.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM indicator_import_row") == 0
    assert await figures(city) == {}
    assert await events(city) == []


async def test_500_rows_count_once_another_account_has_approved_them_and_undoing_restores(city: World, pack: Pack):
    first = [(one.code, "2026-09", 50.0, 40.0, None, None) for one in monthly(pack)[:3]]
    rows = five_hundred(pack)
    async with city.signed_in("op") as client, city.signed_in("chief") as chief:
        before = (await send(client, workbook(first), name="thang-9.xlsx")).json()
        assert (before["state"], before["row_count"], before["file_name"]) == ("pending", 3, "thang-9.xlsx")
        assert await figures(city) == {}, "a draft counts nowhere"
        assert (await decide(chief, before, "approve")).status_code == 200
        stood, told = await figures(city), await events(city)
        assert {value[:2] for value in stood.values()} == {(50.0, 40.0)}
        sent = (await send(client, workbook(rows))).json()
        for who, status in ((client, 403), (chief, 200)):
            assert (await decide(who, sent, "approve")).status_code == status
        now = await figures(city)
        assert len(now) == 500
        assert now["iip", "2026-09"][2] == sent["id"]
        log = await events(city)
        assert len(log) == len(told) + 500
        assert {row["door"] for row in log} == {"manual"}
        assert (await decide(chief, {**sent, "version": 1}, "undo")).status_code == 412
        undone = await decide(chief, sent, "undo", version=2)
        assert undone.status_code == 200, undone.text
        assert undone.json()["state"] == "undone"
        assert (await decide(chief, undone.json(), "undo")).status_code == 409
    assert await figures(city) == stood
    taken = (await events(city))[len(log) :]
    assert len(taken) == 500
    assert [row["flags"] for row in taken].count(["withdrawn"]) == 497, "the three of before say again what they said"
    again = {row["key"]: row for row in taken if row["flags"] != ["withdrawn"]}
    for old in told:
        kept = again[old["key"]]
        assert kept["revision"] == 2
        assert {**kept["data"]} == {**old["data"]}
        assert kept["time"] == old["time"]
    async with city.database.connection() as connection:
        trail = await connection.fetch("SELECT actor, action FROM audit WHERE action LIKE 'indicator%' ORDER BY id")
        assert (await verify_chain(connection)).broken_at is None
    assert [tuple(row) for row in trail] == [
        ("op", "indicator.sent"), ("chief", "indicator.approved"), ("op", "indicator.sent"),
        ("chief", "indicator.approved"), ("chief", "indicator.undone"),
    ]  # fmt: skip


async def test_who_sent_a_sheet_does_not_approve_it_and_neither_does_who_may_not(city: World, pack: Pack):
    body = workbook([("exports", "2026-10", 100.0, 95.0, None, None)])
    async with city.signed_in("chief") as chief, city.signed_in("op") as op, city.signed_in("root") as root:
        sent = (await send(chief, body)).json()
        for client in (chief, op):
            assert (await decide(client, sent, "approve")).status_code == 403
        assert await figures(city) == {}
        refused = await decide(root, sent, "reject")
        assert (refused.json()["state"], refused.json()["reason"]) == ("rejected", "số liệu sai tháng")
        assert (await decide(root, refused.json(), "approve")).status_code == 409
        assert (await client.post(f"/api/v1/indicators/imports/{sent['id']}/approve")).status_code in (403, 428)
    async with city.signed_in("view") as viewer, city.signed_in("walled-admin") as walled:
        assert (await send(viewer, body)).status_code == 403
        assert (await decide(walled, sent, "reject")).status_code == 403
        assert (await walled.get(f"/api/v1/indicators/imports/{sent['id']}")).status_code == 404
        assert (await walled.get("/api/v1/indicators/imports")).json()["items"] == []
        assert (await walled.get("/api/v1/indicators")).json()["items"] == [], "they are of the whole site"
        told = (await send(walled, body)).json()["errors"]
        assert [(one["field"], one["code"]) for one in told] == [("A2", "unknown_indicator")]


async def test_an_indicator_tells_achievement_the_year_so_far_growth_and_lateness(city: World, pack: Pack):
    year = [("exports", f"2026-{month:02}", 100.0, 90.0 + month, None, None) for month in range(1, 11)]
    rows = [*year, ("exports", "2026", 1200.0, None, None, None), ("exports", "2025-10", None, 80.0, None, None)]
    async with city.signed_in("op") as client, city.signed_in("chief") as chief:
        assert (await client.get("/api/v1/indicators?late=true")).json()["items"] == [], "nobody was asked for anything"
        sent = (await send(client, workbook(rows))).json()
        assert (await decide(chief, sent, "approve")).status_code == 200
        one = next(
            each for each in (await client.get("/api/v1/indicators?domain=economy")).json()["items"]
            if each["code"] == "exports"
        )  # fmt: skip
        stands = one["standing"]
        assert (stands["period"], stands["plan"], stands["actual"], stands["late"]) == ("2026-10", 100.0, 100.0, False)
        assert (stands["achievement_pct"], stands["met"]) == (100.0, True)
        assert (stands["cumulative_actual"], stands["year_plan"]) == (955.0, 1200.0)
        assert (stands["year_pct"], stands["due_pct"]) == (79.58, 83.33)
        assert (stands["last_year"], stands["yoy_pct"], stands["yoy_change"]) == (80.0, 25.0, 20.0)
        whole = (await client.get("/api/v1/indicators/exports")).json()
        assert [each["period"] for each in whole["figures"]][:2] == ["2026-10", "2026-09"]
        assert (whole["figures"][0]["sent_by"], whole["figures"][0]["approved_by"]) == ("op", "chief")
        event = (await client.get(f"/api/v1/events/{whole['figures'][0]['event']}")).json()
        assert event["data"] == {
            "indicator": "exports", "period": "2026-10", "agency": "Sở Công Thương", "plan": 100.0, "actual": 100.0,
            "actual_pct": 79.58, "plan_pct": 83.33, "yoy_pct": 25.0,
        }  # fmt: skip
        assert (event["door"], event["device"], event["time"]) == ("manual", "exports", "2026-10-31T16:59:59.000Z")
        path = f"/api/v1/manual/entries/{whole['figures'][0]['event']}/withdraw"
        alone = await client.post(path, json={"reason": "một mình"}, headers={"If-Match": '"0"'})
        assert alone.status_code == 404, "an import is undone as a whole"
        asked = (await client.get("/api/v1/indicators?period=2026-09")).json()["items"]
        assert {each["standing"]["period"] for each in asked} == {"2026-09"}
        assert len(asked) == len(monthly(pack))
        city.clock.advance(seconds=timedelta(days=30).total_seconds())
        shown = (await client.get("/api/v1/indicators?late=true&agency=so-ct")).json()["items"]
        assert [(each["code"], each["late_periods"]) for each in shown] == [("exports", ["2026-11"])]
        for query, status in (("domain=weather", 400), ("agency=ubnd", 400), ("area=nowhere", 400),
                              ("period=1850-01", 422)):  # fmt: skip
            assert (await client.get(f"/api/v1/indicators?{query}")).status_code == status, query


async def test_a_later_import_is_undone_first_and_an_empty_cell_leaves_what_is_known(city: World):
    async with city.signed_in("op") as client, city.signed_in("chief") as chief:
        plan = (await send(client, workbook([("exports", "10/2026", 100.0, None, None, None)]))).json()
        await decide(chief, plan, "approve")
        assert await events(city) == [], "a plan alone is no reading"
        actual = (await send(client, workbook([("exports", "Tháng 10/2026", None, 95.5, None, None)]))).json()
        rows = (await client.get(f"/api/v1/indicators/imports/{actual['id']}")).json()["rows"]
        assert (rows[0]["plan"], rows[0]["plan_before"], rows[0]["actual_before"]) == (None, 100.0, None)
        await decide(chief, actual, "approve")
        assert (await figures(city))["exports", "2026-10"][:2] == (100.0, 95.5)
        refused = await decide(chief, plan, "undo", version=2)
        assert refused.status_code == 409
        assert str(actual["number"]) in refused.json()["detail"]
        assert (await decide(chief, actual, "undo", version=2)).status_code == 200
        assert (await decide(chief, plan, "undo", version=2)).status_code == 200
    assert await figures(city) == {}
    assert [row["flags"] for row in await events(city)] == [[], ["withdrawn"]]


async def test_rows_come_as_json_too_and_are_checked_alike(city: World):
    async with city.signed_in("op") as client:
        rows = [{"indicator": "exports", "period": "2026-10", "plan": 100, "actual": "chín"}]
        told = await client.post("/api/v1/indicators/import", json={"rows": rows})
        assert [(one["field"], one["code"]) for one in told.json()["errors"]] == [("rows[0].actual", "not_a_number")]
        rows[0]["actual"] = 95
        assert (await client.post("/api/v1/indicators/import", json={"rows": rows})).status_code == 201
        wrong: list[Any] = [{"rows": []}, {"rows": [1]}, [], {"rows": [{"mưa": 1}]}, {"rows": [{"plan": [1]}]}]
        for body in wrong:
            assert (await client.post("/api/v1/indicators/import", json=body)).status_code == 422, body
        twice = [rows[0], dict(rows[0])]
        told = await client.post("/api/v1/indicators/import", json={"rows": twice})
        assert [(one["field"], one["code"]) for one in told.json()["errors"]] == [("rows[1].period", "twice")]


async def test_what_is_no_sheet_is_refused_with_what_to_do(city: World):
    async with city.signed_in("op") as client:
        for body, status in ((b"hello", 400), (b"PK\x03\x04 broken", 400), (b"x" * (2 << 20) + b"x", 413)):
            answer = await send(client, body)
            assert answer.status_code == status, answer.text
        assert (await client.post("/api/v1/indicators/import", content=b"a,b")).status_code == 415
        headless = await send(client, workbook([("exports", "2026-10", 1.0, 1.0)], head=("A", "B", "C", "D")))
        assert [one["code"] for one in headless.json()["errors"]] == ["missing_column", "missing_column"]
        empty = await send(client, workbook([]))
        assert [one["code"] for one in empty.json()["errors"]] == ["no_rows"]


async def test_the_template_is_filled_in_and_comes_back_and_exports_hold_no_formula(
    city: World, pack: Pack, monkeypatch: pytest.MonkeyPatch
):
    async with city.signed_in("op") as client, city.signed_in("chief") as chief:
        answer = await client.get("/api/v1/indicators/template", headers={"Accept-Language": "vi"})
        rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
        assert [row[0] for row in rows[1:]] == [one.code for one in pack.indicators]
        filled = [tuple(value or None for value in row) for row in rows[1:]]
        filled = [(*row[:4], "2026-10", 90.0, 80.0) if row[0] in ("iip", "exports") else row for row in filled]
        sent = await send(client, workbook(filled, head=[str(head) for head in rows[0]]))
        assert sent.status_code == 201, sent.text
        assert sent.json()["row_count"] == 2, "rows that nobody has filled in say nothing"
        await decide(chief, sent.json(), "approve")
        exported = await client.get("/api/v1/indicators/export", headers={"Accept-Language": "en"})
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(exported.content)).get_sheet_by_index(0).to_python()
        line = next(row for row in sheet if row[0] == "iip")
        assert line[4:8] == ["2026-10", 90.0, 80.0, 88.89]


async def test_an_intake_that_takes_nothing_approves_nothing(city: World, monkeypatch: pytest.MonkeyPatch):
    async with city.signed_in("op") as client, city.signed_in("chief") as chief:
        sent = (await send(client, workbook([("exports", "2026-10", 100.0, 95.0, None, None)]))).json()
        door = city.state.context.manual
        assert isinstance(door, ManualDoor)
        kept, door._feeds = door._feeds, {}
        assert (await decide(chief, sent, "approve")).status_code == 404
        door._feeds = kept
        assert await figures(city) == {}
        assert (await client.get(f"/api/v1/indicators/imports/{sent['id']}")).json()["state"] == "pending"


async def test_a_late_figure_is_told_to_the_log_once_a_day_and_ended_by_its_approval(city: World, pack: Pack):
    assert pack.late_feed == "report_submission"
    watch = LateReports(
        database=city.database, log=EventLog(city.database), indicators=pack.indicators, feed=pack.late_feed,
        zone=pack.zone, log_clock=city.clock,
    )  # fmt: skip
    async with city.signed_in("op") as client, city.signed_in("chief") as chief:
        assert await watch.work(city.clock.now()) == 0, "nobody was asked for anything"
        sent = (await send(client, workbook([("exports", "2026-09", 100.0, 95.0, None, None)]))).json()
        await decide(chief, sent, "approve")
        assert [await watch.work(city.clock.now()) for _ in range(2)] == [1, 0]
        late = (await events(city))[-1]
        assert late["data"] == {
            "report": "Kim ngạch xuất khẩu (10/2026)", "agency": "Sở Công Thương", "overdue_days": 13,
            "submitted": False,
        }  # fmt: skip
        city.clock.advance(seconds=60)
        sent = (await send(client, workbook([("exports", "2026-10", 100.0, 95.0, None, None)]))).json()
        await decide(chief, sent, "approve")
        assert [await watch.work(city.clock.now()) for _ in range(2)] == [1, 0]
        ended = (await events(city))[-1]
        assert (ended["data"]["report"], ended["data"]["overdue_days"]) == (late["data"]["report"], 0)
        assert ended["time"] > late["time"]
