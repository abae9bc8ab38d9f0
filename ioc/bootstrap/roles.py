"""The roles by name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from ioc.settings import Settings

Main = Callable[[Settings], Coroutine[Any, Any, None]]


def main_of(role: str) -> Main:
    """Return the main function of a role; its rooms are imported only in its own process."""
    if role == "api":
        from ioc.bootstrap.web import run_api

        return run_api
    if role == "door":
        from ioc.bootstrap.door import run_door

        return run_door
    if role == "bridge":
        from ioc.bootstrap.bridge import run_bridge

        return run_bridge
    if role == "rules":
        from ioc.bootstrap.engine import run_rules

        return run_rules
    from ioc.bootstrap.workers import run_keeper, run_rollup

    return {"rollup": run_rollup, "keeper": run_keeper}[role]
