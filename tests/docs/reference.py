"""The reference pages that are written from the code: `python -m tests.docs.reference` writes them, a test compares."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ioc.__main__ import app
from ioc.settings import Settings
from tests.docs.pages.access_page import access_page
from tests.docs.pages.feeds_page import feeds_page
from tests.docs.pages.openapi_file import openapi_file
from tests.docs.pages.pack_page import pack_page
from tests.docs.pages.scenarios_page import scenarios_page

ROOT = Path(__file__).resolve().parents[2]
METRIC_KINDS = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "Summary": "summary",
    "GaugeMetricFamily": "gauge",
    "CounterMetricFamily": "counter",
}

SETTINGS_TOP = """# Settings

Written from `ioc/settings.py` by `python -m tests.docs.reference`. Sources, highest first: the command line, the
environment, `ioc.toml` in the working folder (names without `IOC_`, lower case), the default. They are read once, at
start. `ioc settings` prints what is in force and where it came from.

| setting | unit | default | bounds | what |
| --- | --- | --- | --- | --- |
"""
METRICS_TOP = """# Metrics

Written from the code by `python -m tests.docs.reference`. `/metrics` joins the metrics of all roles, each sample with a
`role` label, and asks gauges of state at the scrape. It wants a metrics key: [operations](operations.md#prometheus).
Beside these each role has the usual `process_*` metrics (memory, CPU, open files, start). A feed's field is an
`ioc_reading` when it is the feed's main field, or its file says `metric: true`.

| metric | kind | labels | what |
| --- | --- | --- | --- |
"""
COMMANDS_TOP = """# Commands

Written from the command line itself by `python -m tests.docs.reference`. `.venv/bin/ioc` is the command; `--data DIR`
names the data folder of the instance that a command speaks to. Exit codes: 0 ok, 1 the check found something, 2 usage,
3 a needed service is unreachable.
"""


@dataclass(frozen=True, slots=True, order=True)
class MetricLine:
    """One metric as the source declares it. ``name`` is the exported one."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def settings_page() -> str:
    """Return docs/settings.md."""
    return SETTINGS_TOP + "\n".join(_settings_lines()) + "\n"


def _settings_lines() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        unit = extra.get("unit", "") if isinstance(extra, Mapping) else ""
        default = "unset" if field.default is None else str(field.default)
        yield f"| `IOC_{name.upper()}` | {unit} | `{default}` | {_bounds(field.metadata)} | {field.description} |"


def _bounds(metadata: list[Any]) -> str:
    low = next((item.ge for item in metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in metadata if hasattr(item, "le")), None)
    if low is None and high is None:
        return ""
    return f"from {low}" if high is None else f"{low} to {high}"


def metrics_page() -> str:
    """Return docs/metrics.md."""
    lines = []
    for metric in declared_metrics():
        labels = " ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text} |")
    return METRICS_TOP + "\n".join(lines) + "\n"


def declared_metrics() -> list[MetricLine]:
    """Return every metric that a file of ioc declares, sorted by name."""
    found = []
    for path in sorted((ROOT / "ioc").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            line = _metric(node) if isinstance(node, ast.Call) else None
            if line is not None:
                found.append(line)
    return sorted(found)


def _metric(call: ast.Call) -> MetricLine | None:
    kind = METRIC_KINDS.get(call.func.id) if isinstance(call.func, ast.Name) else None
    if kind is None or not call.args or not isinstance(call.args[0], ast.Constant):
        return None
    name, text = str(call.args[0].value), str(ast.literal_eval(call.args[1]))
    given = [item.value for item in call.keywords if item.arg in {"labels", "labelnames"}]
    labels = [*call.args[2:3], *given]
    suffix = "_total" if kind == "counter" else ""
    return MetricLine(name + suffix, kind, tuple(ast.literal_eval(labels[0])) if labels else (), text)


def commands_page() -> str:
    """Return docs/commands.md."""
    parts = [COMMANDS_TOP]
    for name, command in commands():
        parts.append(f"## ioc {name}\n\n{command.help}\n")
        rows = [_parameter_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts.append("| | |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of `ioc` with its whole name, without groups."""
    yield from _below("", typer.main.get_command(app))


def _below(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(f"{prefix}{name} ", command)
        else:
            yield prefix + name, command


def _parameter_row(parameter: Any) -> str:
    option = parameter.opts[0].startswith("-")
    shown = parameter.opts[0] if option else (parameter.metavar or str(parameter.name)).strip("[]").upper()
    flag = getattr(parameter, "is_flag", False)
    needed = " (required)" if option and parameter.required else ""
    default = "" if flag or parameter.default in (None, [], ()) else f" (default {parameter.default})"
    return f"| `{shown}` | {getattr(parameter, 'help', None) or ''}{needed}{default} |"


PAGES = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "commands.md": commands_page,
    "pack.md": pack_page,
    "feeds.md": feeds_page,
    "scenarios.md": scenarios_page,
    "access.md": access_page,
    "openapi.json": openapi_file,
}

if __name__ == "__main__":
    for file_name, page in PAGES.items():
        (ROOT / "docs" / file_name).write_text(page(), encoding="utf-8")
