"""The pages written from the code are up to date, and the names that the outside relies on are in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ioc.settings import Settings
from tests.docs.reference import PAGES, commands, declared_metrics, settings_page

ROOT = Path(__file__).resolve().parents[2]
PLANNED_COMMANDS = {"backup"}
"""Pages may name these, to say that they are not there yet."""
PROMISED_METRICS = {
    "ioc_ingest_events_total": {"feed", "door", "outcome"},
    "ioc_ingest_commit_seconds": set(),
    "ioc_ingest_queue_bytes": set(),
    "ioc_ingest_lag_seconds": {"feed"},
    "ioc_rules_evaluated_total": {"rule"},
    "ioc_rules_cursor_lag_seconds": set(),
    "ioc_alerts_open": {"severity", "domain", "area"},
    "ioc_alert_latency_seconds": set(),
    "ioc_reading": {"feed", "field", "device", "area"},
    "ioc_stream_clients": set(),
    "ioc_dead_letters_total": {"feed", "reason"},
    "ioc_devices": {"state"},
    "ioc_build_info": {"version"},
}


@pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=PAGES)
def test_a_reference_page_is_what_the_code_says(name: str, page: Callable[[], str]):
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert kept == page(), f"docs/{name} is old: .venv/bin/python -m tests.docs.reference"


def test_every_setting_has_a_description_and_a_numeric_one_its_bounds():
    lines = [line for line in settings_page().splitlines() if line.startswith("| `IOC_")]
    assert len(lines) == len(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert field.description, name
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            assert field.metadata, f"{name} has no bound"


def test_the_promised_metrics_are_declared_with_their_labels():
    declared = {metric.name: set(metric.labels) for metric in declared_metrics()}
    assert {name: declared.get(name) for name in PROMISED_METRICS} == PROMISED_METRICS


def test_metrics_are_named_alike_and_declared_once():
    names = [metric.name for metric in declared_metrics()]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"ioc_[a-z0-9]+(_[a-z0-9]+)*", name)] == []
    assert [metric.name for metric in declared_metrics() if not metric.text] == []


def shown_commands() -> list[str]:
    """Return every `ioc ...` that a page shows as something to type, without the word `ioc`."""
    found: list[str] = []
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        shown = re.findall(r"(?:`|^|\bbin/)ioc ([a-z][^`|()#\n]*)", text, re.MULTILINE)
        found += [words for words in shown if path.name != "commands.md" and words not in PLANNED_COMMANDS]
    return found


def test_every_command_that_a_page_shows_exists_with_its_options():
    known = {name: {option for item in command.params for option in item.opts} for name, command in commands()}
    assert len(shown_commands()) > 15
    for shown in shown_commands():
        words = shlex.split(shown, posix=False)
        name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), None)
        assert name is not None, shown
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        assert options <= known[name], shown


def test_every_command_has_its_help_and_so_has_every_option():
    for name, command in commands():
        assert command.help, name
        for parameter in command.params:
            if parameter.opts[0].startswith("-"):
                assert parameter.help, f"{name} {parameter.opts[0]}"
