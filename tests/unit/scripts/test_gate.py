"""`.ci/run` in a small tree of its own: what its exit code and its last lines say of each way to end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = f"""
install:
	@mkdir -p .venv/bin && ln -sf {sys.executable} .venv/bin/python
build-screens:
	@true
lint:
	@sleep $(LINT_SECONDS)
test:
	@{sys.executable} -m pytest -q -p no:cacheprovider $(subst delay 5,delay 0,$(PYTEST_ARGS)) tests
"""
CONFTEST = """
import pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import hang
from summary import pytest_terminal_summary

def pytest_configure():
    hang.arm()
"""
GREEN = "def test_green():\n    pass\n"


@pytest.fixture
def tree(tmp_path):
    """The gate's own files and a Makefile with its four verbs."""
    for name in (".ci/run", "scripts/leftovers.py", "tests/hang.py", "tests/summary.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    (tmp_path / "tests/conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "tests/unit").mkdir()
    return tmp_path


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def gate(tree, test, *, lint_seconds=0):
    """Run it on one file of tests; return the exit code and the lines."""
    (tree / "tests/unit/test_one.py").write_text(test, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TEST_"))}
    done = subprocess.run(
        ["bash", ".ci/run"], cwd=tree, env=clean | {"LINT_SECONDS": str(lint_seconds)}, capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


def test_a_green_run_ends_with_its_kinds_its_stages_and_pytest_s_line(tree):
    code, lines = gate(tree, GREEN)
    assert code == 0, lines
    end = "\n".join(lines[-6:])
    assert re.search(r"^kind unit: 1 passed, 0 s$", end, re.MULTILINE)
    stages = " ".join(rf"{name} \d s \(exit 0\)" for name in ("install", "build", "lint", "test"))
    assert re.search(rf"^ci: {stages}$", end, re.MULTILINE)
    assert not [line for line in lines if line.startswith(("left behind", "RERUN", "FAILED"))]


def test_a_red_run_names_the_test_and_the_first_line_of_its_error(tree):
    code, lines = gate(tree, "def test_red():\n    assert 'wind' == 'rain', 'of the wrong kind'\n")
    assert code != 0
    assert [line for line in lines[-10:] if re.match(r"FAILED .*::test_red - AssertionError: of the wrong kind", line)]


def test_a_run_in_which_no_test_ran_is_red(tree):
    code, _ = gate(tree, "")
    assert code != 0


@pytest.mark.parametrize(("count", "red"), [(5, False), (6, True)])
def test_second_tries_are_named_and_more_than_five_are_red(tree, count, red):
    test = f"""
import pytest

seen = set()

@pytest.mark.parametrize("number", range({count}))
def test_second(number):
    first = number not in seen
    seen.add(number)
    assert not first
"""
    code, lines = gate(tree, test)
    assert (code != 0) == red, lines
    assert len([line for line in lines[-20:] if line.startswith("RERUN ")]) >= 5
    assert bool([line for line in lines[-20:] if line.startswith("FAILED ")]) == red


def test_a_stage_is_stopped_at_its_limit_and_says_so(tree):
    change(tree / ".ci/run", "stage lint 600", "stage lint 1")
    code, lines = gate(tree, GREEN, lint_seconds=30)
    assert code == 124
    assert "ci: lint was stopped after its limit of 1 s" in lines
    assert "kind unit: 1 passed, 0 s" in lines, "the tests run whatever lint found"


def test_a_kind_that_could_not_run_is_named(tree):
    _, lines = gate(tree, "import pytest\n\ndef test_skipped():\n    pytest.skip('chromium is not installed')\n")
    assert "NOT RUN: no test of tests/unit ran; the reasons stand at SKIPPED" in lines[-10:]


def test_what_stays_after_the_run_is_named(tree):
    change(tree / "scripts/leftovers.py", "PATIENCE_S = 10", "PATIENCE_S = 0")
    test = "import subprocess\n\ndef test_leaves():\n    subprocess.Popen(['sleep', '61'], start_new_session=True)\n"
    _, lines = gate(tree, test)
    left = [re.fullmatch(r"left behind: process (\d+) sleep 61", line) for line in lines[-10:]]
    found = [match for match in left if match]
    assert len(found) == 1, lines
    os.kill(int(found[0][1]), 15)


def test_a_run_beyond_its_limit_says_where_its_threads_and_tasks_stand(tree):
    test = """
import asyncio, threading

async def wait_for_the_dam():
    while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
        await asyncio.sleep(0.05)

def test_hangs():
    asyncio.run(wait_for_the_dam())
"""
    change(tree / ".ci/run", "stage test 3000", "stage test 35")
    code, lines = gate(tree, test)
    assert code == 0, lines
    text = "\n".join(lines)
    assert "is beyond its limit; its threads:" in text
    assert "in test_hangs" in text, "the thread"
    assert "in wait_for_the_dam" in text, "the task"
