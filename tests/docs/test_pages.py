"""The pages people read: links lead somewhere, words are the house's own, nothing of one machine is in them."""

from __future__ import annotations

import ast
import re
import unicodedata
from enum import StrEnum
from pathlib import Path

import pytest

from ioc.domain.alert import Condition, TransitionKind
from ioc.domain.device import DeviceState
from ioc.domain.event import Flag, Outcome
from ioc.domain.messaging.outbound import OutboundOutcome
from ioc.domain.messaging.presence import Presence
from ioc.domain.people.capabilities import Role
from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.domain.rules.health import HealthState
from ioc.domain.severity import LABELS_VI, Severity
from ioc.store.rules.backtests import BacktestState
from ioc.work.transitions import WorkState

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "simulators" / "README.md"})
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
ADR_PARTS = ("Context", "Decision", "Consequences")
VALUES: dict[str, type[StrEnum]] = {
    "severity": Severity,
    "condition": Condition,
    "work": WorkState,
    "transition": TransitionKind,
    "device": DeviceState,
    "presence": Presence,
    "outbound": OutboundOutcome,
    "backtest": BacktestState,
    "outcome": Outcome,
    "flag": Flag,
    "role": Role,
    "health": HealthState,
    "origin": RuleOrigin,
    "action": RuleAction,
}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Return the fragments that a page's headings make, as forges write them."""
    headings = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path):
    """Files and headings; addresses outside are not asked for."""
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), target
        assert not fragment or fragment in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_nfc_and_name_no_machine(page: Path):
    text = read(page)
    assert unicodedata.is_normalized("NFC", text)
    assert re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\S*", text) == []
    assert re.findall(r"\b(?:TODO|FIXME|XXX|TBD)\b", text) == []


def test_decisions_are_numbered_without_a_gap_and_each_is_one_screen():
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_has_its_parts(path: Path):
    text = read(path)
    assert re.fullmatch(r"\d{4}(?:-[a-z0-9]+)+\.md", path.name)
    assert re.match(rf"# {path.name[:4]}\.? \S", text)
    assert re.search(r"^(?:- )?\**Status:?\**:? ?(accepted|superseded by \d{4})", text, re.MULTILINE)
    assert re.findall(r"^## (\w+)", text, re.MULTILINE)[:3] == list(ADR_PARTS)
    assert len(text.splitlines()) <= 60, "one screen"


def glossary() -> list[list[str]]:
    lines = [line for line in read(ROOT / "docs" / "glossary.md").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in {"word", "value"} and not set(row[0]) <= {"-"}]


def test_each_word_of_the_glossary_has_both_languages_and_stands_once():
    rows = glossary()
    assert len(rows) > 60
    for row in rows:
        assert all(row[:3]), row
    words = [row[0] for row in rows]
    assert len(words) == len(set(words))
    nouns = [word for word in words if "`" not in word]
    assert nouns == sorted(nouns)


@pytest.mark.parametrize("noun", VALUES)
def test_each_value_that_people_meet_is_in_the_glossary(noun: str):
    written = {row[0] for row in glossary()}
    assert {f"{noun} `{value}`" for value in VALUES[noun]} == {word for word in written if word.startswith(f"{noun} `")}


def test_the_words_for_severity_are_the_decided_ones():
    said = {row[0]: row[1] for row in glossary()}
    assert {severity: said[f"severity `{severity}`"] for severity in Severity} == LABELS_VI


def test_the_words_that_the_house_avoids_are_not_names_in_its_code():
    """One word per idea: `seq` and `quarantine` would be second words for position and dead letter."""
    for path in [*(ROOT / "ioc").rglob("*.py")]:
        names = {
            node.name
            for node in ast.walk(ast.parse(read(path)))
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        parts = {part for name in names for part in re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower())}
        assert not parts & {"seq", "quarantine", "sensor", "alarm", "util", "utils", "helper", "manager"}, name_of(path)


def test_every_test_that_security_md_names_exists():
    """A row `file::test` or `::test` (same file as before); a claim without its test is no claim."""
    known = {path.name: read(path) for path in (ROOT / "tests").rglob("test_*.py")}
    file, count = "", 0
    for name, test in re.findall(r"`(test_\w+\.py)?::(test_\w+)`", read(ROOT / "SECURITY.md")):
        file = name or file
        count += 1
        assert file in known, file
        assert re.search(rf"def {test}\b", known[file]), f"{file}::{test}"
    assert count > 20


def test_the_readme_shows_the_two_commands_and_what_the_makefile_has():
    readme, makefile = read(ROOT / "README.md"), read(ROOT / "Makefile")
    shown = set(re.findall(r"\bmake ((?:[a-z-]+)(?: (?:lint|test))?)", readme))
    assert {"demo", "lint test"} <= shown
    for verbs in shown:
        for verb in verbs.split():
            assert re.search(rf"^{verb}:", makefile, re.MULTILINE), verb
    stages = re.findall(r"^stage \w+ \d+ (\S+)", read(ROOT / ".ci" / "run"), re.MULTILINE)
    assert stages == ["install", "build-screens", "lint", "test"]


def test_the_figures_of_the_readme_s_pack_are_the_pack_s():
    readme = read(ROOT / "README.md")
    devices = len(read(ROOT / "ioc/packs/hoabinh/devices.csv").splitlines()) - 1
    assert f"{devices} simulated devices" in readme
    rules = len(list((ROOT / "ioc/packs/hoabinh/rules").glob("*.yaml")))
    assert f"{devices} devices, {rules} rules" in read(ROOT / "CHANGELOG.md")
