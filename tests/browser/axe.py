"""Accessibility as axe-core sees it: nothing serious may be found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]});
  return found.violations.filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => [one.id, one.help, ...one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))].join(" | "));
}"""


async def serious(page: Any) -> list[str]:
    """Return the serious and critical violations on a page, each with the elements it is about."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: sh scripts/screens.sh check")
    # An animation under way has colours of its own.
    await page.wait_for_timeout(400)
    await page.evaluate(AXE.read_text())
    found: list[str] = await page.evaluate(RUN)
    return found
