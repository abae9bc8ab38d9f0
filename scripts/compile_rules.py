"""Compile the rules: `python scripts/compile_rules.py`; what it makes is used at once (ioc/runtime/compiled.py).

mypyc makes C of typed Python; the source stays what is read, tested and debugged. It works in a copy, so that nothing
but the result comes into the tree, and ends at once where the result is of the present source.

Exit codes: 0 there is a compiled form of this source, or no C compiler and none was required; 1 it could not be made.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent / "ioc"
MODULES = (
    "aggregates.accumulators", "aggregates.cells", "aggregates.field_measures", "aggregates.windows",
    "fold.announce", "fold.announcement", "fold.due", "fold.edits", "fold.levels", "fold.observe", "fold.over_alerts",
    "fold.ruleset", "fold.select", "fold.step", "fold.withdrawal", "kinds.registry",
    "kinds.rule_kind", "language.clause", "language.kinds", "language.rule", "language.schedule", "state.alert_state",
    "state.evaluator", "state.faults", "state.gaps", "state.keys", "state.limit_book",
    "state.memory", "state.move",
    "state.now", "state.observation", "state.step", "state.tally", "state.timers",
    *(
        f"kinds.{file.parent.name}.{file.stem}" for file in sorted((HOUSE / "rules" / "kinds").glob("*/*.py"))
        if file.stem not in ("__init__", "kind", "reader")
    ),
)  # fmt: skip
"""Of ioc.rules: all that an event goes through. They are compiled together, so that they call each other directly. Of a
kind's folder that is everything but what reads a rule and what tells of it."""
GROUP = "ioc_rules"
SETUP = """
from mypyc.build import mypycify
from setuptools import setup

files = {files!r}
setup(name="{group}", packages=[], py_modules=[],
      ext_modules=mypycify(["--config-file=", "--ignore-missing-imports", *files], opt_level="3", debug_level="0",
                           group_name="{group}"))
"""
SECONDS_MAX = 900


def main() -> int:
    """Make what is missing."""
    sys.path.insert(0, str(HOUSE.parent))
    os.environ["IOC_COMPILED"] = "0"
    from ioc.runtime import compiled

    if compiled.look()[0]:
        return 0
    missing = what_is_missing()
    if missing:
        print(f"The rules are not compiled and run as Python, at less than half the speed: there is no {missing}.",
              "Debian: apt-get install gcc libc6-dev python3-dev", file=sys.stderr)  # fmt: skip
        return 1 if os.environ.get("REQUIRED") else 0
    started = time.monotonic()
    print("Compiling the rules", file=sys.stderr)
    sources = compiled.checksums()
    with tempfile.TemporaryDirectory(prefix="ioc-compile-") as copy:
        shutil.copytree(HOUSE, Path(copy, "ioc"), ignore=shutil.ignore_patterns("__pycache__", "static", "_compiled"))
        built = build(Path(copy))
        if built is None:
            return 1
        keep(built, sources, compiled.FOLDER)
    print(f"Compiled {len(MODULES)} modules in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def what_is_missing() -> str:
    """Return what must be there to compile and is not."""
    if not compiler():
        return "C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "Python.h"
    return ""


def compiler() -> str:
    """Return the C compiler: the one that is asked for, Python's own, or the system's; empty without any."""
    named = os.environ.get("CC"), str(sysconfig.get_config_var("CC") or "").partition(" ")[0], "cc", "gcc"
    return next((name for name in named if name and shutil.which(name)), "")


def build(copy: Path) -> Path | None:
    """Compile in a copy of the package; return the folder of the results, None if it failed."""
    files = [f"ioc/rules/{name.replace('.', '/')}.py" for name in MODULES]
    (copy / "setup.py").write_text(SETUP.format(files=files, group=GROUP), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", "built"], cwd=copy, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX,
        env={**os.environ, "CC": compiler()},
    )  # fmt: skip
    if done.returncode:
        print(done.stdout, "The rules could not be compiled; they run as Python.", file=sys.stderr, sep="\n")
        return None
    return copy / "built"


def keep(built: Path, sources: dict[str, str], folder: Path) -> None:
    """Put the results where they are looked for; the list comes last, so that half a result is none."""
    suffix = EXTENSION_SUFFIXES[0]
    modules = {
        ".".join(file.relative_to(built).parts).removesuffix(suffix): file for file in sorted(built.rglob(f"*{suffix}"))
    }
    wanted = {f"ioc.rules.{name}" for name in MODULES}
    if not wanted < set(modules):
        raise SystemExit(f"mypyc left out {sorted(wanted - set(modules))}")
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, file in modules.items():
        shutil.copyfile(file, folder / f"{name}{suffix}")
    manifest = {"suffix": suffix, "sources": sources, "modules": {name: f"{name}{suffix}" for name in modules}}
    half = folder / "manifest.half"
    half.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    half.rename(folder / "manifest.json")


if __name__ == "__main__":
    sys.exit(main())
