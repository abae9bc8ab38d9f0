"""Chế độ trực: declared with a decision, told on every screen at once, ended with a reason."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(180)


async def test_a_mode_that_is_declared_stands_on_every_screen_until_it_is_ended(visit):
    leader, other = await visit(1366, 768), await visit(390, 844)
    page = leader.page
    await other.go("/alerts")
    await leader.go("/roster")
    panel = page.get_by_test_id("duty-mode")
    await expect(panel).to_contain_text("Chế độ trực: Thường", timeout=LOADED_MS)
    await panel.get_by_test_id("mode-declare").click()
    await panel.get_by_test_id("mode-mode").select_option("emergency")
    await panel.get_by_test_id("mode-level").select_option("2")
    await panel.get_by_test_id("mode-decision").fill("123/QĐ-UBND")
    await panel.get_by_test_id("roster-why").fill("Bão số 9")
    await page.keyboard.press("Enter")
    ribbon = other.page.get_by_test_id("mode-ribbon")
    await expect(ribbon).to_contain_text("KHẨN CẤP", timeout=15_000)
    await expect(ribbon).to_contain_text("cấp độ 2")
    await expect(ribbon).to_contain_text("123/QĐ-UBND")
    await expect(panel).to_contain_text("Bão số 9", timeout=LOADED_MS)
    await shot(page, "duty-mode-1366.png")
    await shot(other.page, "duty-mode-390.png")
    assert await other.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await serious(page) == []
    assert await serious(other.page) == []
    await panel.get_by_test_id("mode-end").click()
    await page.get_by_test_id("why-text").fill("Bão đã tan")
    await page.keyboard.press("Enter")
    await expect(ribbon).to_have_count(0, timeout=15_000)
    await expect(panel).to_contain_text("Chế độ trực: Thường", timeout=LOADED_MS)
