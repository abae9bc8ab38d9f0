"""A storm is one row: folded, unfolded, with its drawer; a new critical alert of it is seen all the same."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(300)
GAUGES = {"rain-inc-1": (20.81, 105.33), "rain-inc-2": (20.83, 105.35), "rain-inc-3": (20.85, 105.36)}


def rain(value: float) -> str:
    return json.dumps({"rain_24h_mm": value, "rain_1h_mm": 1.0})


async def test_a_storm_is_one_row_and_its_new_critical_alert_always_shows(visit, publisher, operator_client):
    senders = {name: publisher(name, "rainfall", lat=lat, lon=lon) for name, (lat, lon) in GAUGES.items()}
    for number, sender in enumerate(senders.values()):
        sender.send(rain(120.0 + number))

    def members():
        asked = {"open": "true", "device": ",".join(GAUGES), "rule": "rain.24h"}
        found = operator_client.get("/api/v1/alerts", params=asked).json()["items"]
        return found if len(found) == len(GAUGES) else None

    alerts = wait_until(members, seconds=30, what="an alert at each gauge")
    incident = alerts[0]["incident"]
    assert {alert["incident"]["id"] for alert in alerts} == {incident["id"]}
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/alerts")
    row = page.locator(f"[data-testid=incident-row][data-incident-id={incident['id']}]")
    member = page.locator(f"[data-testid=alert-row][data-alert-id={alerts[0]['id']}]")
    await expect(member).to_be_visible(timeout=LOADED_MS)
    await expect(row).to_have_count(0)
    await page.get_by_test_id("group-incidents").click()
    await expect(row).to_be_visible()
    await expect(member).to_have_count(0)
    await expect(row).to_contain_text("Mưa lũ tại Hòa Bình")
    await expect(row).to_contain_text("chưa nhận")
    assert int(await row.get_attribute("data-count") or 0) >= len(GAUGES)
    await shot(page, "incidents-folded-1366.png")

    await row.get_by_role("button").click()
    await expect(member).to_be_visible()
    await shot(page, "incidents-unfolded-1366.png")
    assert await serious(page) == []
    await row.get_by_role("button").click()
    await expect(member).to_have_count(0)

    senders["rain-inc-2"].send(rain(455.0))
    critical = page.locator("[data-testid=alert-row][data-severity=critical]").filter(has_text="rain-inc-2").first
    await expect(critical).to_be_visible(timeout=LOADED_MS)
    await expect(row).to_have_attribute("data-severity", "critical")

    await in_the_drawer(page, row, incident["number"])
    await on_a_phone(await visit(390, 844, grouped="on", language="en"), incident["id"])


async def in_the_drawer(page, row, number: str) -> None:
    """Its headline, its alerts, where they are; one of them is taken there."""
    await row.get_by_role("link").click()
    drawer = page.get_by_test_id("incident-drawer")
    await expect(drawer.get_by_test_id("incident-headline")).to_contain_text("trạm đo", timeout=LOADED_MS)
    assert await drawer.get_by_test_id("incident-member").count() >= len(GAUGES) + 1
    await expect(drawer.get_by_test_id("mini-map")).to_be_visible()
    await expect(drawer).to_contain_text(number)
    await shot(page, "incident-drawer-1366.png")
    assert await serious(page) == []
    await drawer.get_by_test_id("incident-member").first.click()
    alert = page.get_by_test_id("alert-drawer")
    await alert.get_by_test_id("action-acknowledge").press("Enter")
    await expect(alert.get_by_test_id("alert-state")).to_have_text("Đã nhận", timeout=LOADED_MS)
    await alert.get_by_test_id("alert-incident").click()
    await expect(drawer).to_contain_text("Đã nhận", timeout=LOADED_MS)


async def on_a_phone(phone, name: str) -> None:
    """The same in English, on the phone of a unit's officer."""
    await phone.go("/alerts")
    small = phone.page.locator(f"[data-testid=incident-row][data-incident-id={name}]")
    await expect(small).to_contain_text("Storm in Hòa Bình", timeout=LOADED_MS)
    await shot(phone.page, "incidents-390.png")
    await small.get_by_role("link").click()
    await expect(phone.page.get_by_test_id("incident-headline")).to_contain_text("gauges", timeout=LOADED_MS)
    await shot(phone.page, "incident-drawer-390.png")
    width = await phone.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


async def test_the_keyboard_walks_over_an_incident_and_unfolds_it(visit, publisher, operator_client):
    for name, lat in (("rain-inc-4", 20.82), ("rain-inc-5", 20.84)):
        publisher(name, "rainfall", lat=lat, lon=105.34).send(rain(130.0))

    def incident():
        asked = {"open": "true", "device": "rain-inc-4,rain-inc-5", "rule": "rain.24h"}
        found = operator_client.get("/api/v1/alerts", params=asked).json()["items"]
        return found[0]["incident"]["id"] if len(found) > 1 else None

    name = wait_until(incident, seconds=30, what="the incident")
    desk = await visit(1366, 768, grouped="on")
    page = desk.page
    await desk.go("/alerts")
    row = page.locator(f"[data-testid=incident-row][data-incident-id={name}]")
    await expect(row).to_be_visible(timeout=LOADED_MS)
    link = row.get_by_role("link")
    for _ in range(40):
        await page.keyboard.press("j")
        if await link.evaluate("node => node === document.activeElement"):
            break
    await page.keyboard.press("ArrowRight")
    await expect(row.get_by_role("button")).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("ArrowLeft")
    await expect(row.get_by_role("button")).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("incident-drawer")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("incident-drawer")).to_have_count(0)
