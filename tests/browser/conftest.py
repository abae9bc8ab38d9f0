"""A real instance, a real Chromium. One instance serves all browser tests; each has a browser context of its own."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import pytest_asyncio
from paho.mqtt.enums import CallbackAPIVersion
from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright, expect

from tests.acceptance.conftest import for_good
from tests.acceptance.instance import Instance, new_data_folder, wait_until

HERE = Path(__file__).parent
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing", "--disable-gpu-rasterization",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
LOADED_MS = 20_000
"""A page that is asked for anew, on a machine that does other things too."""
expect.set_options(timeout=LOADED_MS)  # where a promise says how soon, its test says it

MOVED = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT)
"""The alert has other news, or has ended, since the list was read."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one event loop: the browser that they share belongs to it."""
    for item in items:
        if item.path.is_relative_to(HERE) and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def instance():
    """A demo on a calm day: what a test raises stands in sight. The acceptance tests have instances of their own."""
    started = Instance(new_data_folder(), demo=True, IOC_DEMO_SCENARIO="calm")
    try:
        started.start()
        yield started
        assert started.stop() == 0, started.output()
    finally:
        for_good(started)


class Publisher:
    """A device that publishes at QoS 1 and waits for its PUBACK."""

    def __init__(self, instance: Instance, device: str, key: str, feed: str) -> None:
        self.device = device
        self._topic = f"ioc/v1/{feed}/{device}"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device)
        self._client.username_pw_set(device, key)
        self._client.connect("127.0.0.1", instance.mqtt_port)
        self._client.loop_start()

    def send(self, payload: str) -> None:
        self._client.publish(self._topic, payload, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def new_publisher(
    instance: Instance, client, device: str, feed: str, place: dict[str, float], *, again: bool = False
) -> Publisher:
    """Register a device in the ward Hòa Bình, ``again`` where a first try left it, and return what publishes for it."""
    body = {"id": device, "feed": feed, "name": {"vi": device, "en": device}, "area": "04795", **place}
    answer = client.post("/api/v1/devices", json=body)
    if again and answer.status_code == HTTPStatus.CONFLICT:
        known = client.get(f"/api/v1/devices/{device}").json()
        answer = client.patch(f"/api/v1/devices/{device}", json={"state": "active"},
                              headers={"If-Match": f'"{known["version"]}"'})  # fmt: skip
    assert answer.is_success, f"{device}: a name is for one test of the whole run: {answer.text}"
    key = client.post(f"/api/v1/devices/{device}/keys", json={}).json()["key"]
    return Publisher(instance, device, key, feed)


@pytest.fixture
def operator_client(instance):
    """The API as the signed-in operator."""
    with instance.signed_in(instance.username, instance.password) as client:
        yield client


@pytest.fixture
def publisher(instance, operator_client, request):
    """Make devices of the test's own; its second try, if it needs one, has those of the first."""
    made: list[Publisher] = []
    again = getattr(request.node, "execution_count", 1) > 1

    def make(device: str, feed: str, **place: float) -> Publisher:
        made.append(new_publisher(instance, operator_client, device, feed, place, again=again))
        return made[-1]

    yield make
    for item in made:
        item.close()
        over(operator_client, item.device)


def over(client, device: str) -> None:
    """Take a device away and its alerts with it: they would stand above what the next test raises."""
    known = client.get(f"/api/v1/devices/{device}").json()
    client.patch(f"/api/v1/devices/{device}", json={"state": "retired"},
                 headers={"If-Match": f'"{known["version"]}"'}).raise_for_status()  # fmt: skip
    none_open(client, "device", device)


def none_open(client, name: str, value: str) -> None:
    """Wait until the alerts of a device or a rule are over, and resolve them."""

    def ended() -> bool:
        found = client.get("/api/v1/alerts", params={name: value, "open": "true", "limit": 500}).json()["items"]
        for alert in found:
            if alert["condition"] == "cleared":
                client.post(f"/api/v1/alerts/{alert['id']}/resolve", json={"text": "hết bài thử"},
                            headers={"If-Match": f'"{alert["version"]}"'})  # fmt: skip
        return not found

    wait_until(ended, seconds=20, what=f"the end of the alerts of {value}")


def resolve_open(client, rule: str) -> None:
    """Resolve a rule's open alerts as they are, also those whose reading is news meanwhile."""

    def ended() -> bool:
        found = client.get("/api/v1/alerts", params={"rule": rule, "open": "true"}).json()["items"]
        for alert in found:
            answer = client.post(f"/api/v1/alerts/{alert['id']}/resolve", json={"text": "hết bài thử"},
                                 headers={"If-Match": f'"{alert["version"]}"'})  # fmt: skip
            if answer.status_code not in MOVED:
                answer.raise_for_status()
        return not found

    wait_until(ended, seconds=20, what=f"the end of the alerts of {rule}")


@pytest.fixture
def site_rule(operator_client):
    """Make rules of the site's own from their text; they and their alerts are gone after the test."""
    names: list[str] = []

    def make(identifier: str, text: str) -> dict[str, Any]:
        answer = operator_client.post("/api/v1/rules", json={"yaml": text, "why": "cho bài thử"})
        assert answer.status_code == 201, answer.text
        names.append(identifier)
        return dict(answer.json())

    yield make
    for name in names:
        rule = operator_client.get(f"/api/v1/rules/{name}")
        if rule.status_code == 200:
            operator_client.request("DELETE", f"/api/v1/rules/{name}", json={"why": "hết bài thử"},
                                    headers={"If-Match": rule.headers["ETag"]})  # fmt: skip
        none_open(operator_client, "rule", name)


class Visit:
    """A page with what went wrong on it: console errors, requests that left the machine, policy violations."""

    def __init__(self, page, instance: Instance) -> None:
        self.page = page
        self.instance = instance
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url))

    def _console(self, message) -> None:
        expected = "401" in message.text or "GPU stall" in message.text
        if message.type == "error" and not expected:
            self.errors.append(message.text)

    def _request(self, url: str) -> None:
        if not url.startswith((self.instance.url, "data:", "blob:")):
            self.foreign.append(url)

    async def overview(self) -> None:
        """Open the first screen and wait for its tiles."""
        await self.go("/")
        await self.page.get_by_test_id("domain-tile-disaster").wait_for(timeout=LOADED_MS)

    async def sign_in(self) -> None:
        """Sign in by the form, as a person does."""
        await self.page.goto(f"{self.instance.url}/signin")
        await self.page.get_by_test_id("signin-username").fill(self.instance.username)
        await self.page.get_by_test_id("signin-password").fill(self.instance.password)
        await self.page.get_by_test_id("signin-submit").click()
        await self.page.get_by_test_id("domain-tile-disaster").wait_for(timeout=LOADED_MS)

    async def go(self, path: str) -> None:
        """Open a path and wait until the session is known: before that the frame hears no key."""
        await self.page.goto(f"{self.instance.url}{path}")
        await self.page.locator("#app:has(> *):not(:has(> .boot))").wait_for(state="attached")


class Chromium:
    """The browser of all tests: started by the first, and again by the next one should it have ended."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    async def context(self, **options: Any) -> BrowserContext:
        """Open what a test has for itself: cookies, storage, pages."""
        if self._browser is None or not self._browser.is_connected():
            program = shutil.which("chromium")
            assert program is not None, "chromium is not installed: sh scripts/test-deps.sh"
            self._browser = await self._playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        return await self._browser.new_context(locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", **options)

    async def close(self) -> None:
        """End it."""
        if self._browser is not None:
            await self._browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    """Start no browser before a test asks for a page."""
    async with async_playwright() as playwright:
        found = Chromium(playwright)
        yield found
        await found.close()


async def sign_in_by_api(context: BrowserContext, instance: Instance) -> None:
    """Give a browser the session that the form would: most tests are of other screens than that and the overview."""
    person = {"username": instance.username, "password": instance.password}
    answer = await context.request.post(
        f"{instance.url}/api/v1/session", data=person, headers={"Origin": instance.url}
    )  # fmt: skip
    assert answer.ok, await answer.text()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(instance, chromium):
    """Return a function that opens an empty page of a size; what went wrong on it fails the test.

    Whoever looks is signed in, and has the preferences given by name (``theme="light"``) from before.
    """
    opened: list[Visit] = []

    async def open_page(width: int = 1920, height: int = 1080, *, signed_in: bool = True, **preferences: str) -> Visit:
        kept = [{"name": f"ioc.{name}", "value": value} for name, value in preferences.items()]
        context = await chromium.context(
            viewport={"width": width, "height": height},
            storage_state={"cookies": [], "origins": [{"origin": instance.url, "localStorage": kept}]},
        )
        if signed_in:
            await sign_in_by_api(context, instance)
        found = Visit(await context.new_page(), instance)
        opened.append(found)
        return found

    yield open_page
    for found in opened:
        await found.page.context.close()
    for found in opened:
        assert found.errors == []
        assert found.foreign == []
