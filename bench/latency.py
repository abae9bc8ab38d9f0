"""From a device's publish to the operator's screen: a real instance, a real Chromium, a load beside it.

Each probe is a gauge whose first reading is over its limit; the page notes when its alert's value is drawn (a mutation,
then the next frame). Both clocks are this machine's. The feed puts what is gravest first, and of equals the oldest: so
probes are critical, and a probe that was drawn is retired and its alert resolved, else new ones would stand below
what the page draws.
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
from mqtt_client.packets import Station
from proof.harness.instance import Instance, add_device, running, version_facts

LOAD_DEVICES = 50
PAUSE_SECONDS = 0.7
"""Between two probes: 86 alerts a minute, several times what a bad night brings."""
SETTLE_SECONDS = 5.0
DRAWN_POLLS_MAX, DRAWN_POLL_SECONDS = 30, 0.5
"""A probe has fifteen seconds to come to the screen, and stands there no longer than it takes to see that."""
RETIRE_POLLS_MAX, RETIRE_POLL_SECONDS = 50, 0.2
FIRST_MM, STEP_MM = 301.0, 0.7
"""Above the limit of a critical alert; every probe has a number of its own."""
BROWSER = [
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
NUMBER = re.compile(r"(\d{3}(?:,\d)?) mm")
"""How an alert's headline says a probe's reading; every probe has a number of its own."""
WATCH = """
() => {
  window.__drawn = {};
  const note = () => {
    const text = document.body.innerText;
    for (const found of text.matchAll(/(\\d{3}(?:,\\d)?)\\s+mm/g)) {
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
        # Register all before any connects: while a connected station waits for the others, its keep-alive would end it.
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
            sent_at = await _probe(page, admin, probing)
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
    # The probes' readings are seconds apart, so the acknowledgements come in the order in which they were sent.
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


async def _probe(page: Page, admin: Any, probing: Sequence[Sender]) -> dict[str, float]:
    """Let each gauge report once; return when it was sent, by the number as the screen writes it."""
    sent_at: dict[str, float] = {}
    retiring = []
    for number, sender in enumerate(probing):
        value = FIRST_MM + number * STEP_MM
        text = f"{value:.1f}".removesuffix(".0").replace(".", ",")
        sent_at[text] = sender.send({"rain_24h_mm": round(value, 1)})
        retiring.append(asyncio.create_task(_retire_once_drawn(page, admin, sender.station.device, text)))
        await asyncio.sleep(PAUSE_SECONDS)
    await asyncio.gather(*retiring)
    return sent_at


async def _retire_once_drawn(page: Page, admin: Any, device: str, text: str) -> None:
    for _ in range(DRAWN_POLLS_MAX):
        if await page.evaluate("text => window.__drawn[text] > 0", text):
            break
        await asyncio.sleep(DRAWN_POLL_SECONDS)
    await retire(admin, device)


async def retire(admin: Any, device: str) -> None:
    """Take a gauge out of service, which ends its alerts, and resolve them; give up on what does not end."""
    known = (await admin.get(f"/api/v1/devices/{device}")).json()
    retired = await admin.patch(f"/api/v1/devices/{device}", json={"state": "retired"},
                                headers={"If-Match": f'"{known["version"]}"'})  # fmt: skip
    retired.raise_for_status()
    for _ in range(RETIRE_POLLS_MAX):
        found = (await admin.get("/api/v1/alerts", params={"device": device, "open": "true"})).json()["items"]
        for alert in found:
            if alert["condition"] == "cleared":
                await admin.post(f"/api/v1/alerts/{alert['id']}/resolve", json={"text": "bench"},
                                 headers={"If-Match": f'"{alert["version"]}"'})  # fmt: skip
        if not found:
            return
        await asyncio.sleep(RETIRE_POLL_SECONDS)


async def _listen(admin: Any, heard: dict[str, float]) -> None:
    """Follow the stream as a second client and note when each alert came, by its number as the screen writes it."""
    async with admin.stream("GET", "/api/v1/stream", timeout=None) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and '"rule"' in line:
                for number in NUMBER.findall(json.loads(line[6:])["summary"]["vi"]):
                    heard.setdefault(number, time.time() * 1_000)


def _figures(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the worst, in the values' unit."""
    if not values:
        return {}
    ordered = sorted(values)
    cuts = statistics.quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else ordered * 99
    return {"n": len(ordered), "p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1),
            "max": round(ordered[-1], 1)}  # fmt: skip
