"""`python -m proof.mutants NAME up ...`: the command line of ioc with one thing broken, in every process of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

os.environ["IOC_COMPILED"] = "0"  # what is broken from outside must be Python, in the roles that it starts as well

from proof.mutants import (
    bare_http,
    bridge,
    crowded,
    cursor,
    early_ack,
    fat,
    forgetful,
    hasty_drill,
    memory_dedupe,
    no_bisect,
    unbounded,
    unfair,
    wall_clock,
)

MUTANTS: dict[str, Callable[[], None]] = {
    "bare_http": bare_http.apply,
    "early_ack": early_ack.apply,
    "crowded": crowded.apply,
    "cursor": cursor.apply,
    "fat": fat.apply,
    "forgetful": forgetful.apply,
    "hasty_drill": hasty_drill.apply,
    "memory_dedupe": memory_dedupe.apply,
    "no_bisect": no_bisect.apply,
    "unbounded": unbounded.apply,
    "unfair": unfair.apply,
    "wall_clock": wall_clock.apply,
    "bridge_auto_ack": bridge.auto_ack,
    "bridge_no_epoch": bridge.no_epoch,
    "bridge_qos_2": bridge.qos_2,
}


def main() -> None:
    """Break, then run."""
    name = sys.argv.pop(1)
    MUTANTS[name]()
    _pass_on(name)
    from ioc.__main__ import main as ioc_main

    ioc_main()


def _pass_on(name: str) -> None:
    """Make the supervisor start its roles as mutants, too."""
    from ioc.runtime import supervisor

    start = supervisor.Supervisor.start

    async def start_mutant(self: supervisor.Supervisor, role: supervisor.RoleProcess) -> dict[str, object]:
        command = list(role.command)
        at = command.index("ioc")
        mutated: Sequence[str] = [*command[:at], "proof.mutants", name, *command[at + 1 :]]
        return await start(self, replace(role, command=mutated))

    supervisor.Supervisor.start = start_mutant  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
