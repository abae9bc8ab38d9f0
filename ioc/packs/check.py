"""The check of a pack: every problem with its file, line and what to do; no pack is loaded that does not pass."""

from __future__ import annotations

from pathlib import Path

from ioc.packs.draft import Draft, read_draft
from ioc.packs.problem import Findings, PackProblem
from ioc.packs.references import check_references


def check_pack(path: Path | str) -> list[PackProblem]:
    """Return everything wrong with the pack in the folder ``path``, by file and line; empty when it is sound.

    The meaning of its rules (expressions against feeds) is checked by the rules room.
    """
    return examine(Path(path))[1]


def examine(folder: Path, *, shapes: bool = True) -> tuple[Draft, list[PackProblem]]:
    """Read and check one folder; return what could be read with the problems. ``shapes``: the geometry, too."""
    findings = Findings()
    if not folder.is_dir():
        findings.add(file="pack.yaml", line=1, message="no such folder", hint="a pack is a folder with pack.yaml")
        return Draft(folder), findings.sorted_problems()
    draft = read_draft(folder, findings)
    check_references(draft, findings)
    if shapes:
        from ioc.packs.shapes import check_shapes

        check_shapes(draft, findings)
    return draft, findings.sorted_problems()
