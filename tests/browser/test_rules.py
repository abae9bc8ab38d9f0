"""Quy tắc cảnh báo: what a person sees and does with rules, in a real browser against a real instance."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.shots import LOOKS, shot

pytestmark = pytest.mark.timeout(240)
RULE = """\
# How high the river may stand for this test.
rule: {id}
title: {{vi: "Mực nước thử {id}", en: "Test level {id}"}}
domain: disaster
feed: river_level
where: 'device == "{id}-gauge"'
by: [device]
levels:
  - {{severity: high, when: 'level_cm > {limit}'}}
clear: {{when: 'level_cm < 900.0'}}
limit: {{value: 1200, unit: cm, source: "Cấu hình địa phương, chưa kiểm chứng", verified: false}}
summary:
  vi: "{{device}}: {{level_cm}} cm"
  en: "{{device}}: {{level_cm}} cm"
"""


@pytest.fixture
def made(site_rule):
    """Make rules about how high the river stands."""

    def make(identifier: str, limit: float = 1500.0) -> dict[str, Any]:
        found: dict[str, Any] = site_rule(identifier, RULE.format(id=identifier, limit=limit))
        return found

    return make


def alerts_of(client, rule: str) -> list[dict[str, Any]]:
    return list(client.get("/api/v1/alerts", params={"rule": rule}).json()["items"])


async def open_text(operator, rule: str):
    """Open a rule's text and return its field."""
    await operator.go(f"/rules/{rule}?tab=text")
    field = operator.page.get_by_test_id("rule-yaml")
    await expect(field).to_have_value(re.compile("rule: "))
    await expect(operator.page.get_by_test_id("rule-verdict")).to_have_attribute("data-errors", "0", timeout=8_000)
    return field


async def save(operator, why: str) -> None:
    """Save with the keyboard, as the banner about sound may lie over the button."""
    await operator.page.get_by_test_id("rule-why").fill(why)
    await expect(operator.page.get_by_test_id("rule-save")).to_be_enabled(timeout=8_000)
    await operator.page.get_by_test_id("rule-why").press("Enter")


async def test_rules_are_found_without_marks_and_filtered_and_opened_with_the_keyboard(visit):
    operator = await visit()
    await operator.overview()
    await operator.page.get_by_role("link", name="Quy tắc cảnh báo", exact=True).click()
    rows = operator.page.get_by_test_id("rule-row")
    await expect(rows.first).to_be_visible()
    heads = operator.page.get_by_role("heading", level=2)  # of those in view: only these are drawn
    await expect(heads.first).to_be_visible()
    domain = operator.page.get_by_role("combobox", name="Lĩnh vực")
    await domain.select_option("Phản ánh hiện trường")
    await expect(heads).to_have_text([re.compile("^Phản ánh hiện trường [0-9]+$")])
    await domain.select_option("Mọi lĩnh vực")
    await operator.page.get_by_role("searchbox").fill("air.pm25 o muc xau keo dai")
    found = operator.page.locator("[data-rule='air.pm25']")
    await expect(rows).to_have_count(1)
    await expect(found).to_contain_text("Bụi mịn PM2.5 ở mức Xấu kéo dài")
    await expect(found).to_contain_text("QĐ 1459/QĐ-TCMT")
    await expect(found).to_contain_text("chưa kiểm chứng")  # it was read in a transcription
    await operator.page.keyboard.press("Escape")
    await operator.page.keyboard.press("j")
    await operator.page.keyboard.press("Enter")
    await expect(operator.page).to_have_url(re.compile("/rules/air.pm25"))
    await expect(operator.page.get_by_test_id("rule-words")).to_contain_text(
        re.compile("Bụi mịn PM2.5 trung bình NowCast 12.giờ trên 80.µg/m³, kéo dài 3.giờ")
    )
    await operator.go("/rules?q=rain.1h")
    await operator.page.get_by_test_id("filter-unverified").click()
    await expect(operator.page).to_have_url(re.compile("unverified=1"))
    await expect(operator.page.locator("[data-rule='rain.1h']")).to_contain_text("chưa kiểm chứng")
    await operator.page.get_by_role("searchbox").fill("report.urgent")  # it rests on no limit
    await expect(rows).to_have_count(0)


async def test_errors_stand_at_their_lines_while_one_writes(visit, made):
    made("river.test-errors")
    operator = await visit()
    field = await open_text(operator, "river.test-errors")
    good = await field.input_value()
    await field.fill(good.replace("level_cm > 1500.0", "levl_cm > 1500.0"))
    problems = operator.page.get_by_test_id("rule-problems")
    await expect(problems.locator("li.error")).to_contain_text("dòng 9", timeout=8_000)
    await expect(problems.locator("li.error")).to_contain_text("levels[0].when")
    await expect(operator.page.locator(".line.error")).to_have_count(1)
    await operator.page.get_by_test_id("rule-why").fill("một lý do")
    await expect(operator.page.get_by_test_id("rule-save")).to_be_disabled()
    await problems.locator("li.error button").click()
    await expect(field).to_be_focused()
    await field.fill(good.replace("level_cm > 1500.0", "level_cm > 1400.0"))
    await expect(problems.locator("li.error")).to_have_count(0, timeout=8_000)
    await expect(operator.page.get_by_test_id("rule-words")).to_contain_text("Mực nước trên 1.400")
    await expect(operator.page.get_by_test_id("draft-diff")).to_contain_text("1400.0")
    await expect(operator.page.get_by_test_id("rule-save")).to_be_enabled()


async def test_an_edit_takes_force_and_is_told_in_the_history(visit, made, publisher, operator_client):
    made("river.test-edit")
    gauge = publisher("river.test-edit-gauge", "river_level")
    gauge.send(json.dumps({"level_cm": 1300.0}))
    operator = await visit()
    field = await open_text(operator, "river.test-edit")
    await field.fill((await field.input_value()).replace("level_cm > 1500.0", "level_cm > 1200.0"))
    await save(operator, "Nước lên sớm hơn dự kiến")
    await expect(operator.page.get_by_text("phiên bản 2").first).to_be_visible(timeout=8_000)
    gauge.send(json.dumps({"level_cm": 1301.0}))
    [alert] = wait_until(lambda: alerts_of(operator_client, "river.test-edit"), what="the alert")
    assert (alert["rule_version"], alert["condition"]) == (2, "firing")
    await operator.page.get_by_test_id("tab-history").click()
    history = operator.page.get_by_test_id("rule-history")
    await expect(history.locator("li").first).to_contain_text("Nước lên sớm hơn dự kiến")
    await expect(history.locator("li").first).to_contain_text("đang áp dụng")
    await history.locator("button").first.click()
    await expect(operator.page.get_by_test_id("history-diff").locator(".new")).to_contain_text("1200.0")


async def test_a_rule_is_switched_off_with_a_reason_and_back_on_by_undo(visit, made, operator_client):
    made("river.test-off")
    operator = await visit()
    await operator.go("/rules/river.test-off")
    await operator.page.get_by_test_id("switch-disable").click()
    await expect(operator.page.get_by_test_id("why-confirm")).to_be_disabled()
    await operator.page.get_by_test_id("why-text").fill("Trạm đang sửa")
    await operator.page.get_by_test_id("why-text").press("Enter")
    await expect(operator.page.get_by_test_id("rule-health").first).to_have_attribute("data-state", "off")
    assert operator_client.get("/api/v1/rules/river.test-off").json()["changed"]["why"] == "Trạm đang sửa"
    await operator.page.get_by_role("button", name="Hoàn tác").dispatch_event("click")
    await expect(operator.page.get_by_test_id("rule-health").first).not_to_have_attribute("data-state", "off")
    rule = operator_client.get("/api/v1/rules/river.test-off").json()
    assert (rule["enabled"], rule["version"]) == (True, 3)


async def test_a_lost_race_shows_both_forms_and_lets_one_choose(visit, made, operator_client):
    rule = made("river.test-race")
    operator = await visit()
    field = await open_text(operator, "river.test-race")
    await field.fill((await field.input_value()).replace("level_cm > 1500.0", "level_cm > 1450.0"))
    theirs = rule["yaml"].replace("level_cm < 900.0", "level_cm < 950.0")
    answer = operator_client.put("/api/v1/rules/river.test-race", json={"yaml": theirs, "why": "Hạ mức hết báo"},
                                 headers={"If-Match": '"1"'})  # fmt: skip
    assert answer.status_code == 200, answer.text
    race = operator.page.get_by_test_id("lost-race")
    await expect(race).to_contain_text("phiên bản 2", timeout=15_000)
    await expect(race).to_contain_text("Hạ mức hết báo")
    await expect(operator.page.get_by_test_id("lost-theirs").locator(".new")).to_contain_text("950.0")
    await expect(operator.page.get_by_test_id("lost-mine").locator(".new").first).to_contain_text("1450.0")
    await operator.page.get_by_test_id("rule-why").fill("một lý do")
    await expect(operator.page.get_by_test_id("rule-save")).to_be_disabled()
    await operator.page.get_by_test_id("lost-keep").click()
    await field.fill(theirs.replace("level_cm > 1500.0", "level_cm > 1450.0"))
    await save(operator, "Gộp cả hai thay đổi")
    await expect(operator.page.get_by_text("phiên bản 3").first).to_be_visible(timeout=8_000)
    now = operator_client.get("/api/v1/rules/river.test-race").json()["yaml"]
    assert "950.0" in now
    assert "1450.0" in now


async def test_a_form_of_the_sites_own_stands_beside_the_packs_and_goes_back_to_it(visit, operator_client):
    operator = await visit()
    field = await open_text(operator, "reservoir.level")
    await field.fill((await field.input_value()).replace("level_m > 117.0", "level_m > 116.0"))
    await save(operator, "Nhà máy đề nghị báo sớm hơn")
    await operator.page.get_by_test_id("tab-summary").click()
    diff = operator.page.get_by_test_id("pack-diff")
    await expect(diff.locator(".gone")).to_contain_text("117.0", timeout=8_000)
    await expect(diff.locator(".new")).to_contain_text("116.0")
    await operator.page.get_by_test_id("switch-reset").click()
    await operator.page.get_by_test_id("why-text").fill("Trở lại quy trình")
    await operator.page.get_by_test_id("why-text").press("Enter")
    await expect(diff).to_have_count(0, timeout=8_000)
    rule = operator_client.get("/api/v1/rules/reservoir.level").json()
    assert (rule["origin"], rule["changed"]["action"]) == ("pack", "reset")


async def test_a_text_is_tried_on_past_data_beside_the_form_in_force(visit, made, publisher, operator_client):
    made("river.test-trial")
    gauge = publisher("river.test-trial-gauge", "river_level")
    for level in (1300.0, 800.0, 1350.0):
        gauge.send(json.dumps({"level_cm": level}))
    operator = await visit()
    field = await open_text(operator, "river.test-trial")
    await field.fill((await field.input_value()).replace("level_cm > 1500.0", "level_cm > 1200.0"))
    await expect(operator.page.get_by_test_id("rule-verdict")).to_have_attribute("data-errors", "0", timeout=8_000)
    await operator.page.get_by_test_id("tab-trial").click()
    await operator.page.get_by_role("button", name="24 giờ").click()
    await operator.page.get_by_test_id("trial-run").dispatch_event("click")
    await expect(operator.page.get_by_test_id("trial-progress").get_by_role("progressbar")).to_be_visible()
    result = operator.page.get_by_test_id("trial-result")
    await result.wait_for(timeout=60_000)
    opened = result.get_by_test_id("trial-opened")
    await expect(opened.nth(0)).to_contain_text(re.compile("[12] cảnh báo"))
    await expect(opened.nth(1)).to_contain_text("0 cảnh báo")
    await expect(operator.page.get_by_test_id("trial-chart").locator(".slot")).not_to_have_count(0)
    found = operator.page.get_by_test_id("trial-alerts").locator("li").first
    await expect(found).to_contain_text("chỉ bản đang soạn")
    await found.locator("summary").dispatch_event("click")
    await expect(found).to_contain_text("Mực nước")
    await expect(operator.page.get_by_test_id("trial-former").locator("li")).to_have_count(1)
    await shot(operator.page, "rule-trial-result.png")
    assert await serious(operator.page) == []
    assert alerts_of(operator_client, "river.test-trial") == [], "a trial raises nothing"


async def test_a_trial_is_cancelled(visit, made, operator_client):
    made("river.test-cancel")
    operator = await visit()
    await operator.go("/rules/river.test-cancel?tab=trial")
    await operator.page.get_by_test_id("trial-run").dispatch_event("click")
    await operator.page.get_by_test_id("trial-cancel").dispatch_event("click")
    await expect(operator.page.get_by_test_id("trial-former").locator("li")).to_contain_text("Đã dừng", timeout=20_000)
    [run] = operator_client.get("/api/v1/rules/river.test-cancel/backtests").json()["items"]
    assert run["state"] == "cancelled"


async def test_who_may_not_change_rules_reads_them_only(visit, instance):
    person = instance.made("user", "add", "xem-luat", "--role", "viewer")
    reader = await visit(signed_in=False)
    await reader.go("/signin")
    await reader.page.get_by_test_id("signin-username").fill("xem-luat")
    await reader.page.get_by_test_id("signin-password").fill(person["password"])
    await reader.page.get_by_test_id("signin-submit").click()
    await reader.page.get_by_test_id("domain-tile-disaster").wait_for(timeout=20_000)
    await reader.go("/rules/rain.24h?tab=text")
    await expect(reader.page.get_by_test_id("rule-yaml")).to_have_attribute("readonly", "")
    await expect(reader.page.get_by_test_id("tab-trial")).to_have_count(0)
    await expect(reader.page.get_by_test_id("rule-save")).to_have_count(0)
    await reader.page.get_by_test_id("tab-summary").click()
    await expect(reader.page.get_by_test_id("switch-disable")).to_have_count(0)


@pytest.mark.parametrize(("name", "width", "height", "scheme"), LOOKS)
async def test_the_rules_screens_fit_and_everybody_can_use_them(visit, made, name, width, height, scheme):
    rule = f"river.test-{name}-{scheme}"
    made(rule)
    operator = await visit(width, height, theme=scheme)
    screens = {"rules": "/rules", "rule": "/rules/air.pm25", "rule-text": f"/rules/{rule}?tab=text",
               "rule-trial": f"/rules/{rule}?tab=trial", "rule-history": f"/rules/{rule}?tab=history"}  # fmt: skip
    for screen, path in screens.items():
        await operator.go(path)
        await operator.page.wait_for_timeout(1_000)
        if screen == "rule-text":
            field = operator.page.get_by_test_id("rule-yaml")
            await field.fill((await field.input_value()).replace("level_cm > 1500.0", "levl_cm > 1500.0"))
            await operator.page.locator(".line.error").wait_for()
        wide = await operator.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{screen} scrolls sideways by {wide} px at {width}"
        await shot(operator.page, f"{screen}-{name}-{scheme}.png")
        assert await serious(operator.page) == [], screen
