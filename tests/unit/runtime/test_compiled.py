"""The compiled rules are used where they are of this very source and Python, and nowhere else."""

import json
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from ioc.runtime import compiled
from scripts import compile_rules

REPOSITORY = Path(__file__).resolve().parents[3]
SUFFIX = EXTENSION_SUFFIXES[0]


@pytest.fixture
def house(tmp_path):
    """A package with two sources, and what was compiled of them."""
    house = tmp_path / "ioc"
    for name in ("errors.py", "domain/event.py", "rules/timers.py", "rules/field/rain.py", "store/event_log.py"):
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text(f"# {name}\n", encoding="utf-8")
    folder = house / "_compiled"
    folder.mkdir()
    (folder / f"ioc.rules.state.timers{SUFFIX}").write_bytes(b"\x7fELF")
    manifest = {"suffix": SUFFIX, "sources": compiled.checksums(house),
                "modules": {"ioc.rules.state.timers": f"ioc.rules.state.timers{SUFFIX}"}}  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return house


def looked(house):
    return compiled.look(house / "_compiled", house)


def test_what_is_of_this_source_is_found(house):
    files, why = looked(house)
    assert (list(files), why) == (["ioc.rules.state.timers"], "")
    found = compiled.CompiledFinder(files).find_spec("ioc.rules.state.timers", None)
    assert found is not None
    assert found.origin == str(house / "_compiled" / f"ioc.rules.state.timers{SUFFIX}")
    assert compiled.CompiledFinder(files).find_spec("ioc.rules.loading.loader", None) is None


@pytest.mark.parametrize("name", ["errors.py", "domain/event.py", "rules/timers.py", "rules/field/rain.py"])
def test_a_source_that_changed_since_is_run_as_python(house, name):
    (house / name).write_text("# another\n", encoding="utf-8")
    assert looked(house) == ({}, f"{name} has changed since: make compile")


def test_a_source_that_came_or_went_is_a_change(house):
    (house / "rules" / "new.py").write_text("", encoding="utf-8")
    assert looked(house) == ({}, "rules/new.py has changed since: make compile")
    (house / "rules" / "new.py").unlink()
    (house / "domain" / "event.py").unlink()
    assert looked(house) == ({}, "domain/event.py has changed since: make compile")


def test_what_the_rules_do_not_stand_on_may_change(house):
    (house / "store" / "event_log.py").write_text("# another\n", encoding="utf-8")
    assert looked(house)[1] == ""


def test_half_of_a_result_is_none(house):
    (house / "_compiled" / f"ioc.rules.state.timers{SUFFIX}").unlink()
    assert looked(house) == ({}, f"ioc.rules.state.timers{SUFFIX} is missing: make compile")
    (house / "_compiled" / "manifest.json").write_text("{", encoding="utf-8")
    files, why = looked(house)
    assert not files
    assert "cannot be read" in why
    (house / "_compiled" / "manifest.json").unlink()
    assert looked(house) == ({}, "not compiled: make compile")


def test_another_python_s_result_is_none(house):
    path = house / "_compiled" / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace(SUFFIX, ".cpython-399-x.so"), encoding="utf-8")
    assert looked(house) == ({}, "compiled for another Python: .cpython-399-x.so")


def told(switch: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env={"PATH": "/usr/bin:/bin", "IOC_COMPILED": switch},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_switch_turns_it_off():
    said = told("0", "import ioc, ioc.rules.state.timers as t; print(ioc.NOT_COMPILED, t.__file__[-9:])")
    assert said.stdout.split() == ["IOC_COMPILED=0", "timers.py"], said.stderr


def test_who_insists_on_it_hears_why_it_is_not_there():
    code = "import sys, importlib.machinery as m; m.EXTENSION_SUFFIXES[:] = ['.none']; import ioc"
    said = told("1", code)
    assert said.returncode == 1
    assert "IOC_COMPILED=1, but the rules are not compiled: " in said.stderr


def test_each_module_that_is_compiled_is_one_of_the_rules():
    assert all(
        (REPOSITORY / "ioc" / "rules" / f"{name.replace('.', '/')}.py").is_file() for name in compile_rules.MODULES
    )


@pytest.mark.timeout(900)
@pytest.mark.skipif(bool(compile_rules.what_is_missing()), reason="no C compiler, or no Python.h")
def test_the_compiled_rules_do_what_the_rules_do():
    """The tests of the rules once more, with what was compiled; those that break the rules from outside stay Python."""
    compiler = subprocess.run([sys.executable, "scripts/compile_rules.py"], cwd=REPOSITORY, check=False)
    assert compiler.returncode == 0
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not breaks_rules", "tests/unit/rules", "tests/timelines",
         "tests/property/test_against_reference.py", "tests/property/test_rules_properties.py"],
        cwd=REPOSITORY, env={"PATH": "/usr/bin:/bin", "IOC_COMPILED": "1"}, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout[-3_000:]
    compiled_one = told("1", "import ioc.rules.state.timers as t; print(t.__file__)")
    assert compiled_one.stdout.strip().endswith(SUFFIX), compiled_one.stderr
