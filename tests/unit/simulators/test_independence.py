"""The simulators are foreign devices: they import nothing of the product."""

import ast
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "simulators"


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def test_no_module_names_the_house_in_an_import():
    modules = list(FOLDER.rglob("*.py"))
    assert len(modules) > 10
    offenders = [(path.name, name) for path in modules for name in _imports(path) if name.split(".")[0] == "ioc"]
    assert offenders == []


def test_running_them_loads_nothing_of_the_house():
    code = "import sys, simulators.__main__; print([name for name in sys.modules if name.split('.')[0] == 'ioc'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
