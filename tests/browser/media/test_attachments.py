"""Pictures and papers in the browser: attached by button, drop, paste and telephone, and seen beside the evidence."""

from __future__ import annotations

import base64

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS, resolve_open
from tests.browser.shots import shot
from tests.browser.test_orders_and_calls import open_alerts, take_back
from tests.pictures import PDF, telephone_jpeg

pytestmark = pytest.mark.timeout(180)
SENT_MS = 30_000
PHOTO = {"name": "cay-do.jpg", "mimeType": "image/jpeg", "buffer": telephone_jpeg(1_600, 1_200, color="seagreen")}
TELEGRAM = {"name": "cong-dien.pdf", "mimeType": "application/pdf", "buffer": PDF}


@pytest.fixture
def calls(operator_client):
    """Leave no call behind."""
    yield operator_client
    take_back(operator_client, "field_incident")
    resolve_open(operator_client, "field.incident")


async def begin(operator):
    """Open the form of a call, with its place and kind."""
    page = operator.page
    await operator.go("/manual?feed=field_incident")
    form = page.get_by_test_id("manual-form")
    await form.locator("#manual-place").fill("phuong hoa binh")
    await expect(page.get_by_test_id("place-hit").first).to_be_visible(timeout=LOADED_MS)
    await page.keyboard.press("Enter")
    await form.locator("#field-kind").select_option("fallen_tree")
    return page, form


async def hand_over(page, how: str) -> None:
    """Drop a picture onto the form, or paste it."""
    content = base64.b64encode(telephone_jpeg(color="navy")).decode()
    await page.evaluate(
        """([how, content]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], how + ".jpg", {type: "image/jpeg"}));
          const target = document.querySelector("[data-testid=attachments]");
          const options = {bubbles: true, cancelable: true};
          target.dispatchEvent(how === "drop" ? new DragEvent("drop", {...options, dataTransfer: data})
                                              : new ClipboardEvent("paste", {...options, clipboardData: data}));
        }""",
        [how, content],
    )


async def refuse_two(page, form) -> None:
    """Attach a page and a script with a picture's name, and take both out again."""
    files, uploads = page.get_by_test_id("attach-file"), form.get_by_test_id("upload")
    text = {"name": "trang.html", "mimeType": "text/html", "buffer": b"<script>"}
    liar = {"name": "anh.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"}
    await files.set_input_files([text, liar])
    await expect(uploads.nth(0)).to_contain_text("Không phải ảnh JPEG, PNG, WebP hay tệp PDF", timeout=LOADED_MS)
    await expect(uploads.nth(1)).to_contain_text("Không phải ảnh JPEG, PNG, WebP hay tệp PDF", timeout=LOADED_MS)
    await page.keyboard.press("Control+Enter")
    await expect(form).to_contain_text("Có tệp chưa gửi được")
    await form.get_by_role("button", name="Bỏ trang.html").click()
    await form.get_by_role("button", name="Bỏ anh.png").click()


async def test_what_is_attached_to_a_call_stands_beside_the_evidence_of_its_alert(visit, calls):
    operator = await visit(1366, 900)
    page, form = await begin(operator)
    files = page.get_by_test_id("attach-file")
    uploads = form.get_by_test_id("upload")
    await refuse_two(page, form)
    await files.set_input_files([PHOTO, TELEGRAM])
    await hand_over(page, "drop")
    await hand_over(page, "paste")
    await expect(uploads).to_have_count(4)
    for number in range(4):
        await expect(uploads.nth(number)).to_have_attribute("data-state", "sent", timeout=SENT_MS)
    await files.set_input_files([{**PHOTO, "name": f"{number}.jpg"} for number in range(3)])
    await expect(form).to_contain_text("Tối đa 5 tệp")
    await expect(uploads).to_have_count(5)
    await expect(form.get_by_test_id("attach")).to_be_disabled()
    await form.get_by_test_id("upload-remove").nth(4).click()
    await expect(form.get_by_test_id("attach")).to_be_focused()
    await expect(form.get_by_text("Có tệp chưa gửi được")).to_have_count(0)
    await shot(page, "media-form-1366.png")
    assert await serious(page) == []
    operator.errors = [text for text in operator.errors if "415" not in text]
    await page.keyboard.press("Control+Enter")
    entry = page.get_by_test_id("manual-entry").first
    await expect(entry.get_by_test_id("media").locator("a")).to_have_count(4, timeout=LOADED_MS)
    await expect(uploads).to_have_count(0)
    await shot(page, "media-entry-1366.png")

    def with_media():
        """The alerts of calls that have pictures: the simulated ones have none."""
        listed = [alert["id"] for alert in open_alerts(calls, "field.incident")]
        return [one for one in listed if calls.get(f"/api/v1/alerts/{one}/evidence").json()["media"]]

    wait_until(with_media, seconds=20, what="the alert of the call")
    [alert] = with_media()
    await operator.go(f"/alerts/{alert}")
    strip = page.get_by_test_id("alert-drawer").get_by_test_id("media")
    await expect(strip.locator("img")).to_have_count(3, timeout=LOADED_MS)
    for number in range(3):
        await expect(strip.locator("img").nth(number)).to_have_js_property("complete", value=True, timeout=LOADED_MS)
        assert await strip.locator("img").nth(number).evaluate("one => one.naturalWidth") > 100
    await strip.scroll_into_view_if_needed()
    await shot(page, "media-drawer-1366.png")
    assert await serious(page) == []
    async with page.context.expect_page() as opened:
        await strip.locator("a").filter(has=page.locator("img")).first.click()
    tab = await opened.value
    await tab.wait_for_load_state()
    assert await tab.evaluate("document.images[0].naturalWidth") in (480, 1_200)
    await tab.close()


async def test_a_telephone_takes_a_picture_and_a_correction_adds_one(visit, calls):
    operator = await visit(390, 844)
    page, form = await begin(operator)
    await expect(form.get_by_role("button", name="Chụp ảnh")).to_be_visible()
    camera = page.get_by_test_id("attach-camera")
    assert await camera.get_attribute("capture") == "environment"
    await camera.set_input_files([PHOTO])
    await expect(form.get_by_test_id("upload")).to_have_attribute("data-state", "sent", timeout=SENT_MS)
    await form.get_by_test_id("attachments").scroll_into_view_if_needed()
    await shot(page, "media-form-390.png")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await form.get_by_test_id("manual-save").click()
    entry = page.get_by_test_id("manual-entry").first
    await expect(entry.get_by_test_id("media").locator("img")).to_have_count(1, timeout=LOADED_MS)
    await entry.get_by_test_id("manual-correct").click()
    await expect(form.get_by_test_id("media").locator("img")).to_have_count(1)
    await form.get_by_label("Lý do sửa").fill("thêm ảnh")
    await page.get_by_test_id("attach-file").set_input_files([TELEGRAM])
    await expect(form.get_by_test_id("upload")).to_have_attribute("data-state", "sent", timeout=SENT_MS)
    await form.get_by_test_id("manual-save").click()
    await expect(entry.get_by_test_id("media").locator("a")).to_have_count(2, timeout=LOADED_MS)
    assert await serious(page) == []


async def test_a_cut_connection_is_told_and_the_picture_is_sent_again(visit, calls):
    operator = await visit(1366, 900)
    page, form = await begin(operator)
    await page.route("**/api/v1/media", lambda route: route.fulfill(
        status=503, content_type="application/problem+json", body='{"code":"queue_full","title":"x"}'))  # fmt: skip
    await page.get_by_test_id("attach-file").set_input_files([PHOTO])
    upload = form.get_by_test_id("upload")
    await expect(upload).to_contain_text("gửi lại sau vài giây", timeout=LOADED_MS)
    await page.unroute("**/api/v1/media")
    await upload.get_by_role("button", name="Gửi lại").click()
    await expect(upload).to_have_attribute("data-state", "sent", timeout=SENT_MS)
    operator.errors = [text for text in operator.errors if "503" not in text]
