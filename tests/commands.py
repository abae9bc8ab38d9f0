"""The commands of `ioc`, as its command line knows them."""

from __future__ import annotations

from typing import Any

import typer

from ioc.__main__ import app


def commands_by_words() -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}

    def below(words: str, group: Any) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                below(f"{words}{name} ", command)
            else:
                found[words + name] = command

    below("", typer.main.get_command(app))
    return found
