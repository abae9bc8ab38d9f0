"""Tắt tiếng in the browser: made from an alert, counted wherever it hides, warned of, longer by a click, and ended."""

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


def raised(client: Any, publisher: Any, device: str) -> dict[str, Any]:
    """Let a gauge raise an alert and return it."""
    publisher(device, "rainfall").send(json.dumps({"time": time.time(), "rain_24h_mm": 123.4}))

    def of_device() -> list[dict[str, Any]]:
        found = client.get(f"/api/v1/alerts?open=true&device={device}").json()["items"]
        return [one for one in found if one["rule"] == "rain.24h"]

    wait_until(of_device, seconds=30, what="an alert of the gauge")
    return of_device()[0]


def no_silences(client: Any) -> None:
    """End what is left, so that the next test hears everything."""
    for one in client.get("/api/v1/silences?state=planned,running").json()["items"]:
        client.delete(f"/api/v1/silences/{one['id']}", headers={"If-Match": f'"{one["version"]}"'}).raise_for_status()


async def test_an_alert_is_silenced_from_its_drawer_counted_everywhere_and_back_at_once(
    visit, publisher, operator_client
):
    device = "rain-silenced"
    alert = raised(operator_client, publisher, device)
    operator = await visit(1366, 900)
    page = operator.page
    row = page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]")
    await operator.go("/alerts")
    await expect(row).to_be_visible(timeout=LOADED_MS)
    await row.get_by_role("link").click()
    drawer = page.get_by_test_id("alert-drawer")
    await drawer.get_by_test_id("alert-silence-make").click()
    form = drawer.get_by_test_id("silence-form")
    await expect(form.get_by_test_id("silence-preview")).to_have_attribute("data-open", "1")
    await expect(form.get_by_test_id("silence-of-device")).to_be_checked()
    await expect(form.get_by_test_id("silence-save")).to_be_disabled()
    await form.get_by_test_id("silence-hours-1").click()
    await form.get_by_test_id("silence-reason").fill("Đang rửa gầu đo mưa")
    await form.scroll_into_view_if_needed()
    await shot(page, "silence-drawer-1366.png")
    assert await serious(page) == []
    await form.get_by_test_id("silence-save").click()
    await expect(drawer.get_by_test_id("alert-silence")).to_contain_text("Đang rửa gầu đo mưa")
    await expect(drawer.get_by_test_id("alert-silenced")).to_contain_text("Tắt tiếng đến")

    # It left the list, and is counted there; one click shows it.
    await operator.go("/alerts")
    count = page.get_by_test_id("silenced-count")
    await expect(count).to_have_attribute("data-count", "1", timeout=LOADED_MS)
    await expect(row).to_have_count(0)
    await shot(page, "silenced-count-1366.png")
    await count.click()
    await expect(row).to_be_visible()
    await expect(row.get_by_test_id("alert-silenced")).to_be_visible()
    await shot(page, "silenced-list-1366.png")
    assert await serious(page) == []

    # Tile, map and feed count it too.
    await operator.go("/")
    await expect(page.get_by_test_id("domain-tile-disaster").get_by_test_id("tile-silenced")).to_have_text(
        "1 đang tắt tiếng", timeout=LOADED_MS
    )
    await expect(page.get_by_test_id("feed-silenced")).to_have_attribute("data-count", "1")
    await expect(page.get_by_test_id("map-silenced")).to_have_text("1 đang tắt tiếng")
    await shot(page, "silenced-overview-1366.png")
    assert await serious(page) == []

    no_silences(operator_client)


async def test_what_is_ended_on_its_screen_is_back_in_a_list_that_stayed_open(visit, publisher, operator_client):
    device = "rain-ended"
    alert = raised(operator_client, publisher, device)
    until = datetime.fromtimestamp(time.time() + 7_200, tz=UTC).isoformat()
    body = {"match": {"device": [device]}, "to": until, "reason": "Đang rửa gầu đo mưa"}
    assert operator_client.post("/api/v1/silences", json=body).status_code == 201
    operator = await visit(1366, 900)
    page = operator.page
    watcher = await visit(1366, 900)
    await watcher.go("/alerts")
    await expect(watcher.page.get_by_test_id("silenced-count")).to_be_visible(timeout=LOADED_MS)
    await operator.go("/silences")
    item = page.get_by_test_id("silence-item").filter(has_text="Đang rửa gầu đo mưa")
    await expect(item).to_have_attribute("data-state", "running", timeout=LOADED_MS)
    await expect(item.get_by_test_id("silence-hides")).to_contain_text("1")
    await shot(page, "silences-1366.png")
    assert await serious(page) == []
    await item.get_by_test_id("silence-end").click()
    await expect(item).to_have_count(0, timeout=LOADED_MS)
    seen = watcher.page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]")
    await expect(seen).to_be_visible(timeout=5_000)
    await page.get_by_test_id("toast-undo").last.click()
    await expect(seen).to_have_count(0, timeout=5_000)
    no_silences(operator_client)


async def test_its_owner_is_warned_before_it_is_over_and_makes_it_longer_by_a_click(visit, publisher, operator_client):
    device = "rain-expiring"
    raised(operator_client, publisher, device)
    until = datetime.fromtimestamp(time.time() + 600, tz=UTC).isoformat()
    made = operator_client.post(
        "/api/v1/silences", json={"match": {"device": [device]}, "to": until, "reason": "Thay pin trạm đo"}
    )
    assert made.status_code == 201, made.text
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/alerts")
    banner = page.get_by_test_id("silence-expires")
    await expect(banner).to_contain_text("Thay pin trạm đo", timeout=LOADED_MS)
    await expect(banner).to_contain_text("1 cảnh báo sẽ hiện lại")
    await shot(page, "silence-expires-1366.png")
    assert await serious(page) == []
    await banner.get_by_test_id("silence-expires-extend").click()
    await expect(banner).to_have_count(0, timeout=LOADED_MS)
    longer = operator_client.get(f"/api/v1/silences/{made.json()['id']}").json()
    left = datetime.fromisoformat(longer["to"]) - datetime.fromisoformat(made.json()["to"])
    assert left.total_seconds() == 3_600
    no_silences(operator_client)


async def test_a_silence_that_ends_by_itself_lets_its_alert_appear_within_seconds(visit, publisher, operator_client):
    device = "rain-lapsing"
    alert = raised(operator_client, publisher, device)
    operator = await visit(1366, 900)
    page = operator.page
    until = datetime.fromtimestamp(time.time() + 12, tz=UTC).isoformat()
    made = operator_client.post(
        "/api/v1/silences", json={"match": {"device": [device]}, "to": until, "reason": "Thử còi hú"}
    )
    assert made.status_code == 201, made.text
    await operator.go("/alerts?q=rain-lapsing")
    await expect(page.get_by_test_id("silenced-count")).to_be_visible(timeout=LOADED_MS)
    row = page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]")
    await expect(row).to_have_count(0)
    await expect(row).to_be_visible(timeout=LOADED_MS)
    assert time.time() < datetime.fromisoformat(until).timestamp() + 5

    def over() -> bool:
        return bool(operator_client.get(f"/api/v1/silences/{made.json()['id']}").json()["state"] == "over")

    wait_until(over, seconds=10, what="the keeper to end the silence")
    assert operator_client.get(f"/api/v1/alerts/{alert['id']}").json()["silence"] is None


async def test_the_screen_makes_a_silence_of_a_domain_and_holds_on_a_phone(visit, operator_client):
    operator = await visit(390, 844)
    page = operator.page
    await operator.go("/silences")
    await page.get_by_test_id("silence-add").click(timeout=LOADED_MS)
    form = page.get_by_test_id("silence-form")
    await expect(form.get_by_test_id("silence-preview")).to_contain_text("Chọn ít nhất một")
    await form.get_by_test_id("silence-domain").select_option("tourism")
    await expect(form.get_by_test_id("silence-preview")).to_contain_text("7 ngày qua")
    await form.get_by_test_id("hours-mode").select_option("own")
    await form.get_by_test_id("hours-periods").fill("22:00-06:00")
    await form.get_by_test_id("silence-hours-72").click()
    await form.get_by_test_id("silence-reason").fill("Bảo trì Wi-Fi ban đêm")
    await shot(page, "silence-form-390.png", full_page=True)
    assert await serious(page) == []
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
    await form.get_by_test_id("silence-save").click()
    item = page.get_by_test_id("silence-item").filter(has_text="Bảo trì Wi-Fi ban đêm")
    await expect(item).to_contain_text("22:00-06:00", timeout=LOADED_MS)
    await shot(page, "silences-390.png", full_page=True)
    no_silences(operator_client)
