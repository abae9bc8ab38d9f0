"""The commands over what says who a person is."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ioc.commands.command_line import FOUND, OK, AsJSON, Data, run, say, settings_of

person_app = typer.Typer(no_args_is_help=True, help="What says who a person is")


@person_app.command("erase")
def person_erase(
    value: Annotated[
        str, typer.Argument(metavar="TEXT", help="A telephone, a name, an ID number; - reads it from input")
    ],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail: no name in it")],
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Erase a person from person_data, refused messages and texts. Exit code 1: it still stands somewhere."""
    from ioc.commands.person_tools import erase

    # What is an argument stands in the shell's history: `-` keeps it out of there too.
    text = typer.get_text_stream("stdin").readline().strip() if value == "-" else value

    async def work() -> int:
        done = await erase(settings_of(data_dir=data), text, reason=reason)
        if as_json:
            say(json.dumps(done, ensure_ascii=False))
        else:
            for name, count in done["rows"].items():
                say(f"{name}: {count} erased")
            for name, count in done["left"].items():
                say(f"{name}: {count} left, never rewritten")
            if not done["rows"] and not done["left"]:
                say("found nowhere")
        return FOUND if done["left"] else OK

    run(work())
