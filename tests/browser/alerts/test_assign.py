"""An alert is handed from one desk to another: by the keyboard, told there at once, taken, and taken back."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def sign_in(visit, username: str, password: str):
    """A desk of another person."""
    desk = await visit(1366, 768, signed_in=False)
    page = desk.page
    await page.goto(f"{desk.instance.url}/signin?next=/alerts")
    await page.get_by_test_id("signin-username").fill(username)
    await page.get_by_test_id("signin-password").fill(password)
    await page.get_by_test_id("signin-submit").click()
    await page.get_by_test_id("alert-row").first.wait_for(timeout=LOADED_MS)
    return desk


async def test_an_alert_is_handed_over_by_the_keyboard_told_at_the_other_desk_and_taken_there(
    visit, publisher, instance, operator_client
):
    made = instance.made("user", "add", "chi-lan", "--role", "shift_leader", "--name", "Chị Lan")
    publisher("rain-assign-1", "rainfall").send(json.dumps({"rain_24h_mm": 133.1, "rain_1h_mm": 1.0}))

    def opened():
        asked = {"open": "true", "device": "rain-assign-1", "rule": "rain.24h"}
        return operator_client.get("/api/v1/alerts", params=asked).json()["items"]

    alert = wait_until(opened, seconds=20, what="the alert")[0]
    other = await sign_in(visit, "chi-lan", made["password"])
    mine = await visit(1366, 768)
    await mine.go(f"/alerts/{alert['id']}")
    page = mine.page
    drawer = page.get_by_test_id("alert-drawer")
    await expect(drawer.get_by_test_id("action-assign")).to_be_visible(timeout=LOADED_MS)
    await page.keyboard.press("g")
    form = drawer.get_by_test_id("assign-form")
    await expect(form.get_by_test_id("assign-person").first).to_be_visible()
    await expect(form.get_by_test_id("assign-search")).to_be_focused()
    await page.keyboard.type("lan")
    await expect(form.get_by_test_id("assign-person")).to_have_count(1)
    await expect(form).to_contain_text("Chị Lan")
    await expect(form).to_contain_text("Trưởng ca")
    await expect(form.get_by_test_id("assign-confirm")).to_be_enabled()
    await page.wait_for_timeout(400)  # its colour fades in
    await shot(page, "assign-1366.png")
    assert await serious(page) == []
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("đã giao cho chi-lan")).to_be_visible(timeout=LOADED_MS)
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Chưa nhận")
    await expect(drawer).to_contain_text("giao chi-lan, chưa nhận")
    await expect(drawer.get_by_role("region", name="Diễn biến")).to_contain_text("→ chi-lan")

    theirs = other.page
    await expect(theirs.get_by_text(f"{instance.username} giao cho bạn cảnh báo {alert['number']}")).to_be_visible(
        timeout=LOADED_MS
    )
    await theirs.get_by_test_id("filter-mine").press("Enter")
    rows = theirs.get_by_test_id("alert-row")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("giao chi-lan")
    await shot(theirs, "assign-mine-1366.png")
    await rows.click()
    await theirs.get_by_test_id("action-acknowledge").press("Enter")
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Đã nhận", timeout=LOADED_MS)
    told = operator_client.get(f"/api/v1/alerts/{alert['id']}").json()
    assert (told["owner"], told["acknowledged_by"], told["assigned_by"]) == ("chi-lan", "chi-lan", instance.username)


async def test_a_hand_over_is_taken_back_in_the_message_that_tells_it(visit, publisher, instance, operator_client):
    instance.made("user", "add", "anh-ba", "--role", "operator")
    publisher("rain-assign-2", "rainfall").send(json.dumps({"rain_24h_mm": 134.2, "rain_1h_mm": 1.0}))

    def opened():
        asked = {"open": "true", "device": "rain-assign-2", "rule": "rain.24h"}
        return operator_client.get("/api/v1/alerts", params=asked).json()["items"]

    alert = wait_until(opened, seconds=20, what="the alert")[0]
    desk = await visit(390, 844)
    await desk.go(f"/alerts/{alert['id']}")
    drawer = desk.page.get_by_test_id("alert-drawer")
    await drawer.get_by_test_id("action-assign").press("Enter", timeout=LOADED_MS)
    await drawer.locator('[data-testid="assign-person"][data-username="anh-ba"] input').check()
    await drawer.get_by_test_id("assign-words").fill("đang ở gần đó")
    await shot(desk.page, "assign-390.png")
    await drawer.get_by_test_id("assign-confirm").press("Enter")
    await expect(drawer.get_by_role("region", name="Diễn biến")).to_contain_text("đang ở gần đó", timeout=LOADED_MS)
    await desk.page.get_by_role("button", name="Hoàn tác").last.press("Enter")
    await expect(drawer.get_by_role("region", name="Diễn biến")).to_contain_text("Bỏ giao", timeout=LOADED_MS)
    told = operator_client.get(f"/api/v1/alerts/{alert['id']}").json()
    assert (told["state"], told["owner"]) == ("new", None)
