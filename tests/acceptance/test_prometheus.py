"""Debian's own Prometheus scrapes a running instance with a metrics key, and its linter has nothing to say."""

from __future__ import annotations

import re
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.acceptance.instance import ROLES, Device, Instance, items, wait_until
from tests.acceptance.prometheus import program, samples, scraping

CONTRACT = {
    "ioc_ingest_events_total", "ioc_ingest_commit_seconds_bucket", "ioc_ingest_queue_bytes",
    "ioc_ingest_lag_seconds_bucket", "ioc_rules_evaluated_total", "ioc_rules_cursor_lag_seconds", "ioc_alerts_open",
    "ioc_alert_latency_seconds_bucket", "ioc_reading", "ioc_stream_clients", "ioc_dead_letters_total", "ioc_devices",
    "ioc_build_info",
}  # fmt: skip
"""What the contract names; ioc_notifications_total comes with the notifications."""


@pytest.fixture(scope="module")
def gauge(instance: Instance, operator: httpx2.Client) -> Device:
    """A gauge with two events, one of them a day's rain that raises an alert, a duplicate and a dead letter."""
    device = instance.device("prom-rain", "rainfall", "04828")
    assert device.publish({"id": "1", "rain_1h_mm": 7.5}).returncode == 0
    # Only now: a time before the reading that the door has just dated would be no current value.
    flood = {"id": "2", "time": datetime.now(UTC).isoformat(), "rain_24h_mm": 140}
    for reading in (flood, flood):
        assert device.publish(reading).returncode == 0
    assert device.publish("{").returncode == 0
    wait_until(lambda: items(operator, "/api/v1/alerts", device=device.id), what="the alert")
    wait_until(lambda: items(operator, "/api/v1/latest", device=device.id, field="rain_1h_mm"), what="the latest value")
    return device


@pytest.fixture(scope="module")
def metrics_key(instance: Instance) -> str:
    """A metrics key."""
    return instance.key("metrics")


@pytest.fixture(scope="module")
def scraped(instance: Instance, metrics_key: str, gauge: Device) -> str:
    """The text of /metrics."""
    with instance.client(key=metrics_key) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


@pytest.fixture(scope="module")
def ask(
    instance: Instance, metrics_key: str, gauge: Device, tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], list[dict[str, Any]]]]:  # fmt: skip
    """Start a Prometheus on the instance and return a function that queries it."""
    with scraping(instance, metrics_key, tmp_path_factory.mktemp("prometheus")) as client:
        yield lambda text: samples(client, text)


def value(found: list[dict[str, Any]]) -> float:
    """Return the sum of a query's samples."""
    return sum(float(sample["value"][1]) for sample in found)


def test_prometheus_stores_what_the_doors_counted(ask: Callable[[str], list[dict[str, Any]]], gauge: Device) -> None:
    """Events by outcome, dead letters by reason, commits, evaluations and alerts can be queried."""
    where = 'feed="rainfall",door="mqtt"'
    assert value(ask(f'ioc_ingest_events_total{{{where},outcome="stored"}}')) >= 2
    assert value(ask(f'ioc_ingest_events_total{{{where},outcome="duplicate"}}')) >= 1
    assert value(ask(f'ioc_ingest_events_total{{{where},outcome="refused"}}')) >= 1
    assert value(ask('ioc_dead_letters_total{feed="rainfall",reason="not_json"}')) >= 1
    assert value(ask("ioc_ingest_commit_seconds_count")) >= 2
    assert value(ask('ioc_rules_evaluated_total{rule="rain.24h"}')) >= 1
    assert value(ask('ioc_alerts_open{severity="high",domain="disaster",area="04828"}')) >= 1
    assert value(ask("ioc_alert_latency_seconds_count")) >= 1
    found = {one["metric"]["field"]: one for one in ask(f'ioc_reading{{device="{gauge.id}"}}')}
    assert {field: value([one]) for field, one in found.items()} == {"rain_1h_mm": 7.5, "rain_24h_mm": 140}
    assert {one["metric"]["area"] for one in found.values()} == {"04828"}
    (named,) = ask(
        f'ioc_reading{{device="{gauge.id}",field="rain_1h_mm"}} * on (device) group_left (name) ioc_device_info'
    )
    assert named["metric"]["name"] == gauge.id
    assert value(ask("sum(process_resident_memory_bytes)")) > 50_000_000
    assert value(ask("ioc_database_size_bytes")) > 1_000_000
    assert value(ask("ioc_database_commit_seconds_count")) >= 1


def test_prometheus_knows_every_role(ask: Callable[[str], list[dict[str, Any]]]) -> None:
    """A series carries the role it comes from; each role that runs has told its version."""
    assert {sample["metric"]["role"] for sample in ask("ioc_build_info")} == set(ROLES)


def test_the_linter_has_nothing_to_say(scraped: str) -> None:
    """`promtool check metrics` ends with 0 and without a word."""
    words = [program("promtool"), "check", "metrics"]
    checked = subprocess.run(words, input=scraped, capture_output=True, text=True, timeout=20, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_metric_of_the_contract_is_there_once(scraped: str) -> None:
    """Each name has one HELP and one TYPE line and no series twice."""
    names = set(re.findall(r"^([a-z_0-9]+)[{ ]", scraped, re.MULTILINE))
    assert names >= CONTRACT, CONTRACT - names
    lines = scraped.splitlines()
    for kind in ("HELP", "TYPE"):
        declared = Counter(line.split()[2] for line in lines if line.startswith(f"# {kind} "))
        assert set(declared.values()) == {1}, [name for name, times in declared.items() if times > 1]
    series = Counter(line.rsplit(" ", 1)[0] for line in lines if line and not line.startswith("#"))
    assert set(series.values()) == {1}


def test_no_request_makes_a_series(instance: Instance, metrics_key: str, gauge: Device) -> None:
    """Made-up methods, paths, feeds and types: a second crowd with other words adds nothing."""
    feed_key = instance.key("feed", feed="rainfall")

    def crowd(word: str) -> set[str]:
        address = instance.url.removeprefix("http://").split(":")
        for number in range(100):
            with socket.create_connection((address[0], int(address[1])), timeout=5) as sender:
                line = f"{word}{number} /{word}/{number} HTTP/1.1\r\nHost: {word}\r\nConnection: close\r\n\r\n"
                sender.sendall(line.encode())
                sender.recv(1_000)
        with instance.client(key=feed_key) as client:
            client.post(f"/api/v1/feeds/{word}/events", json={"id": word})
            client.post("/api/v1/feeds/rainfall/events", json={"device": word, word: 1})
            event = {"specversion": "1.0", "type": word, "source": word, "id": word, "data": {}}
            client.post("/api/v1/cloudevents", json=event, headers={"Content-Type": "application/cloudevents+json"})
        gauge.publish({word: 1})
        with instance.client(key=metrics_key) as client:
            text = client.get("/metrics").text
        assert word not in text
        return {line.rsplit(" ", 1)[0] for line in text.splitlines() if line.startswith("ioc_http_requests_total")}

    assert crowd("ALPHA") - crowd("OMEGA") == set()
    assert crowd("GAMMA") == crowd("KAPPA")


def test_nobody_else_reads_metrics(instance: Instance, gauge: Device) -> None:
    """Without a key 401; a device's key may not."""
    with instance.client() as nobody, instance.client(key=gauge.key) as device:
        assert nobody.get("/metrics").status_code == 401
        assert device.get("/metrics").status_code == 403
