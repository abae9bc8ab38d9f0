"""The commands over pictures and papers that people attached."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ioc.commands.command_line import OK, AsJSON, Data, run, say, settings_of

media_app = typer.Typer(no_args_is_help=True, help="Pictures and papers that people attached")


@media_app.command("remove")
def media_remove(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Its id, as the address of the picture shows it")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail: no name in it")],
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Delete a picture or paper for good, wherever it is attached; the events say that it was removed."""
    from ioc.commands.media_tools import remove

    async def work() -> int:
        removed = await remove(settings_of(data_dir=data), identifier.strip(), reason=reason)
        if as_json:
            say(json.dumps({"removed": removed}))
        else:
            for each in removed:
                say(f"{each}: removed")
        return OK

    run(work())
