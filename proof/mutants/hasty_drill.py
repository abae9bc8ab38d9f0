"""The mutant that a simple fast-forward is: a drill whose clock waits for nothing, and whose guard lets all outside."""

from __future__ import annotations

from ioc.bootstrap import outward
from ioc.replay.conductor import Conductor
from ioc.settings import Settings


def apply() -> None:
    """Put other bodies into the functions, so that rooms which imported them by name have the mutant as well."""
    outward.guarded.__code__ = guarded.__code__
    Conductor._settle.__code__ = _settle.__code__  # noqa: SLF001 - a mutant


def guarded(settings: Settings) -> Settings:
    """Guard nothing."""
    return settings


async def _settle(self: Conductor) -> None:
    """Ask nobody."""
    self._due = None
