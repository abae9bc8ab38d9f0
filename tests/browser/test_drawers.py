"""What a drawer lets an operator do and see: handling an alert, a person's report, the air, and the chart of a rise."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import resize, shot

pytestmark = pytest.mark.timeout(180)
LAT, LON = 20.8272, 105.3383
PHONE = "0912 345 678"
PICTURE = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
           "awAAAABJRU5ErkJggg==")  # fmt: skip


def open_alert(client, **params):
    """Return the one open alert that fits, once it is there."""

    def found():
        return client.get("/api/v1/alerts", params={"open": "true", **params}).json()["items"]

    return wait_until(found, seconds=20, what=f"an alert of {params}")[0]


async def test_calls_a_hand_over_and_a_false_alarm_with_its_reason_are_noted_on_a_live_alert(
    visit, publisher, operator_client
):
    publisher("rain-drawer-1", "rainfall").send(json.dumps({"rain_24h_mm": 131.7, "rain_1h_mm": 1.0}))
    alert = open_alert(operator_client, device="rain-drawer-1", rule="rain.24h")
    operator = await visit(1366, 768)
    await operator.go(f"/alerts/{alert['id']}")
    drawer = operator.page.get_by_test_id("alert-drawer")
    history = drawer.get_by_role("region", name="Diễn biến")

    # Not plain clicks: the banner about blocked sound may come up over the foot of the drawer at any moment.
    await drawer.get_by_test_id("comment-text").fill("UBND phường, ông Nam nghe máy")
    await drawer.get_by_test_id("action-call").dispatch_event("click")
    await expect(history).to_contain_text("UBND phường, ông Nam nghe máy", timeout=LOADED_MS)
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Chưa nhận")
    await drawer.get_by_test_id("action-dispatch").dispatch_event("click")
    await expect(history).to_contain_text("Đã chuyển xử lý")

    await drawer.get_by_test_id("action-false-alarm").dispatch_event("click")
    form = drawer.get_by_test_id("false-alarm-form")
    await expect(form.get_by_test_id("false-alarm-confirm")).to_be_disabled()
    await form.get_by_text("Thiết bị đo sai").dispatch_event("click")
    await shot(operator.page, "false-alarm-1366.png")
    await form.get_by_test_id("false-alarm-confirm").dispatch_event("click")
    await expect(drawer.get_by_test_id("alert-state")).to_have_text("Cảnh báo sai")
    await expect(history).to_contain_text("Thiết bị đo sai")
    assert await serious(operator.page) == []

    told = operator_client.get(f"/api/v1/alerts/{alert['id']}").json()
    steps = operator_client.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
    acts = [(step["kind"], step["text"]) for step in steps if step["actor"]]
    assert acts == [("call", "UBND phường, ông Nam nghe máy"), ("dispatch", None), ("false-alarm", "Thiết bị đo sai")]
    assert (told["state"], told["condition"]) == ("false_alarm", "firing")

    await resize(operator.page, 1366, 6_000)  # all rows of the list are drawn
    await operator.go("/alerts")
    rows = operator.page.get_by_test_id("alert-row")
    await expect(operator.page.locator(f"[data-alert-id={alert['id']}]").first).to_be_visible(timeout=LOADED_MS)
    order = await rows.evaluate_all("rows => rows.map(row => row.dataset.state)")
    assert "false_alarm" not in order[: order.index("false_alarm")], order
    assert set(order[order.index("false_alarm") :]) == {"false_alarm"}, "what is muted comes last"


async def test_a_report_tells_its_words_its_place_and_what_is_near_and_its_contact_for_a_reason_only(
    visit, instance, operator_client
):
    key = operator_client.post("/api/v1/keys", json={"kind": "feed", "name": "app", "feed": "citizen_report"})
    with instance.client(key=key.json()["key"]) as sender:
        for number, (north, text, urgency) in enumerate((
            (250, "Cống trước chợ không thoát", "normal"), (900, "Đèn đường tắt", "normal"),
            (0, "Nước ngập đến đầu gối, có người già mắc kẹt <b>số 12</b>", "urgent"),
        )):  # fmt: skip
            report = {
                "id": f"drawer-{number}", "category": "flooding" if number != 1 else "street_lighting", "text": text,
                "urgency": urgency, "lat": LAT + north / 111_195, "lon": LON, "contact": PHONE,
                "media": f"https://elsewhere.example/1.jpg {PICTURE}",
            }  # fmt: skip
            answer = sender.post("/api/v1/feeds/citizen_report/events", params={"device": "app-test"}, json=report)
            assert answer.json()["accepted"] == 1, answer.text
    [report] = [
        item for item in operator_client.get("/api/v1/events", params={"device": "app-test"}).json()["items"]
        if item["id"] == "drawer-2"
    ]  # fmt: skip
    alerts = wait_until(
        lambda: [
            item for item in operator_client.get("/api/v1/alerts", params={"rule": "report.urgent"}).json()["items"]
            if report["key"] in json.dumps(operator_client.get(f"/api/v1/alerts/{item['id']}/events").json())
        ],
        seconds=20, what="the report's alert",
    )  # fmt: skip
    operator = await visit(1366, 768)
    await operator.go(f"/alerts/{alerts[0]['id']}")
    card = operator.page.get_by_test_id("report-card").first
    await expect(card.get_by_test_id("report-text")).to_have_text(
        "Nước ngập đến đầu gối, có người già mắc kẹt <b>số 12</b>", timeout=LOADED_MS
    )
    await expect(card.get_by_test_id("report-category")).to_have_text("Ngập úng")
    await expect(card.get_by_test_id("report-photo")).to_have_count(1)
    await expect(card.get_by_test_id("report-photo-foreign")).to_contain_text("elsewhere.example")
    await expect(card.get_by_test_id("mini-map").locator(".other")).not_to_have_count(0)
    near = card.get_by_test_id("report-neighbours")
    await expect(near).to_contain_text("Cống trước chợ không thoát", timeout=LOADED_MS)
    await expect(near).to_contain_text(re.compile(r"250.m"))
    await expect(near).not_to_contain_text("Đèn đường tắt")
    assert PHONE not in await operator.page.content()

    await card.get_by_test_id("report-unmask").dispatch_event("click")
    await expect(card.get_by_test_id("report-unmask-confirm")).to_be_disabled()
    await card.get_by_test_id("report-unmask-reason").fill("gọi lại hỏi số người mắc kẹt")
    await shot(operator.page, "report-1366.png")
    await card.get_by_test_id("report-unmask-confirm").dispatch_event("click")
    await expect(card.get_by_test_id("report-contact-value")).to_have_text(PHONE)
    assert await serious(operator.page) == []
    [kept] = [row for row in operator_client.get("/api/v1/audit").json()["items"] if row["action"] == "event.unmask"]
    assert kept["detail"]["reason"] == "gọi lại hỏi số người mắc kẹt"
    assert PHONE not in json.dumps(kept)
    # What went wrong on the page is looked at in the end: no request left for the other host's picture.


async def test_the_air_of_a_station_has_its_index_band_colour_pollutant_and_advice(
    visit, instance, operator_client, tmp_path
):
    hour = datetime.now(UTC).replace(minute=30, second=0, microsecond=0) - timedelta(hours=1)
    rows = [f"{(hour - timedelta(hours=age)).isoformat()},200.0,40.0" for age in range(48)]
    file = tmp_path / "air.csv"
    file.write_text("time,pm,no2\n" + "\n".join(reversed(rows)) + "\n", encoding="utf-8")
    body = {"id": "air-drawer", "feed": "air_quality", "area": "04795", "name": {"vi": "Trạm thử", "en": "Test"}}
    assert operator_client.post("/api/v1/devices", json=body).status_code == 201
    done = instance.cli("replay", str(file), "--feed", "air_quality", "--device", "air-drawer", "--history",
                        "--column", "pm2_5=pm", "--column", "no2=no2")  # fmt: skip
    assert done.returncode == 0, done.stderr

    def told():
        items = operator_client.get("/api/v1/air-quality", params={"device": "air-drawer"}).json()["items"]
        return items if items and items[0]["hourly"]["value"] and items[0]["daily"]["value"] else None

    wait_until(told, seconds=30, what="the station's index")
    operator = await visit(1366, 768)
    await operator.go("/devices/air-drawer")
    panel = operator.page.get_by_test_id("air-panel")
    for name in ("air-hourly", "air-daily"):
        await expect(panel.get_by_test_id(name)).to_contain_text("250", timeout=LOADED_MS)
        await expect(panel.get_by_test_id(name)).to_contain_text("Rất xấu")
        await expect(panel.get_by_test_id(name)).to_contain_text("Bụi mịn PM2.5")
    colour = await panel.get_by_test_id("air-hourly").locator("i").evaluate("e => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(143, 63, 151)", "the official purple"
    await expect(panel.get_by_test_id("air-advice")).to_contain_text("sức khỏe")
    await expect(panel.get_by_test_id("air-hours").locator("rect")).not_to_have_count(0)
    await expect(operator.page.get_by_test_id("device-row").filter(has_text="Trạm thử")).to_contain_text(
        "250", timeout=LOADED_MS
    )
    assert await serious(operator.page) == []
    await shot(operator.page, "air-1366.png")
    await operator.go("/")
    tile = operator.page.get_by_test_id("domain-tile-environment")
    await expect(tile.get_by_test_id("tile-air")).to_contain_text("250", timeout=45_000)


async def test_a_tile_says_what_its_line_is_of_and_its_newest_value(visit, publisher):
    """A line without a name and a number is a picture, not an indicator."""
    publisher("road-tile", "traffic_flow").send(json.dumps({"speed_kmh": 47.0, "vehicles": 9}))
    operator = await visit(1920, 1080)
    await operator.overview()
    told = operator.page.get_by_test_id("domain-tile-traffic").get_by_test_id("tile-indicator")
    await expect(told).to_contain_text("km/h", timeout=45_000)
    await expect(told).to_contain_text("Vận tốc trung bình")


async def test_a_rise_is_drawn_from_where_it_began_and_a_few_readings_are_no_picture_of_a_minute(
    visit, publisher, operator_client
):
    gauge = publisher("river-drawer", "river_level")
    for level in (1210.0, 1214.0, 1271.0):
        gauge.send(json.dumps({"level_cm": level}))
    alert = open_alert(operator_client, device="river-drawer", rule="river.rise")
    operator = await visit(1366, 768)
    await operator.go(f"/alerts/{alert['id']}")
    drawn = operator.page.locator("[data-testid=alert-drawer] [data-drawn]")
    await expect(drawn).to_have_count(1, timeout=LOADED_MS)
    told = json.loads(await drawn.get_attribute("data-drawn"))
    assert (told["base"], told["limit"]) == (1210, 1260), "50 cm above the lowest, not 50 cm on the axis of levels"
    assert told["to"] - told["from"] >= 1_800
    for left, right in zip(told["labels"], told["labels"][1:], strict=False):
        assert left["right"] <= right["left"] or right["right"] <= left["left"], told["labels"]


async def test_a_limit_of_one_device_is_set_on_its_page_and_taken_back(visit, publisher, operator_client):
    """The permit of one hospital, with its source and why; the other keeps the rule's own."""
    for name in ("bv-limit-1", "bv-limit-2"):
        publisher(name, "hospital")
    operator = await visit(1366, 768)
    await operator.go("/devices/bv-limit-1")
    section = operator.page.get_by_test_id("device-limits")
    await section.get_by_test_id("limit-write").click(timeout=LOADED_MS)
    form = section.get_by_test_id("limit-form")
    await expect(form.get_by_test_id("limit-save")).to_be_disabled()
    await form.get_by_test_id("limit-value").fill("82.5")
    await form.get_by_test_id("limit-source").fill("Giấy phép 07/GP-SYT")
    await form.get_by_test_id("limit-why").fill("Bệnh viện giảm giường")
    assert await serious(operator.page) == []
    await form.get_by_test_id("limit-save").click()
    row = section.get_by_test_id("limit-row")
    await expect(row).to_contain_text("82,5 %", timeout=LOADED_MS)
    await expect(row).to_contain_text("Giấy phép 07/GP-SYT")
    (limit,) = operator_client.get("/api/v1/limits", params={"device": "bv-limit-1"}).json()["items"]
    assert (limit["value"], limit["verified"], limit["changed_why"]) == (82.5, False, "Bệnh viện giảm giường")
    assert operator_client.get("/api/v1/limits", params={"device": "bv-limit-2"}).json()["items"] == []

    await operator.page.get_by_role("button", name="Hoàn tác").click()
    await expect(section.get_by_test_id("limit-row")).to_have_count(0, timeout=LOADED_MS)
    assert operator_client.get("/api/v1/limits", params={"device": "bv-limit-1"}).json()["items"] == []
