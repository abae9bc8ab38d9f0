"""A newcomer's path: a device made on the command line, its reading, the alert, and what people do with it."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from statistics import median
from typing import Any

import httpx2
import pytest

from tests.acceptance.instance import Device, Instance, Stream, items, wait_until


@pytest.fixture(scope="module")
def gauge(instance: Instance) -> Device:
    """A rain gauge in Hòa Bình ward, made on the command line."""
    made = instance.made("device", "add", "walk-rain", "--feed", "rainfall", "--area", "04795")
    return Device(instance, "rainfall", **made)


def alert_of(client: httpx2.Client, device: str, rule: str) -> dict[str, Any] | None:
    """Return the newest alert of a rule about a device."""
    found = items(client, "/api/v1/alerts", device=device, rule=rule)
    return found[0] if found else None


def test_a_reading_becomes_an_event_a_latest_value_and_an_alert_with_evidence(
    gauge: Device, operator: httpx2.Client
) -> None:
    """189.5 mm in 24 hours: on the API, and as a high alert that says which reading, which limit and whose."""
    before = operator.get("/api/v1/alerts", params={"limit": 1}).json()["position"]
    with Stream(operator, after=before) as stream:
        assert gauge.publish({"id": "1", "rain_24h_mm": 189.5}).returncode == 0

        def arrived() -> dict[str, Any] | None:
            return next((event.data for event in stream.of("alert") if event.data["device"] == gauge.id), None)

        on_stream = wait_until(arrived, what="the alert on the stream")
    alert = alert_of(operator, gauge.id, "rain.24h")
    assert alert is not None
    assert alert == on_stream
    assert (alert["severity"], alert["condition"], alert["state"]) == ("high", "firing", "new")
    assert (alert["area"], alert["zone"], alert["feed"]) == ("04795", "hoa-binh", "rainfall")
    assert "189,5" in alert["summary"]["vi"] or "189.5" in alert["summary"]["vi"]
    assert alert["number"].startswith("HB-")

    (event,) = items(operator, "/api/v1/events", device=gauge.id)
    assert event["data"] == {"rain_24h_mm": 189.5}
    assert (event["feed"], event["id"], event["area"], event["door"]) == ("rainfall", "1", "04795", "mqtt")
    assert operator.get(f"/api/v1/events/{event['key']}").json() == {**event, "media": []}

    def latest() -> list[dict[str, Any]]:
        return items(operator, "/api/v1/latest", device=gauge.id)

    (value,) = wait_until(latest, what="the latest value")
    assert (value["field"], value["value"]) == ("rain_24h_mm", 189.5)

    evidence = operator.get(f"/api/v1/alerts/{alert['id']}/evidence").json()
    assert evidence["position"] == event["position"]
    assert evidence["clause"] == "rain_24h_mm > 100.0"
    assert (evidence["limit"]["value"], evidence["limit"]["unit"]) == (100, "mm")
    assert "18/2021/QĐ-TTg" in evidence["limit"]["source"]
    assert evidence["values"]["rain_24h_mm"] == 189.5
    assert [reading["position"] for reading in evidence["readings"]] == [event["position"]]
    assert {"t": event["effective"], "v": 189.5, "position": event["position"]} in evidence["series"]


def test_an_alert_is_there_within_a_second_of_the_acknowledged_reading(
    instance: Instance, operator: httpx2.Client
) -> None:
    """From PUBACK to the stream: the median of five devices is below one second."""
    gauges = [instance.device(f"quick-{number}", "rainfall", "04795") for number in range(5)]
    took: list[float] = []
    with Stream(operator) as stream:
        for gauge in gauges:
            assert gauge.publish({"rain_24h_mm": 120}).returncode == 0
            acknowledged = time.time()

            def arrived(device: str = gauge.id) -> float | None:
                return next((event.at for event in stream.of("alert") if event.data["device"] == device), None)

            took.append(wait_until(arrived, what=f"the alert of {gauge.id}") - acknowledged)
            assert alert_of(operator, gauge.id, "rain.24h") is not None
    assert median(took) < 1.0, took


def test_an_open_bottom_gate_is_critical(instance: Instance, operator: httpx2.Client) -> None:
    """One gate is enough; a reading without an open gate says nothing."""
    lake = instance.device("walk-lake", "reservoir", "04795")
    assert lake.publish({"level_m": 110.2, "gates_open": 0}).returncode == 0
    assert lake.publish({"level_m": 110.3, "gates_open": 1}).returncode == 0
    alert = wait_until(lambda: alert_of(operator, lake.id, "reservoir.gates"), what="the alert")
    assert alert["severity"] == "critical"
    history = operator.get(f"/api/v1/alerts/{alert['id']}/history").json()["items"]
    assert [move["kind"] for move in history] == ["opened"]


def test_a_reading_sent_again_is_a_duplicate(gauge: Device, operator: httpx2.Client) -> None:
    """The same id, time and content are one event, however often they come; other content is refused."""
    reading = {"id": "twice", "time": datetime.now(UTC).isoformat(), "rain_24h_mm": 3.0}
    for _ in range(2):
        assert gauge.publish(reading).returncode == 0
    assert sum(event["id"] == "twice" for event in items(operator, "/api/v1/events", device=gauge.id)) == 1
    with gauge.instance.client(key=gauge.key) as client:
        again = client.post("/api/v1/feeds/rainfall/events", json=reading)
        assert (again.json()["duplicate"], again.json()["duplicates"][0]["index"]) == (1, 0)
        other = client.post("/api/v1/feeds/rainfall/events", json={**reading, "rain_24h_mm": 4.0}).json()
    assert [refused["reason"] for refused in other["rejected"]] == ["conflict"]


def test_what_cannot_be_read_is_kept_with_its_bytes_and_its_reason(gauge: Device, operator: httpx2.Client) -> None:
    """A truncated payload is acknowledged and kept as a dead letter."""
    broken = '{"rain_24h_mm": 18'
    assert gauge.publish(broken).returncode == 0
    (letter,) = items(operator, "/api/v1/dead-letters", device=gauge.id, reason="not_json")
    assert letter["raw_text"] == broken
    assert base64.b64decode(letter["raw_base64"]).decode() == broken
    assert (letter["raw_bytes"], letter["door"]) == (len(broken), "mqtt")
    assert letter["topic"] == f"ioc/v1/rainfall/{gauge.id}"
    assert letter["detail"]


def test_a_wrong_key_is_no_device(gauge: Device) -> None:
    """The door refuses the connection; mosquitto_pub says so by its exit code."""
    stranger = Device(gauge.instance, gauge.feed, gauge.id, gauge.key[:-1] + ("a" if gauge.key[-1] != "a" else "b"))
    refused = stranger.publish({"rain_24h_mm": 1})
    assert refused.returncode != 0
    assert "bad user name or password" in refused.stderr.lower()


def test_an_operator_takes_an_alert_from_new_to_resolved(instance: Instance, operator: httpx2.Client) -> None:
    """Acknowledge, comment, resolve: each with the version seen; every move is in the history."""
    key = instance.key("feed", feed="citizen_report")
    sent = {"device": "app-cong-dan", "id": "r-1", "time": datetime.now(UTC).isoformat(), "lat": 20.795, "lon": 105.552}
    with instance.client(key=key) as door:
        report = {**sent, "text": "Cây đổ chắn ngang đường", "urgency": "urgent"}
        assert door.post("/api/v1/feeds/citizen_report/events", json=report).json()["accepted"] == 1

        def opened() -> list[dict[str, Any]]:
            # Not by area: which unit holds the point depends on whether real boundaries were imported before.
            return items(operator, "/api/v1/alerts", rule="report.urgent", **{"from": sent["time"]})

        (alert,) = wait_until(opened, what="the alert")
        path = f"/api/v1/alerts/{alert['id']}"

        assert operator.post(f"{path}/acknowledge", json={}).status_code == 428
        taken = operator.post(f"{path}/acknowledge", json={}, headers={"If-Match": f'"{alert["version"]}"'})
        assert taken.status_code == 200, taken.text
        assert (taken.json()["state"], taken.json()["owner"]) == ("acknowledged", instance.username)
        late = operator.post(f"{path}/acknowledge", json={}, headers={"If-Match": f'"{alert["version"]}"'})
        assert late.status_code == 412
        assert late.json()["current"] == taken.json()

        seen = {"If-Match": taken.headers["ETag"]}
        noted = operator.post(f"{path}/comment", json={"text": "Đã gọi tổ cây xanh"}, headers=seen)
        assert noted.json()["comments"] == 1
        # What a person reported is over when a person says so, and not before.
        done = operator.post(f"{path}/resolve", json={"text": "xong"}, headers={"If-Match": noted.headers["ETag"]})
        assert done.status_code == 200, done.text
        assert (done.json()["state"], done.json()["resolved_by"]) == ("resolved", instance.username)

    wait_until(lambda: operator.get(path).json()["condition"] == "cleared", what="the end of the condition")
    history = operator.get(f"{path}/history").json()["items"]
    assert [move["kind"] for move in history] == ["opened", "acknowledge", "comment", "resolve"]
    assert [move["actor"] for move in history] == [None, *[instance.username] * 3]
    assert history[2]["text"] == "Đã gọi tổ cây xanh"
    assert [move["number"] for move in history] == [1, 2, 3, 4]
