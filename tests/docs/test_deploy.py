"""What deploy/ ships for Prometheus and Grafana: its own tests pass, and it names only metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.reference import declared_metrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
BOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
USUAL = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
"""What Prometheus and its client library bring along."""


def known() -> set[str]:
    """Return every name that a query may use."""
    names = set(USUAL)
    for metric in declared_metrics():
        names |= {metric.name, *(f"{metric.name}_{end}" for end in ("bucket", "sum", "count"))}
    return names


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for board in BOARDS:
        for panel in json.loads(board.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", ()):
                yield f"{board.name}: {panel['title']}", target


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((PROMETHEUS / "ioc.rules.yml").read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


@pytest.mark.parametrize(
    "words", [("check", "config", "--syntax-only", "prometheus.yml"), ("check", "rules", "ioc.rules.yml"),
              ("test", "rules", "ioc.rules.test.yml")], ids=" ".join,
)  # fmt: skip
def test_promtool_accepts_the_configuration_and_the_tests_of_its_rules_pass(words: tuple[str, ...]):
    program = shutil.which("promtool")
    assert program, "promtool is not installed: apt-get install prometheus"
    done = subprocess.run([program, *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not():
    document = yaml.safe_load((PROMETHEUS / "ioc.rules.test.yml").read_text(encoding="utf-8"))
    cases = [case for test in document["tests"] for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
    rests = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    names = {rule["alert"] for rule in rules()}
    assert len(names) > 15
    assert (names - fires, names - rests) == (set(), set())
    assert all(rule["labels"]["severity"] in ("warning", "critical") for rule in rules())


def test_rules_and_panels_name_only_metrics_that_are_declared():
    queries = {name: target["expr"] for name, target in targets()} | {rule["alert"]: rule["expr"] for rule in rules()}
    used = {name: set(re.findall(r"\b(?:ioc|process)_[a-z0-9_]+", query)) for name, query in queries.items()}
    declared = known()
    assert {name: names - declared for name, names in used.items() if names - declared} == {}


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_provisioned(path: Path):
    """An id and title of its own, every panel at a place of its own, and no data source but the one that is chosen."""
    board = json.loads(path.read_text(encoding="utf-8"))
    assert board["uid"] == f"ioc-{path.stem}"
    assert {item["name"] for item in board["templating"]["list"]} >= {"datasource"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["title"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
