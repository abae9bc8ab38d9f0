"""What an operator does and sees, in a real browser against a real instance."""

from __future__ import annotations

import asyncio
import json
import re
import time

import pytest
from playwright.async_api import expect

from ioc.api.stream.hub import TURNED_SECONDS
from tests.browser.axe import serious
from tests.browser.shots import LOOKS, shot
from tests.browser.test_trouble import frozen_role

pytestmark = pytest.mark.timeout(180)


def rain(value: float) -> str:
    return json.dumps({"rain_24h_mm": value, "rain_1h_mm": 1.0})


async def test_a_reading_over_its_limit_is_an_alert_on_the_screen_within_a_second(visit, publisher):
    """The best of three counts: the machine that runs the tests does other things too."""
    operator = await visit()
    await operator.overview()
    seconds = []
    for number, value in enumerate((187.4, 188.6, 191.2)):
        gauge = publisher(f"rain-browser-1{number}", "rainfall")
        gauge.send(rain(12.0))
        await operator.page.wait_for_timeout(500)
        started = time.monotonic()
        gauge.send(rain(value))
        await expect(operator.page.get_by_text(f"{value}".replace(".", ",")).first).to_be_visible(timeout=8_000)
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 1.0, seconds


async def test_an_alert_is_read_acknowledged_and_commented_and_resolve_waits_for_its_end(
    visit, publisher, operator_client
):
    gauge = publisher("rain-browser-2", "rainfall")
    gauge.send(rain(143.2))
    operator = await visit()
    row = operator.page.get_by_test_id("alert-row").filter(has_text="143,2").first
    await operator.go("/alerts?q=rain-browser-2")
    await row.click()
    drawer = operator.page.get_by_test_id("alert-drawer")
    await expect(drawer).to_contain_text("143,2")
    await expect(operator.page).to_have_url(re.compile("/alerts/al_"))
    await expect(drawer.get_by_test_id("evidence-chart")).to_be_visible()
    await expect(drawer).to_contain_text("QĐ 18/2021")
    await drawer.get_by_test_id("action-acknowledge").click()
    await expect(drawer).to_contain_text("Đã nhận")
    await drawer.get_by_test_id("comment-text").fill("Đã gọi UBND phường <script>window.__pwned=1</script>")
    await drawer.get_by_test_id("action-comment").click()
    await expect(drawer).to_contain_text("<script>window.__pwned=1</script>")
    assert await operator.page.evaluate("window.__pwned") is None
    [alert] = [
        item for item in operator_client.get("/api/v1/alerts", params={"device": "rain-browser-2"}).json()["items"]
        if item["rule"] == "rain.24h"
    ]  # fmt: skip
    assert (alert["state"], alert["comments"], alert["condition"]) == ("acknowledged", 1, "firing")


async def test_two_operators_the_second_sees_at_once_what_the_first_did(visit, publisher):
    gauge = publisher("rain-browser-3", "rainfall")
    gauge.send(rain(155.5))
    first, second = await visit(), await visit()
    for operator in (first, second):
        await operator.go("/alerts?q=rain-browser-3")
        await operator.page.get_by_test_id("alert-row").filter(has_text="155,5").first.click()
        await expect(operator.page.get_by_test_id("alert-drawer")).to_contain_text("155,5")
    await first.page.get_by_test_id("action-acknowledge").click()
    await expect(second.page.get_by_test_id("alert-drawer")).to_contain_text("Đã nhận", timeout=3_000)


async def test_devices_are_found_without_diacritics(visit):
    operator = await visit()
    await operator.go("/devices")
    await expect(operator.page.get_by_test_id("device-row").first).to_be_visible()
    await operator.page.get_by_role("searchbox").first.fill("hoa binh")
    await expect(operator.page.get_by_test_id("device-row").filter(has_text="Hòa Bình").first).to_be_visible()


async def test_who_is_connected_is_seen_live_and_so_is_who_has_gone(visit, publisher):
    gauge = publisher("rain-browser-5", "rainfall")
    operator = await visit()
    await operator.go("/devices?q=rain-browser-5")
    presence = operator.page.get_by_test_id("device-presence")
    await expect(presence).to_have_text("Đang kết nối", timeout=8_000)
    gauge.close()
    await expect(presence).to_have_text("Đã ngắt", timeout=8_000)


async def test_what_the_doors_refuse_of_a_device_stands_in_its_drawer(visit, publisher):
    gauge = publisher("rain-browser-6", "rainfall")
    gauge.send("rain, much of it")
    operator = await visit()
    await operator.go("/devices/rain-browser-6")
    refused = operator.page.get_by_test_id("device-refused")
    await expect(refused).to_contain_text("Nội dung không phải JSON", timeout=20_000)
    await expect(refused).to_contain_text("ioc/v1/rainfall/rain-browser-6")


async def test_language_and_theme_are_switched_and_remembered(visit):
    operator = await visit()
    await operator.overview()
    await operator.page.get_by_test_id("language-toggle").click()
    await expect(operator.page.get_by_role("link", name="Alerts").first).to_be_visible()
    await operator.page.get_by_test_id("theme-toggle").click()
    theme = await operator.page.evaluate("document.documentElement.dataset.theme")
    await operator.page.reload()
    await expect(operator.page.get_by_role("link", name="Alerts").first).to_be_visible()
    assert await operator.page.evaluate("document.documentElement.dataset.theme") == theme


async def test_a_cut_stream_is_said_within_three_seconds_and_nothing_is_missed(instance, visit, publisher):
    gauge = publisher("rain-browser-4", "rainfall")
    operator = await visit()
    await operator.overview()
    await operator.page.locator("[data-testid=map][data-ready=true]").wait_for(timeout=60_000)
    await expect(operator.page.get_by_test_id("live-state")).to_contain_text("Trực tiếp")
    with frozen_role(instance, "api"):
        started = time.monotonic()
        await expect(operator.page.get_by_test_id("live-state")).not_to_contain_text("Trực tiếp", timeout=6_000)
        said = time.monotonic() - started
        gauge.send(rain(166.6))
    await expect(operator.page.get_by_text("166,6").first).to_be_visible(timeout=15_000)
    assert said < 4.0


async def test_a_desk_without_the_internet_that_hears_its_server_is_not_cut(visit, publisher):
    """The browser calls itself offline while the open stream speaks each second: "no connection since" is untrue."""
    gauge = publisher("rain-browser-7", "rainfall")
    operator = await visit()
    await operator.overview()
    await operator.page.locator('[data-testid="live-state"][data-state="live"]').wait_for()
    await operator.page.context.set_offline(True)
    assert not await operator.page.evaluate("navigator.onLine")
    seen = set()
    for _ in range(10):
        seen.add(await operator.page.get_by_test_id("live-state").get_attribute("data-state"))
        await operator.page.wait_for_timeout(200)
    gauge.send(rain(177.7))
    await expect(operator.page.get_by_text("177,7").first).to_be_visible(timeout=15_000)
    await operator.page.context.set_offline(False)
    operator.errors.clear()  # what the page asks for beside the stream was refused by the browser
    assert seen == {"live"}


async def test_a_place_that_cannot_be_takes_nothing_else_off_the_map(visit, operator_client):
    """A swapped point and a bow-tie at (0, 0), as older versions let in: left out, and said; all else is drawn."""

    # What turned since anybody looked is told to who joins, with its true point: somebody looks for a while before.
    looker = await visit()
    await looker.overview()
    await asyncio.sleep(TURNED_SECONDS + 3)
    found = operator_client.get("/api/v1/devices", params={"limit": 500}).json()["items"]
    device = max(found, key=lambda item: item["expected_period_seconds"])["id"]

    async def spoiled(route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        for item in body["items"]:
            if item.get("id") == device:
                item["lat"], item["lon"] = 105.34, 20.82
            elif item.get("code") == "04795":
                item["shape"] = {"type": "Polygon", "coordinates": [[[-1, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]]]}
        await route.fulfill(response=answer, json=body)

    operator = await visit(signed_in=False)
    for path in (re.compile(r"/api/v1/devices(\?|$)"), re.compile(r"/api/v1/areas(\?|$)")):
        await operator.page.route(path, spoiled)
    await operator.sign_in()
    await operator.page.locator("[data-testid=map][data-ready=true]").wait_for(timeout=60_000)
    await expect(operator.page.get_by_test_id("map-undrawn")).to_contain_text("1 thiết bị, 1 phường, xã")
    names = operator.page.locator("[data-testid=map] .overlay .area")
    await expect(names.first).to_be_visible()
    assert await names.count() >= 5
    assert await operator.page.evaluate("document.querySelectorAll('[data-testid=map] canvas').length") == 1


async def test_a_temporary_password_must_be_changed_before_anything_else(visit, operator_client):
    made = operator_client.post("/api/v1/users", json={"username": "first-day", "role": "viewer"}).json()
    person = await visit(signed_in=False)
    await person.go("/devices")
    await person.page.get_by_test_id("signin-username").fill("first-day")
    await person.page.get_by_test_id("signin-password").fill(made["password"])
    await person.page.get_by_test_id("signin-submit").click()
    page = person.page
    await expect(page.get_by_role("heading", name="Đổi mật khẩu tạm")).to_be_visible()
    assert await serious(page) == []

    async def change(current: str, new: str, again: str) -> None:
        await page.get_by_test_id("password-current").fill(current)
        await page.get_by_test_id("password-new").fill(new)
        await page.get_by_test_id("password-again").fill(again)
        await page.get_by_test_id("password-submit").click()

    good = "thuyền về bến cũ chiều nay"
    for new, again, words in (("ngan", "ngan", "ít nhất 12"), (good, good + "x", "không giống nhau"),
                              ("hoabinh hoabinh", "hoabinh hoabinh", "dễ đoán")):  # fmt: skip
        await change(made["password"], new, again)
        await expect(page.get_by_role("alert")).to_contain_text(words)
    person.errors.clear()  # the browser says that the weak one was refused
    await person.page.reload()
    await expect(page.get_by_role("heading", name="Đổi mật khẩu tạm")).to_be_visible()
    await change(made["password"], good, good)
    await expect(page.get_by_test_id("live-state")).to_contain_text("Trực tiếp", timeout=15_000)


async def test_a_wrong_password_is_refused_kindly_and_the_target_is_kept(visit, instance):
    stranger = await visit(signed_in=False)
    await stranger.go("/devices")
    await expect(stranger.page.get_by_test_id("signin-username")).to_be_visible()
    await stranger.page.get_by_test_id("signin-username").fill("operator")
    await stranger.page.get_by_test_id("signin-password").fill("not-the-password")
    await stranger.page.get_by_test_id("signin-submit").click()
    await expect(stranger.page.get_by_role("alert").first).not_to_be_empty()
    await stranger.page.get_by_test_id("signin-password").fill(instance.password)
    await stranger.page.get_by_test_id("signin-submit").click()
    await expect(stranger.page.get_by_test_id("device-row").first).to_be_visible(timeout=15_000)


@pytest.mark.parametrize(("name", "width", "height", "scheme"), LOOKS)
async def test_every_screen_is_drawn_at_three_sizes_without_overflow(visit, publisher, name, width, height, scheme):
    publisher(f"rain-sizes-{name}-{scheme}", "rainfall").send(rain(151.0))
    operator = await visit(width, height, theme=scheme)
    for path, screen in (("/", "overview"), ("/alerts", "alerts"), ("/devices", "devices")):
        await operator.go(path)
        await operator.page.wait_for_timeout(1_000)
        if screen == "overview":
            await operator.page.locator("[data-testid=map][data-ready=true]").wait_for(timeout=60_000)
            await operator.page.wait_for_timeout(500)
        wide = await operator.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{screen} scrolls sideways by {wide} px at {width}"
        await shot(operator.page, f"{screen}-{name}-{scheme}.png")
    await operator.go("/alerts")
    await operator.page.get_by_test_id("alert-row").first.click()
    await operator.page.get_by_test_id("alert-drawer").wait_for()
    await operator.page.wait_for_timeout(1_500)
    await shot(operator.page, f"drawer-{name}-{scheme}.png")


async def test_the_first_screen_is_small_and_quick(visit):
    """Script of the first screen under 200 kB gzip without the map library; interactive in a second (cold cache)."""
    stranger = await visit(signed_in=False)
    sizes: dict[str, int] = {}

    async def measure(response) -> None:
        if response.url.endswith(".js"):
            sizes[response.url] = (await response.request.sizes())["responseBodySize"]

    stranger.page.on("response", measure)
    await stranger.go("/signin")
    await stranger.page.get_by_test_id("signin-submit").wait_for()
    assert 0 < sum(sizes.values()) < 200_000
    interactive = await stranger.page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert interactive < 1_000
