"""Several alerts of the list at once: selected by key and by Shift, begun in one go, taken back by one press."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
DEVICES = ("rain-bulk-1", "rain-bulk-2", "rain-bulk-3")


async def test_three_are_selected_begun_in_one_go_and_all_taken_back_by_one_press(visit, publisher, operator_client):
    for number, device in enumerate(DEVICES):
        publisher(device, "rainfall").send(json.dumps({"rain_24h_mm": 136.1 + number, "rain_1h_mm": 1.0}))

    def opened():
        asked = {"open": "true", "device": ",".join(DEVICES), "rule": "rain.24h"}
        found = operator_client.get("/api/v1/alerts", params=asked).json()["items"]
        return found if len(found) == len(DEVICES) else None

    ids = [alert["id"] for alert in wait_until(opened, seconds=20, what="the alerts")]
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/alerts?q=rain-bulk")
    rows = page.get_by_test_id("alert-row")
    await expect(rows).to_have_count(len(DEVICES), timeout=LOADED_MS)
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await rows.last.get_by_role("checkbox").click(modifiers=["Shift"])
    await expect(page.get_by_test_id("bulk-start")).to_contain_text("3")
    await expect(page.get_by_test_id("bulk-resolve")).to_be_disabled()
    await page.wait_for_timeout(400)  # its colour fades in
    await shot(page, "bulk-1366.png")
    assert await serious(page) == []
    await page.keyboard.press("s")
    await expect(page.get_by_text("Bắt đầu xử lý 3 cảnh báo")).to_be_visible(timeout=LOADED_MS)

    def states() -> list[str]:
        return [operator_client.get(f"/api/v1/alerts/{alert}").json()["state"] for alert in ids]

    assert states() == ["in_progress"] * 3
    await page.get_by_role("button", name="Hoàn tác").last.press("Enter")
    await expect(page.get_by_text("Đã hoàn tác")).to_be_visible(timeout=LOADED_MS)
    assert states() == ["new"] * 3
    lines = operator_client.get(f"/api/v1/alerts/{ids[0]}/history?kind=start,reopen").json()["items"]
    assert [line["kind"] for line in lines] == ["start", "reopen"]

    # Shelved together, from the bar; of each its own line with the same reason.
    for row in await rows.all():
        await row.get_by_role("checkbox").check()
    await page.get_by_test_id("bulk-shelve").press("Enter")
    form = page.get_by_test_id("shelve-form")
    await form.get_by_test_id("shelve-reason").fill("Đang hiệu chuẩn")
    await shot(page, "bulk-shelve-1366.png")
    await form.get_by_test_id("shelve-reason").press("Enter")
    await expect(page.get_by_text("Đã tạm ẩn 3 cảnh báo")).to_be_visible(timeout=LOADED_MS)
    assert states() == ["shelved"] * 3
