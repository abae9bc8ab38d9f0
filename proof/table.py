"""The table in docs/promises.md: what the kept results say, word for word. A run that writes results writes it anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proof.catalogue import PROOFS
from proof.harness.instance import REPOSITORY
from proof.harness.proof import Proof
from proof.harness.report import RESULTS

PAGE = REPOSITORY / "docs" / "promises.md"
BEGIN, END = "<!-- proofs: written by `python -m proof.table` -->", "<!-- /proofs -->"
HEAD = """\
| proof | promises | faults | figures | its control, broken on purpose | run |
| --- | --- | --- | --- | --- | --- |
"""
BOUND = "_per_fault_bound_95"


def table(results: Path = RESULTS) -> str:
    """Return the table of every proof: its full result where one is kept, else its quick one."""
    return HEAD + "".join(_row(name, proof, results) for name, proof in PROOFS.items())


def _row(name: str, proof: Proof, results: Path) -> str:
    paths = [results / f"{name}-full.json", results / f"{name}.json"]
    path = next((path for path in paths if path.exists()), None)
    promises = " ".join(proof.promises)
    if path is None:
        return f"| {name} | {promises} | | no result is kept yet | | |\n"
    found = json.loads(path.read_text(encoding="utf-8"))
    figures = _quoted(found, proof.figures)
    if found["verdict"] != "held":
        figures = f"**{found['verdict']}**; {figures}"
    run = f"[{path.stem}](../proof/results/{path.name}), {found.get('date', 'undated')}, seed {found['seed']}"
    cells = [name, promises, _faults(found), figures, _quoted(found.get("control", {}), proof.controls), run]
    return f"| {' | '.join(cells)} |\n"


def _faults(found: Mapping[str, Any]) -> str:
    """Return the faults with the 95 % bound of one of them breaking the promise, where they allow one below 1."""
    if "faults" not in found:
        return ""
    bound = next((value for key, value in found.items() if key.endswith(BOUND)), None)
    return f"{found['faults']:,}" + (f" (each < {bound:.1%})" if bound is not None and bound < 1 else "")


def _quoted(found: Mapping[str, Any], names: tuple[str, ...]) -> str:
    said = []
    for name in names:
        value: Any = found
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            shown = f"{value:,}" if isinstance(value, int | float) else str(value)
            said.append(f"{name.replace('.', ' ').replace('_', ' ')} {shown}")
    return ", ".join(said)


def quoted(text: str, results: Path = RESULTS) -> str:
    """Return the page's text with the table of these results in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(results)}\n{END}{after}"


def write_page() -> None:
    """Let docs/promises.md quote what is kept now."""
    PAGE.write_text(quoted(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_page()
