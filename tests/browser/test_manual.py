"""Nhập tin in the browser: from a key press to an alert, corrected and taken back, without the mouse."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(180)


def latest(client, device: str):
    """Return the newest values of a device by field."""
    items = client.get("/api/v1/latest", params={"device": device}).json()["items"]
    return {item["field"]: item["value"] for item in items}


async def test_a_reading_is_entered_by_keyboard_raises_its_alert_and_is_corrected_and_taken_back(
    visit, publisher, operator_client
):
    device = "rain-by-hand"
    publisher(device, "rainfall")
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/")
    await page.keyboard.press("n")
    await expect(page.get_by_test_id("manual-search")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("luong mua")
    await expect(page.get_by_test_id("manual-feed").first).to_have_attribute("data-feed", "rainfall", timeout=LOADED_MS)
    await page.keyboard.press("Enter")
    form = page.get_by_test_id("manual-form")
    device_field = form.get_by_label("Thiết bị, công trình")
    await expect(device_field.locator(f"option[value={device}]")).to_have_count(1, timeout=LOADED_MS)
    await page.keyboard.press("Control+Enter")
    await expect(form).to_contain_text("Chọn thiết bị")
    await device_field.select_option(device)
    rain = form.locator("#field-rain_24h_mm")
    await rain.fill("nhiều")
    await page.keyboard.press("Control+Enter")
    await expect(form).to_contain_text("Không đúng kiểu số hoặc chữ")
    await expect(rain).to_be_focused()
    await rain.fill("131,7")
    await shot(page, "manual-1366.png")
    await page.keyboard.press("Control+Enter")
    row = page.get_by_test_id("manual-entry").first
    await expect(row).to_contain_text("131,7", timeout=LOADED_MS)

    def alerts():
        return operator_client.get("/api/v1/alerts", params={"device": device, "open": "true"}).json()["items"]

    wait_until(alerts, seconds=20, what="the alert of what was entered")

    await row.get_by_test_id("manual-correct").press("Enter")
    await expect(form).to_contain_text("Sửa:")
    await form.locator("#field-rain_24h_mm").fill("13,1")
    await form.get_by_label("Lý do sửa").fill("nghe nhầm số")
    await page.keyboard.press("Control+Enter")
    await expect(row).to_contain_text("13,1")
    await expect(row).to_have_attribute("data-action", "corrected")
    wait_until(lambda: latest(operator_client, device) == {"rain_24h_mm": 13.1}, seconds=20, what="the corrected value")

    await row.get_by_test_id("manual-withdraw").press("Enter")
    await row.get_by_test_id("why-text").fill("báo nhầm trạm")
    await page.keyboard.press("Enter")
    await expect(row).to_have_attribute("data-action", "withdrawn")
    await row.get_by_test_id("manual-history").press("Enter")
    await expect(row.locator("ol li")).to_have_count(3)
    await expect(row).to_contain_text("báo nhầm trạm")
    await expect(row).to_contain_text("nghe nhầm số")
    assert await serious(page) == []
    wait_until(lambda: latest(operator_client, device) == {}, seconds=20, what="that nothing of it stands")
