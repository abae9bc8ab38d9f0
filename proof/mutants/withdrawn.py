"""Rule engines that keep something of a reading that a person has taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ioc.rules.fold import withdrawal
from ioc.rules.kinds.registry import KINDS
from ioc.rules.state.evaluator import KindEvaluator

Patch = tuple[Any, str, Any]
"""(where, name, what stands there instead)"""


def withdrawn_stays() -> list[Patch]:
    """What a person takes back still counts."""
    return [(withdrawal, "take_back", lambda *_: None)]


def withdrawn_stays_in(kind: str) -> Callable[[], list[Patch]]:
    """What a person takes back still counts for one kind of rule."""
    return lambda: [(type(KINDS[kind].evaluator), "do_without", KindEvaluator.do_without)]


MUTANTS: dict[str, Callable[[], list[Patch]]] = {
    "withdrawn_stays": withdrawn_stays,
    **{f"withdrawn_stays_in_{kind}": withdrawn_stays_in(kind)
       for kind in ("absence", "change", "near", "sequence", "window", "zone")},
}  # fmt: skip
