"""README.md is short, says what the kept results say, and README.vi.md says the same in Vietnamese."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.vi.md")}
ENGLISH, VIETNAMESE = PAGES.values()
LINES_MAX = 90
"""A page and a half."""
FIGURES = {
    "proof/results/kills-full.json": (("faults",), ("acknowledged",), ("lost",), ("stored_twice",)),
    "proof/results/power-full.json": (("faults",), ("acknowledged",), ("lost",)),
    "proof/results/rules_reference-full.json": (("histories",), ("transitions",), ("mismatches",)),
    "bench/results/throughput.json": (("roads", "door", "events_per_second"), ("roads", "paho", "events_per_second")),
    "bench/results/latency-2000.json": (("publish_to_screen_ms", "p50"), ("publish_to_screen_ms", "p99")),
}


def commands(text: str) -> list[str]:
    """Return what is to be typed, without what the comments say of it."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r" +# .*", "", line) for block in blocks for line in block.splitlines()]


def links(text: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if not re.search(r"README|overview", link)]


def numbers(text: str) -> list[str]:
    """Return the figures of a table's row, whichever way its language groups the digits."""
    return re.findall(r"\d+", re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", re.sub(r"\(.*?\)|p\d\d", "", text)))


def rows(text: str) -> dict[str, str]:
    """Return kept result -> the row that links it."""
    row = re.compile(r"^(\| .*)\]\(((?:proof|bench)/results/\S+)\) \|$", re.MULTILINE)
    return {found[2]: found[1] for found in row.finditer(text)}


@pytest.mark.parametrize("name", PAGES)
def test_it_is_a_page_and_a_half(name: str):
    assert len(PAGES[name].splitlines()) <= LINES_MAX


def test_both_languages_have_the_same_headings_commands_and_links():
    heads = [re.findall(r"^(#+) \S", text, re.MULTILINE) for text in PAGES.values()]
    assert heads[0] == heads[1]
    assert len(heads[0]) > 6
    assert commands(ENGLISH) == commands(VIETNAMESE)
    assert len(commands(ENGLISH)) > 6
    assert links(ENGLISH) == links(VIETNAMESE)
    assert len(links(ENGLISH)) > 20


@pytest.mark.parametrize(("name", "other"), [("README.md", "README.vi.md"), ("README.vi.md", "README.md")])
def test_each_leads_to_the_other_and_has_one_picture(name: str, other: str):
    assert f"]({other})" in PAGES[name].splitlines()[2]
    assert len(re.findall(r"!\[[^\]]{20,}\]\(docs/images/\S+\.png\)", PAGES[name])) == 1


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("kept", FIGURES)
def test_a_figure_is_what_its_kept_result_says(name: str, kept: str):
    result = json.loads((ROOT / kept).read_text(encoding="utf-8"))
    said = numbers(rows(PAGES[name])[kept].rpartition("| [")[0])
    for path in FIGURES[kept]:
        value: Any = result
        for part in path:
            value = value[part]
        assert str(round(value)) in said, path
    assert result.get("verdict", "held") == "held"


def test_what_the_figures_were_made_with_is_said():
    """Those of the bench name the version and its rules: the pack has grown since."""
    made = {json.loads((ROOT / kept).read_text(encoding="utf-8")).get("ioc") for kept in FIGURES if "bench" in kept}
    rules = json.loads((ROOT / "bench/results/rules.json").read_text(encoding="utf-8"))["pack"]["rules"]
    for text in PAGES.values():
        for version in made:
            assert re.search(rf"{re.escape(str(version))}\b.*\b{rules} ", text)
