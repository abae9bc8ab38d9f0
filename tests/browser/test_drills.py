"""Diễn tập: one button starts the recorded flood as a drill; its screens say so, and stopping it shows the score."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import expect

from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(300)
READY_MS = 150_000


async def test_an_operator_trains_on_the_flood_night_and_sees_the_score(visit, instance):
    desk = await visit()
    await desk.overview()
    await desk.page.get_by_role("link", name="Diễn tập").click()
    await desk.page.get_by_test_id("drill-scenario-school-wifi").click()
    await expect(desk.page.get_by_test_id("drill-chosen")).to_contain_text("nhanh gấp 20 lần")
    await shot(desk.page, "drill-scenarios.png")
    await desk.page.get_by_test_id("drill-scenario-flood-2017").click()
    await desk.page.get_by_label("Tốc độ").select_option("3600")
    await desk.page.get_by_test_id("drill-start").click()
    await desk.page.get_by_test_id("drill-running").wait_for(timeout=20_000)
    address = await desk.page.get_by_test_id("drill-open").get_attribute("href", timeout=READY_MS)

    context = await desk.page.context.browser.new_context(locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh",
                                                          viewport={"width": 1920, "height": 1080})  # fmt: skip
    drill = await context.new_page()
    await drill.goto(f"{address}signin")
    await drill.get_by_test_id("signin-username").fill(instance.username)
    await drill.get_by_test_id("signin-password").fill(instance.password)
    await drill.get_by_test_id("signin-submit").click()
    ribbon = drill.get_by_test_id("drill-clock")
    await expect(ribbon).to_contain_text("10/2017", timeout=30_000)
    await expect(ribbon).to_contain_text("nhanh gấp 3.600 lần")
    alert = await an_alert(context, address)
    await drill.goto(f"{address}alerts/{alert}")
    await drill.get_by_test_id("action-acknowledge").wait_for()
    await drill.keyboard.press("a")
    await expect(drill.get_by_test_id("alert-drawer")).to_contain_text("Đã nhận")
    await note_a_call(drill)
    await shot(drill, "drill-alert.png")
    await context.close()

    await shot(desk.page, "drill-running.png")
    await desk.page.get_by_test_id("drill-stop").click()
    score = desk.page.get_by_test_id("drill-score")
    await score.wait_for(timeout=60_000)
    assert "1/" in await score.inner_text()
    await shot(desk.page, "drill-score.png")
    with instance.signed_in(instance.username, instance.password) as client:
        run = client.get("/api/v1/drills").json()["items"][0]
        assert (run["state"], run["scenario"], run["problem"]) == ("stopped", "flood-2017", None)
        handled = next(row for row in run["score"]["alerts"] if row["alert"] == alert)
        assert 0 <= handled["seconds"]["receive"] <= handled["seconds"]["call"] < 200
        assert handled["seconds"]["dispatch"] is None
        assert client.post(f"/api/v1/drills/{run['id']}/stop", json={}).status_code == 409
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{address}livez", timeout=5)
    assert not list((instance.data / "drills").glob("dr_*/")), "its folder is gone"


async def note_a_call(drill):
    """Note that somebody was called. At an hour in a second the alert may move first: it is looked at again then."""
    done = drill.get_by_role("region", name="Diễn biến").get_by_text("Đã gọi").first
    refused = drill.get_by_text("Xem lại rồi thao tác tiếp").first
    for _ in range(5):
        # Not a plain click: the banner about blocked sound may come up over the foot of the drawer at any moment.
        await drill.get_by_test_id("action-call").dispatch_event("click")
        await done.or_(refused).first.wait_for(timeout=10_000)
        if await done.is_visible():
            return
    raise AssertionError("the call was refused each time")


async def an_alert(context, address):
    """Return the first alert of the drill, as its signed-in browser may read it."""
    for _ in range(120):
        answer = await context.request.get(f"{address}api/v1/alerts")
        items = (await answer.json())["items"]
        if items:
            return items[-1]["id"]
        page = context.pages[0]
        await page.wait_for_timeout(500)
    raise AssertionError("the drill raised nothing")
