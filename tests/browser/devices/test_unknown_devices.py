"""Thiết bị lạ in the browser: seen in the menu, adopted in one click or by a short form, ignored, all taken back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import resize, shot

pytestmark = pytest.mark.timeout(240)
PATH = "/api/v1/feeds/rainfall/events"


@pytest.fixture
def stranger(instance, operator_client):
    """Let a gauge that nobody has registered send over HTTP with a feed key; at the end none is in the list."""
    made = []

    def make(device: str, **place: float) -> None:
        made.append(device)
        readings = [
            {"id": str(n), "time": (datetime.now(UTC) - timedelta(minutes=4 - n)).isoformat(), "rain_24h_mm": 2.5 + n,
             **place}
            for n in range(4)
        ]  # fmt: skip
        with instance.client(key=instance.key("feed", feed="rainfall")) as door:
            headers = {"content-type": "application/json"}
            answer = door.post(f"{PATH}?device={device}", content=json.dumps(readings), headers=headers)
        assert [one["reason"] for one in answer.json()["rejected"]] == ["unknown_device"] * 4

    yield make
    for device in made:
        operator_client.post(f"/api/v1/devices/unknown/{device}/ignore", json={"reason": "hết phép thử"})


def row_of(page, device: str):
    """The row of an unknown device."""
    return page.locator(f'[data-testid="unknown-device"][data-device-id="{device}"]')


async def test_a_device_that_says_where_it_is_is_adopted_in_one_click_and_taken_back(visit, stranger, operator_client):
    device = "la-mua-01"
    stranger(device, lat=20.8133, lon=105.3383)
    stranger("la-mua-00")
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/devices")
    await expect(page.get_by_test_id("unknown-count")).to_contain_text("2", timeout=LOADED_MS)
    await page.get_by_test_id("unknown-chip").press("Enter")
    row = row_of(page, device)
    await expect(row).to_contain_text("4 bản tin đang giữ", timeout=LOADED_MS)
    await expect(row).to_contain_text("Phường Hòa Bình")
    await expect(row_of(page, "la-mua-00").get_by_test_id("unknown-adopt")).to_have_count(0)
    await expect(row_of(page, "la-mua-00").get_by_test_id("unknown-fill")).to_be_visible()
    await shot(page, "unknown-1366.png", full_page=True)
    assert await serious(page) == []
    await row.get_by_test_id("unknown-adopt").press("Enter")
    await expect(page.get_by_text(f"Đã tiếp nhận {device}: 4 số liệu đã vào")).to_be_visible(timeout=LOADED_MS)
    await expect(page.get_by_test_id("unknown-count")).to_contain_text("1")
    assert operator_client.get(f"/api/v1/devices/{device}").json()["area"] == "04795"

    def newest():
        items = operator_client.get("/api/v1/latest", params={"device": device}).json()["items"]
        return {item["field"]: item["value"] for item in items}

    wait_until(lambda: newest().get("rain_24h_mm") == 5.5, seconds=20, what="the newest of what it had sent")
    await page.get_by_role("button", name="Hoàn tác").last.press("Enter")
    await expect(page.get_by_text(f"{device} lại là thiết bị lạ")).to_be_visible(timeout=LOADED_MS)
    assert operator_client.get(f"/api/v1/devices/{device}").status_code == 404
    await expect(row).to_contain_text("4 bản tin đang giữ", timeout=LOADED_MS)


async def test_one_that_says_nothing_of_its_place_is_adopted_by_a_short_form(visit, stranger, operator_client):
    device = "la-mua-02"
    stranger(device)
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/devices?unknown=1")
    row = row_of(page, device)
    await row.get_by_role("button").first.press("Enter", timeout=LOADED_MS)
    await expect(row.get_by_test_id("unknown-raw")).to_have_count(3)
    await expect(row.get_by_test_id("unknown-raw").first).to_contain_text('"rain_24h_mm"')
    await expect(row.get_by_test_id("adopt-confirm")).to_be_disabled()
    await row.get_by_test_id("adopt-name").fill("Trạm mưa dốc Cun")
    await row.get_by_test_id("adopt-period").fill("0,5")
    await row.get_by_role("combobox", name="Vị trí").fill("phường tân hòa")
    await page.get_by_test_id("place-hit").first.click()
    await row.get_by_role("button", name="Bản đồ").press("Enter")
    await shot(page, "unknown-form-1366.png", full_page=True)
    assert await serious(page) == []
    await row.get_by_test_id("adopt-confirm").press("Enter")
    await expect(row.get_by_text("từ 1 đến 44640")).to_be_visible()
    await row.get_by_test_id("adopt-period").fill("15")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(f"Đã tiếp nhận {device}: 4 số liệu đã vào")).to_be_visible(timeout=LOADED_MS)
    await expect(row).to_have_count(0)
    found = operator_client.get(f"/api/v1/devices/{device}").json()
    assert (found["name"]["vi"], found["expected_period_seconds"]) == ("Trạm mưa dốc Cun", 900)
    assert found["area"] is not None
    assert found["lat"] is not None


async def test_a_device_is_ignored_and_shown_again_on_a_phone(visit, stranger):
    device = "la-mua-03"
    stranger(device, lat=20.8133, lon=105.3383)
    operator = await visit(390, 844)
    page = operator.page
    await operator.go("/devices?unknown=1")
    row = row_of(page, device)
    await expect(row).to_contain_text("4 bản tin đang giữ", timeout=LOADED_MS)
    await row.get_by_role("button").first.press("Enter")
    await expect(row.get_by_test_id("adopt-form")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await shot(page, "unknown-390.png", full_page=True)
    assert await serious(page) == []
    await row.get_by_test_id("unknown-ignore").press("Enter")
    await row.get_by_test_id("why-text").fill("trạm của nhà dân")
    await page.keyboard.press("Enter")
    await expect(row).to_have_count(0, timeout=LOADED_MS)
    await page.get_by_test_id("unknown-ignored").press("Enter")
    await expect(row).to_contain_text("trạm của nhà dân", timeout=LOADED_MS)
    assert await serious(page) == []
    await row.get_by_role("button").first.press("Enter")
    await row.get_by_test_id("unknown-show").press("Enter")
    await expect(row).to_have_count(0, timeout=LOADED_MS)
    await page.get_by_test_id("unknown-ignored").press("Enter")
    await expect(row).to_contain_text("4 bản tin đang giữ", timeout=LOADED_MS)


async def test_who_is_refused_over_mqtt_is_told_with_what_to_do_and_registered_from_there(
    visit, instance, operator_client
):
    """A logger in the field has a name and no device; another has the key of somebody else."""
    known = operator_client.get("/api/v1/devices", params={"feed": "rainfall", "limit": 1}).json()["items"][0]["id"]
    before = len(operator_client.get("/api/v1/devices/connect-refusals").json()["items"])  # other tests' keys
    for name in ("mua-doc-cun", known):
        for _ in range(2):
            assert knock(instance, name, "ioc_device_" + "x" * 43) == "Bad user name or password"
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/devices")
    await expect(page.get_by_test_id("unknown-chip")).to_contain_text(f"{before + 2} bị từ chối")
    await page.get_by_test_id("unknown-chip").press("Enter")
    row = page.locator('[data-testid="connect-refusal"][data-username="mua-doc-cun"]')
    await expect(row).to_contain_text("Chưa ai đăng ký thiết bị có mã này", timeout=LOADED_MS)
    await expect(row).to_contain_text("2 lần")
    wrong = page.locator(f'[data-testid="connect-refusal"][data-username="{known}"]')
    await expect(wrong).to_contain_text("Khóa sai hoặc đã thu hồi")
    await expect(wrong.get_by_test_id("connect-register")).to_have_count(0)
    await shot(page, "connect-refusals-1366.png", full_page=True)
    assert await serious(page) == []
    await row.get_by_test_id("connect-register").press("Enter")
    await row.get_by_test_id("connect-feed").select_option("rainfall")
    await row.get_by_test_id("adopt-name").fill("Trạm mưa dốc Cun 2")
    await row.get_by_test_id("adopt-area").select_option("04795")
    await row.get_by_test_id("adopt-confirm").press("Enter")
    await expect(page.get_by_text("Đã đăng ký mua-doc-cun; giờ cấp khóa cho thiết bị")).to_be_visible(timeout=LOADED_MS)
    made = operator_client.get("/api/v1/devices/mua-doc-cun").json()
    assert (made["feed"], made["area"], made["name"]["vi"]) == ("rainfall", "04795", "Trạm mưa dốc Cun 2")
    key = operator_client.post("/api/v1/devices/mua-doc-cun/keys", json={}).json()["key"]
    assert knock(instance, "mua-doc-cun", key) == "Success"
    await page.goto("about:blank")
    await operator.go("/devices?unknown=1")
    await expect(row).to_contain_text("Trạm mưa dốc Cun 2", timeout=LOADED_MS)
    await resize(page, 390, 844)
    await shot(page, "connect-refusals-390.png", full_page=True)


def knock(instance, name: str, key: str) -> str:
    """Connect once as a device and return what the CONNACK says."""
    told = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
    client.username_pw_set(name, key)
    client.on_connect = lambda *found: told.append(str(found[3]))
    client.connect("127.0.0.1", instance.mqtt_port)
    client.loop_start()
    wait_until(lambda: told, seconds=20, what="a CONNACK")
    client.disconnect()
    client.loop_stop()
    return told[0]
