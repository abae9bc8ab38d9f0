"""An alert is put aside by the keyboard: it stands apart under a count always shown, and comes back by itself."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


def opened(client, device: str):
    def found():
        asked = {"open": "true", "device": device, "rule": "rain.24h"}
        return client.get("/api/v1/alerts", params=asked).json()["items"]

    return wait_until(found, seconds=20, what="the alert")[0]


async def test_it_is_put_aside_by_the_keyboard_stands_under_its_count_and_the_undo_brings_it_back(
    visit, publisher, operator_client
):
    publisher("rain-shelve-1", "rainfall").send(json.dumps({"rain_24h_mm": 131.1, "rain_1h_mm": 1.0}))
    alert = opened(operator_client, "rain-shelve-1")
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go(f"/alerts/{alert['id']}")
    drawer = page.get_by_test_id("alert-drawer")
    await expect(drawer.get_by_test_id("action-shelve")).to_be_visible(timeout=LOADED_MS)
    before = int(await page.get_by_test_id("filter-shelved").get_attribute("data-count"))
    await page.keyboard.press("h")
    form = drawer.get_by_test_id("shelve-form")
    await expect(form.get_by_test_id("shelve-reason")).to_be_focused()
    await expect(form.get_by_test_id("shelve-confirm")).to_be_disabled()
    await form.get_by_test_id("shelve-240").check()
    await form.get_by_test_id("shelve-reason").fill("Đang nạo vét mương")
    await expect(form.get_by_test_id("shelve-until")).to_contain_text("Tự trở lại lúc")
    await page.wait_for_timeout(400)  # its colour fades in
    await shot(page, "shelve-form-1366.png")
    assert await serious(page) == []
    await form.get_by_test_id("shelve-reason").press("Enter")
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Tạm ẩn", timeout=LOADED_MS)
    await expect(drawer.get_by_test_id("alert-shelved")).to_be_visible()
    await expect(drawer.get_by_role("region", name="Diễn biến")).to_contain_text("Đang nạo vét mương")
    told = operator_client.get(f"/api/v1/alerts/{alert['id']}").json()
    ahead = datetime.fromisoformat(told["shelved_until"]) - datetime.fromisoformat(told["shelved_at"])
    assert timedelta(hours=3, minutes=58) < ahead <= timedelta(hours=4)

    row = page.locator(f'[data-testid="alert-row"][data-alert-id="{alert["id"]}"]')
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("filter-shelved")).to_have_attribute("data-count", str(before + 1))
    await expect(row).to_have_count(0)
    await page.get_by_test_id("filter-shelved").press("Enter")
    await expect(row).to_contain_text("đến ")
    await shot(page, "shelved-1366.png")
    assert await serious(page) == []
    await page.get_by_role("button", name="Hoàn tác").last.press("Enter")
    await expect(page.get_by_test_id("filter-shelved")).to_have_attribute("data-count", str(before))
    assert operator_client.get(f"/api/v1/alerts/{alert['id']}").json()["state"] == "new"


async def test_its_time_passes_and_it_is_back_with_a_message_and_nobodys_line(visit, publisher, operator_client):
    publisher("rain-shelve-2", "rainfall").send(json.dumps({"rain_24h_mm": 132.2, "rain_1h_mm": 1.0}))
    alert = opened(operator_client, "rain-shelve-2")
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/")
    row = page.locator(f'[data-testid="alert-row"][data-alert-id="{alert["id"]}"]')
    await expect(row).to_be_visible(timeout=LOADED_MS)

    def put_aside() -> bool:
        now = operator_client.get(f"/api/v1/alerts/{alert['id']}")
        clock = operator_client.get("/api/v1/status").json()["time"]
        body = {"text": "thử", "until": (datetime.fromisoformat(clock) + timedelta(seconds=8)).isoformat()}
        seen = {"If-Match": f'"{now.json()["version"]}"'}
        answer = operator_client.post(f"/api/v1/alerts/{alert['id']}/shelve", json=body, headers=seen)
        return bool(answer.status_code == HTTPStatus.OK)

    wait_until(put_aside, seconds=10, what="the shelf")
    await expect(page.get_by_test_id("feed-shelved")).to_be_visible()
    await expect(page.get_by_test_id("tile-shelved").first).to_have_text(re.compile("đang tạm ẩn$"))
    await expect(row).to_have_count(0)
    await shot(page, "overview-shelved-1366.png")
    await expect(page.get_by_text(f"{alert['number']} trở lại")).to_be_visible(timeout=LOADED_MS)
    await expect(row).to_be_visible()
    lines = operator_client.get(f"/api/v1/alerts/{alert['id']}/history?sort=newest&limit=1").json()["items"]
    assert [(line["kind"], line["actor"], line["reason"]) for line in lines] == [("unshelve", None, "until_reached")]
