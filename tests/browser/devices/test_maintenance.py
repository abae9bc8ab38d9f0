"""Bảo trì in the browser: planned in the device's drawer, begun by the house within seconds, ended and taken back."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def test_a_window_is_planned_runs_and_is_ended_in_the_drawer(visit, publisher, operator_client):
    device = "rain-serviced"
    publisher(device, "rainfall").send(json.dumps({"time": time.time(), "rain_24h_mm": 0.2}))
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go(f"/devices/{device}")
    await expect(page.get_by_test_id("device-quality")).to_contain_text("Nhận", timeout=LOADED_MS)
    section = page.get_by_test_id("device-maintenance")
    await section.get_by_test_id("maintenance-plan").click(timeout=LOADED_MS)
    form = section.get_by_test_id("maintenance-form")
    await expect(form.get_by_test_id("maintenance-save")).to_be_disabled()
    start = await form.get_by_test_id("maintenance-from").input_value()
    end = await form.get_by_test_id("maintenance-to").input_value()
    await form.get_by_test_id("maintenance-to").fill(start)
    await form.get_by_test_id("maintenance-reason").fill("Thay pin, kiểm định")
    await form.get_by_test_id("maintenance-save").click()
    await expect(form.get_by_role("alert")).to_have_text("Giờ kết thúc phải sau giờ bắt đầu.")
    assert await serious(page) == []
    await form.get_by_test_id("maintenance-to").fill(end)
    await shot(page, "maintenance-form-1366.png")
    await form.get_by_test_id("maintenance-save").click()

    row = section.get_by_test_id("maintenance-row")
    await expect(row).to_have_attribute("data-state", "running", timeout=LOADED_MS)
    await expect(row).to_contain_text("Thay pin, kiểm định")
    await expect(page.get_by_test_id("device-drawer")).to_contain_text("Bảo trì đến")
    await shot(page, "maintenance-1366.png")
    assert await serious(page) == []

    def state() -> str:
        return str(operator_client.get(f"/api/v1/devices/{device}").json()["state"])

    assert state() == "maintenance"
    await row.get_by_test_id("maintenance-end").click()
    await expect(row).to_have_count(0, timeout=LOADED_MS)
    assert state() == "active"
    await page.get_by_test_id("toast-undo").last.click()
    wait_until(lambda: state() == "maintenance", seconds=20, what="the window that was planned again")
    await expect(row).to_have_attribute("data-state", "running", timeout=LOADED_MS)


async def test_an_alert_says_that_its_device_is_in_maintenance_until_the_window_ends(visit, publisher, operator_client):
    device = "rain-under-repair"
    publisher(device, "rainfall").send(json.dumps({"time": time.time(), "rain_24h_mm": 123.4}))
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/alerts")

    def of_device() -> list[dict[str, Any]]:
        found = operator_client.get(f"/api/v1/alerts?open=true&device={device}").json()["items"]
        return [one for one in found if one["rule"] == "rain.24h"]

    wait_until(of_device, seconds=30, what="an alert of the gauge")
    [alert] = of_device()
    row = page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]")
    await expect(row).to_be_visible(timeout=LOADED_MS)
    await expect(row.get_by_test_id("alert-maintenance")).to_have_count(0)
    now = time.time()
    body = {"starts_at": _stamp(now), "ends_at": _stamp(now + 3_600), "reason": "Vệ sinh gầu đo"}
    planned = operator_client.post(f"/api/v1/devices/{device}/maintenance", json=body)
    assert planned.status_code == 201, planned.text
    mark = row.get_by_test_id("alert-maintenance")
    await expect(mark).to_contain_text("Đang bảo trì đến", timeout=LOADED_MS)
    await shot(page, "alert-maintenance-1366.png")
    await row.get_by_role("link").click()
    drawer = page.get_by_test_id("alert-drawer")
    await expect(drawer.get_by_test_id("alert-maintenance-reason")).to_contain_text("Vệ sinh gầu đo")
    await shot(page, "alert-maintenance-drawer-1366.png")
    assert await serious(page) == []

    window = operator_client.get(f"/api/v1/maintenance?device={device}&state=running").json()["items"][0]
    ended = operator_client.delete(
        f"/api/v1/maintenance/{window['id']}", headers={"If-Match": f'"{window["version"]}"'}
    )
    assert ended.status_code == 200, ended.text
    await expect(mark).to_have_count(0, timeout=LOADED_MS)
    await expect(drawer.get_by_test_id("alert-maintenance-reason")).to_have_count(0)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
