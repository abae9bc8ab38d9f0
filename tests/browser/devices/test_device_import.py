"""Thiết bị in the browser: a sheet with faults, mended, imported with keys, seen on the device, and undone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS, over
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = [
    "Mã thiết bị",
    "Mã nguồn dữ liệu",
    "Tên tiếng Việt",
    "Mã xã, phường",
    "Vĩ độ",
    "Kinh độ",
    "Mã thiết bị cấp trên",
]


def sheet(*rows: list[object]) -> dict[str, Any]:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    made = book.add_worksheet()
    table: list[list[object]] = [list(HEAD), *rows]
    for number, row in enumerate(table):
        for place, value in enumerate(row):
            made.write(number, place, value)
    book.close()
    return {"name": "tram-moi.xlsx", "mimeType": TYPE, "buffer": out.getvalue()}


GATE = ["bt-gate", "rainfall", "Bộ tập trung Dốc Cun", "04828", 20.771, 105.346, None]
RAIN = ["bt-rain", "rainfall", "Trạm đo mưa Dốc Cun 2", "04828", 20.772, 105.347, "bt-gate"]


async def test_a_sheet_with_faults_is_mended_and_imported_and_gives_its_keys_once(visit, operator_client):
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/devices")
    await page.get_by_test_id("device-import-open").click()
    await expect(page.get_by_test_id("device-choose")).to_be_focused(timeout=LOADED_MS)
    await shot(page, "device-import-1366.png")
    assert await serious(page) == []
    wrong = sheet(GATE, ["Trạm 2", "mua", "Trạm", "99999", 105.347, 20.772, "khong-co"], RAIN)
    await page.get_by_test_id("device-file").set_input_files(wrong)
    preview = page.get_by_test_id("device-preview")
    await expect(preview.get_by_test_id("device-summary")).to_contain_text("trong 3 dòng", timeout=LOADED_MS)
    fault = preview.locator("[data-testid=cell-fault][data-cell=A3]")
    await expect(fault).to_contain_text("A3: 'Trạm 2' không phải mã")
    await expect(preview.get_by_test_id("device-apply")).to_be_disabled()
    await shot(page, "device-import-faults-1366.png")
    assert await serious(page) == []
    assert operator_client.get("/api/v1/devices/bt-gate").status_code == 404

    known = operator_client.get("/api/v1/devices/rain-doc-lap").json()
    renamed = [known["id"], None, "Tên trong tệp", None, None, None, None]
    await page.get_by_test_id("device-file").set_input_files(sheet(GATE, RAIN, renamed))
    await expect(preview.get_by_test_id("device-summary")).to_contain_text("2 mới, 1 sửa", timeout=LOADED_MS)
    await expect(preview.locator("[data-outcome=changed]")).to_contain_text(f"đang là {known['name']['vi']}")
    await shot(page, "device-import-preview-1366.png")
    await preview.get_by_test_id("device-apply").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("device-import-done")).to_contain_text("2 mới, 1 sửa", timeout=LOADED_MS)
    async with page.expect_download() as saved:
        await page.get_by_test_id("device-save-keys").click()
    lines = Path(await (await saved.value).path()).read_text().splitlines()  # noqa: ASYNC240 - a test waits for it
    assert [line.split(",")[0] for line in lines] == ["device", "bt-gate", "bt-rain"]
    assert lines[1].split(",")[1].startswith("ioc_device_")
    await shot(page, "device-import-done-1366.png")
    assert await serious(page) == []
    [brought] = [one for one in operator_client.get("/api/v1/devices/imports").json()["items"]
                 if one["file_name"] == "tram-moi.xlsx"]  # fmt: skip
    undone = operator_client.post(f"/api/v1/devices/imports/{brought['id']}/undo", json={"reason": "hết bài thử"},
                                  headers={"If-Match": f'"{brought["version"]}"'})  # fmt: skip
    assert undone.status_code == 200
    assert operator_client.get("/api/v1/devices/rain-doc-lap").json()["name"] == known["name"]
    listed = operator_client.get("/api/v1/devices", params={"feed": "rainfall", "limit": 500}).json()["items"]
    assert [one["id"] for one in listed if one["id"].startswith("bt-")] == []


async def test_what_was_imported_stands_on_the_device_leaves_as_a_workbook_and_is_undone(visit, operator_client):
    gate, rain = ["bt-gate-2", *GATE[1:]], ["bt-rain-2", *RAIN[1:6], "bt-gate-2"]
    body = sheet(gate, rain)["buffer"]
    answer = operator_client.post("/api/v1/devices/imports?name=cum-do.xlsx", content=body,
                                  headers={"Content-Type": TYPE})  # fmt: skip
    assert answer.status_code == 201, answer.text
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/devices/bt-gate-2")
    await expect(page.get_by_test_id("device-children")).to_contain_text("Trạm đo mưa Dốc Cun 2", timeout=LOADED_MS)
    await shot(page, "device-children-1366.png")
    await page.get_by_test_id("device-children").get_by_role("link").click()
    await expect(page.get_by_test_id("device-parent")).to_contain_text("Bộ tập trung Dốc Cun", timeout=LOADED_MS)
    await page.keyboard.press("Escape")
    await page.get_by_text("bt-gate-2", exact=True).first.wait_for()
    await expect(page.get_by_text("bt-gate", exact=True)).to_have_count(0)  # undone a moment ago
    await shot(page, "devices-list-1366.png")
    async with page.expect_download() as saved:
        await page.get_by_test_id("device-export").click()
    book = CalamineWorkbook.from_path(str(await (await saved.value).path()))
    assert {"bt-gate-2", "bt-rain-2"} <= {row[0] for row in book.get_sheet_by_index(0).to_python()}

    await desk.go("/devices?import=1")
    item = page.get_by_test_id("device-import").filter(has_text="cum-do.xlsx")
    await expect(item).to_have_attribute("data-state", "applied", timeout=LOADED_MS)
    below = {"id": "bt-below", "feed": "rainfall", "name": {"vi": "Trạm cấp dưới"}, "area": "04828",
             "parent": "bt-gate-2"}  # fmt: skip
    made = operator_client.post("/api/v1/devices", json=below)
    assert made.status_code == 201
    await item.get_by_test_id("device-import-undo").click()
    await item.get_by_test_id("why-text").fill("nhập nhầm trạm")
    await page.keyboard.press("Enter")
    await expect(item).to_contain_text("bt-gate-2 đang có thiết bị cấp dưới", timeout=LOADED_MS)
    await shot(page, "device-import-refused-1366.png")
    assert operator_client.get("/api/v1/devices/bt-rain-2").status_code == 200, "nothing of it was undone"
    desk.errors.clear()  # the browser says that it was refused
    operator_client.patch("/api/v1/devices/bt-below", json={"parent": None},
                          headers={"If-Match": made.headers["ETag"]}).raise_for_status()  # fmt: skip
    await page.keyboard.press("Enter")
    await expect(item).to_have_attribute("data-state", "undone", timeout=LOADED_MS)
    await expect(item).to_contain_text("nhập nhầm trạm")
    assert operator_client.get("/api/v1/devices/bt-gate-2").status_code == 404
    await page.get_by_test_id("device-import-open").click()
    await page.get_by_role("searchbox").first.fill("bt-gate-2")
    await expect(page.get_by_text("Không có thiết bị nào khớp bộ lọc")).to_be_visible(timeout=LOADED_MS)
    over(operator_client, "bt-below")


async def test_the_form_holds_on_a_phone(visit):
    desk = await visit(390, 844)
    page = desk.page
    await desk.go("/devices?import=1")
    await page.get_by_test_id("device-choose").wait_for(timeout=LOADED_MS)
    await page.get_by_test_id("device-file").set_input_files(sheet(["Bad", "rainfall", "Trạm"]))
    await page.get_by_test_id("cell-fault").first.wait_for(timeout=LOADED_MS)
    await shot(page, "device-import-390.png")
    over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0
    assert await serious(page) == []
