"""The way of one reading in ARCHITECTURE.md can be followed in the code: each name that it says is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
WAY = PAGE.split("## The way of one reading\n", 1)[1].split("\n## ", 1)[0]
NAMES = sorted(set(re.findall(r"`(ioc\.[\w.]+)`", PAGE)))
LINES_MAX = 200
STEPS = 20
IN_ORDER = (
    ".listener.", ".connection.", ".publish.", ".batcher.", ".preparation.", ".event_log.", ".engine.", ".step.",
    ".announcement.", ".memory.", ".hub.", "stream.svelte.ts", "AlertFeed",
)  # fmt: skip


def test_the_page_is_read_in_one_go():
    assert len(PAGE.splitlines()) <= LINES_MAX


def test_it_has_twenty_lines_from_the_socket_to_the_screen():
    assert [int(number) for number in re.findall(r"^(\d+)\. ", WAY, re.MULTILINE)] == list(range(1, STEPS + 1))
    places = [WAY.index(word) for word in IN_ORDER]
    assert places == sorted(places)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_is_in_the_code(name: str):
    """The longest part of it that is a module, then what that has by this name, and that has by the next."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            found: object = importlib.import_module(".".join(parts[:length]))
            for part in parts[length:]:
                assert hasattr(found, part), f"{part} is not in {found!r}"
                found = getattr(found, part)
            return
    pytest.fail(f"{name} is in no module")


def test_each_screen_file_on_the_page_is_there():
    files = re.findall(r"`(ui/[\w./]+)`", PAGE)
    assert len(files) >= 4
    assert [file for file in files if not (ROOT / file).is_file()] == []
