"""What people do with an alert on the screens: one that only they end, one of a whole zone, and a long history."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from datetime import datetime

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.conftest import LOADED_MS, new_publisher

pytestmark = pytest.mark.timeout(240)
BY_PEOPLE = """\
rule: {rule}
title: {{vi: "Mưa thử do người kết thúc", en: "Test rain that people end"}}
domain: disaster
feed: rainfall
where: 'device == "{device}"'
by: [device]
levels:
  - {{severity: high, when: 'rain_24h_mm > 50.0'}}
ends: by_person
due: {{acknowledge: 1m, resolve: 24h}}
summary:
  vi: "Mưa {{rain_24h_mm}} mm tại {{device}}; gọi người trực."
  en: "{{rain_24h_mm}} mm of rain at {{device}}; call the one on duty."
"""
OF_ZONE = """\
rule: rain.test-zone
title: {vi: "Mưa thử cả vùng", en: "Test rain in the whole zone"}
domain: disaster
feed: rainfall
where: 'device == "zone-gauge"'
by: [zone]
over: 10m
measure: {top: {max: rain_24h_mm}}
levels:
  - {severity: high, when: 'top > 50.0'}
summary:
  vi: "Mưa {top} mm trong vùng {zone}; kiểm tra ngập."
  en: "{top} mm of rain in {zone}; check floods."
"""


def rain(value: float) -> str:
    return json.dumps({"rain_24h_mm": value, "rain_1h_mm": 1.0})


def open_alert(client, rule: str):
    """Return the rule's open alert, once it is there."""

    def found():
        return client.get("/api/v1/alerts", params={"open": "true", "rule": rule}).json()["items"]

    return wait_until(found, seconds=20, what=f"an alert of {rule}")[0]


def act(client, alert: str, action: str, text: str | None = None):
    """Do something with an alert as it is, over the API."""
    shown = client.get(f"/api/v1/alerts/{alert}").json()
    answer = client.post(f"/api/v1/alerts/{alert}/{action}", json={"text": text},
                         headers={"If-Match": f'"{shown["version"]}"'})  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextlib.contextmanager
def ended_by_people(instance, client, name: str):
    """An alert that only people end and its gauge; ended, and its rule gone, after the block."""
    rule, device = f"rain.test-{name}", f"{name}-gauge"
    body = {"yaml": BY_PEOPLE.format(rule=rule, device=device), "why": "cho bài thử"}
    answer = client.post("/api/v1/rules", json=body)
    assert answer.status_code == 201, answer.text
    gauge = new_publisher(instance, client, device, "rainfall", {"lat": 20.85, "lon": 105.36})
    gauge.send(rain(60.0))
    alert = open_alert(client, rule)
    try:
        yield alert, gauge
    finally:
        gauge.close()
        if client.get(f"/api/v1/alerts/{alert['id']}").json()["state"] != "resolved":
            act(client, alert["id"], "resolve", "hết bài thử")
        client.request("DELETE", f"/api/v1/rules/{rule}", json={"why": "hết bài thử"},
                       headers={"If-Match": answer.headers["ETag"]}).raise_for_status()  # fmt: skip


@pytest.fixture(scope="module")
def left_alone(instance):
    """Made before the other tests, so that it becomes overdue while they run."""
    with (
        instance.signed_in(instance.username, instance.password) as client,
        ended_by_people(instance, client, "due") as (alert, _),
    ):
        yield alert


@pytest.fixture(autouse=True)
def begun(left_alone):
    """Whatever test comes first, the minute has begun."""
    return left_alone


async def test_a_long_history_comes_page_by_page_and_what_people_did_is_found_in_it(visit, publisher, operator_client):
    publisher("history-gauge", "rainfall").send(rain(131.7))
    alert = open_alert(operator_client, "rain.24h")["id"]
    for number in range(1, 61):
        act(operator_client, alert, "comment", f"lần {number}")
    operator = await visit(1366, 768)
    await operator.go(f"/alerts/{alert}")
    history = operator.page.get_by_role("region", name="Diễn biến")
    lines = history.locator("li")
    await expect(history.get_by_test_id("history-count")).to_have_text("61 diễn biến", timeout=LOADED_MS)
    await expect(lines).to_have_count(50)
    await expect(lines.first).to_contain_text("lần 60")
    await history.get_by_test_id("history-older").dispatch_event("click")
    await expect(lines).to_have_count(61)
    await expect(lines.last).to_contain_text("131,7")
    await expect(history.get_by_test_id("history-older")).to_have_count(0)

    act(operator_client, alert, "call", "gọi tổ trực")
    await expect(lines).to_have_count(62, timeout=LOADED_MS)
    await expect(lines.first).to_contain_text("gọi tổ trực")
    await history.get_by_role("button", name="Việc đã làm").dispatch_event("click")
    await expect(history.get_by_test_id("history-count")).to_have_text("61 diễn biến")
    await expect(lines).to_have_count(50)
    await expect(lines.first).to_contain_text("gọi tổ trực")


async def test_an_alert_of_a_zone_tells_its_zone_as_its_place(visit, publisher, site_rule, operator_client):
    site_rule("rain.test-zone", OF_ZONE)
    publisher("zone-gauge", "rainfall").send(rain(60.0))
    alert = open_alert(operator_client, "rain.test-zone")
    assert (alert["zone"], alert["device"], alert["area"]) == ("hoa-binh", None, None)
    assert alert["summary"]["vi"].startswith("Mưa thử cả vùng · Khu vực Hòa Bình · 60 mm")
    operator = await visit(1366, 768)
    await operator.overview()
    row = operator.page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]").first
    await expect(row.locator(".where")).to_have_text("Khu vực Hòa Bình", timeout=LOADED_MS)
    await operator.go(f"/alerts/{alert['id']}")
    await expect(row.locator(".place > span").first).to_have_text("Khu vực Hòa Bình", timeout=LOADED_MS)
    drawer = operator.page.get_by_test_id("alert-drawer")
    await expect(drawer.get_by_test_id("alert-place")).to_have_text("Khu vực Hòa Bình")
    await expect(drawer.locator("dl").first).to_contain_text("Khu vực Hòa Bình")


async def test_what_a_person_ended_is_taken_again_on_the_screen_when_it_returns_and_when_it_is_reopened(
    visit, instance, operator_client
):
    with ended_by_people(instance, operator_client, "again") as (alert, gauge):
        operator = await visit(1366, 768)
        await operator.go(f"/alerts/{alert['id']}")
        drawer = operator.page.get_by_test_id("alert-drawer")
        state = drawer.get_by_test_id("alert-state")
        await expect(state).to_have_text("Chưa nhận", timeout=LOADED_MS)

        await drawer.get_by_test_id("action-resolve").dispatch_event("click")
        await expect(drawer.get_by_test_id("action-message")).not_to_be_empty()  # what came of it must be said
        await drawer.get_by_test_id("comment-text").fill("đã hút nước, đường thông")
        gauge.send(rain(64.0))  # the alert comes anew with each reading; what somebody is writing stays
        await expect(drawer).to_contain_text("64 mm", timeout=LOADED_MS)
        await expect(drawer.get_by_test_id("comment-text")).to_have_value("đã hút nước, đường thông")
        await drawer.get_by_test_id("action-resolve").dispatch_event("click")
        await expect(state).to_have_text("Đã xử lý")
        await expect(drawer.locator("dl").first).to_contain_text(re.compile("kết thúc", re.IGNORECASE))
        assert operator_client.get(f"/api/v1/alerts/{alert['id']}").json()["condition"] == "cleared"

        for value in (10.0, 61.0):  # over, and back
            gauge.send(rain(value))
        await expect(state).to_have_text("Chưa nhận", timeout=LOADED_MS)
        await drawer.get_by_test_id("action-acknowledge").dispatch_event("click")
        await expect(state).to_have_text("Đã nhận")
        await drawer.get_by_test_id("comment-text").fill("đã hút nước lần nữa")
        await drawer.get_by_test_id("action-resolve").dispatch_event("click")
        await expect(state).to_have_text("Đã xử lý")

        await drawer.get_by_test_id("action-reopen").dispatch_event("click")
        await expect(state).to_have_text("Chưa nhận")
        row = operator.page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]").first
        await expect(row).to_be_visible()
        await drawer.get_by_test_id("action-acknowledge").dispatch_event("click")
        await expect(state).to_have_text("Đã nhận")
        await expect(drawer.get_by_test_id("action-acknowledge")).to_have_count(0)
        told = operator_client.get(f"/api/v1/alerts/{alert['id']}").json()
        assert (told["state"], told["condition"]) == ("acknowledged", "firing")
        assert told["owner"] == operator.instance.username
        assert told["overdue_at"] is not None, "its outcome is awaited again"
        steps = operator_client.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
        again = ["reopened", "acknowledge", "resolve", "reopen", "acknowledge"]
        assert [step["kind"] for step in steps] == ["opened", "resolve", *again]
        lines = drawer.get_by_role("region", name="Diễn biến").locator("li")
        await expect(lines).to_have_count(7, timeout=LOADED_MS)
        await expect(lines.nth(1)).to_contain_text("Mở lại")


async def test_what_nobody_took_in_time_is_marked_in_feed_list_and_drawer(visit, left_alone, operator_client):
    operator = await visit(1366, 768)
    await operator.overview()
    due = operator_client.get(f"/api/v1/alerts/{left_alone['id']}").json()
    assert (due["ends"], due["condition"], due["state"]) == ("person", "firing", "new")
    row = operator.page.locator(f"[data-testid=alert-row][data-alert-id={left_alone['id']}]").first
    await expect(row).to_be_visible(timeout=LOADED_MS)
    left = datetime.fromisoformat(due["overdue_at"]).timestamp() - time.time()
    if left > 5.0:
        await expect(row.get_by_text("Quá hạn")).to_have_count(0)
        await operator.page.wait_for_timeout(left * 1000)
    await expect(row.get_by_text("Quá hạn")).to_be_visible(timeout=10_000)
    await operator.go(f"/alerts/{left_alone['id']}")
    await expect(row.locator(".state.overdue")).to_have_text("Quá hạn", timeout=LOADED_MS)
    told = operator.page.get_by_test_id("alert-drawer").get_by_test_id("alert-due")
    await expect(told).to_contain_text("Quá hạn")
    # Taken, it waits for its outcome, which is not due yet.
    await operator.page.get_by_test_id("action-acknowledge").dispatch_event("click")
    await expect(row.locator(".state.overdue")).to_have_count(0)
    await expect(told).not_to_contain_text("Quá hạn")


async def test_what_is_pressed_before_the_answer_has_come_is_done_after_it(visit, instance, operator_client):
    with ended_by_people(instance, operator_client, "slow") as (alert, _):
        operator = await visit(1366, 768)
        await operator.go(f"/alerts/{alert['id']}")
        drawer = operator.page.get_by_test_id("alert-drawer")
        state = drawer.get_by_test_id("alert-state")
        await expect(state).to_have_text("Chưa nhận", timeout=LOADED_MS)

        answers = asyncio.Event()

        async def slow(route):
            answer = await route.fetch()
            await answers.wait()
            await route.fulfill(response=answer)

        await operator.page.route("**/acknowledge", slow)
        await drawer.get_by_test_id("action-acknowledge").dispatch_event("click")
        await expect(state).to_have_text("Đã nhận", timeout=LOADED_MS)  # by the stream: the answer is not there yet
        await drawer.get_by_test_id("comment-text").fill("đã hút nước")
        await drawer.get_by_test_id("action-resolve").dispatch_event("click")
        await drawer.get_by_test_id("action-resolve").dispatch_event("click")
        answers.set()
        await expect(state).to_have_text("Đã xử lý", timeout=LOADED_MS)
        steps = operator_client.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
        assert [(step["kind"], step["text"]) for step in steps[1:]] == [
            ("acknowledge", None), ("resolve", "đã hút nước")]  # fmt: skip
