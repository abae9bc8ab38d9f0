"""From taking it to its end by the keyboard: begun, resolved, closed; no operator opens what is closed."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def test_an_alert_is_begun_resolved_and_closed_and_is_final_for_an_operator(
    visit, publisher, instance, operator_client
):
    made = instance.made("user", "add", "anh-nam", "--role", "operator")
    publisher("rain-begin-1", "rainfall").send(json.dumps({"rain_24h_mm": 135.1, "rain_1h_mm": 1.0}))

    def opened():
        asked = {"open": "true", "device": "rain-begin-1", "rule": "rain.24h"}
        return operator_client.get("/api/v1/alerts", params=asked).json()["items"]

    alert = wait_until(opened, seconds=20, what="the alert")[0]
    desk = await visit(1366, 768, signed_in=False)
    page = desk.page
    await page.goto(f"{instance.url}/signin?next=/alerts/{alert['id']}")
    await page.get_by_test_id("signin-username").fill("anh-nam")
    await page.get_by_test_id("signin-password").fill(made["password"])
    await page.get_by_test_id("signin-submit").click()
    drawer = page.get_by_test_id("alert-drawer")
    await expect(drawer.get_by_test_id("action-start")).to_be_visible(timeout=LOADED_MS)
    await page.keyboard.press("s")
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Đang xử lý", timeout=LOADED_MS)
    await expect(drawer.get_by_test_id("action-start")).to_have_count(0)
    await page.wait_for_timeout(400)  # its colour fades in
    await shot(page, "begun-1366.png")
    assert await serious(page) == []

    version = operator_client.get("/api/v1/devices/rain-begin-1").json()["version"]
    operator_client.patch("/api/v1/devices/rain-begin-1", json={"state": "retired"},
                          headers={"If-Match": f'"{version}"'}).raise_for_status()  # fmt: skip
    wait_until(lambda: operator_client.get(f"/api/v1/alerts/{alert['id']}").json()["condition"] == "cleared",
               seconds=20, what="the end of its condition")  # fmt: skip
    await expect(drawer).to_contain_text("Thiết bị đã ngừng sử dụng", timeout=LOADED_MS)
    await page.keyboard.press("r")
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Đã xử lý", timeout=LOADED_MS)
    await drawer.get_by_test_id("action-close").press("Enter")
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Đã đóng", timeout=LOADED_MS)
    for gone in ("action-reopen", "action-close", "action-false-alarm", "action-resolve"):
        await expect(drawer.get_by_test_id(gone)).to_have_count(0)
    await shot(page, "closed-1366.png")
    assert await serious(page) == []
    told = operator_client.get(f"/api/v1/alerts/{alert['id']}").json()
    assert (told["started_by"], told["acknowledged_by"], told["resolved_by"], told["closed_by"]) == ("anh-nam",) * 4
