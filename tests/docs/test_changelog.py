"""CHANGELOG.md is cut into releases, by noun, one line an entry; the version is told alike wherever it is told."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

import ioc

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
UNRELEASED = "[Unreleased]"
NOUNS = {
    "Alerts", "API", "Drills and the tour", "Health, metrics and commands", "House", "Readings and devices",
    "Rules and the pack", "Screens", "Walls, sign-in and limits",
}  # fmt: skip
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
FIRST_NOUNS = {"Log and intake", "Rules and the pack", "API, screens and drills", "Operation, proofs and bench"}
ENTRY_CHARS_MAX = 400


def releases() -> dict[str, str]:
    """Return heading -> what stands below it, newest first."""
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_unreleased_stands_above_the_releases_newest_first():
    unreleased, *cut = releases()
    assert unreleased == UNRELEASED
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in cut]
    assert all(found), cut
    versions = [tuple(int(number) for number in match.groups()[:3]) for match in found if match]
    days = [date.fromisoformat(match[4]) for match in found if match]
    assert versions == sorted(set(versions), reverse=True)
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("release", releases())
def test_a_release_tells_its_entries_by_noun_each_in_one_line(release: str):
    """A line that goes on below cannot be found by its noun, and is not read."""
    known = FIRST_NOUNS if release.startswith("[0.1.0]") else NOUNS | KINDS
    lines = [line for line in releases()[release].splitlines() if line]
    headings = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
    assert set(headings) <= known, f"the nouns are {sorted(known)}"
    assert len(headings) == len(set(headings))
    entries = [line for line in lines if not line.startswith("### ")]
    assert [line for line in entries if not re.match(r"- \S.*[.…)]$", line)] == []
    assert [line for line in entries if len(line) > ENTRY_CHARS_MAX] == []
    assert release == UNRELEASED or entries


def test_the_newest_release_is_the_version_that_the_code_tells():
    """`ioc version`, /api/v1/status, the metric and the API's description all say `ioc.__version__`."""
    newest = re.findall(r"^## \[(\d[^\]]*)\]", TEXT, re.MULTILINE)[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    screens = json.loads((ROOT / "ui" / "package.json").read_text(encoding="utf-8"))["version"]
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text(encoding="utf-8"))
    assert {ioc.__version__, project, screens, lock["version"], lock["packages"][""]["version"]} == {newest}


def test_each_earlier_release_has_its_recorded_run_that_the_upgrade_is_tried_on():
    """tests/migrations/record.py makes it once a release is cut."""
    earlier = re.findall(r"^## \[(\d[^\]]*)\]", TEXT, re.MULTILINE)[1:]
    recorded = {path.name.removesuffix(".sql.xz") for path in (ROOT / "tests/migrations/releases").glob("*.sql.xz")}
    assert set(earlier) <= recorded
