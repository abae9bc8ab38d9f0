"""How devices are, on the screen: a low battery orders and filters the list and is told in the drawer."""

from __future__ import annotations

import json
import time

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def test_a_low_battery_is_seen_filtered_and_told_with_its_age(visit, publisher, operator_client):
    told = {"rain-weak": (12, -104), "rain-full": (88, -70)}
    for device, (battery, signal) in told.items():
        body = {
            "time": time.time(),
            "rain_24h_mm": 0.2,
            "battery_pct": battery,
            "rssi_dbm": signal,
            "firmware": "2.0.1",
        }
        publisher(device, "rainfall").send(json.dumps(body))

    def known() -> bool:
        found = operator_client.get("/api/v1/devices?low_battery=true").json()["items"]
        return [one["id"] for one in found] == ["rain-weak"]

    wait_until(known, seconds=30, what="the battery in the registry")
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/devices?q=rain-")
    weak = page.locator("[data-testid=device-row][data-device-id=rain-weak]")
    await expect(weak.get_by_test_id("row-battery")).to_have_text("Pin 12 %", timeout=LOADED_MS)
    await page.get_by_label("Sắp xếp").select_option("battery")
    first = page.get_by_test_id("device-row").first
    await expect(first).to_have_attribute("data-device-id", "rain-weak")
    await shot(page, "device-health-list-1366.png")
    await page.get_by_test_id("low-battery-chip").click()
    await expect(page.get_by_test_id("device-row")).to_have_count(1)
    assert await serious(page) == []
    await weak.click()
    drawer = page.get_by_test_id("device-drawer")
    await expect(drawer.get_by_test_id("device-battery")).to_contain_text("Pin yếu")
    await expect(drawer.get_by_test_id("device-signal")).to_contain_text("104 dBm")
    await expect(drawer.get_by_test_id("device-firmware")).to_contain_text("2.0.1")
    await shot(page, "device-health-drawer-1366.png")
    assert await serious(page) == []
