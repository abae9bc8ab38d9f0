"""CONTRIBUTING.md's recipes are walked: some are followed to the letter, the files of the others are an example's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.instance import run_cli

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES: dict[str, str] = dict(
    re.findall(r"^### Add an? ([^\n]+)\n(.*?)(?=^### |^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)
PATH = re.compile(r"`([\w.]+(?:/[\w.{}-]+)+/?)`")


@dataclass(frozen=True, slots=True)
class Example:
    """What a recipe was followed for already: where its code speaks of it, in which folders."""

    words: str
    folders: tuple[str, ...]


EXAMPLES = {
    "column to alerts": Example(r"resolve_due|overdue_at", ("ioc", "migrations")),
    "work transition": Example(
        r"""dispatched_at|DISPATCH = "dispatch"|WorkAction\.DISPATCH|"dispatch"|dispatch:|action\.dispatch"""
        r"""|"toast\.dispatched""",
        ("ioc", "migrations", "ui/src"),
    ),
    "rule kind": Example(
        r"""ZoneEvaluator|ZoneWords|kinds\.zone\b|"enter"|PlaceWhy|ZoneDetails|ruleKind\.zone|"zone", "c|^ +"zone",$""",
        ("ioc", "ui/src"),
    ),
    "screen": Example(r"""DrillsScreen|"drills"|nav\.drills\b""", ("ui/src",)),
}
NAMELESS = {
    "ioc/rules/state/memory.py", "ui/src/live/", "ui/src/api/client.ts", "ioc/api/routes/alerts/work.py",
}  # fmt: skip
"""What each of its kind uses or changes, without a word of its own there."""
BLANKS = {
    "NNNN_name": r"\d{4}_\w+",
    "{kind}": r"\w+",
    "{format}": r"\w+",
    "{id}": r"[\w.-]+",
    "{name}": r"\w+",
    "{Name}": r"\w+",
}


def pattern_of(path: str) -> re.Pattern[str]:
    """Return what matches the files that a path of a recipe stands for; a folder stands for all in it."""
    text = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    for blank, meant in BLANKS.items():
        text = text.replace(blank, meant)
    return re.compile(text + (r".+" if path.endswith("/") else ""))


def paths_of(recipe: str) -> list[str]:
    return [path for path in PATH.findall(RECIPES[recipe]) if (ROOT / path.split("/")[0]).is_dir()]


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def blocks_of(recipe: str, language: str) -> list[str]:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", RECIPES[recipe], re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in found]


def test_there_is_a_recipe_for_what_is_added_most():
    wanted = {"feed", "rule", "migration", "column to alerts", "work transition", "adapter", "receiver", "rule kind",
              "table of limits", "unit", "lookup table"}  # fmt: skip
    assert set(RECIPES) == wanted | {"screen"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_file_that_a_recipe_names_is_there(recipe: str):
    files = tracked()
    assert len(paths_of(recipe)) > 1
    for path in paths_of(recipe):
        assert any(pattern_of(path).fullmatch(file) for file in files), path


@pytest.mark.parametrize("recipe", EXAMPLES)
def test_the_files_of_an_example_are_those_that_its_recipe_names(recipe: str):
    """Who follows it finds every place, and no place that is none any more; the pack's words are no place of code."""
    example = EXAMPLES[recipe]
    command = ["git", "grep", "-lE", example.words, "--", *example.folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    spoken = [file for file in done.stdout.splitlines() if not file.startswith("ioc/packs/hoabinh/")]
    spoken += [file for file in tracked() if file.startswith(example.folders) and re.search(example.words, file)]
    named = {path: pattern_of(path) for path in paths_of(recipe) if path.startswith(example.folders)}
    named = {path: one for path, one in named.items() if path not in NAMELESS}
    assert [file for file in spoken if not any(one.fullmatch(file) for one in named.values())] == []
    assert [path for path, one in named.items() if not any(one.fullmatch(file) for file in spoken)] == []


def test_a_feed_and_a_rule_are_added_as_the_page_says(tmp_path):
    """Their texts are taken from the page, put where it says, checked and played by the real commands."""
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "ioc" / "packs" / "hoabinh", pack)
    [feed] = blocks_of("feed", "yaml")
    [device] = blocks_of("feed", "csv")
    rule, timeline = blocks_of("rule", "yaml")
    (pack / "feeds" / "well.yaml").write_text(feed, encoding="utf-8")
    with (pack / "devices.csv").open("a", encoding="utf-8") as devices:
        devices.write(device)
    (pack / "rules" / "well.deep.yaml").write_text(rule, encoding="utf-8")
    checked = run_cli("check", str(pack))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    played = tmp_path / "timelines"
    played.mkdir()
    (played / "well.yaml").write_text(timeline, encoding="utf-8")
    told = run_cli("timelines", str(played), IOC_PACK=str(pack))
    assert told.returncode == 0, told.stdout + told.stderr
    (played / "well.yaml").write_text(timeline.replace("at: 2h, expect", "at: 1h, expect"), encoding="utf-8")
    assert run_cli("timelines", str(played), IOC_PACK=str(pack)).returncode == 1, "a timeline that cannot fail"


def test_a_lookup_table_is_added_as_the_page_says(tmp_path):
    """By YAML alone: the pack passes its check with the table, and a key that no feed carries is named by its line."""
    pack = tmp_path / "pack"
    shutil.copytree(ROOT / "ioc" / "packs" / "hoabinh", pack)
    [table] = blocks_of("lookup table", "yaml")
    file = pack / "lookups.yaml"
    before = file.read_text(encoding="utf-8")
    file.write_text(before + textwrap.indent(table, "  "), encoding="utf-8")
    checked = run_cli("check", str(pack))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    file.write_text(file.read_text(encoding="utf-8").replace("[base_station]", "[base_stations]"), encoding="utf-8")
    wrong = run_cli("check", str(pack))
    assert wrong.returncode == 1, "a recipe that cannot fail"
    line = 1 + next(number for number, text in enumerate(file.read_text(encoding="utf-8").splitlines())
                    if "base_stations" in text)  # fmt: skip
    assert f"lookups.yaml:{line}: lookup table tower-licence: unknown feed `base_stations`" in wrong.stdout


def applied(text: str, diff: str) -> str:
    """Return a file's text with the lines that a diff adds."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line.startswith(" "))
    assert text.count(before) == 1, before
    return text.replace(before, "".join(line[1:] for line in lines))


def without(text: str, diff: str) -> str:
    """Return a file's text without the lines that a diff adds: somebody may have followed the page already."""
    for line in diff.splitlines(keepends=True):
        if line.startswith("+"):
            text = text.replace(line[1:], "")
    return text


def test_an_adapter_is_added_as_the_page_says(tmp_path):
    """Four files: its folder's three and its line in the registry. Then the tests of all adapters test it too."""
    blocks = dict(zip(("__init__.py", "adapter.py"), blocks_of("adapter", "python"), strict=True))
    [blocks["examples.json"]] = blocks_of("adapter", "json")
    source = tmp_path / "ioc"
    shutil.copytree(ROOT / "ioc", source, ignore=shutil.ignore_patterns("static", "__pycache__", "chirpstack"))
    adapters = source / "ingest" / "adapters"
    (adapters / "chirpstack").mkdir()
    for name, text in blocks.items():
        (adapters / "chirpstack" / name).write_text(text, encoding="utf-8")
    registry = (adapters / "registry.py").read_text(encoding="utf-8")
    for diff in blocks_of("adapter", "diff"):
        registry = applied(without(registry, diff), diff)
    (adapters / "registry.py").write_text(registry, encoding="utf-8")
    named = [path for path in paths_of("adapter") if path.startswith("ioc/ingest/")]
    assert len(named) == len(blocks) + 1 <= 4
    test = shutil.copy(ROOT / "tests" / "unit" / "ingest" / "adapters" / "test_registry.py", tmp_path)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), test]
    paths = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[chirpstack: an uplink whose codec has decoded it" in done.stdout
