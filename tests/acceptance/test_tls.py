"""`ioc up --tls self`: screens over HTTPS and MQTT over TLS from an empty folder, for whoever trusts its authority."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.acceptance.conftest import for_good
from tests.acceptance.instance import Instance, new_data_folder, run_cli, wait_until


@pytest.fixture(scope="module")
def secure() -> Iterator[Instance]:
    """An instance with certificates of its own."""
    started = Instance(new_data_folder(), words=("--tls", "self"), IOC_MQTT_TLS_PORT="0")
    try:
        started.start()
        yield started
        assert started.stop() == 0, started.output()
    finally:
        for_good(started)


def authority(instance: Instance) -> Path:
    """Return the file that devices and browsers must trust."""
    return instance.data / "tls" / "ca.pem"


def test_people_sign_in_over_https_with_a_cookie_that_only_https_carries(secure: Instance) -> None:
    """The cookie is `__Host-ioc`, Secure; the browser is told to come by HTTPS only."""
    assert secure.url.startswith("https://127.0.0.1:")
    verify = ssl.create_default_context(cafile=authority(secure))
    with httpx2.Client(base_url=secure.url, headers={"Origin": secure.url}, timeout=20, verify=verify) as client:
        answer = client.post("/api/v1/session", json={"username": secure.username, "password": secure.password})
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-ioc=")
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "max-age=" in answer.headers["strict-transport-security"]
        assert client.get("/api/v1/session").json()["username"] == secure.username
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx2.get(f"{secure.url}/livez")
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"http{secure.url.removeprefix('https')}/livez")


def test_a_device_publishes_over_tls(secure: Instance) -> None:
    """paho trusts our authority, and its reading is acknowledged."""
    made = secure.made("device", "add", "rain-tls", "--feed", "rainfall", "--area", "04795")
    client = Client(CallbackAPIVersion.VERSION2)
    client.tls_set(str(authority(secure)))
    client.username_pw_set("rain-tls", made["key"])
    client.connect("127.0.0.1", secure.fact("door", "mqtt_tls_port"))
    client.loop_start()
    try:
        sent = client.publish("ioc/v1/rainfall/rain-tls", b'{"id": "1", "rain_mm": 2}', qos=1)
        wait_until(sent.is_published, what="the PUBACK")
    finally:
        client.disconnect()
        client.loop_stop()


def test_keys_are_readable_by_their_owner_only_and_the_next_start_keeps_them(secure: Instance) -> None:
    """A restart must not ask everybody to trust a new authority."""
    folder = secure.data / "tls"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["ca.key", "ca.pem", "server.key", "server.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    before = {file.name: file.read_bytes() for file in files}
    assert secure.stop() == 0
    secure.start()
    assert {file.name: file.read_bytes() for file in files} == before


def test_a_replay_finds_its_way_over_https(secure: Instance, tmp_path: Path) -> None:
    """It trusts the authority in the data folder."""
    file = tmp_path / "levels.csv"
    file.write_text("time,mm\n2026-01-01T00:00:00Z,1\n2026-01-01T01:00:00Z,2\n", encoding="utf-8")
    done = secure.cli("replay", str(file), "--feed", "rainfall", "--device", "rain-tls", "--time-column", "time",
                      "--column", "rain_mm=mm", "--history")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_plain_mqtt_for_the_network_is_refused_at_the_start_with_what_to_do(tmp_path: Path) -> None:
    """Keys of devices must not cross a network in clear because of one setting."""
    done = run_cli("up", "--data", str(tmp_path), IOC_MQTT_HOST="0.0.0.0")  # noqa: S104 - must be refused
    assert done.returncode == 2
    assert "IOC_MQTT_PLAIN_ANYWHERE" in done.stderr
    assert "--tls self" in done.stderr
    done = run_cli("up", "--data", str(tmp_path), IOC_MQTT_TLS_PORT="8883")
    assert done.returncode == 2
    assert "IOC_MQTT_TLS_CERT" in done.stderr
