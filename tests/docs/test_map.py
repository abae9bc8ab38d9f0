"""The map in ARCHITECTURE.md and the tree say the same, in both directions."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ioc", "mqtt_client", "simulators", "proof")
DATA_FOLDERS = {"ioc/packs/hoabinh", "simulators/scenarios"}
BUILT_FOLDERS = {"ioc/screens/static"}
FILES_MAX = 20
NO_MODULE = {"mqtt_client", "proof", "bench", "simulators", "scripts"}
"""Folders of unit tests whose source stands beside `ioc`."""
SEVERAL_MODULES = {
    "api/test_pure.py", "bootstrap/test_open_files.py", "ingest/mqtt/codec/test_codec.py",
    "ingest/mqtt/codec/test_oversize.py", "ingest/mqtt/codec/test_violations.py", "ingest/test_ports.py",
    "packs/test_flood_drill.py",
    "packs/test_hoabinh.py", "replay/test_record_scenario.py", "replay/test_recorded_data.py", "replay/test_replay.py",
    "rules/aggregates/field/test_air_record.py", "rules/fold/test_evidence_details.py", "rules/recorded/test_air.py",
    "rules/recorded/test_years.py", "rules/test_engine_drill.py", "screens/test_colours.py",
    "screens/test_decided_words.py",
}  # fmt: skip
"""Unit tests of what several modules do together: named by what that is, in the folder that the modules share."""
LINE = re.compile(r"^    ((?:  )*)([\w.-]+)(/?)(?: +(\S.*))?$")


ONE_FOR_EACH = ("ioc/rules/kinds/", "ioc/ingest/adapters/")
"""Rooms with a folder for each of one sort, alike inside: a room's own line says what they are."""


def mapped() -> dict[str, str]:
    """Return path -> what the map says of it; folders end with a slash."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = text.split("## The map\n", 1)[1].split("\n## ", 1)[0]
    found: dict[str, str] = {}
    parents: list[str] = []
    for line in block.splitlines():
        match = LINE.match(line)
        if match is None:
            assert not line.startswith("    "), f"not a line of the map: {line!r}"
            continue
        depth = len(match[1]) // 2
        parents = [*parents[:depth], match[2]]
        path = "/".join(parents) + match[3]
        assert path not in found, f"{path} is on the map twice"
        found[path] = match[4] or ""
    return found


def tree() -> set[str]:
    """Return every folder of the packages, as the map writes it."""
    found = {f"{folder}/" for folder in DATA_FOLDERS | BUILT_FOLDERS}
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            folder = f"{module.relative_to(ROOT).parent}/"
            found.add(next((room for room in ONE_FOR_EACH if folder.startswith(room)), folder))
    return found


def test_the_map_shows_every_folder_and_nothing_else():
    inside = {path for path in mapped() if path.split("/")[0] in PACKAGES}
    missing, gone = sorted(tree() - inside), sorted(inside - tree())
    assert not missing, f"not on the map of ARCHITECTURE.md: {missing}"
    assert not gone, f"on the map of ARCHITECTURE.md, but not there: {gone}"


def test_every_line_of_the_map_says_what_it_is():
    assert [path for path, text in mapped().items() if not text and path != "ioc/"] == []


@pytest.mark.parametrize("folder", sorted(DATA_FOLDERS))
def test_the_data_folders_of_the_map_are_there(folder: str):
    assert any((ROOT / folder).iterdir())


def test_the_map_shows_every_folder_at_the_root():
    """What git keeps; hidden folders are the tools' own."""
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    folders = {line.split("/")[0] + "/" for line in listed if "/" in line and not line.startswith(".")}
    roots = {path for path in mapped() if path.count("/") == 1 and path.endswith("/")}
    assert roots == folders


def test_the_test_kinds_are_those_of_the_map_and_of_contributing():
    kinds = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.rglob("test_*.py"))}
    assert set(mapped()["tests/"].split()) == kinds
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", contributing, re.MULTILINE)) == kinds


def test_the_floors_on_the_page_are_the_contract():
    """ARCHITECTURE.md shows the layers that pyproject.toml holds, in its order."""
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.search(r"^layers = \[\n(.*?)^\]", config, re.MULTILINE | re.DOTALL)
    assert layers is not None
    contract = [line.strip().strip('",') for line in layers[1].splitlines()]
    floors = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Floors\n", 1)[1]
    shown = re.search(r"^    __main__ .*?\n\n", floors, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert [" ".join(part.split()) for part in shown[0].split(">")] == contract


def test_unit_tests_mirror_the_modules_file_for_file():
    unit = ROOT / "tests" / "unit"
    alone = {
        path.relative_to(unit) for path in unit.rglob("test_*.py") if path.relative_to(unit).parts[0] not in NO_MODULE
    }
    astray = {
        str(path) for path in alone if not (ROOT / "ioc" / path.parent / path.name.removeprefix("test_")).is_file()
    }
    assert astray == SEVERAL_MODULES


def test_no_folder_is_a_corridor():
    """At most twenty Python files stand in a folder: beyond that nobody finds the right one by its name."""
    command = ["git", "ls-files", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    counted = Counter(str(Path(line).parent) for line in listed if "migrations/versions" not in line)
    assert {folder: count for folder, count in counted.items() if count > FILES_MAX} == {}
