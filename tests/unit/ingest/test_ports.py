"""A port is small: a room asks for what it needs, so that a fake of it is small too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
METHODS_MAX = 4
ROOMS = ("ingest",)


def ports(room: str) -> Iterator[tuple[str, int]]:
    """Return each protocol of a room with the count of what it declares itself; a union of two is no third."""
    for path in sorted((ROOT / "ioc" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases):
                methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
                yield f"{path.relative_to(ROOT)}::{node.name}", len(methods)


@pytest.mark.parametrize("room", ROOMS)
def test_a_port_has_at_most_four_methods(room: str):
    found = dict(ports(room))
    assert len(found) > 20, "the search finds them"
    assert {name: count for name, count in found.items() if count > METHODS_MAX} == {}
