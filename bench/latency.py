"""From a device's publish to the operator's screen: a real instance, a real Chromium, a load beside it.

Each probe is a gauge whose first reading is over its limit; the page notes when the sentence of that alert is drawn
(a mutation, then the next frame). Both clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import time
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.load import Load, Sender, steady
from proof.instance import Instance, add_device, running, version_facts
from proof.mqtt_device import Station

LOAD_DEVICES = 50
PAUSE_SECONDS = 0.7
"""Between two probes: 86 alerts a minute, several times what a bad night brings."""
SETTLE_SECONDS = 5.0
BROWSER = [
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
NUMBER = re.compile(r"24 giờ (\d{3}(?:,\d)?) mm")
WATCH = """
() => {
  window.__drawn = {};
  const note = () => {
    const text = document.body.innerText;
    for (const found of text.matchAll(/24 giờ (\\d{3}(?:,\\d)?) mm/g)) {
      if (!(found[1] in window.__drawn)) {
        window.__drawn[found[1]] = 0;
        requestAnimationFrame(() => { window.__drawn[found[1]] = Date.now(); });
      }
    }
  };
  new MutationObserver(note).observe(document.body, {childList: true, subtree: true, characterData: true});
}
"""


async def measure(*, rate: int, probes: int) -> dict[str, Any]:
    """Return the figures of one run: acknowledgement and screen latency in milliseconds, and what the load did."""
    async with running() as instance, instance.admin() as admin:
        load = Load()
        gauges = Load()
        senders = [
            await _sender(instance, admin, f"load-{number:03d}", feed="air_quality", load=load)
            for number in range(LOAD_DEVICES)
        ]
        probing = [
            await _sender(instance, admin, f"probe-{number:03d}", feed="rainfall", load=gauges)
            for number in range(probes)
        ]
        # All registered, then all connected: a station that waits for the others would be cut for its silence.
        for sender in (*senders, *probing):
            await sender.open()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=BROWSER
            )
            page = await browser.new_page(viewport={"width": 1920, "height": 1080}, locale="vi-VN")
            await _sign_in(page, instance)
            pressure = asyncio.create_task(steady(senders, per_second=rate)) if rate else None
            await asyncio.sleep(SETTLE_SECONDS)
            heard: dict[str, float] = {}
            listening = asyncio.create_task(_listen(admin, heard))
            started = time.perf_counter()
            sent_at = await _probe(page, probing)
            seconds = time.perf_counter() - started
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            drawn = await page.evaluate("window.__drawn")
            if pressure is not None:
                pressure.cancel()
            await browser.close()
        for sender in (*senders, *probing):
            await sender.close()
    stream = [(heard[text] - sent) for text, sent in sent_at.items() if text in heard]
    # One reading a gauge, long after each other: they are acknowledged in the order in which they were sent.
    stored_at = {text: sent + wait * 1_000 for (text, sent), wait in zip(sent_at.items(), gauges.waits, strict=True)}
    after_commit = [heard[text] - at for text, at in stored_at.items() if text in heard]
    screen = [drawn[text] - sent for text, sent in sent_at.items() if drawn.get(text)]
    return {
        "command": f"python -m bench latency --rate {rate} --probes {probes}",
        **version_facts(),
        "events_per_second": round(load.sent / (seconds + SETTLE_SECONDS), 1),
        "load_unacknowledged": load.sent - load.acknowledged,
        "probes": probes,
        "probes_not_drawn": probes - len(screen),
        "publish_to_puback_ms": _figures([wait * 1_000 for wait in load.waits]),
        "publish_to_stream_ms": _figures(stream),
        "puback_to_stream_ms": _figures(after_commit),
        "publish_to_screen_ms": _figures(screen),
    }


async def _sender(instance: Instance, admin: Any, device: str, *, feed: str, load: Load) -> Sender:
    key = await add_device(admin, device, feed=feed)
    return Sender(Station(device, key, instance.mqtt_port), feed, load)


async def _sign_in(page: Page, instance: Instance) -> None:
    await page.goto(f"{instance.url}/signin")
    await page.get_by_test_id("signin-username").fill(instance.username)
    await page.get_by_test_id("signin-password").fill(instance.password)
    await page.get_by_test_id("signin-submit").click()
    await page.get_by_test_id("domain-tile-disaster").wait_for(timeout=30_000)
    await page.evaluate(WATCH)


async def _probe(page: Page, probing: Sequence[Sender]) -> dict[str, float]:
    """Let each gauge report once; return when it was sent, by the number as the screen writes it."""
    sent_at: dict[str, float] = {}
    for number, sender in enumerate(probing):
        value = 101 + number * 0.7
        text = f"{value:.1f}".removesuffix(".0").replace(".", ",")
        sent_at[text] = sender.send({"rain_24h_mm": round(value, 1)})
        await asyncio.sleep(PAUSE_SECONDS)
    await page.wait_for_timeout(2_000)
    return sent_at


async def _listen(admin: Any, heard: dict[str, float]) -> None:
    """Follow the stream as a second client and note when each alert came, by its number as the screen writes it."""
    async with admin.stream("GET", "/api/v1/stream", timeout=None) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and '"rule"' in line:
                found = NUMBER.search(json.loads(line[6:])["summary"]["vi"])
                if found:
                    heard.setdefault(found[1], time.time() * 1_000)


def _figures(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the worst, in the values' unit."""
    if not values:
        return {}
    ordered = sorted(values)
    cuts = statistics.quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else ordered * 99
    return {"n": len(ordered), "p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1),
            "max": round(ordered[-1], 1)}  # fmt: skip
