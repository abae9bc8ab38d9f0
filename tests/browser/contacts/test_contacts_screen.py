"""Danh bạ in the browser: a number is added, corrected, taken out and brought back; on a phone; who may not read it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)


async def look(page, name: str) -> None:
    """Keep what the page looks like, and let nobody be shut out from it."""
    await shot(page, name)
    assert await serious(page) == []


async def give(scope, why: str) -> None:
    """Say why, and do it."""
    await scope.get_by_test_id("why-text").fill(why)
    await scope.get_by_test_id("why-confirm").click()


async def test_a_unit_and_its_duty_desk_are_added_corrected_and_brought_back(visit, operator_client):
    desk = await visit(1366, 768)
    page = desk.page
    await desk.go("/contacts")
    rows = page.get_by_test_id("unit-row")
    await expect(rows.first).to_be_visible(timeout=LOADED_MS)
    await expect(page.locator("[data-testid=unit-row][data-id=so-ct] [data-testid=unit-number]")).to_have_text(
        "Chưa có số"
    )
    await look(page, "contacts-1366.png")

    await page.get_by_test_id("unit-add").click()
    form = page.get_by_test_id("unit-form")
    await form.get_by_test_id("unit-name").fill("Đội xung kích Mỏ Neo")
    await form.get_by_text("Phòng, chống thiên tai").click()
    await form.get_by_role("checkbox", name="Phường Hòa Bình").check()
    await form.get_by_test_id("unit-why").fill("Lập đội mới")
    await look(page, "contacts-form-1366.png")
    await form.get_by_test_id("unit-save").click()
    row = rows.filter(has_text="Đội xung kích Mỏ Neo")
    await expect(row).to_contain_text("Phường Hòa Bình", timeout=LOADED_MS)

    await row.locator("button.line").click()
    await row.get_by_test_id("contact-add").click()
    await row.get_by_test_id("contact-title").fill("Đội trưởng")
    await row.get_by_test_id("contact-person").fill("Quách Văn Thử")
    await row.get_by_test_id("contact-method").fill("0000 111 222")
    await row.get_by_test_id("contact-why").fill("Danh sách đội")
    await row.get_by_test_id("contact-save").click()
    contact = row.get_by_test_id("contact-row")
    await expect(contact).to_contain_text("Quách Văn Thử", timeout=LOADED_MS)
    await expect(contact.get_by_role("link")).to_have_attribute("href", "tel:0000111222")

    await contact.get_by_test_id("entry-correct").click()
    await contact.get_by_test_id("contact-method").fill("0000 111 333")
    await contact.get_by_test_id("contact-why").fill("Đổi số")
    await contact.get_by_test_id("contact-save").click()
    await expect(contact.get_by_role("link")).to_have_attribute("href", "tel:0000111333", timeout=LOADED_MS)
    await contact.get_by_test_id("entry-history").click()
    await expect(contact.get_by_test_id("directory-history")).to_contain_text("Đổi số", timeout=LOADED_MS)
    await look(page, "contacts-unit-1366.png")
    await contact.get_by_test_id("entry-undo").click()
    await give(contact, "Số cũ mới đúng")
    await expect(contact.get_by_role("link")).to_have_attribute("href", "tel:0000111222", timeout=LOADED_MS)

    await contact.get_by_test_id("entry-take-out").click()
    await give(contact, "Đã nghỉ")
    await expect(row.get_by_test_id("contact-row")).to_have_count(0, timeout=LOADED_MS)
    await page.get_by_test_id("contacts-removed").check()
    await row.locator("button.line").click(timeout=LOADED_MS)
    await row.get_by_test_id("contact-row").get_by_test_id("entry-undo").click()
    await give(row, "Vẫn làm")
    await page.get_by_test_id("contacts-removed").uncheck(timeout=LOADED_MS)
    await expect(row).to_contain_text("0000 111 222", timeout=LOADED_MS)

    (unit,) = [one for one in operator_client.get("/api/v1/units").json()["items"] if "Mỏ Neo" in one["name"]["vi"]]
    assert (unit["areas"][0]["code"], unit["domains"], unit["origin"]) == ("04795", ["disaster"], "site")
    operator_client.request(
        "DELETE", f"/api/v1/units/{unit['id']}", json={"why": "hết bài thử"},
        headers={"If-Match": f'"{unit["version"]}"'},
    ).raise_for_status()  # fmt: skip


async def test_on_a_phone_a_unit_is_found_and_called_and_nothing_is_wider_than_the_screen(visit):
    phone = await visit(390, 844)
    page = phone.page
    await phone.go("/contacts")
    await expect(page.get_by_test_id("unit-row").first).to_be_visible(timeout=LOADED_MS)
    await page.get_by_test_id("contacts-search").fill("tan hoa")
    rows = page.get_by_test_id("unit-row")
    await expect(rows).to_have_count(1, timeout=LOADED_MS)
    await rows.first.locator("button.line").click()
    await expect(rows.first.get_by_role("link").first).to_be_visible()
    await shot(page, "contacts-390.png")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await serious(page) == []


async def test_who_may_not_handle_alerts_is_told_so_and_sees_no_number(visit, instance):
    made = instance.made("user", "add", "khong-xem-danh-ba", "--role", "viewer")
    reader = await visit(1366, 768, signed_in=False)
    await reader.page.goto(f"{instance.url}/signin?next=/contacts")
    await reader.page.get_by_test_id("signin-username").fill(made["username"])
    await reader.page.get_by_test_id("signin-password").fill(made["password"])
    await reader.page.get_by_test_id("signin-submit").click()
    await expect(reader.page.get_by_text("dành cho người xử lý cảnh báo")).to_be_visible(timeout=LOADED_MS)
    await expect(reader.page.get_by_test_id("unit-row")).to_have_count(0)
    assert await serious(reader.page) == []
