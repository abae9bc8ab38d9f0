"""Orders and calls in the browser: an order counts down and gates are held against it; a call lies where people say."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS, none_open, resolve_open
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(180)
CITY = ZoneInfo("Asia/Ho_Chi_Minh")
SECONDS_MAX = 30
ISSUER = "Bộ Nông nghiệp và Môi trường"


def open_alerts(client, rule: str):
    return client.get("/api/v1/alerts", params={"rule": rule, "open": "true"}).json()["items"]


def take_back(client, feed: str) -> None:
    """Take back what a test entered: its alerts are the next test's neighbours."""
    for entry in client.get("/api/v1/manual", params={"feed": feed, "mine": "true"}).json()["items"]:
        if "withdrawn" not in entry["flags"]:
            client.post(f"/api/v1/manual/entries/{entry['event']}/withdraw", json={"reason": "hết bài thử"},
                        headers={"If-Match": f'"{entry["revision"]}"'}).raise_for_status()  # fmt: skip


@pytest.fixture
def orders(operator_client):
    """Leave no order behind."""
    yield operator_client
    take_back(operator_client, "gate_order")
    none_open(operator_client, "rule", "reservoir.gates-ordered")
    resolve_open(operator_client, "reservoir.gate-order")


async def test_an_order_that_is_entered_counts_down_to_its_hour(visit, orders):
    opens_at = (datetime.now(CITY) + timedelta(hours=1, minutes=12)).replace(second=0, microsecond=0)
    hour = opens_at.strftime("%Y-%m-%dT%H:%M")
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/")
    await page.keyboard.press("n")
    await expect(page.get_by_test_id("manual-search")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("lenh van hanh")
    await expect(page.get_by_test_id("manual-feed")).to_have_count(1, timeout=LOADED_MS)
    await page.keyboard.press("Enter")
    form = page.get_by_test_id("manual-form")
    await expect(form.locator("#manual-place")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("phuong hoa binh")
    await expect(page.get_by_test_id("place-hit").first).to_have_text("Phường Hòa Bìnhxã, phường")
    await page.keyboard.press("Enter")
    await expect(form.locator("#field-reservoir")).to_have_value("res-hoa-binh")
    await form.locator("#field-number").fill("12")
    await form.locator("#field-issuer").fill(ISSUER)
    await form.locator("#field-action").select_option("open")
    await form.locator("#field-gate").fill("3")
    await form.locator("#field-opens_at").fill(hour)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_test_id("manual-entry").first).to_contain_text("Hồ Hòa Bình", timeout=LOADED_MS)
    wait_until(lambda: open_alerts(orders, "reservoir.gate-order"), seconds=20, what="the alert of the order")
    [alert] = open_alerts(orders, "reservoir.gate-order")

    await operator.go(f"/alerts/{alert['id']}")
    minutes = int((opens_at - datetime.now(CITY)).total_seconds() // 60) - 60
    left = re.compile(rf"còn 1.giờ (?:{minutes}|{minutes - 1}).phút")
    await expect(page.locator("body")).to_contain_text(left, timeout=LOADED_MS)
    await expect(page.locator("body")).to_contain_text(f"mở cửa xả đáy thứ 3 lúc {hour[11:16]}")
    await shot(page, "gate-order-1366.png")


async def test_gates_that_do_not_follow_an_order_are_told_with_both_figures_and_the_order(visit, orders):
    values = {"reservoir": "res-hoa-binh", "number": "14", "issuer": ISSUER, "action": "open", "gate": 5,
              "opens_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}  # fmt: skip
    answer = orders.post("/api/v1/manual/gate_order", json={"id": secrets.token_hex(8), "values": values})
    assert answer.status_code == 201, answer.text
    wait_until(lambda: open_alerts(orders, "reservoir.gates-ordered"), seconds=40, what="that the gates did not follow")
    [alert] = open_alerts(orders, "reservoir.gates-ordered")
    operator = await visit(1366, 900)
    await operator.go(f"/alerts/{alert['id']}")
    why = operator.page.get_by_test_id("why-order")
    await expect(why).to_contain_text("Lệnh số 14: Cửa xả đáy thứ 5: mở", timeout=LOADED_MS)
    await expect(operator.page.locator("body")).to_contain_text("mở 0 cửa xả đáy, theo lệnh là 1")
    await expect(operator.page.locator("body")).to_contain_text("Đối chiếu số cửa xả đáy đang mở với lệnh vận hành")
    await shot(operator.page, "gates-ordered-1366.png")
    assert await serious(operator.page) == []


@pytest.fixture
def incidents(operator_client):
    """Leave no call behind."""
    yield operator_client
    resolve_open(operator_client, "field.incident")


def mine(client):
    return client.get("/api/v1/manual", params={"feed": "field_incident", "mine": "true"}).json()["items"]


async def test_a_call_from_the_road_is_saved_in_half_a_minute_by_keyboard_and_lies_where_its_kilometre_is(
    visit, incidents
):
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/")
    begun = time.monotonic()
    await page.keyboard.press("n")
    await expect(page.get_by_test_id("manual-search")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("su viec hien truong")
    await expect(page.get_by_test_id("manual-feed")).to_have_count(1, timeout=LOADED_MS)
    await page.keyboard.press("Enter")
    await expect(page.locator("#manual-place")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("ql6 km 45+300")
    await expect(page.get_by_test_id("place-hit").first).to_contain_text("km 45+300, Quốc lộ 6")
    await shot(page, "field-incident-1366.png")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("manual-form")).to_contain_text("vị trí ước lượng")
    await page.locator("#field-kind").select_option("trapped")
    await page.locator("#field-injured").fill("2")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_test_id("manual-entry").first).to_contain_text("người mắc kẹt", timeout=LOADED_MS)
    assert time.monotonic() - begun < SECONDS_MAX

    [entry] = [one for one in mine(incidents) if one["data"].get("kind") == "trapped"]
    assert (round(entry["lat"], 3), round(entry["lon"], 3), entry["zone"]) == (20.871, 105.513, "luong-son")
    wait_until(lambda: open_alerts(incidents, "field.incident"), seconds=20, what="the alert of the call")
    assert open_alerts(incidents, "field.incident")[0]["severity"] == "critical", "what needs somebody most comes first"
    assert await serious(page) == []


async def test_a_place_is_found_by_its_former_name_or_pointed_at(visit, incidents):
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go("/manual")
    await expect(page.get_by_test_id("manual-search")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("su viec hien truong")
    await expect(page.get_by_test_id("manual-feed")).to_have_count(1, timeout=LOADED_MS)
    await page.keyboard.press("Enter")
    await expect(page.locator("#manual-place")).to_be_focused(timeout=LOADED_MS)
    await page.keyboard.type("thinh lang")
    await expect(page.get_by_test_id("place-hit").first).to_contain_text("tên cũ")
    await page.locator("#manual-place").fill("")
    await page.get_by_role("button", name="Bản đồ").click()
    plan = page.get_by_test_id("mini-map")
    await expect(plan).to_be_visible()
    await plan.click(position={"x": 150, "y": 150})
    await expect(page.locator("#manual-place")).to_have_value("Điểm chọn trên bản đồ")
    await page.locator("#field-kind").select_option("fallen_tree")
    await shot(page, "field-incident-map-1366.png")
    await page.locator("#field-kind").press("Control+Enter")
    await expect(page.get_by_test_id("manual-entry").first).to_contain_text("cây đổ", timeout=LOADED_MS)
    [entry] = [one for one in mine(incidents) if one["data"].get("kind") == "fallen_tree"]
    assert entry["area"] is not None
