"""What is measured, which orders say what it should be, and how long carrying one out may take."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.clause import Clause
from ioc.rules.language.kinds import KindSpec
from ioc.rules.language.members import DURATION_US

IN_FORCE_US_MAX = 31 * DURATION_US["d"]
"""An order says nothing more once its entry is this old; nobody may have taken back what everybody forgot."""


@dataclass(frozen=True, slots=True)
class Order(KindSpec):
    """The number of things that are on, as measured, beside the orders that switch each of them."""

    feed: str
    field: str
    """The measured feed, and its field."""
    orders: str
    """The feed of the orders, and of its fields:"""
    device: str
    """which measured device an order is of,"""
    of: str
    """which thing of it,"""
    at: str
    """from what hour on it counts,"""
    until: str | None
    """until when, if it says so,"""
    number: str | None
    """and what people call it."""
    on: Clause
    """Whether an order switches on; else it switches off."""
    grace_us: int

    @property
    def look_back_us(self) -> int:
        """Return how long an order counts at most."""
        return IN_FORCE_US_MAX
