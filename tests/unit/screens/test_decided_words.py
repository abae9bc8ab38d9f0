"""The Vietnamese words that were decided (docs/words.md) are the ones that people read, everywhere."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DICTIONARIES = ROOT / "ui" / "src" / "i18n"
LAWS = re.compile(r"[Bb]ộ luật|[Pp]háp luật|Luật [A-ZĐ]|[Cc]hưa thấy luật")
"""Where `luật` is legislation it is the right word: it is a rule of ours that is none."""


def decided() -> list[tuple[str, str, list[str]]]:
    """Return (English, Vietnamese, what is never said) of each line of the page."""
    rows = [line.strip("| ").split(" | ") for line in read(ROOT / "docs" / "words.md").splitlines() if line[:2] == "| "]
    return [(english, vi, never.split(", ")) for english, vi, never in rows if english not in {"English", "---"}]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def dictionary(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(read(DICTIONARIES / f"{language}.json"))
    return found


def texts_for_people() -> Iterator[tuple[str, str]]:
    """Yield (where, text): the screens' dictionary, every string of the code, the pack's own words."""
    for key, text in dictionary("vi").items():
        yield f"vi.json {key}", text
    for path in sorted((ROOT / "ioc").rglob("*.py")):
        tree = ast.parse(read(path))
        documents = {id(node.body[0].value) for node in ast.walk(tree)
                     if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                     and node.body and isinstance(node.body[0], ast.Expr)}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in sorted((ROOT / "ioc" / "packs" / "hoabinh").rglob("*.yaml")):
        yield str(path.relative_to(ROOT)), read(path)


def says(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None


@pytest.mark.parametrize(("english", "vi"), [row[:2] for row in decided()])
def test_where_english_has_the_word_vietnamese_has_the_decided_one(english: str, vi: str):
    ours, theirs = dictionary("vi"), dictionary("en")
    said = {key: re.sub(r"\{\w+\}", "", text) for key, text in theirs.items()}
    wrong = {key: ours[key] for key, text in said.items()
             if re.search(rf"\b{english}(s|ed|d)?\b", text, re.IGNORECASE) and not says(ours[key], vi)}  # fmt: skip
    assert wrong == {}


def test_the_words_that_were_rejected_are_in_no_text():
    refused = [word for _, _, never in decided() for word in never]
    wrong = [(where, word) for where, text in texts_for_people() for word in refused
             if says(LAWS.sub("", text), word)]  # fmt: skip
    assert wrong == []


def test_the_screens_that_have_a_place_for_a_decided_word_say_it():
    vi = dictionary("vi")
    assert (vi["nav.rules"], vi["nav.drills"]) == ("Quy tắc cảnh báo", "Diễn tập")
    assert "Đã chuyển xử lý" in vi.values()
    assert (vi["work.new"], vi["work.acknowledged"], vi["work.resolved"]) == ("Chưa nhận", "Đã nhận", "Đã xử lý")
    severities = [vi[f"severity.{name}"] for name in ("info", "low", "medium", "high", "critical")]
    assert severities == ["Thông tin", "Lưu ý", "Trung bình", "Cao", "Khẩn cấp"]
    assert all(text == unicodedata.normalize("NFC", text) for text in vi.values())
