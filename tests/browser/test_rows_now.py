"""The screens say how things are now: by the stream, whole at every width, without moving a row or making a sound."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
RANK = ("critical", "high", "medium", "low", "info")
COUNT_TONES = """
window.tones = 0;
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.tones += 1; return make.call(this); };
"""
SHORT = """rule: {id}
title: {{vi: "Mưa rất to trong 24 giờ ở nơi thử cho hai dòng", en: "Very heavy rain in 24 hours for two lines"}}
domain: disaster
feed: rainfall
where: 'device == "{id}"'
by: [device]
levels:
  - {{severity: high, when: 'rain_24h_mm > 50.0'}}
limit: {{value: 50, unit: mm, source: "Cấu hình địa phương, chưa kiểm chứng", verified: false}}
summary:
  vi: "Mưa 24 giờ {{rain_24h_mm}} mm tại {{device}}; kiểm tra ngập."
  en: "24 h rain {{rain_24h_mm}} mm at {{device}}; check floods."
"""
CUT = """
() => [...document.querySelectorAll("[data-testid=alert-row]")].flatMap(row => {
  const box = row.querySelector(".what").getBoundingClientRect();
  const parts = [...row.querySelectorAll(".title, .now, .over")].flatMap(part => [...part.getClientRects()]);
  const out = parts.some(rect => rect.bottom > box.bottom + 1 || rect.right > box.right + 1);
  return out ? [row.querySelector(".what").innerText] : [];
})
"""
"""What of title, present value and how long it was is not to be seen, in whichever row."""
EVERY_TITLE = """
([titles, now, told_by]) => {
  const row = [...document.querySelectorAll("[data-testid=alert-row]")].find(one => one.querySelector(told_by));
  const title = row.querySelector(".title"), told = row.querySelector(told_by), what = row.querySelector(".what");
  told.firstChild.textContent = now;
  return titles.filter(text => {
    title.textContent = text;
    const box = what.getBoundingClientRect();
    return [...title.getClientRects(), ...told.getClientRects()].some(rect => rect.bottom > box.bottom + 1);
  });
}
"""


def rain(value: float) -> str:
    return json.dumps({"rain_24h_mm": value, "rain_1h_mm": 1.0})


def alert_of(client, device: str, rule: str = "rain.24h"):
    """Return the device's open alert, once it is there."""
    params = {"device": device, "rule": rule, "open": "true"}
    found = wait_until(lambda: client.get("/api/v1/alerts", params=params).json()["items"], seconds=20, what=rule)
    return found[0]


async def test_row_list_drawer_and_map_follow_the_newest_reading_and_nothing_moves_or_sounds(
    visit, publisher, operator_client
):
    gauge = publisher("rain-now-1", "rainfall", lat=20.86, lon=105.42)
    gauge.send(rain(143.7))
    alert = alert_of(operator_client, "rain-now-1")
    operator = await visit()
    await operator.page.context.add_init_script(COUNT_TONES)
    await operator.go("/")
    row = operator.page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]").first
    await expect(row.get_by_test_id("alert-now")).to_contain_text("143,7 mm", timeout=20_000)
    await operator.page.keyboard.press("Escape")  # the first key lets the browser play sound
    tones = await operator.page.evaluate("window.tones")
    tops = await operator.page.locator("[data-testid=alert-row]").evaluate_all(
        "rows => rows.map(row => row.dataset.alertId)"
    )

    gauge.send(rain(189.5))
    await expect(row.get_by_test_id("alert-now")).to_contain_text("189,5 mm", timeout=12_000)
    await expect(row.locator("svg[data-trend=rising]")).to_have_count(1)
    await expect(row.get_by_text("đang tăng")).to_have_count(1)
    gauge.send(rain(151.2))
    await expect(row.get_by_test_id("alert-now")).to_contain_text("151,2 mm", timeout=12_000)
    await expect(row.get_by_test_id("headline")).to_contain_text("cao nhất 189,5 mm lúc")

    after = await operator.page.locator("[data-testid=alert-row]").evaluate_all(
        "rows => rows.map(row => row.dataset.alertId)"
    )
    assert [name for name in after if name in tops] == [name for name in tops if name in after]
    if all(name in tops for name in after):  # nothing else began to fire meanwhile
        assert await operator.page.evaluate("window.tones") == tones

    await operator.page.locator("[data-testid=map][data-ready=true]").wait_for(timeout=60_000)
    mark = operator.page.locator("[data-testid=map-mark][title*='151,2 mm'][title*='cao nhất 189,5 mm']")
    await expect(mark).to_have_count(1)  # the map follows once a second
    await operator.go(f"/alerts/{alert['id']}")
    drawer = operator.page.get_by_test_id("alert-drawer")
    await expect(drawer.get_by_test_id("now-value")).to_have_text("151,2 mm", timeout=20_000)
    await expect(drawer.get_by_test_id("peak-value")).to_have_text("189,5 mm")
    await expect(drawer.get_by_test_id("opening")).to_contain_text("143,7")
    await expect(drawer.get_by_test_id("order")).not_to_be_empty()
    listed = operator.page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]").first
    await expect(listed.get_by_test_id("alert-now")).to_contain_text("151,2 mm")
    gauge.send(rain(148.4))
    await expect(drawer.get_by_test_id("now-value")).to_have_text("148,4 mm", timeout=12_000)


async def test_what_needs_somebody_comes_first_in_the_list_and_in_the_feed(visit, publisher, operator_client):
    for number, value in enumerate((120.0, 121.0)):
        publisher(f"rain-now-2{number}", "rainfall").send(rain(value))
    first, second = (alert_of(operator_client, f"rain-now-2{number}") for number in range(2))
    taken = operator_client.post(f"/api/v1/alerts/{first['id']}/acknowledge", json={},
                                 headers={"If-Match": f'"{first["version"]}"'})  # fmt: skip
    assert taken.status_code == 200, taken.text
    operator = await visit()
    for path in ("/alerts", "/"):
        await operator.go(path)
        await expect(operator.page.locator(f"[data-alert-id={second['id']}]").first).to_be_attached(timeout=20_000)
        rows = await operator.page.locator("[data-testid=alert-row]").evaluate_all(
            "rows => rows.map(row => [row.dataset.severity, row.dataset.state, row.dataset.alertId])"
        )
        rows = [row for row in rows if row[1] != "false_alarm"]
        assert {first["id"], second["id"]} <= {name for _, _, name in rows}
        keys = [(RANK.index(severity), state != "new") for severity, state, _ in rows]
        assert keys == sorted(keys), (path, rows)
    api = operator_client.get("/api/v1/alerts", params={"open": "true", "limit": 500}).json()["items"]
    order = [item["id"] for item in api]
    assert order.index(second["id"]) < order.index(first["id"])
    lower = [item["id"] for item in api if RANK.index(item["severity"]) > RANK.index(first["severity"])]
    assert all(order.index(first["id"]) < order.index(name) for name in lower), "taken, and still above what is less"


async def test_a_value_older_than_two_of_its_intervals_is_grey_and_says_its_age(visit, publisher, operator_client):
    publisher("rain-now-3", "rainfall", expected_period_seconds=1).send(rain(133.3))
    alert = alert_of(operator_client, "rain-now-3")
    operator = await visit()
    row = operator.page.locator(f"[data-testid=alert-row][data-alert-id={alert['id']}]").first
    await operator.go("/alerts")
    await expect(row.get_by_test_id("reading-old")).to_contain_text("dữ liệu cũ", timeout=15_000)
    await row.click()
    await expect(operator.page.get_by_test_id("now-panel")).to_contain_text("Dữ liệu cũ: số liệu mới nhất từ")


@pytest.mark.parametrize(("name", "width", "height"), [("1366", 1366, 768), ("1080p", 1920, 1080), ("4k", 3840, 2160)])
async def test_title_and_present_value_are_read_whole_in_two_lines(
    visit, publisher, site_rule, operator_client, name, width, height
):
    gauge = publisher(f"rain-over-{name}", "rainfall")
    site_rule(f"rain-over-{name}", SHORT.format(id=f"rain-over-{name}"))
    gauge.send(rain(95.5))
    publisher(f"rain-now-{name}", "rainfall").send(rain(155.1))
    alert_of(operator_client, f"rain-now-{name}")
    closed = alert_of(operator_client, f"rain-over-{name}", rule=f"rain-over-{name}")
    gauge.send(rain(3.8))
    operator = await visit(width, height)
    await operator.overview()
    await expect(operator.page.get_by_test_id("alert-now").first).to_be_visible(timeout=20_000)
    over = operator.page.locator(f"[data-testid=alert-row][data-alert-id={closed['id']}]").first
    await expect(over.get_by_test_id("alert-over")).to_contain_text("đã hết", timeout=20_000)
    await expect(over.get_by_test_id("headline")).to_contain_text("cao nhất 95,5 mm lúc")
    told = operator_client.get(f"/api/v1/alerts/{closed['id']}").json()["summary"]["vi"]
    assert told.startswith(f"Mưa rất to trong 24 giờ ở nơi thử cho hai dòng · rain-over-{name} · cao nhất 95,5 mm lúc ")
    said = operator_client.get(f"/api/v1/alerts/{closed['id']}/history").json()["items"]
    assert said[-1]["summary"]["vi"].startswith("Đã hết"), "the long sentence stays in the history"
    await operator.page.wait_for_timeout(500)
    await shot(operator.page, f"now-{name}.png")
    assert await operator.page.evaluate(CUT) == []
    titles = [rule["title"]["vi"] for rule in operator_client.get("/api/v1/rules").json()["items"]]
    assert len(titles) > 40
    assert await operator.page.evaluate(EVERY_TITLE, [titles, "22,98 m, còn 0,12 m tới BĐ III", ".now"]) == []
    assert await operator.page.evaluate(EVERY_TITLE, [titles, "đã hết sau 5 giờ 59 phút", ".over"]) == []
