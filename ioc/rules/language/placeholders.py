"""The names in braces that a rule's summary may use, beside the fields of its feed and its own measures."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\{(\w*)\}")
PLACEHOLDERS = frozenset({
    "value", "unit", "limit", "ratio", "duration", "since", "device", "area", "zone", "place", "severity", "owner",
    "parent",
})  # fmt: skip


def placeholders(template: str) -> list[str]:
    """Return the names in braces."""
    return PLACEHOLDER.findall(template)
