"""Tra cứu in the browser: from an alert to the form, a row written, found, corrected, ended, taken out and undone."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import expect
from xlsxwriter import Workbook

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.lookups.test_lookup_panel import DATA, RULE, written
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = ["Biển số xe", "Loại", "Báo cho cơ quan", "Nguồn", "Đến hết ngày"]


def sheet(*rows: list[object]) -> dict[str, Any]:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    made = book.add_worksheet()
    table: list[list[object]] = [list(HEAD), *rows]
    for number, row in enumerate(table):
        for place, value in enumerate(row):
            made.write(number, place, value)
    book.close()
    return {"name": "bien-so.xlsx", "mimeType": TYPE, "buffer": out.getvalue()}


async def test_from_an_alert_without_a_permit_to_the_permit_and_its_end(visit, publisher, site_rule, operator_client):
    site_rule("lookup.cod", RULE)
    plant = publisher("lookup-nt-2", "wastewater")
    plant.send(json.dumps({"time": datetime.now(UTC).isoformat(), "cod_mg_l": 191.0}))

    def found() -> str | None:
        items = operator_client.get("/api/v1/alerts", params={"rule": "lookup.cod", "open": "true"}).json()["items"]
        return next((str(item["id"]) for item in items if item["device"] == "lookup-nt-2"), None)

    alert = wait_until(found, seconds=20, what="the alert of the plant")
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go(f"/alerts/{alert}")
    await page.get_by_test_id("lookup-add").click(timeout=LOADED_MS)
    form = page.get_by_test_id("lookup-form")
    await expect(form.get_by_test_id("lookup-key")).to_have_value("lookup-nt-2", timeout=LOADED_MS)
    await expect(form.get_by_test_id("lookup-save")).to_be_disabled()
    await form.get_by_test_id("lookup-value-permit").fill("77/GP-UBND")
    await form.get_by_test_id("lookup-value-issuer").fill("UBND tỉnh")
    await form.get_by_test_id("lookup-value-volume").fill("1250.5")
    await form.get_by_test_id("lookup-source").fill("Bản chụp giấy phép")
    await form.get_by_test_id("lookup-why").fill("Hồ sơ của cơ sở")
    await shot(page, "lookups-form-1366.png")
    assert await serious(page) == []
    await page.keyboard.press("Enter")
    row = page.locator("[data-testid=lookup-row][data-key=lookup-nt-2]")
    await expect(row).to_contain_text("1.250,5 m³/ngày đêm", timeout=LOADED_MS)
    await expect(row.get_by_test_id("lookup-state")).to_contain_text("Còn hiệu lực")
    await desk.go(f"/alerts/{alert}")
    permit = page.get_by_test_id("lookup-panel").locator("[data-table=wastewater-permit]")
    await expect(permit).to_contain_text("77/GP-UBND", timeout=LOADED_MS)

    await desk.go("/lookups?table=wastewater-permit&q=lookup-nt-2")
    await row.locator(".line").click(timeout=LOADED_MS)
    await row.get_by_test_id("limit-end").click()
    await form.get_by_test_id("lookup-to").fill("2026-01-31")
    await form.get_by_test_id("lookup-why").fill("Giấy phép hết hạn")
    await page.keyboard.press("Enter")
    await page.get_by_test_id("lookups-ended").click(timeout=LOADED_MS)
    await expect(row.get_by_test_id("lookup-state")).to_contain_text("Đã hết hạn")
    await row.locator(".line").click()
    history = row.get_by_test_id("lookup-history")
    await expect(history.locator("li")).to_have_count(2, timeout=LOADED_MS)
    await expect(history).to_contain_text("Giấy phép hết hạn")
    await shot(page, "lookups-history-1366.png")
    await row.get_by_test_id("limit-undo").click()
    await row.get_by_test_id("why-text").fill("Nhầm ngày")
    await page.keyboard.press("Enter")
    await expect(row.get_by_test_id("lookup-state")).to_contain_text("Còn hiệu lực", timeout=LOADED_MS)
    (kept,) = operator_client.get("/api/v1/lookups", params={"device": "lookup-nt-2"}).json()["items"]
    assert (kept["version"], kept["valid_to"], kept["changed_why"]) == (3, None, "Nhầm ngày")


async def test_a_sheet_of_plates_is_mended_written_and_undone_and_restricted_rows_wait_to_be_asked_for(
    visit, operator_client
):
    written(operator_client, table="watch-code", key="LK-22", source="Thông báo 22/TB",
            data={"kind": "stolen_vehicle", "agency": "Cảnh sát giao thông"})  # fmt: skip
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/lookups")
    plates = page.locator("[data-testid=lookups-table][data-table=number-plate]")
    codes = page.locator("[data-testid=lookups-table][data-table=watch-code]")
    await expect(codes.get_by_test_id("lookups-show")).to_be_visible(timeout=LOADED_MS)
    await expect(codes.get_by_test_id("lookup-row")).to_have_count(0)
    await shot(page, "lookups-1366.png")
    assert await serious(page) == []
    await codes.get_by_test_id("lookups-show").click()
    await expect(codes.locator("[data-key=LK-22]")).to_contain_text("Phương tiện bị trộm cắp", timeout=LOADED_MS)
    await expect(codes.locator("[data-key=LK-22]")).to_contain_text("Cảnh sát giao thông")

    await desk.go("/lookups?table=number-plate")
    await plates.get_by_test_id("lookups-import").click(timeout=LOADED_MS)
    await page.get_by_test_id("row-file").set_input_files(
        sheet(["28A-777.01", "xe lạ", "CSGT", "Thông báo 9", "31/12/2027"])
    )
    preview = page.get_by_test_id("row-preview")
    await expect(preview.locator("[data-testid=cell-fault][data-cell=B2]")).to_contain_text(
        "viết một trong", timeout=LOADED_MS
    )
    await expect(preview.get_by_test_id("row-apply")).to_be_disabled()
    await page.get_by_test_id("row-file").set_input_files(
        sheet(["28A-777.01", "xe bị trộm cắp", "CSGT", "Thông báo 9", "31/12/2027"])
    )
    await expect(preview.get_by_test_id("row-summary")).to_contain_text("1 mới", timeout=LOADED_MS)
    await preview.get_by_test_id("row-import-why").fill("Công an báo")
    await shot(page, "lookups-import-1366.png")
    await page.keyboard.press("Enter")
    row = plates.locator("[data-key='28A-777.01']")
    await expect(row).to_contain_text("Xe bị trộm cắp", timeout=LOADED_MS)
    await page.get_by_test_id("lookups-search").fill("28a 777")
    await page.keyboard.press("Enter")
    await expect(row).to_be_visible(timeout=LOADED_MS)
    done = page.get_by_test_id("row-import").filter(has_text="bien-so.xlsx")
    await done.get_by_test_id("row-import-undo").click()
    await done.get_by_test_id("why-text").fill("Nhầm tệp")
    await page.keyboard.press("Enter")
    await expect(done).to_have_attribute("data-state", "undone", timeout=LOADED_MS)
    await expect(row).to_have_count(0)
    assert operator_client.get("/api/v1/lookups", params={"key": "28A77701"}).json()["items"] == []


async def test_on_a_telephone_a_row_is_read_without_scrolling_aside(visit, publisher, operator_client):
    publisher("lookup-nt-3", "wastewater")
    written(operator_client, table="wastewater-permit", key="lookup-nt-3", data=DATA, source="Bản chụp giấy phép")
    desk = await visit(390, 844)
    page = desk.page
    await desk.go("/lookups?table=wastewater-permit")
    await expect(page.get_by_test_id("lookup-row").first).to_be_visible(timeout=LOADED_MS)
    await shot(page, "lookups-390.png")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await serious(page) == []
