"""The tour: one click, signed in beside the city, the flood in a minute until everything is over; the city goes on."""

from __future__ import annotations

import json
import time

import pytest
from playwright.async_api import expect

from tests.acceptance.test_demo import crowd
from tests.browser.axe import serious
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(300)
READY_MS = 150_000
PLAYED = {"rain-hoa-binh", "river-hoa-binh", "river-lam-son", "res-hoa-binh"}
READY_SECONDS_MAX = 30.0
"""On a machine of one's own."""


async def test_a_visitor_sees_the_flood_to_its_end_while_the_city_goes_on(visit, instance, publisher):
    gauge = publisher("rain-tour", "rainfall")
    desk = await visit(1366, 768)
    await desk.overview()
    began = time.monotonic()
    await desk.page.get_by_test_id("tour-start").first.click()
    await desk.page.wait_for_url("**/", timeout=READY_MS, wait_until="commit")
    ribbon = desk.page.get_by_test_id("tour-ribbon")
    await ribbon.wait_for(timeout=READY_MS)
    took = time.monotonic() - began
    tour = "http://" + await desk.page.evaluate("location.host")
    assert tour != instance.url
    assert "#" not in desk.page.url
    await expect(ribbon).to_contain_text("không phải thành phố lúc này")

    # Shared, to be paused and sped up: the clock stands still until somebody goes on.
    clock = desk.page.get_by_test_id("tour-clock")
    await expect(clock).to_contain_text("10/10/2017", timeout=15_000)
    await desk.page.get_by_test_id("tour-pause").click()
    await expect(desk.page.get_by_test_id("tour-pause")).to_have_attribute("aria-pressed", "true")

    async def told():
        return await (await desk.page.context.request.get(f"{tour}/api/v1/tour")).json()

    stood = (await told())["clock"]
    await desk.page.wait_for_timeout(1_500)
    assert (await told())["clock"] == stood
    await the_ribbon_tells_the_story_of_who_plays_in_it(desk, tour, stood)
    await shot(desk.page, "tour-1366.png")
    assert await serious(desk.page) == []
    await desk.page.get_by_test_id("tour-pause").click()
    choices = await desk.page.get_by_test_id("tour-speed").locator("option").all_inner_texts()
    assert "60 lần" in choices[0]
    await desk.page.get_by_test_id("tour-speed").select_option(index=2)

    gauge.send(json.dumps({"rain_24h_mm": 177.7, "rain_1h_mm": 1.0}))
    await the_city_hears_its_own_device(desk, instance)
    for _ in range(240):
        silent = await (await desk.page.context.request.get(f"{tour}/api/v1/devices?status=silent")).json()
        assert silent["items"] == [], "a record speaks each half hour: that is no silence"
        if (await told())["over"]:
            break
        await desk.page.wait_for_timeout(500)
    await expect(clock).to_contain_text("Đã hết", timeout=10_000)
    await expect(desk.page.get_by_test_id("story-caption")).to_contain_text("Đêm lũ đã qua")
    answer = await desk.page.context.request.get(f"{tour}/api/v1/alerts?limit=200")
    alerts = (await answer.json())["items"]
    assert {"reservoir.gates", "rain.24h", "river.lam-son"} <= {alert["rule"] for alert in alerts}
    assert [alert["number"] for alert in alerts if alert["condition"] != "cleared"] == []
    assert [alert for alert in alerts if alert["device"] == "rain-tour"] == []
    # This page is open since before the first reading: it has been told who speaks.
    await expect(desk.page.get_by_role("link", name="Thiết bị báo đều")).to_contain_text("4/4")
    await shot(desk.page, "tour-over-1366.png")

    # The way back; the session there has gone on.
    await desk.page.get_by_test_id("tour-home").click()
    await desk.page.get_by_test_id("domain-tile-disaster").wait_for(timeout=20_000)
    assert desk.page.url.startswith(instance.url)
    assert [url for url in desk.foreign if not url.startswith((tour, "data:", "blob:"))] == []
    desk.foreign.clear()
    assert took < READY_SECONDS_MAX * crowd(), took


async def the_ribbon_tells_the_story_of_who_plays_in_it(desk, tour, stood):
    """The caption is that of the clock's hour; no device of the pack waits there to be called silent."""
    story = desk.page.get_by_test_id("story-caption")
    await expect(story).to_contain_text("10/10" if stood < "2017-10-10T00:30" else "mm")
    fleet = await (await desk.page.context.request.get(f"{tour}/api/v1/devices")).json()
    assert {item["id"] for item in fleet["items"]} == PLAYED


async def the_city_hears_its_own_device(desk, instance):
    """A device of a visitor's own raises its alert in the city meanwhile; people's drills have a slot of their own."""
    with instance.signed_in(instance.username, instance.password) as client:
        assert client.get("/api/v1/tour").json()["state"] in {"ready", "over"}
        assert [run for run in client.get("/api/v1/drills").json()["items"] if run["state"] == "running"] == []
        for _ in range(50):
            if client.get("/api/v1/alerts", params={"device": "rain-tour"}).json()["items"]:
                return
            await desk.page.wait_for_timeout(200)
    raise AssertionError("the city did not hear its device")
