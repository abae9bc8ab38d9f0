"""The folders of proofs, benches, simulators and their client stay small enough to be found in."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "mqtt_client", "proof", "simulators")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
FILES_MAX, LINES_MAX, FUNCTION_LINES_MAX = 20, 400, 70


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def classes(*, protocols: bool) -> dict[str, list[str]]:
    """Return class name -> where it is defined, with or without those that only say what is needed."""
    found = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                is_protocol = any("Protocol" in ast.unparse(base).split("[")[0] for base in node.bases)
                if protocols or not is_protocol:
                    found[node.name].append(name_of(path))
    return found


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=name_of)
def test_a_folder_has_no_more_files_than_can_be_looked_over(folder: Path):
    assert len(list(folder.glob("*.py"))) <= FILES_MAX


def test_no_file_is_longer_than_can_be_read_in_one_go():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LINES_MAX} == {}


def test_functions_are_short():
    lengths = {
        f"{name_of(path)}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES_MAX} == {}


def test_no_two_classes_have_one_name():
    assert {name: where for name, where in classes(protocols=False).items() if len(where) > 1} == {}


def test_the_classes_are_seen():
    assert {"Connection", "Instance", "Fleet"} <= classes(protocols=True).keys()
