"""Debian's own Prometheus scrapes a running instance with a metrics key, and its linter has nothing to say."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.instance import ROLES, Device, Instance, items, wait_until
from tests.databases import free_port

CONTRACT = {
    "ioc_ingest_events_total", "ioc_ingest_commit_seconds_bucket", "ioc_ingest_queue_bytes",
    "ioc_ingest_lag_seconds_bucket", "ioc_rules_evaluated_total", "ioc_rules_cursor_lag_seconds", "ioc_alerts_open",
    "ioc_alert_latency_seconds_bucket", "ioc_reading", "ioc_stream_clients", "ioc_dead_letters_total", "ioc_devices",
    "ioc_build_info",
}  # fmt: skip
"""What the contract names; ioc_notifications_total comes with the notifications."""
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: ioc
    authorization: {{credentials: {key}}}
    static_configs: [{{targets: ["{target}"]}}]
"""


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
    folder: Path = tmp_path_factory.mktemp("prometheus")
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(key=metrics_key, target=instance.url.removeprefix("http://")))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address={address}", "--log.level=warn"],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def query(text: str) -> list[dict[str, Any]]:
        try:
            answer = client.get("/api/v1/query", params={"query": text})
        except httpx2.TransportError:  # not up yet
            assert process.poll() is None, (folder / "log").read_text()
            return []
        return answer.json()["data"]["result"] if answer.status_code == 200 else []

    try:
        with httpx2.Client(base_url=f"http://{address}", timeout=5) as client:
            wait_until(lambda: query('up{job="ioc"} == 1'), seconds=40, what="the first good scrape")
            yield query
    finally:
        process.terminate()
        process.wait(20)


def program(name: str) -> str:
    """Return the path of one of Debian's programs; `make test` installs it or says so."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: apt-get install prometheus"
    return found


def value(samples: list[dict[str, Any]]) -> float:
    """Return the sum of a query's samples."""
    return sum(float(sample["value"][1]) for sample in samples)


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
    (reading,) = ask(f'ioc_reading{{device="{gauge.id}"}}')
    assert (reading["metric"]["field"], reading["metric"]["area"], value([reading])) == ("rain_1h_mm", "04828", 7.5)


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


def test_nobody_else_reads_metrics(instance: Instance, gauge: Device) -> None:
    """Without a key 401; a device's key may not."""
    with instance.client() as nobody, instance.client(key=gauge.key) as device:
        assert nobody.get("/metrics").status_code == 401
        assert device.get("/metrics").status_code == 403
