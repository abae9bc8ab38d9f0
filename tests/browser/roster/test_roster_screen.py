"""Lịch trực: crews laid out and taken back, a swap seen at once in Gọi ai, a gap in red words, on a phone too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot
from tests.browser.test_drawers import open_alert

pytestmark = pytest.mark.timeout(240)
WHY = {"why": "Phân công thử"}


def unit_with_crews(client: httpx2.Client, name: str, *crews: str, **unit: Any) -> tuple[str, list[str]]:
    """Put a unit with crews into the directory, of ways that reach nobody."""
    made = client.post("/api/v1/units", json={"name_vi": name, "why": "thử", "rank": 0, **unit})
    assert made.status_code == 201, made.text
    contacts = []
    for rank, title in enumerate(crews):
        body = {"unit": made.json()["id"], "title_vi": title, "rank": rank, "why": "thử", "hours": {"days": ["mon"],
                "hours": ["00:00-00:01"]}, "methods": [{"kind": "tel", "value": f"000000{rank}"}]}  # fmt: skip
        answer = client.post("/api/v1/contacts", json=body)
        assert answer.status_code == 201, answer.text
        contacts.append(answer.json()["id"])
    return made.json()["id"], contacts


def shift(client: httpx2.Client, unit: str, contact: str, start: float, end: float) -> dict[str, Any]:
    now = datetime.now(UTC).replace(microsecond=0)
    times = {
        "starts_at": (now + timedelta(hours=start)).isoformat(),
        "ends_at": (now + timedelta(hours=end)).isoformat(),
    }
    answer = client.post("/api/v1/shifts", json={"unit": unit, "contact": contact, **times, **WHY})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def give_up(client: httpx2.Client, unit: str) -> None:
    """Take every shift of a unit out: other tests are to see no trouble."""
    now = datetime.now(UTC)
    span = {"from": (now - timedelta(days=20)).isoformat(), "to": (now + timedelta(days=60)).isoformat()}
    for one in client.get("/api/v1/shifts", params={"unit": unit, **span}).json()["items"]:
        answer = client.request("DELETE", f"/api/v1/shifts/{one['id']}", json=WHY,
                                headers={"If-Match": f'"{one["version"]}"'})  # fmt: skip
        assert answer.status_code == 200, answer.text


async def test_three_crews_are_laid_out_with_a_preview_by_keyboard_and_taken_back(visit, operator_client):
    unit, _ = unit_with_crews(operator_client, "Trung tâm thử lịch", "Kíp A", "Kíp B", "Kíp C")
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/roster")
    await page.get_by_test_id("pattern-add").click(timeout=LOADED_MS)
    form = page.get_by_test_id("pattern-form")
    await form.get_by_test_id("pattern-unit").select_option(unit)
    for number, crew in enumerate(("Kíp A", "Kíp B", "Kíp C")):
        await form.get_by_test_id("pattern-crew").nth(number).select_option(label=crew)
        if number < 2:
            await form.get_by_test_id("pattern-more").click()
    await form.get_by_test_id("pattern-days").fill("10")
    await form.get_by_test_id("roster-why").fill("Lịch quý IV")
    await page.keyboard.press("Enter")
    await expect(form.get_by_test_id("pattern-preview")).to_contain_text("Sẽ có 20 ca", timeout=LOADED_MS)
    await shot(page, "roster-pattern-1366.png")
    await form.get_by_test_id("roster-save").click()
    await expect(form).to_be_hidden(timeout=LOADED_MS)
    await page.keyboard.press("ArrowRight")
    row = page.locator(f"[data-testid=week-row][data-unit='{unit}']")
    await expect(row.get_by_test_id("week-bar").nth(6)).to_be_visible(timeout=LOADED_MS)
    await shot(page, "roster-week-1366.png")
    assert await serious(page) == []
    await page.get_by_role("button", name="Hoàn tác").first.click()
    await expect(row.get_by_test_id("week-bar")).to_have_count(0, timeout=LOADED_MS)
    give_up(operator_client, unit)


async def test_a_swap_moves_whom_to_call_at_once_and_a_gap_is_told_in_red_words(visit, publisher, operator_client):
    unit, (one, other) = unit_with_crews(operator_client, "Đội trực thử", "Kíp Một", "Kíp Hai", areas=["04795"])
    try:
        shift(operator_client, unit, one, -1, 6)
        shift(operator_client, unit, other, 8, 14)
        publisher("rain-roster-1", "rainfall").send(json.dumps({"rain_24h_mm": 141.2, "rain_1h_mm": 1.0}))
        alert = open_alert(operator_client, device="rain-roster-1", rule="rain.24h")
        operator, leader = await visit(1366, 768), await visit(1366, 768)
        await operator.go(f"/alerts/{alert['id']}")
        own = operator.page.get_by_test_id("whom-candidate").filter(has_text="Đội trực thử").first
        await expect(own).to_contain_text("Kíp Một", timeout=LOADED_MS)
        await expect(own.get_by_test_id("whom-on-duty")).to_contain_text("đang trực đến")
        await shot(operator.page, "roster-whom-1366.png")

        page = leader.page
        await leader.go("/roster")
        duty = page.locator(f"[data-testid=on-duty-unit][data-unit='{unit}']")
        await expect(duty).to_contain_text("Kíp Một", timeout=LOADED_MS)
        await expect(page.get_by_test_id("roster-gap").filter(has_text="Đội trực thử").first).to_be_visible()
        await page.locator(f"[data-testid=week-row][data-unit='{unit}'] [data-testid=week-bar]").first.click()
        await page.get_by_test_id("shift-swap").click()
        form = page.get_by_test_id("swap-form")
        await form.get_by_test_id("swap-other").select_option(index=1)
        await expect(form.get_by_test_id("roster-preview")).to_contain_text("Sau khi đổi: Kíp Hai trực")
        await form.get_by_test_id("roster-why").fill("Kíp Một báo ốm")
        await shot(page, "roster-swap-1366.png")
        await page.keyboard.press("Enter")
        await expect(duty).to_contain_text("Kíp Hai", timeout=LOADED_MS)
        await expect(own).to_contain_text("Kíp Hai", timeout=10_000)
        assert await serious(page) == []
    finally:
        give_up(operator_client, unit)


async def test_nobody_on_duty_stands_on_every_screen_within_a_minute_and_on_a_phone(visit, operator_client):
    unit, (one, other) = unit_with_crews(operator_client, "Đội trống ca", "Kíp Một", "Kíp Hai")
    try:
        shift(operator_client, unit, one, -6, -1)
        shift(operator_client, unit, other, 3, 9)
        phone = await visit(390, 844)
        page = phone.page
        await phone.go("/alerts")
        banner = page.get_by_test_id("trouble-banner").filter(has_text="không có người trực")
        await expect(banner).to_be_visible(timeout=20_000)
        await phone.go("/roster")
        gone = page.locator(f"[data-testid=on-duty-unit][data-unit='{unit}']")
        await expect(gone).to_contain_text("Không có ai trực", timeout=LOADED_MS)
        await expect(page.get_by_test_id("agenda-shift").first).to_be_visible()
        await shot(page, "roster-390.png")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        assert await serious(page) == []
        give_up(operator_client, unit)
        await expect(banner).to_have_count(0, timeout=20_000)
    finally:
        give_up(operator_client, unit)
