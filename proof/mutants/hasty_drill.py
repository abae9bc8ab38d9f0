"""The mutant that a simple fast-forward is: a drill whose clock waits for nothing, and whose guard lets all outside."""

from __future__ import annotations

from ioc.assembly import egress_guard
from ioc.drills.conductor import Conductor
from ioc.settings import Settings


def apply() -> None:
    """Put other bodies into the functions, so that modules which imported them by name have the mutant as well."""
    egress_guard.guard_settings.__code__ = guard_settings.__code__
    Conductor._settle.__code__ = _settle.__code__  # noqa: SLF001 - a mutant


def guard_settings(settings: Settings) -> Settings:
    """Guard nothing."""
    return settings


async def _settle(self: Conductor) -> None:
    """Ask nobody."""
    self._due = None
