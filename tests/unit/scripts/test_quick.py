"""Which files `make quick` takes for changed, and which tests it takes to touch them."""

from __future__ import annotations

import subprocess

import pytest

from scripts import quick


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository with a module, tests that import it, and one that does not."""
    files = {
        "ioc/rules/engine.py": "",
        "tests/unit/rules/test_engine.py": "from ioc.rules import engine\n",
        "tests/unit/api/test_other.py": "import ioc.rules.engine\n",
        "tests/unit/api/test_apart.py": "import json\n",
        "tests/browser/test_screens.py": "import ioc.rules.engine\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "start")
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    return tmp_path


def test_changed_is_what_differs_from_main_known_to_git_or_not(tree):
    assert quick.changed_files("main") == []
    (tree / "ioc/rules/engine.py").write_text("a = 1\n", encoding="utf-8")
    (tree / "ioc/rules/new.py").write_text("", encoding="utf-8")
    (tree / "tests/unit/api/test_apart.py").unlink()
    assert quick.changed_files("main") == ["ioc/rules/engine.py", "ioc/rules/new.py"]


def test_tests_that_import_what_changed_are_taken_the_nearest_by_name_first(tree):
    assert quick.tests_of(["ioc/rules/engine.py"]) == [
        "tests/unit/rules/test_engine.py",
        "tests/unit/api/test_other.py",
    ]


def test_a_changed_test_comes_first_and_one_that_needs_a_browser_never(tree):
    changed = ["ioc/rules/engine.py", "tests/browser/test_screens.py", "tests/unit/api/test_other.py"]
    assert quick.tests_of(changed) == ["tests/unit/api/test_other.py", "tests/unit/rules/test_engine.py"]


def test_beyond_what_fits_in_a_minute_it_says_what_it_leaves_out(tree, monkeypatch, capsys):
    monkeypatch.setattr(quick, "TESTS_MAX", 1)
    assert quick.tests_of(["ioc/rules/engine.py"]) == ["tests/unit/rules/test_engine.py"]
    assert "2 files of tests touch this; the first 1 of them run" in capsys.readouterr().out
