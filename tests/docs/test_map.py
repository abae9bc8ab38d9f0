"""The map in ARCHITECTURE.md and the tree say the same, in both directions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ioc", "simulators")
DATA_FOLDERS = {"ioc/packs/hoabinh", "simulators/scenarios"}
BUILT_FOLDERS = {"ioc/screens/static"}
LINE = re.compile(r"^    ((?:  )*)([\w.-]+)(/?)(?: +(\S.*))?$")


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
    """Return every folder and module of the packages, as the map writes them."""
    found = {f"{folder}/" for folder in DATA_FOLDERS | BUILT_FOLDERS}
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            path = module.relative_to(ROOT)
            found.add(f"{path.parent}/")
            if module.name != "__init__.py":
                found.add(str(path))
    return found


def test_the_map_shows_every_folder_and_module_and_nothing_else():
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
