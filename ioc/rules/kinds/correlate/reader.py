"""A rule over alerts that is no cluster has no members of its own to read."""

from __future__ import annotations

from ioc.rules.kinds.correlate.spec import Correlate
from ioc.rules.kinds.reading import KindParts, RuleSource, number

CORRELATED = (
    ("firing", "số điều kiện đang báo", "conditions firing"),
    ("rules", "số quy tắc", "rules"),
    ("domains", "số lĩnh vực", "domains"),
    ("devices", "số thiết bị", "devices"),
    ("rank", "mức cao nhất", "highest level"),
)


def correlate(source: RuleSource) -> KindParts:
    """Return what conditions that fire together are counted by."""
    del source
    names = {name: number(name, vi, en) for name, vi, en in CORRELATED}
    return KindParts(Correlate(), names, hold_allowed=False)
