"""What docs/promises.md says of the proofs is what the proofs and their kept results say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from proof.catalogue import PROOFS
from proof.harness.report import RESULTS
from proof.table import BEGIN, END, PAGE, quoted, table

ROOT = Path(__file__).resolve().parents[2]
PROMISES = [*(f"P{number}" for number in range(1, 19)), "P21", "P22"]
ROW = re.compile(r"^\| (P\d+) \|(.+)\|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, ...]]:
    """Return promise -> (text, proofs, tests, not shown yet)."""
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    return {promise: tuple(cell.strip() for cell in rest.split("|")) for promise, rest in ROW.findall(text)}


def test_every_promise_has_its_row_with_something_to_show_or_the_word_that_nothing_is():
    assert list(rows()) == PROMISES
    for promise, (_, proofs, tests, missing) in rows().items():
        assert proofs or tests or missing, f"{promise}: say what shows it, or what is not shown yet"


@pytest.mark.parametrize("promise", PROMISES)
def test_the_proofs_of_a_promise_are_those_that_say_they_are_about_it(promise: str):
    assert set(rows()[promise][1].split()) == {name for name, proof in PROOFS.items() if promise in proof.promises}


@pytest.mark.parametrize("name", PROOFS)
def test_every_proof_is_about_a_promise(name: str):
    assert set(PROOFS[name].promises) <= set(PROMISES)
    assert PROOFS[name].promises, "promises=() in proof/catalogue.py"


def test_the_tests_that_the_page_names_exist():
    named = set(re.findall(r"`(test_\w+\.py)`", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")))
    assert named - {path.name for path in (ROOT / "tests").rglob("test_*.py")} == set()


def test_the_page_quotes_the_kept_results():
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text == quoted(text), "docs/promises.md is old: .venv/bin/python -m proof.table"


def test_a_figure_that_changes_changes_the_table(tmp_path):
    kept = json.loads((RESULTS / "kills.json").read_text(encoding="utf-8"))
    (tmp_path / "kills.json").write_text(json.dumps({**kept, "lost": 123_456, "verdict": "broken"}), encoding="utf-8")
    assert "lost 123,456" in table(tmp_path)
    assert "**broken**" in table(tmp_path)
    assert "no result is kept yet" in table(tmp_path)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.name)
def test_every_kept_result_belongs_to_a_proof_and_shows_what_the_page_quotes(path: Path):
    found = json.loads(path.read_text(encoding="utf-8"))
    proof = PROOFS[path.stem.removesuffix("-full")]
    assert found["verdict"] in {"held", "broken", "void", "no evidence"}
    for name in proof.figures if "error" not in found else ():
        value = found
        for part in name.split("."):
            assert part in value, f"{name} is not in the result"
            value = value[part]
