"""Giới hạn in the browser: a permit is added, corrected, ended, taken out and brought back; who may not only reads."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def test_a_permit_is_added_corrected_and_ended(visit, publisher, operator_client):
    publisher("nt-limits-1", "wastewater")
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/limits")
    table = page.locator("[data-testid=limits-table][data-table='wastewater.cod']")
    await expect(table.get_by_test_id("limits-own").first).to_contain_text("150 mg/l", timeout=LOADED_MS)
    await shot(page, "limits-1366.png")
    assert await serious(page) == []
    await table.get_by_test_id("limits-add").click()
    form = table.get_by_test_id("limit-form")
    await form.get_by_test_id("limit-target").fill("nt-limits-1")
    await form.get_by_test_id("limit-value").fill("82.5")
    await form.get_by_test_id("limit-from").fill("2026-01-01")
    await form.get_by_test_id("limit-source").fill("Giấy phép 12/GP-UBND")
    await form.get_by_test_id("limit-why").fill("Giấy phép mới")
    await shot(page, "limits-form-1366.png")
    assert await serious(page) == []
    await form.get_by_test_id("limit-save").click()
    row = table.get_by_test_id("limits-row").filter(has_text="nt-limits-1")
    await expect(row).to_contain_text("82,5 mg/l", timeout=LOADED_MS)
    await expect(row.get_by_test_id("limits-state")).to_have_text("Đang áp dụng")

    await row.locator("button.line").click()
    await row.get_by_test_id("limit-correct").click()
    await row.get_by_test_id("limit-value").fill("80")
    await row.get_by_test_id("limit-why").fill("Gõ nhầm giá trị")
    await row.get_by_test_id("limit-save").click()
    await expect(row).to_contain_text("80 mg/l", timeout=LOADED_MS)
    history = row.get_by_test_id("limit-history")
    await expect(history).to_contain_text("Gõ nhầm giá trị", timeout=LOADED_MS)
    await expect(history).to_contain_text("82,5 mg/l")
    await row.get_by_test_id("limit-end").click()
    await row.get_by_test_id("limit-to").fill("2026-06-30")
    await row.get_by_test_id("limit-why").fill("Nhà máy ngừng hoạt động")
    await row.get_by_test_id("limit-save").click()
    await table.get_by_test_id("limits-ended").click(timeout=LOADED_MS)
    await expect(row.get_by_test_id("limits-state")).to_have_text("Đã hết hạn")
    await shot(page, "limits-row-1366.png")
    (limit,) = operator_client.get("/api/v1/limits", params={"device": "nt-limits-1"}).json()["items"]
    assert (limit["value"], limit["valid_to"], limit["version"]) == (80, "2026-06-30", 3)


async def test_what_is_taken_out_by_mistake_is_brought_back_with_its_history(visit, publisher, operator_client):
    publisher("nt-limits-3", "wastewater")
    body = {
        "name": "wastewater.cod",
        "device": "nt-limits-3",
        "value": 80,
        "unit": "mg/l",
        "source": "GP 3",
        "why": "Giấy phép",
    }
    operator_client.put("/api/v1/limits", json=body, headers={"If-Match": '"0"'}).raise_for_status()
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/limits?table=wastewater.cod")
    row = page.get_by_test_id("limits-row").filter(has_text="nt-limits-3")
    await row.locator("button.line").click(timeout=LOADED_MS)
    await row.get_by_test_id("limit-take-out").click()
    await row.get_by_test_id("why-text").fill("Nhập nhầm nhà máy")
    await page.keyboard.press("Enter")
    await expect(row).to_have_count(0, timeout=LOADED_MS)
    await page.get_by_test_id("limits-filter-removed").click()
    gone = page.get_by_test_id("limits-row").filter(has_text="nt-limits-3")
    await expect(gone.get_by_test_id("limits-state")).to_have_text("Đã bỏ khỏi bảng", timeout=LOADED_MS)
    await gone.locator("button.line").click()
    await expect(gone.get_by_test_id("limit-history")).to_contain_text("Nhập nhầm nhà máy", timeout=LOADED_MS)
    await gone.get_by_test_id("limit-undo").click()
    await gone.get_by_test_id("why-text").fill("Đúng nhà máy này")
    await page.keyboard.press("Enter")
    await expect(gone).to_have_count(0, timeout=LOADED_MS)
    (limit,) = operator_client.get("/api/v1/limits", params={"device": "nt-limits-3"}).json()["items"]
    assert (limit["value"], limit["removed"]) == (80, False)


async def test_a_device_and_a_rule_lead_to_their_tables_and_a_viewer_only_reads(visit, publisher, instance):
    publisher("nt-limits-2", "wastewater")
    desk = await visit(390, 844)
    page = desk.page
    await desk.go("/devices/nt-limits-2")
    await page.get_by_test_id("limits-page").click(timeout=LOADED_MS)
    await page.get_by_test_id("limits-filter-device").wait_for(timeout=LOADED_MS)
    assert await page.get_by_test_id("limits-filter-device").input_value() == "nt-limits-2"
    await desk.go("/rules/wastewater.cod")
    await page.get_by_test_id("rule-limits").click(timeout=LOADED_MS)
    await expect(page.get_by_test_id("limits-table")).to_have_count(1, timeout=LOADED_MS)
    await expect(page.get_by_test_id("limits-add")).to_have_count(1)
    await shot(page, "limits-390.png")
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert await serious(page) == []

    made = instance.made("user", "add", "chi-xem", "--role", "viewer")
    reader = await visit(1366, 768, signed_in=False)
    await reader.page.goto(f"{instance.url}/signin?next=/limits")
    await reader.page.get_by_test_id("signin-username").fill(made["username"])
    await reader.page.get_by_test_id("signin-password").fill(made["password"])
    await reader.page.get_by_test_id("signin-submit").click()
    await reader.page.get_by_test_id("limits-table").first.wait_for(timeout=LOADED_MS)
    await expect(reader.page.get_by_test_id("limits-add")).to_have_count(0)
    await expect(reader.page.locator(".intro")).to_contain_text("chỉ xem")
