"""The compiled rules: preferred where they were made of this very source by this very Python, else never used.

`make compile` lets mypyc make C of the fold's modules (scripts/compile_rules.py): the same source, two and a half times
as fast. What it made lies in ``_compiled`` with a list of checksums. If a file of the rules or of the nouns has changed
since, Python runs the source as if there were nothing: stale code can not be met. ``IOC_COMPILED=0`` never uses it,
``IOC_COMPILED=1`` insists on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

HOUSE = Path(__file__).parents[1]
FOLDER = HOUSE / "_compiled"
MANIFEST = "manifest.json"
SWITCH = "IOC_COMPILED"
SOURCES = ("errors.py", "domain/**/*.py", "rules/**/*.py")
"""What the compiled modules are made of, or know the constants of."""


class CompiledFinder(MetaPathFinder):
    """Finds the compiled modules before their sources are found."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a compiled module lies; None for all others."""
        del path, target
        file = self.files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))


def checksums(house: Path = HOUSE) -> dict[str, str]:
    """Return a checksum of each source that the compiled modules depend on, by its path in the package."""
    files = {file for pattern in SOURCES for file in house.glob(pattern)}
    return {file.relative_to(house).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def look(folder: Path = FOLDER, house: Path = HOUSE) -> tuple[dict[str, Path], str]:
    """Return (compiled modules by name, why there are none): all of them, or none."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return {}, "not compiled: make compile"
    except (OSError, ValueError) as error:
        return {}, f"{folder / MANIFEST} cannot be read: {error}"
    if manifest["suffix"] != EXTENSION_SUFFIXES[0]:
        return {}, f"compiled for another Python: {manifest['suffix']}"
    now = checksums(house)
    if now != manifest["sources"]:
        changed = sorted(name for name, _ in now.items() ^ manifest["sources"].items())
        return {}, f"{changed[0]} has changed since: make compile"
    files = {name: folder / file for name, file in manifest["modules"].items()}
    missing = [file.name for file in files.values() if not file.is_file()]
    return ({}, f"{missing[0]} is missing: make compile") if missing else (files, "")


def use() -> str:
    """Let the compiled modules be imported; return why they are not, empty where they are.

    Raises:
        ImportError: ``IOC_COMPILED=1`` insists on them, and they cannot be used.
    """
    wanted = os.environ.get(SWITCH, "")
    if wanted == "0":
        return f"{SWITCH}=0"
    files, why = look()
    if files:
        sys.meta_path.insert(0, CompiledFinder(files))
    elif wanted == "1":
        raise ImportError(f"{SWITCH}=1, but the rules are not compiled: {why}")
    return why
