"""When the database stands still the room is told, on a screen that lives on, and told no longer once it is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal

from playwright.async_api import expect

from tests.acceptance.faults.test_frozen_database import frozen
from tests.browser.shots import shot

TOLD = re.compile(r"Phần xét cảnh báo không phản hồi\. Từ \d\d:\d\d:\d\d\..*gọi kỹ thuật viên", re.DOTALL)


async def test_a_frozen_database_shows_a_banner_that_leaves_by_itself(instance, visit):
    found = await visit()
    await found.overview()
    await found.page.locator('[data-testid="live-state"][data-state="live"]').wait_for()
    banner = found.page.get_by_test_id("trouble-banner")
    with frozen(instance):
        await banner.wait_for(timeout=10_000)
        assert "Cơ sở dữ liệu không ghi được" in await banner.inner_text()
        assert await found.page.get_by_test_id("cut-banner").count() == 0, "the stream lives on"
    await banner.wait_for(state="detached", timeout=15_000)
    # What the page asked for meanwhile was refused, as it should be; nothing else may have gone wrong.
    found.errors = [text for text in found.errors if "503" not in text]


async def test_a_page_that_is_opened_while_the_database_stands_still_says_so_and_goes_on_by_itself(instance, visit):
    """What is opened or loaded anew meanwhile asks /readyz, which needs no database; nobody has to press anything."""
    found = await visit()
    await found.overview()
    await found.page.locator('[data-testid="live-state"][data-state="live"]').wait_for()
    stranger = await visit(signed_in=False)
    with frozen(instance):
        for path, page in (("/alerts", found.page), ("/signin", stranger.page)):
            await page.goto(f"{instance.url}{path}")
            await page.get_by_test_id("trouble-banner").wait_for(timeout=10_000)
            assert "Cơ sở dữ liệu không ghi được" in await page.get_by_test_id("trouble-banner").inner_text()
            assert await page.get_by_test_id("cut-banner").count() == 0, "the reason is known"
        await shot(found.page, "opened-while-frozen.png")
    await found.page.locator('[data-testid="live-state"][data-state="live"]').wait_for(timeout=15_000)
    await found.page.locator("#main h1, #main [role=list]").first.wait_for()
    await stranger.page.get_by_test_id("trouble-banner").wait_for(state="detached", timeout=15_000)
    for page in (found, stranger):
        await page.page.get_by_test_id("trouble-banner").wait_for(state="detached", timeout=15_000)
        page.errors = [text for text in page.errors if "503" not in text]


KEEP_SOURCES = """
const Source = EventSource;
globalThis.sources = [];
globalThis.EventSource = class extends Source {
  constructor(...given) { super(...given); globalThis.sources.push(this); }
};
"""
REFUSE = "sources.forEach(source => { source.close(); source.dispatchEvent(new Event('error')); })"


async def test_a_stream_that_breaks_while_the_database_stands_still_says_why(instance, visit):
    """The browser gives a refused stream up for good; the page asks for the reason and connects anew by itself."""
    found = await visit()
    await found.page.add_init_script(KEEP_SOURCES)
    await found.go("/alerts")
    live = found.page.locator('[data-testid="live-state"][data-state="live"]')
    await live.wait_for()
    with frozen(instance):
        banner = found.page.get_by_test_id("trouble-banner")
        await banner.wait_for(timeout=10_000)
        await found.page.evaluate(REFUSE)
        await found.page.locator('[data-testid="live-state"][data-state="cut"]').wait_for(timeout=10_000)
        await found.page.wait_for_timeout(2_000)
        assert "Cơ sở dữ liệu không ghi được" in await banner.inner_text(timeout=5_000)
        assert await found.page.get_by_test_id("cut-banner").count() == 0, "the reason is known"
        assert "grayscale(1)" in await style_of(found.page, "#main", "filter")
    await live.wait_for(timeout=15_000)
    await banner.wait_for(state="detached", timeout=15_000)
    assert await style_of(found.page, "#main", "filter") == "none"
    found.errors = [text for text in found.errors if "503" not in text]


HOLD_FRAMES = """
const Source = EventSource;
globalThis.waiting = [];
globalThis.EventSource = class extends Source {
  addEventListener(name, hear) {
    const later = (event) => globalThis.waiting ? globalThis.waiting.push(() => hear(event)) : hear(event);
    super.addEventListener(name, name === "open" || name === "error" ? hear : later);
  }
};
"""
LET_GO = "const held = waiting; waiting = null; held.forEach(hear => hear())"


async def test_a_page_is_not_live_before_it_has_heard_what_came_before_its_stream(visit):
    """An open connection is no news: what has changed since the lists were read may still be on its way."""
    found = await visit()
    await found.page.add_init_script(HOLD_FRAMES)
    await found.go("/alerts")
    await expect(found.page.locator("#main")).to_contain_text("Cảnh báo")
    async with asyncio.timeout(10):
        while not await found.page.evaluate("waiting.length"):
            await asyncio.sleep(0.05)
    assert await found.page.get_by_test_id("live-state").get_attribute("data-state") == "connecting"
    await found.page.evaluate(LET_GO)
    await found.page.locator('[data-testid="live-state"][data-state="live"]').wait_for(timeout=5_000)


async def test_a_frozen_role_turns_every_screen_grey_and_takes_the_green_dot_away(instance, visit, publisher):
    """What may be old has no colour, says since when and what to do; at a desk, on a phone, in a drawer."""
    publisher("rain-frozen-role", "rainfall").send(json.dumps({"rain_24h_mm": 131.5, "rain_1h_mm": 1.0}))
    desk, phone = await visit(1366, 768), await visit(390, 844)
    await desk.overview()
    await phone.go("/alerts")
    for found in (desk, phone):
        await found.page.locator('[data-testid="live-state"][data-state="live"]').wait_for()
    await desk.page.get_by_test_id("alert-row").first.click()
    await desk.page.locator(".drawer").wait_for()
    widths = {found: await overhang(found.page) for found in (desk, phone)}
    with frozen_role(instance, "rules"):
        for found in (desk, phone):
            await found.page.locator('[data-testid="live-state"][data-state="stale"]').wait_for(timeout=8_000)
            assert "Số liệu đứng từ" in await found.page.get_by_test_id("live-state").inner_text()
            banner = await found.page.get_by_test_id("trouble-banner").inner_text()
            assert re.search(r"Phần xét cảnh báo không phản hồi\. Từ \d\d:\d\d:\d\d\..*gọi kỹ thuật viên", banner), (
                banner
            )
            assert "grayscale(1)" in await style_of(found.page, "#main", "filter")
            assert await style_of(found.page, ".live .dot", "backgroundColor") == "rgba(0, 0, 0, 0)"
            before, now = widths[found], await overhang(found.page)
            assert now <= before, "the words fit"
        assert "grayscale(1)" in await style_of(desk.page, ".drawer", "filter")
        await shot(desk.page, "stale-1366.png")
        await shot(phone.page, "stale-390.png")
    for found in (desk, phone):
        await found.page.locator('[data-testid="live-state"][data-state="live"]').wait_for(timeout=10_000)
        assert await style_of(found.page, "#main", "filter") == "none"


async def overhang(page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


async def style_of(page, selector: str, name: str) -> str:
    return str(await page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}"))


@contextlib.contextmanager
def frozen_role(instance, role: str):
    """Stop one process for less than it takes until it is started again."""
    pid = int(instance.fact(role, "pid"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
