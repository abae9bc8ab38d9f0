"""What a run says at its end: each kind of test with its seconds, and by name the kinds that could not run."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FREE_MIN_BYTES = 2_000_000_000
"""What the data folders, databases and browser profiles of a whole run take, and some air."""


@dataclass(slots=True)
class Kind:
    """The tests of one folder below tests/."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.passed} passed"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        return f"{', '.join(parts)}, {self.seconds:.0f} s"


def kinds(reports: Iterable[pytest.TestReport]) -> dict[str, Kind]:
    """Return what became of the tests by kind, with the seconds of their set-up and teardown too."""
    found: defaultdict[str, Kind] = defaultdict(Kind)
    for report in reports:
        parts = report.nodeid.split("/")
        kind = found[parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]]
        kind.seconds += report.duration
        kind.passed += report.when == "call" and report.passed
        kind.failed += report.failed
        kind.skipped += report.skipped
    return dict(found)


def lines(found: dict[str, Kind]) -> Iterator[str]:
    """Yield a line for each kind, the longest first, and then one for each of which no test could run."""
    for name, kind in sorted(found.items(), key=lambda item: -item[1].seconds):
        yield f"kind {name}: {kind}"
    for name, kind in sorted(found.items()):
        if not kind.passed and not kind.failed:
            yield f"NOT RUN: no test of tests/{name} ran; the reasons stand at SKIPPED"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them above pytest's own short summary."""
    reports = [
        report
        for category in ("", "passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(category, [])
        if isinstance(report, pytest.TestReport)
    ]
    if reports:
        terminalreporter.section("kinds of tests")
        for line in lines(kinds(reports)):
            terminalreporter.write_line(line)


def pytest_sessionstart() -> None:
    """Refuse to begin on a disk that would be full before the end."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < FREE_MIN_BYTES:
        pytest.exit(
            f"{folder} has {free / 1e9:.1f} GB free, the tests need {FREE_MIN_BYTES / 1e9:.0f}: "
            "make room there, or set TMPDIR to a folder that has it",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )
