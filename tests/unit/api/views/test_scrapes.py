"""Scrapes take turns, few wait, and the event loop goes on while the text is made."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from ioc.api.views import scrapes
from ioc.api.views.scrapes import SCRAPES_WAITING_MAX, Scrapes
from ioc.errors import StoreUnavailableError, TooManyRequestsError
from ioc.runtime.metrics_socket import read_metrics, serve_metrics


async def test_one_at_a_time_and_few_that_wait():
    desk, going, most = Scrapes(), 0, 0

    async def scrape() -> None:
        nonlocal going, most
        async with desk.turn():
            going += 1
            most = max(most, going)
            await asyncio.sleep(0.01)
            going -= 1

    results = await asyncio.gather(*(scrape() for _ in range(20)), return_exceptions=True)
    assert most == 1
    refused = [error for error in results if isinstance(error, TooManyRequestsError)]
    assert len(refused) == 20 - 1 - SCRAPES_WAITING_MAX
    await scrape()


async def test_a_scrape_that_takes_too_long_ends_and_the_next_one_has_its_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scrapes, "SCRAPE_SECONDS_MAX", 0.05)
    desk = Scrapes()
    with pytest.raises(StoreUnavailableError):
        async with desk.turn():
            await asyncio.sleep(5)
    async with desk.turn():
        pass


class Slow:
    """A registry's part that takes half a second, as eight thousand series did."""

    def collect(self):
        time.sleep(0.5)
        yield GaugeMetricFamily("slow", "half a second", value=1)


async def test_the_loop_goes_on_while_a_role_makes_its_text(tmp_path: Path):
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Slow())
    server = await serve_metrics(tmp_path / "m.sock", registry)
    longest, last = 0.0, time.monotonic()
    reading = asyncio.create_task(read_metrics(tmp_path / "m.sock"))
    while not reading.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    server.close()
    assert "slow 1.0" in (reading.result() or "")
    assert longest < 0.3
