"""What holds on every screen: widths, keys, search, paper, messages, and the language."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import LOADED_MS
from tests.browser.shots import resize
from tests.browser.test_trouble import frozen_role

pytestmark = pytest.mark.timeout(240)
SCREENS = (
    "/",
    "/alerts",
    "/devices",
    "/rules",
    "/drills",
    "/manual",
    "/performance",
    "/quality",
    "/indicators",
    "/limits",
    "/lookups",
    "/contacts",
    "/silences",
    "/roster",
    "/shift-log",
)
MEASURE = """() => {
  for (const count of document.querySelectorAll("header nav .count")) count.textContent = "128"; // a night of many
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  return {
    over: document.documentElement.scrollWidth - innerWidth,
    out: box("[data-testid=sign-out]").right - innerWidth,
    nav: innerWidth > 1000 ? box("header nav").right - box("header .right").left : 0,
    foot: Math.max(...[...document.querySelectorAll("header nav > a, header nav button")]
      .map((link) => link.getBoundingClientRect().right))
      - innerWidth,
    lines: Math.max(...[...document.querySelectorAll("header nav a")].map((link) => link.getClientRects().length
      && link.querySelector("span:not(.icon)").getBoundingClientRect().height)),
  };
}"""
ROWS_LEFT_OUT = """() => {
  const rows = document.querySelectorAll("[data-testid=device-row]"), slot = rows[0].closest(".slot");
  const inView = Math.ceil(slot.closest(".box").clientHeight / slot.getBoundingClientRect().height);
  return inView + 4 - rows.length;
}"""
"""Rows in view, and four drawn ahead, less the rows there are: nothing is scrolled."""
CUT = """() => [...document.querySelectorAll("[data-testid^=domain-tile-]")].flatMap((tile) => {
  const own = tile.getBoundingClientRect();
  return [...tile.querySelectorAll(".name, .state, .newest, .foot, .aq")].filter((part) => {
    const box = part.getBoundingClientRect();
    if (box.height < 2) return false;
    const within = [part.parentElement, tile].map((each) => each.getBoundingClientRect().bottom);
    return box.bottom > Math.min(...within) + 1 || box.bottom > own.bottom;
  }).map((part) => `${tile.dataset.testid}: ${part.className}`);
})"""
"""What of a domain's tile is cut off below: half a line of letters."""
COVERED = """(what) => {
  const toast = document.querySelector(what);
  if (!toast) return ["no message is shown"];
  const own = toast.parentElement.getBoundingClientRect();
  return [...document.querySelectorAll("button, input, select, textarea, summary")]
    .filter((control) => !toast.parentElement.contains(control))
    .filter((control) => {
      const box = control.getBoundingClientRect();
      return box.width > 0 && box.left < own.right && box.right > own.left
        && box.top < own.bottom && box.bottom > own.top;
    })
    .map((control) => control.outerHTML.slice(0, 80));
}"""


@pytest.mark.timeout(300)  # each screen at nine widths
async def test_no_width_hides_the_sign_out_or_scrolls_sideways(visit, publisher):
    """1180 to 1440 are the desks' usual widths; 683 by 384 is 1366 by 768 at a zoom of 200 %."""
    publisher("frame-rain", "rainfall").send('{"rain_24h_mm": 180.0}')  # the bar is widest with a count in it
    desk = await visit(1366, 768)
    for path in SCREENS:
        await desk.go(path)
        await desk.page.get_by_test_id("live-state").wait_for()
        await desk.page.locator("header nav .count").first.wait_for()
        await desk.page.wait_for_timeout(300)
        for width, height in (
            (320, 640),
            (390, 844),
            (683, 384),
            (1001, 768),
            *((w, 768) for w in range(1180, 1441, 65)),
        ):
            await resize(desk.page, width, height)
            found = await desk.page.evaluate(MEASURE)
            where = f"{path} at {width}: {found}"
            assert found["over"] <= 0, where
            assert found["out"] <= 0, where
            assert found["nav"] <= 0, where
            assert found["lines"] < 30, where
            assert found["foot"] <= 0, where


async def test_every_screen_is_reached_from_the_bar(visit):
    """What has no room in the bar stands behind one button, at a desk and on a phone, and there the drills too."""
    desk = await visit(1366, 768)
    links, more = desk.page.locator("header nav a"), desk.page.get_by_test_id("more-screens")
    for width, height in ((1920, 1080), (1366, 768), (390, 844)):
        await resize(desk.page, width, height)
        await desk.go("/")
        await more.click()
        assert {await link.get_attribute("href") for link in await links.all()} == set(SCREENS)
        for name, path in (
            ("Chỉ tiêu", "/indicators"),
            ("Giới hạn", "/limits"),
            ("Danh bạ", "/contacts"),
            ("Tắt tiếng", "/silences"),
            ("Lịch trực", "/roster"),
            ("Nhật ký ca trực", "/shift-log"),
            ("Tra cứu", "/lookups"),
        ):
            await desk.page.locator(f"header nav a[href='{path}']").click()
            await expect(desk.page.get_by_role("heading", level=1)).to_contain_text(name)
            await expect(more).to_have_attribute("aria-expanded", "false")
            await expect(more).to_have_accessible_name(f"Thêm: {name}")
            await more.click()
        await expect(desk.page.locator("header nav a[aria-current]")).to_have_text("Tra cứu")
        await desk.page.keyboard.press("Escape")
        await expect(more).to_have_attribute("aria-expanded", "false")
        await expect(more).to_be_focused()


async def test_the_quick_switch_opens_on_every_screen_and_knows_old_names(visit):
    desk = await visit(1366, 768)
    switch = desk.page.get_by_test_id("quick-switch")
    for path in SCREENS:
        await desk.go(path)
        await desk.page.get_by_test_id("live-state").wait_for()
        await desk.page.keyboard.press("Control+k")
        await expect(switch).to_be_visible()
        await desk.page.keyboard.press("Escape")
        await expect(switch).to_be_hidden()
    await desk.page.keyboard.press("Control+k")
    await desk.page.keyboard.type("thinh lang")
    hit = desk.page.get_by_test_id("switch-hit")
    await expect(hit.first).to_contain_text("Phường Hòa Bình")
    await expect(hit.first).to_contain_text(
        "tên khác"
    )  # the ward itself: a device of that name is found before the areas are
    await expect(hit.first).to_contain_text("Thịnh Lang")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page).to_have_url(re.compile(r"/\?area=04795$"))
    await desk.page.keyboard.press("Control+k")
    await desk.page.keyboard.type("thiết bị")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page).to_have_url(re.compile("/devices$"))


async def test_j_and_k_walk_the_rows_of_screens_that_have_no_keys_of_their_own(visit, publisher):
    for place in ("a", "b", "c"):
        publisher(f"rain-keys-{place}", "rainfall").send(json.dumps({"rain_24h_mm": 131.5, "rain_1h_mm": 1.0}))
    desk = await visit(1366, 768)
    for path, row in (("/", "alert-row"), ("/devices", "device-row")):
        await desk.go(path)
        await desk.page.get_by_test_id(row).nth(2).wait_for()
        at = f"[...document.querySelectorAll(`[data-testid={row}]`)].indexOf(document.activeElement)"
        for key, expected in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
            await desk.page.keyboard.press(key)
            assert await desk.page.evaluate(at) == expected, (path, key)


async def test_search_takes_words_not_bits_of_words_and_old_names(visit):
    desk = await visit(1366, 768)
    await desk.go("/devices")
    rows = desk.page.get_by_test_id("device-row")
    await rows.first.wait_for()
    box = desk.page.get_by_role("searchbox").first
    for question, found in (
        ("rạm mư", False),
        ("tram mua", True),
        ("Trạm MƯA", True),
        ("tp hoà bình", True),
        ("quang tien", True),
    ):
        await box.fill(question)
        if found:
            await expect(rows.first).to_be_visible()
        else:
            await expect(rows).to_have_count(0)
    await expect(rows.first).to_contain_text("Thịnh Minh")


async def test_paper_has_every_row_on_a_light_ground(visit):
    desk = await visit(1366, 768)
    await desk.go("/devices")
    await desk.page.get_by_test_id("device-row").first.wait_for()
    drawn = await desk.page.get_by_test_id("device-row").count()
    await desk.page.evaluate("""() => window.addEventListener("beforeprint", () => {
      const rows = document.querySelectorAll("[data-testid=device-row]");
      window.printed = [rows.length, document.documentElement.dataset.theme];
    })""")
    pdf = await desk.page.pdf(format="A4", landscape=True, print_background=True)
    rows, theme = await desk.page.evaluate("window.printed")
    assert rows >= 81 > drawn
    assert theme == "light"
    assert len(re.findall(rb"/Type /Page\b", pdf)) > 1
    assert await desk.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert await desk.page.evaluate(ROWS_LEFT_OUT) == 0, "after the print the rows in view are drawn, and no others"


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
async def test_messages_lie_over_no_button(instance, visit, publisher, width, height):
    gauge = publisher(f"rain-toast-{width}", "rainfall")
    gauge.send(json.dumps({"rain_24h_mm": 131.5, "rain_1h_mm": 1.0}))
    desk = await visit(width, height)
    await desk.go(f"/alerts?q=rain-toast-{width}")
    await desk.page.get_by_test_id("alert-row").first.click()
    await desk.page.get_by_test_id("action-acknowledge").click()
    await desk.page.get_by_test_id("toast-undo").wait_for()
    await desk.page.wait_for_timeout(600)
    assert await desk.page.evaluate(COVERED, ".toast") == []
    await desk.page.get_by_test_id("toast-undo").wait_for(state="detached", timeout=20_000)
    # A banner stays for as long as what it says, with the drawer's buttons under it.
    with frozen_role(instance, "api"):
        await desk.page.get_by_test_id("cut-banner").wait_for(timeout=10_000)
        for _ in range(20):  # it looks for its place four times a second
            await desk.page.wait_for_timeout(250)
            covered = await desk.page.evaluate(COVERED, ".banner")
            if not covered:
                break
    await desk.page.get_by_test_id("cut-banner").wait_for(state="detached", timeout=20_000)
    desk.errors.clear()  # the browser reports each request that the cut line refused
    assert covered == []


async def test_no_height_cuts_a_line_of_a_tile_in_half(visit):
    """At 1366 by 900, with the demo's ribbon over it, every tile showed the upper half of its newest value."""
    desk = await visit(1366, 900)
    await desk.go("/")
    await expect(desk.page.get_by_test_id("tile-indicator").first).to_be_visible(timeout=LOADED_MS)
    told = 0
    for width, height in ((1366, 640), *((1366, each) for each in range(760, 1101, 20)), (1920, 1080), (1100, 900)):
        await resize(desk.page, width, height)
        assert await desk.page.evaluate(CUT) == [], (width, height)
        told += await desk.page.get_by_test_id("tile-indicator").first.is_visible()
    assert told > 10, "most heights have room for the newest value"
