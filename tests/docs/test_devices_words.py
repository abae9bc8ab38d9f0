"""docs/devices.md names every reason that a device can be told."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "devices.md"
MADE = (
    re.compile(r'(?:Refusal|DecodeError)\(\s*"([a-z0-9_]+)"'),
    re.compile(r'reason(?:, detail)? = "([a-z_]+)"'),
    re.compile(r'reason="([a-z_]+)"'),
    re.compile(r'FORBIDDEN_WILL_TOPIC = "([a-z_]+)"'),
)
"""How the code writes a reason."""


def reasons_made() -> set[str]:
    """What the code refuses an event with."""
    sources = [*(ROOT / "ioc" / "ingest").rglob("*.py"), *(ROOT / "ioc" / "store" / "log").glob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return {reason for pattern in MADE for reason in pattern.findall(text)}


def test_every_reason_of_a_refusal_stands_on_the_page_and_no_other():
    made = reasons_made()
    table = PAGE.read_text(encoding="utf-8").split("| reason | what is wrong |")[1].split("\n\n")[0]
    told = {word for row in table.splitlines() for word in re.findall(r"`([a-z0-9_]+)`", row.rpartition(" | ")[0])}
    assert made - told == set(), "tell it on the page"
    assert told - made == set(), "no code says so"
