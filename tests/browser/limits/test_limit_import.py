"""Giới hạn in the browser: a sheet with faults, mended, written with a reason, seen in its table, and undone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from playwright.async_api import expect
from xlsxwriter import Workbook

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = ["Mã bảng", "Mã thiết bị", "Giá trị", "Đơn vị", "Số giấy phép hoặc văn bản", "Đã đối chiếu", "Từ ngày"]


def sheet(*rows: list[object]) -> dict[str, Any]:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    made = book.add_worksheet()
    table: list[list[object]] = [list(HEAD), *rows]
    for number, row in enumerate(table):
        for place, value in enumerate(row):
            made.write(number, place, value)
    book.close()
    return {"name": "giay-phep.xlsx", "mimeType": TYPE, "buffer": out.getvalue()}


ONE: list[object] = ["wastewater.cod", "nt-sheet-1", 82.5, "mg/l", "Giấy phép 12/GP-UBND", "có", "01/01/2026"]


async def test_a_sheet_of_permits_is_mended_written_and_undone_as_one(visit, publisher, operator_client):
    publisher("nt-sheet-1", "wastewater")
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/limits?table=wastewater.cod")
    await page.get_by_test_id("row-import-open").click(timeout=LOADED_MS)
    await expect(page.get_by_test_id("row-choose")).to_be_focused(timeout=LOADED_MS)
    await shot(page, "limit-import-1366.png")
    assert await serious(page) == []
    wrong: list[object] = ["wastewater.cod", "nt-sheet-9", "1.234", "mg/l", "Giấy phép 13", "không", "31/02/2026"]
    await page.get_by_test_id("row-file").set_input_files(sheet(ONE, wrong))
    preview = page.get_by_test_id("row-preview")
    await expect(preview.get_by_test_id("row-summary")).to_contain_text("2 lỗi trong 2 dòng", timeout=LOADED_MS)
    await expect(preview.locator("[data-testid=cell-fault][data-cell=C3]")).to_contain_text("không rõ là số nào")
    await expect(preview.locator("[data-testid=cell-fault][data-cell=G3]")).to_contain_text("không phải ngày")
    await expect(preview.get_by_test_id("row-apply")).to_be_disabled()
    await shot(page, "limit-import-faults-1366.png")
    assert await serious(page) == []
    assert operator_client.get("/api/v1/limits", params={"device": "nt-sheet-1"}).json()["items"] == []

    await page.get_by_test_id("row-file").set_input_files(sheet(ONE))
    await expect(preview.get_by_test_id("row-summary")).to_contain_text("1 mới", timeout=LOADED_MS)
    await expect(preview.get_by_test_id("row-apply")).to_be_disabled()
    await preview.get_by_test_id("row-import-why").fill("Giấy phép năm 2026")
    await shot(page, "limit-import-preview-1366.png")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("row-import-done")).to_contain_text("1 mới", timeout=LOADED_MS)
    row = page.get_by_test_id("limits-row").filter(has_text="nt-sheet-1")
    await expect(row).to_contain_text("82,5 mg/l", timeout=LOADED_MS)
    done = page.get_by_test_id("row-import").filter(has_text="giay-phep.xlsx")
    await expect(done).to_contain_text("Giấy phép năm 2026")
    async with page.expect_download() as saved:
        await page.get_by_test_id("row-template").click()
    assert (await saved.value).suggested_filename.endswith(".xlsx")
    await done.get_by_test_id("row-import-undo").click()
    await done.get_by_test_id("why-text").fill("Nhầm tệp")
    await page.keyboard.press("Enter")
    await expect(done).to_have_attribute("data-state", "undone", timeout=LOADED_MS)
    await expect(row).to_have_count(0)
    await shot(page, "limit-import-undone-1366.png")
    assert operator_client.get("/api/v1/limits", params={"device": "nt-sheet-1"}).json()["items"] == []
