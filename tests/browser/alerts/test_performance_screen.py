"""The screen of alert performance: what a shift leader reads of a week, at the desk and on a phone."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def test_the_figures_are_those_of_the_alerts_that_there_are(visit, publisher, operator_client):
    publisher("rain-performance", "rainfall").send(json.dumps({"rain_24h_mm": 141.5, "rain_1h_mm": 1.0}))

    def opened():
        asked = {"device": "rain-performance", "rule": "rain.24h"}
        return operator_client.get("/api/v1/alerts", params=asked).json()["items"]

    alert = wait_until(opened, seconds=20, what="the alert")[0]
    answer = operator_client.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={},
                                  headers={"If-Match": f'"{alert["version"]}"'})  # fmt: skip
    assert answer.status_code == 200, answer.text
    told = operator_client.get("/api/v1/performance").json()
    rule = next(one for one in told["items"] if one["id"] == "rain.24h")
    assert rule["received"]["count"] >= 1

    desk = await visit(1366, 768)
    await desk.go("/performance")
    page = desk.page
    row = page.locator("[data-testid=performance-group][data-group='rain.24h']")
    await expect(row).to_be_visible(timeout=LOADED_MS)
    await expect(row.get_by_role("link")).to_have_text(rule["label"]["vi"])
    figures = page.get_by_test_id("performance-figure")
    await expect(figures).to_have_count(7)
    await expect(page.get_by_text("chưa đối chiếu văn bản gốc")).to_be_visible()
    await shot(page, "performance-1366.png")
    assert await serious(page) == []

    await page.get_by_test_id("performance-by").nth(3).click()
    await expect(page.locator("[data-testid=performance-group]").first).to_be_visible(timeout=LOADED_MS)
    await expect(page).to_have_url(re.compile("by=severity"))
    await page.get_by_test_id("performance-window").first.click()
    await expect(page).to_have_url(re.compile("days=1"))
    await desk.go("/performance")
    await row.get_by_role("link").click()
    await expect(page).to_have_url(re.compile("/rules/rain.24h$"))


async def test_on_a_phone_it_is_read_without_turning_it(visit):
    desk = await visit(390, 844)
    await desk.go("/performance")
    await expect(desk.page.get_by_test_id("performance-times")).to_be_visible(timeout=LOADED_MS)
    assert await desk.page.evaluate("document.documentElement.scrollWidth") <= 390
    await shot(desk.page, "performance-390.png")
