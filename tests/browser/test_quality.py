"""Chất lượng dữ liệu in the browser: feeds and their sources; what was refused is tried again, let in, taken back."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def test_a_misnamed_field_is_found_tried_let_in_with_its_alert_and_taken_back(visit, publisher, operator_client):
    device = "rain-misnamed"
    before = operator_client.get("/api/v1/quality").json()["items"]
    refused = next(one["refused"] for one in before if one["feed"] == "rainfall")  # by other tests of this instance
    sender = publisher(device, "rainfall")
    for number in range(3):
        sender.send(json.dumps({"id": f"m{number}", "mua": 131.7, "lat": "?", "lon": 105}))
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/quality")
    feed = page.locator('[data-testid="quality-feed"][data-feed="rainfall"]')
    await expect(feed).to_contain_text(f"từ chối {refused + 3}", timeout=LOADED_MS)
    await feed.press("Enter")
    await expect(page.get_by_test_id("quality-source").first).to_be_visible(timeout=LOADED_MS)
    await shot(page, "quality-1366.png", full_page=True)
    assert await serious(page) == []
    await feed.press("Enter")

    group = page.locator('[data-testid="letter-group"][data-feed="rainfall"][data-reason="bad_place"]')
    await group.get_by_role("button").first.press("Enter")
    await expect(group.get_by_test_id("letter-raw")).to_contain_text('"mua": 131.7')
    await group.get_by_test_id("letter-try").press("Enter")
    await expect(group.get_by_test_id("letter-trial")).to_contain_text("0 trên 3")
    for name, instead in (("mua", "rain_24h_mm"), ("lat", "-"), ("lon", "-")):
        await group.get_by_test_id("letter-member").select_option(name)
        await group.get_by_test_id("letter-read-as").select_option(instead)
        await group.get_by_test_id("letter-add").press("Enter")
    await group.get_by_test_id("letter-try").press("Enter")
    await expect(group.get_by_test_id("letter-trial")).to_contain_text("3 trên 3")
    await expect(group.get_by_test_id("letter-trial")).to_contain_text('"rain_24h_mm": 131.7')
    await shot(page, "quality-remedy-1366.png", full_page=True)
    assert await serious(page) == []
    await group.get_by_test_id("letter-release").press("Enter")
    await group.get_by_test_id("why-text").fill("trạm ghi sai tên trường")
    await page.keyboard.press("Enter")
    past = page.get_by_test_id("letter-past").first
    await expect(past).to_contain_text("trạm ghi sai tên trường", timeout=LOADED_MS)
    await expect(group).to_have_count(0)

    def alerts():
        return operator_client.get("/api/v1/alerts", params={"device": device, "open": "true"}).json()["items"]

    def newest():
        items = operator_client.get("/api/v1/latest", params={"device": device}).json()["items"]
        return {item["field"]: item["value"] for item in items}

    wait_until(alerts, seconds=20, what="the alert of what was let in")
    wait_until(lambda: newest().get("rain_24h_mm") == 131.7, seconds=20, what="the value of what was let in")
    await past.get_by_test_id("letter-undo").press("Enter")
    await past.get_by_test_id("why-text").fill("đọc nhầm đơn vị")
    await page.keyboard.press("Enter")
    await expect(past).to_have_attribute("data-undone", "true", timeout=LOADED_MS)
    wait_until(lambda: newest() == {}, seconds=20, what="that nothing of it stands")
    wait_until(lambda: alerts()[0]["condition"] == "cleared", seconds=20, what="that its alert has ended")
    await expect(group).to_contain_text("3", timeout=LOADED_MS)


async def test_the_month_and_a_phone_hold(visit):
    phone = await visit(390, 844)
    await phone.go("/quality?window=30d")
    await expect(phone.page.get_by_test_id("quality-sum")).to_be_visible(timeout=LOADED_MS)
    width = await phone.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    await shot(phone.page, "quality-390.png", full_page=True)
    assert await serious(phone.page) == []
