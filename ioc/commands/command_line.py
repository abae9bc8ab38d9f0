"""What every command of `ioc` shares: its options, one clear line for an error, and the exit codes of CONTRACT."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ioc.errors import (
    InvalidInputError,
    IOCError,
    ServiceUnreachableError,
    SettingsError,
    StoreUnavailableError,
)
from ioc.runtime.supervisor import SUPERVISED
from ioc.settings import Settings, read_settings, unknown_names

OK, FOUND, USAGE, UNREACHABLE = 0, 1, 2, 3

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the instance's own files")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON for machines")]


def say(text: str) -> None:
    """Print one line at once, so that a log or a pipe has it too."""
    print(text, flush=True)  # noqa: T201 - the command line speaks to people


def run(work: Coroutine[Any, Any, int | None]) -> None:
    """Run a command's work; an error becomes one clear line and the exit code of CONTRACT."""
    try:
        code = asyncio.run(work)
    except IOCError as error:
        fail(error)
    raise typer.Exit(code or OK)


def fail(error: IOCError) -> None:
    """Say what went wrong and leave with its exit code."""
    typer.echo(f"ioc: {error}", err=True)
    if isinstance(error, StoreUnavailableError | ServiceUnreachableError):
        raise typer.Exit(UNREACHABLE)
    if isinstance(error, SettingsError | InvalidInputError):
        raise typer.Exit(USAGE)
    raise typer.Exit(FOUND)


class Commands(TyperGroup):
    """The commands of `ioc`: whatever is wrong with what was given is one line and an exit code, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        if SUPERVISED not in os.environ:  # `ioc up` has said it for its roles
            for name, meant in unknown_names(os.environ):
                hint = f" (did you mean {meant}?)" if meant else "; `ioc settings` prints all there are"
                typer.echo(f"ioc: {name} is no setting{hint}", err=True)
        try:
            return super().invoke(ctx)
        except IOCError as error:
            fail(error)
        except UnicodeDecodeError as error:
            fail(InvalidInputError(f"what was given is no UTF-8 text: {error}"))
        except (ConnectionError, TimeoutError) as error:
            fail(ServiceUnreachableError(f"no answer: {error}"))
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            fail(InvalidInputError(f"{named}{error.strerror or error}"))
        return None


def settings_of(**overrides: object) -> Settings:
    """Read the settings; a wrong one is a usage error."""
    try:
        return read_settings(**overrides)
    except SettingsError as error:
        fail(error)
        raise AssertionError from error  # fail() always leaves


async def print_result(work: Coroutine[Any, Any, dict[str, Any]], *, as_json: bool) -> None:
    """Print what some work returns: one JSON object, or a line for each member."""
    result = await work
    if as_json:
        say(json.dumps(result, ensure_ascii=False))
        return
    for name, value in result.items():
        say(f"{name}: {value}")
