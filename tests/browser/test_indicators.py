"""Chỉ tiêu in the browser: a sheet with a fault, mended, sent, approved by another account, and undone."""

from __future__ import annotations

import io

import pytest
from playwright.async_api import expect
from xlsxwriter import Workbook

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = ["Mã chỉ tiêu", "Kỳ", "Kế hoạch", "Thực hiện"]


def sheet(*rows: list[object]) -> bytes:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    made = book.add_worksheet()
    table: list[list[object]] = [list(HEAD), *rows]
    for number, row in enumerate(table):
        for place, value in enumerate(row):
            made.write(number, place, value)
    book.close()
    return out.getvalue()


def file(name: str, body: bytes):
    return {"name": name, "mimeType": TYPE, "buffer": body}


async def test_a_sheet_is_mended_sent_approved_by_another_account_and_undone(visit, instance, operator_client):
    made = instance.made("user", "add", "ke-hoach", "--role", "operator")
    with instance.signed_in(made["username"], made["password"]) as sender:
        year = [["exports", f"2026-{month:02}", 100, 90 + month] for month in range(1, 11)]
        body = sheet(*year, ["exports", "2026", 1200, None], ["exports", "2025-10", None, 80])
        answer = sender.post("/api/v1/indicators/import?name=xuat-khau.xlsx", content=body,
                             headers={"Content-Type": TYPE})  # fmt: skip
        assert answer.status_code == 201, answer.text
    desk = await visit(1440, 900)
    page = desk.page
    await desk.go("/indicators")
    row = page.locator("[data-testid=indicator-row][data-code=exports]")
    await expect(row).to_contain_text("Chưa có số liệu", timeout=LOADED_MS)
    waiting = page.get_by_test_id("import-item").filter(has_text="xuat-khau.xlsx")
    await expect(waiting).to_contain_text("Chờ duyệt")
    await waiting.get_by_test_id("import-rows").click()
    await expect(waiting).to_contain_text("exports")
    await waiting.get_by_test_id("import-approve").click()
    await expect(waiting).to_have_attribute("data-state", "approved", timeout=LOADED_MS)
    await expect(row).to_contain_text("79,6")
    await expect(row).to_contain_text("+25")
    await expect(row).to_contain_text("Đạt kế hoạch")
    await shot(page, "indicators-1440.png")
    assert await serious(page) == []
    latest = operator_client.get("/api/v1/events", params={"feed": "economic_indicator", "device": "exports"})
    assert len(latest.json()["items"]) == 11

    broken = sheet(["iip", "10/2026", "mười", 108.2], ["iip", "13/2026", 107, 108.2], ["iip", "09/2026", 107, 108])
    await page.get_by_test_id("import-file").set_input_files(file("loi.xlsx", broken))
    preview = page.get_by_test_id("import-preview")
    await expect(preview.get_by_test_id("import-summary")).to_contain_text("2 lỗi trong 3 dòng", timeout=LOADED_MS)
    await expect(preview.locator("[data-testid=cell-fault][data-cell=C2]")).to_have_text("C2: 'mười' không phải số")
    await expect(preview.get_by_test_id("import-send")).to_be_disabled()
    await shot(page, "indicators-preview-1440.png")
    assert await serious(page) == []
    sound = sheet(["iip", "10/2026", 107, 108.2])
    await page.get_by_test_id("import-file").set_input_files(file("iip.xlsx", sound))
    await expect(preview.get_by_test_id("import-summary")).to_contain_text("không có lỗi", timeout=LOADED_MS)
    await preview.get_by_test_id("import-send").click()
    own = page.get_by_test_id("import-item").filter(has_text="iip.xlsx")
    await expect(own).to_contain_text("Một tài khoản khác", timeout=LOADED_MS)
    await expect(own.get_by_test_id("import-approve")).to_have_count(0)
    await own.get_by_test_id("import-reject").click()
    await own.get_by_test_id("why-text").fill("gửi nhầm kỳ")
    await page.keyboard.press("Enter")
    await expect(own).to_have_attribute("data-state", "rejected", timeout=LOADED_MS)
    await expect(own).to_contain_text("gửi nhầm kỳ")

    await waiting.get_by_test_id("import-undo").click()
    await waiting.get_by_test_id("why-text").fill("số liệu của tỉnh cũ")
    await page.keyboard.press("Enter")
    await expect(waiting).to_have_attribute("data-state", "undone", timeout=LOADED_MS)
    await expect(row).to_contain_text("Chưa có số liệu")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1920, 1080)])
async def test_the_screen_holds_at_other_sizes_and_is_found_by_the_quick_switch(visit, width, height):
    desk = await visit(width, height)
    await desk.go("/")
    await desk.page.get_by_test_id("live-state").wait_for()
    await desk.page.keyboard.press("Control+k")
    await desk.page.keyboard.type("chi tieu")
    await desk.page.keyboard.press("Enter")
    await desk.page.get_by_test_id("indicator-row").first.wait_for(timeout=LOADED_MS)
    assert "/indicators" in desk.page.url
    await shot(desk.page, f"indicators-{width}.png")
    over = await desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0
    assert await serious(desk.page) == []
