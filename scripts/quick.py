"""What a person runs after each change, in a minute: the style of what changed, the types, and the tests that touch it.

Changed is what differs from the branch main, committed or not. A test touches a module when it imports it, or when it
changed itself. Ends with the command that runs the first failed test alone.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
TESTS_MAX = 60
"""Files of tests that fit in the minute; beyond them the nearest by name are taken, and it is said."""
QUICK = ("tests/unit/", "tests/timelines/", "tests/property/", "tests/docs/")
"""The kinds of tests that start no server and no browser."""


def output(*command: str) -> list[str]:
    """Return the lines that a command of git prints."""
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - git
    return done.stdout.splitlines()


def changed_files(base: str) -> list[str]:
    """Return the paths, from the root on, that differ from ``base`` and are there, known to git or not."""
    found = {*output("diff", "--name-only", base), *output("ls-files", "--others", "--exclude-standard")}
    return sorted(name for name in found if (ROOT / name).is_file())


def module_of(path: str) -> str:
    """Return ``ioc.rules.engine`` for ``ioc/rules/engine.py``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported_by(path: Path) -> set[str]:
    """Return the names that a file imports, each as a module and as what is taken from it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def tests_of(changed: list[str]) -> list[str]:
    """Return the files of quick tests that changed or import a module that changed, the nearest by name first."""
    modules = {module_of(path) for path in changed if path.endswith(".py")}
    names = {Path(path).stem for path in changed}
    found = []
    for path in ROOT.glob("tests/**/test_*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(QUICK) and (name in changed or modules & imported_by(path)):
            found.append(name)
    found.sort(key=lambda name: (name not in changed, Path(name).stem.removeprefix("test_") not in names, name))
    if len(found) > TESTS_MAX:
        print(f"quick: {len(found)} files of tests touch this; the first {TESTS_MAX} of them run, make test runs all")
    return found[:TESTS_MAX]


def run(name: str, *command: str) -> bool:
    """Run one stage, say how long it took, and return whether it was good."""
    began = time.monotonic()
    code = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False).returncode
    print(f"quick: {name} {time.monotonic() - began:.0f} s{'' if code == 0 else f', exit {code}'}", flush=True)
    return code == 0


def run_tests(files: list[str]) -> bool:
    """Run the tests by both processors, and print the command for the first that failed, ready to copy."""
    began = time.monotonic()
    command = [str(BIN / "pytest"), "-q", "-n", "2", "--no-loadscope-reorder", "--maxfail", "5", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print("\n".join(done.stdout.splitlines()[-60:]))
    print(f"quick: {len(files)} files of tests {time.monotonic() - began:.0f} s")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if failed:
        print(f"\n    .venv/bin/pytest '{failed[1]}'\n")
    return done.returncode == 0


def main() -> int:
    """Return 0 when all stages were good."""
    base = sys.argv[1] if len(sys.argv) > 1 else "main"
    changed = changed_files(base)
    python = [path for path in changed if path.endswith(".py")]
    files = tests_of(changed)
    if not python and not files:
        print(f"quick: nothing in Python differs from {base}, and no test touches what does")
        return 0
    good = True
    if python:
        good &= run("style", "ruff", "check", *python)
        good &= run("form", "ruff", "format", "--check", *python)
        good &= run("types", "mypy")
    if files:
        good &= run_tests(files)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
