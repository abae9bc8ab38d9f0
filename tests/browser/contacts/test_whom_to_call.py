"""Gọi ai in the drawer: by the keyboard alone to the number, the outcome noted in one key, and on to the next one."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot
from tests.browser.test_drawers import open_alert

pytestmark = pytest.mark.timeout(180)


async def test_by_the_keyboard_alone_the_ward_is_tried_and_the_command_reached(visit, publisher, operator_client):
    publisher("rain-whom-1", "rainfall").send(json.dumps({"rain_24h_mm": 141.2, "rain_1h_mm": 1.0}))
    alert = open_alert(operator_client, device="rain-whom-1", rule="rain.24h")
    operator = await visit(1366, 768)
    page = operator.page
    await operator.go(f"/alerts/{alert['id']}")
    section = page.get_by_test_id("whom-to-call")
    rows = section.get_by_test_id("whom-candidate")
    await expect(rows.first).to_contain_text("Ủy ban nhân dân phường Hòa Bình", timeout=LOADED_MS)
    await expect(rows.first.get_by_test_id("whom-why")).to_have_text("Phường Hòa Bình · mọi lĩnh vực · trong giờ")
    await expect(rows.nth(1)).to_contain_text("Ban Chỉ huy Phòng thủ dân sự")
    await expect(section.get_by_role("link", name="114")).to_have_attribute("href", "tel:114")
    await shot(page, "whom-to-call-1366.png")
    assert await serious(page) == []

    await page.keyboard.press("p")
    number = rows.first.get_by_role("link").first
    await expect(number).to_be_focused()
    assert (await number.get_attribute("href") or "").startswith("tel:0000000")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(rows.first.get_by_test_id("whom-no_answer")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(rows.first.get_by_test_id("whom-outcome")).to_contain_text("Không trả lời", timeout=LOADED_MS)
    await expect(rows.nth(1)).to_have_attribute("data-current", "true")
    await expect(rows.nth(1).get_by_role("link").first).to_be_focused()
    await shot(page, "whom-to-call-next-1366.png")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(rows.nth(1)).to_have_attribute("data-outcome", "reached", timeout=LOADED_MS)
    await expect(section.locator("[data-current=true]")).to_have_count(0)

    history = page.get_by_test_id("alert-drawer").get_by_role("region", name="Diễn biến")
    await expect(history).to_contain_text("Ban Chỉ huy Phòng thủ dân sự – Trực ban (mẫu): đã gặp", timeout=LOADED_MS)
    steps = operator_client.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
    calls = [(step["call"]["unit"], step["call"]["outcome"]) for step in steps if step["call"]]
    assert calls == [("ubnd-hoa-binh", "no_answer"), ("pctt", "reached")]


async def test_on_a_phone_the_number_is_one_touch_and_nothing_is_wider_than_the_screen(
    visit, publisher, operator_client
):
    publisher("rain-whom-2", "rainfall").send(json.dumps({"rain_24h_mm": 137.0, "rain_1h_mm": 1.0}))
    alert = open_alert(operator_client, device="rain-whom-2", rule="rain.24h")
    phone = await visit(390, 844)
    await phone.go(f"/alerts/{alert['id']}")
    rows = phone.page.get_by_test_id("whom-candidate")
    await expect(rows.first.get_by_role("link").first).to_be_visible(timeout=LOADED_MS)
    await rows.first.scroll_into_view_if_needed()
    await shot(phone.page, "whom-to-call-390.png")
    wide = await phone.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    for name in ("whom-reached", "whom-no_answer", "whom-busy"):
        box = await rows.first.get_by_test_id(name).bounding_box()
        assert box is not None
        assert box["height"] >= 36
        assert box["x"] + box["width"] <= 390
    assert await serious(phone.page) == []
