"""Which engine folds: its semantics, and what it knows of the city beside the log.

When either differs from what the log's last `engine` entry says, the worker appends one as it takes over. A check of
the alerts judges the moves after an entry that is its own, and takes over what was open there (docs/rules.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta, tzinfo
from typing import Any

from ioc.domain.event import canonical, hash16
from ioc.domain.feed import FeedSpec, Label

SEMANTICS = 8
"""Raised with every change by which a log gives other moves, sentences or evidence; a test of a fixed log says so."""


@dataclass(frozen=True, slots=True)
class EngineMark:
    """The engine that folds the entries after ``position``."""

    semantics: int
    texts: str
    """The hash of the pack's feeds, zones and time zone, 32 hex digits."""
    position: int = 0

    def same(self, other: EngineMark | None) -> bool:
        """Tell whether both give the same moves of the same log."""
        return other is not None and (self.semantics, self.texts) == (other.semantics, other.texts)

    def value(self) -> dict[str, Any]:
        """Return the value of the log's entry."""
        return asdict(self)


def mark_of(value: Mapping[str, Any]) -> EngineMark:
    """Return the mark that an `engine` entry holds."""
    return EngineMark(int(value["semantics"]), str(value["texts"]), int(value["position"]))


def this_engine(feeds: Mapping[str, FeedSpec], zones: Mapping[str, Label], timezone: tzinfo) -> EngineMark:
    """Return the mark of this code with a pack's feeds and zones, at no position yet."""
    known = {
        "feeds": {name: _plain(asdict(feed)) for name, feed in feeds.items()},
        "zones": {name: asdict(label) for name, label in zones.items()},
        "timezone": str(timezone),
    }
    return EngineMark(SEMANTICS, hash16(canonical(known)).hex())


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
