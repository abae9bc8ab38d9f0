"""Keys in the device's drawer: a new one is shown once and opens the door, the old one goes on, one is revoked."""

from __future__ import annotations

import json
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
DEVICE = "rain-rekeyed"


def send(instance, key: str) -> bool:
    """Tell whether a reading with this key is acknowledged."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
    client.username_pw_set(DEVICE, key)
    client.connect("127.0.0.1", instance.mqtt_port)
    client.loop_start()
    try:
        sent = client.publish(f"ioc/v1/rainfall/{DEVICE}", json.dumps({"time": time.time(), "rain_24h_mm": 0.1}), qos=1)
        sent.wait_for_publish(10)
        return sent.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


async def test_a_key_is_changed_and_the_old_one_revoked_in_the_drawer(visit, publisher, operator_client, instance):
    publisher(DEVICE, "rainfall").send(json.dumps({"time": time.time(), "rain_24h_mm": 0.0}))
    operator = await visit(1366, 900)
    page = operator.page
    await operator.go(f"/devices/{DEVICE}")
    section = page.get_by_test_id("device-keys")
    await expect(section.get_by_test_id("device-key")).to_have_count(1, timeout=LOADED_MS)
    await section.get_by_test_id("key-issue").click()
    secret = await section.get_by_test_id("key-secret").inner_text(timeout=LOADED_MS)
    assert secret.startswith("ioc_device_")
    await expect(section.get_by_test_id("device-key")).to_have_count(2, timeout=LOADED_MS)
    await expect(section.get_by_test_id("key-issue")).to_have_count(0)
    await expect(section.get_by_test_id("device-key").last).to_contain_text("hết hạn")
    await section.scroll_into_view_if_needed()
    await shot(page, "device-keys-1366.png")
    assert await serious(page) == []
    wait_until(lambda: send(instance, secret), seconds=20, what="that the new key opens the door")
    await section.get_by_test_id("key-done").click()
    await expect(page.get_by_text(secret)).to_have_count(0)

    old = section.get_by_test_id("device-key").last
    await old.get_by_test_id("key-revoke").click()
    await expect(old).to_contain_text("Thiết bị sẽ bị ngắt ngay")
    await old.get_by_test_id("key-revoke-sure").click()
    await expect(section.get_by_test_id("device-key")).to_have_count(1, timeout=LOADED_MS)
    kept = operator_client.get(f"/api/v1/devices/{DEVICE}/keys").json()["items"]
    assert [key["revoked_at"] is None for key in kept] == [True, False]
