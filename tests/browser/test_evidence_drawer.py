"""Why an alert of each kind fired, in its drawer: what the rule saw, told so that a person can judge it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser import kinds
from tests.browser.axe import serious
from tests.browser.conftest import Publisher, new_publisher
from tests.browser.shots import LOOKS, shot

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def fired(instance):
    """Put a rule of each kind in force and make each fire; returns the alerts by rule."""
    publishers: list[Publisher] = []
    with instance.signed_in(instance.username, instance.password) as client:
        for name in kinds.BODIES:
            answer = client.post("/api/v1/rules", json={"yaml": kinds.text_of(name), "why": "cho bài thử về căn cứ"})
            assert answer.status_code == 201, answer.text

        def make(device: str, feed: str, **place: float) -> Publisher:
            publishers.append(new_publisher(instance, client, device, feed, place))
            return publishers[-1]

        def found() -> dict[str, Any] | None:
            items = client.get("/api/v1/alerts", params={"limit": 500}).json()["items"]
            alerts = {item["rule"]: item for item in items if item["rule"] in kinds.BODIES}
            return alerts if len(alerts) == len(kinds.BODIES) else None

        kinds.fire(make)
        yield wait_until(found, seconds=20, what="an alert of each kind")
        for item in publishers:
            item.close()
        for name in kinds.BODIES:
            rule = client.get(f"/api/v1/rules/{name}")
            client.request("DELETE", f"/api/v1/rules/{name}", json={"why": "hết bài thử"},
                           headers={"If-Match": rule.headers["ETag"]})  # fmt: skip


async def test_the_drawer_says_why_for_every_kind(visit, fired):
    operator = await visit()

    async def drawer_of(rule: str):
        await operator.go(f"/alerts/{fired[rule]['id']}")
        drawer = operator.page.get_by_test_id("alert-drawer")
        await expect(drawer.get_by_test_id("rule-words")).to_be_visible(timeout=10_000)
        return drawer

    window = await drawer_of("kind.window")
    await expect(window.get_by_test_id("evidence-chart")).to_be_visible()
    await expect(window.get_by_test_id("window-panes").locator(".slot")).not_to_have_count(0)
    await expect(window.get_by_test_id("why-window")).to_contain_text("Tổng mỗi 2 giây (mm)")
    await expect(window.get_by_test_id("why-window").locator("tr", has_text="kind-rain-b")).to_contain_text(
        "quyết định"
    )
    await expect(window).to_contain_text(re.compile("Tổng lượng mưa trong kỳ đo trong 2.phút trên 40.mm"))
    mean = await drawer_of("kind.mean")
    await expect(mean.get_by_test_id("window-panes")).to_contain_text("Ngưỡng 80")
    await expect(mean).to_contain_text("QĐ 1459/QĐ-TCMT")
    await expect(mean).to_contain_text("đã kiểm chứng")

    silence = await drawer_of("kind.absence")
    await expect(silence.get_by_test_id("why-absence")).to_contain_text("Nhận tin lần cuối")
    await expect(silence.get_by_test_id("why-absence")).to_contain_text("3 giây")

    chain = await drawer_of("kind.sequence")
    steps = chain.get_by_test_id("why-sequence").locator("li")
    await expect(steps).to_have_count(2)
    await expect(steps.nth(0)).to_contain_text("lượng mưa trong kỳ đo trên 30 mm")
    await expect(steps.nth(1)).to_contain_text("mực nước trên 1.900 cm")
    await expect(steps.nth(1).get_by_role("link")).to_have_text("kind-river")

    cluster = await drawer_of("kind.near")
    await expect(cluster.get_by_test_id("sketch").locator(".dot")).not_to_have_count(0)
    await expect(cluster.get_by_test_id("why-near").locator("li").first).to_contain_text(re.compile(r"cách tâm \d+.m"))

    place = await drawer_of("kind.zone")
    await expect(place.get_by_test_id("why-zone")).to_contain_text("Vị trí nằm trong vùng")

    together = await drawer_of("kind.together")
    await expect(together.get_by_test_id("why-correlate").locator("li")).not_to_have_count(0)
    link = together.get_by_test_id("together-alert").first
    title = await link.inner_text()
    await link.dispatch_event("click")
    await expect(operator.page.get_by_test_id("alert-drawer").locator("h2")).to_contain_text(title, timeout=8_000)


@pytest.mark.parametrize(("name", "width", "height", "scheme"), LOOKS)
async def test_evidence_of_every_kind_fits_and_everybody_can_read_it(visit, fired, name, width, height, scheme):
    operator = await visit(width, height, theme=scheme)
    for rule, alert in fired.items():
        await operator.go(f"/alerts/{alert['id']}")
        await operator.page.get_by_test_id("rule-words").wait_for()
        await operator.page.wait_for_timeout(600)
        wide = await operator.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{rule} scrolls sideways by {wide} px at {width}"
        await shot(operator.page, f"why-{rule}-{name}-{scheme}.png")
        if name == "1080p":
            assert await serious(operator.page) == [], (rule, scheme)
