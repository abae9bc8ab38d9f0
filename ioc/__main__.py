"""The command line: every verb of CONTRACT. It parses, hands over to the composition root, and says what happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ioc import __version__
from ioc.commands.command_line import FOUND, OK, AsJSON, Commands, Data, fail, print_result, run, say, settings_of
from ioc.commands.media_commands import media_app
from ioc.commands.person_commands import person_app
from ioc.commands.registry_commands import device_app, key_app, layer_app, limits_app, lookups_app
from ioc.errors import IOCError, PackError

app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Intelligent Operations Center")  # fmt: skip
user_app = typer.Typer(no_args_is_help=True, help="Add people, give new passwords")
area_app = typer.Typer(no_args_is_help=True, help="Areas and their boundaries")
verify_app = typer.Typer(no_args_is_help=True, help="Recompute what an instance says")
app.add_typer(device_app, name="device")
app.add_typer(key_app, name="key")
app.add_typer(user_app, name="user")
app.add_typer(area_app, name="area")
app.add_typer(layer_app, name="layer")
app.add_typer(limits_app, name="limits")
app.add_typer(lookups_app, name="lookups")
app.add_typer(person_app, name="person")
app.add_typer(media_app, name="media")
app.add_typer(verify_app, name="verify")


def _tell_version(wanted: bool) -> None:
    if wanted:
        say(f"ioc {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version")
    ] = False,
) -> None:
    """Run, check and ask an Intelligent Operations Center."""


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Play the city's devices, and offer the flood as a tour")
    ] = False,
    http_port: Annotated[int | None, typer.Option(help="Port of screens, API and HTTP door; 0: a free one")] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="Port of the MQTT door; 0: a free one")] = None,
    tls: Annotated[
        str | None,
        typer.Option(metavar="self", help="self: HTTPS and MQTT over TLS for the LAN, with certificates of its own"),
    ] = None,
    drill: Annotated[
        str | None, typer.Option(metavar="START", help="Run a drill whose clock begins here, such as 2005-09-01")
    ] = None,
    speed: Annotated[
        str | None, typer.Option(help="Drill: at most this many of its seconds per second; max: no cap")
    ] = None,
    drill_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Drill: the scenario to play (YAML)")
    ] = None,
    tour: Annotated[
        bool, typer.Option("--tour", help="Drill: waits for its first visitor; visitors pause it and set its speed")
    ] = False,
    data: Data = None,
) -> None:
    """Run a whole instance until Ctrl-C."""
    from ioc.bootstrap.up import run_up
    from ioc.drills.instance import enter_drill, plan_drill
    from ioc.runtime import logs
    from ioc.runtime.supervisor import end_with_supervisor

    end_with_supervisor()  # a drill ends with the instance that started it
    settings = settings_of(demo=demo or None, http_port=http_port, mqtt_port=mqtt_port, tls=tls, data_dir=data)
    try:
        plan = plan_drill(start=drill, speed=speed, file=drill_file, tour=tour)
        if plan is not None:
            settings = enter_drill(settings, plan, named=data is not None)
    except IOCError as error:
        fail(error)
        return
    logs.configure(level="warning" if settings.demo else settings.log_level, role="up", pretty=settings.demo)
    run(run_up(settings, say=say, drill=plan))


def _role(name: str) -> None:
    """Add the command that runs one role."""

    def command(data: Data = None) -> None:
        from ioc.assembly.context import run_role
        from ioc.bootstrap.roles import main_of

        raise typer.Exit(run_role(settings_of(data_dir=data), name, main_of(name)))

    app.command(name, help=f"Run the role {name} alone, against a running database")(command)


for _name in ("door", "bridge", "rollup", "rules", "keeper", "api"):
    _role(_name)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to the tables of this version."""
    from ioc.assembly.context import database_dsn
    from ioc.store.postgres.migrate import head_revision, upgrade_async

    async def work() -> None:
        await upgrade_async(database_dsn(settings_of(data_dir=data)))
        say(f"the database is at revision {head_revision()}")

    run(work())


@app.command()
def check(pack: Annotated[str | None, typer.Argument(help="A shipped pack's name or a folder")] = None) -> None:
    """Check a pack: every problem with file and line; exit code 1 when there is one."""
    from ioc.commands.check import check_everything

    name = pack or settings_of().pack
    try:
        problems = check_everything(name)
    except PackError as error:
        fail(error)
        return
    for problem in problems:
        say(str(problem))
    if problems:
        say(f"{name}: {len(problems)} problems")
        raise typer.Exit(FOUND)
    say(f"{name}: no problems")


@app.command()
def timelines(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of timelines (*.yaml)")],
) -> None:
    """Run rule tests that an operator can read; exit code 1 when one fails."""
    from ioc.commands.check import play_timelines

    passed, failures = play_timelines(folder, settings_of().pack)
    for failure in failures:
        say(failure)
    say(f"{passed} passed, {len(failures)} failed")
    raise typer.Exit(FOUND if failures else OK)


@app.command()
def backtest(
    rule: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="RULE.yaml", help="The rule to try")],
    start: Annotated[str, typer.Option("--from", help="RFC 3339; a bare date is its midnight in the city's time")],
    end: Annotated[str, typer.Option("--to", help="RFC 3339; not included")],
    history: Annotated[
        bool, typer.Option("--history", help="Imported history takes part, each reading at its own time")
    ] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Try a rule over the stored log: what it would have done, beside the form in force."""
    from ioc.backtests.command import BacktestQuestion, run_backtest

    run(run_backtest(settings_of(data_dir=data), BacktestQuestion(rule, start, end, history, as_json), say=say))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or NDJSON")],
    feed: Annotated[str, typer.Option(help="Feed that the rows become")],
    column: Annotated[list[str], typer.Option(help="FIELD=COLUMN, with a factor: level_m=level_cm*0.01")],
    device: Annotated[str | None, typer.Option(help="Device that the rows come from")] = None,
    time_column: Annotated[str | None, typer.Option(help="Column with the time")] = None,
    time_format: Annotated[str | None, typer.Option(help="Its strptime format; default RFC 3339")] = None,
    speed: Annotated[float, typer.Option(help="Recorded seconds per second; 0: as fast as the door takes it")] = 60.0,
    history: Annotated[bool, typer.Option(help="Keep the recorded times; charted, never evaluated live")] = False,
    shift: Annotated[bool, typer.Option(help="Move the times to now")] = False,
    into_drill: Annotated[bool, typer.Option(help="Into a running drill: the recorded times are its clock")] = False,
    at: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="Into a drill: when a day's row is known; observers: 19:00")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Address of the instance")] = None,
    key: Annotated[str | None, typer.Option(envvar="IOC_KEY", help="Feed key; default: one made for this run")] = None,
    data: Data = None,
) -> None:
    """Send recorded data through the real door."""
    from ioc.commands.replay import replay_file

    settings = settings_of(data_dir=data)
    if into_drill:
        from ioc.drills.instance import replay_into_drill

        run(
            replay_into_drill(
                settings,
                file=file,
                feed=feed,
                device=device,
                columns=tuple(column),
                time_column=time_column,
                time_format=time_format,
                speed=speed,
                at=at,
            )
        )
    run(
        replay_file(
            settings,
            file=file,
            feed=feed,
            device=device,
            columns=tuple(column),
            time_column=time_column,
            time_format=time_format,
            speed=speed,
            history=history,
            shift=shift,
            url=url,
            key=key,
        )
    )


@user_app.command("add")
def user_add(
    username: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[str, typer.Option(help="admin, shift_leader, operator, unit_officer, leader, auditor or viewer")],
    area: Annotated[str | None, typer.Option(help="Area, zone or former district that they see")] = None,
    name: Annotated[str | None, typer.Option(help="What the person is called on the screens")] = None,
    temporary: Annotated[bool, typer.Option("--temporary", help="The password must be changed at first")] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Add a person and print a password, once."""
    from ioc.commands.tools import add_user

    settings = settings_of(data_dir=data)
    work = add_user(settings, username=username, role=role, area=area, temporary=temporary, name=name)
    run(print_result(work, as_json=as_json))


@user_app.command("reset")
def user_reset(
    username: Annotated[str, typer.Argument(metavar="NAME")],
    temporary: Annotated[bool, typer.Option("--temporary", help="The password must be changed at first")] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Give a person a new password and print it, once; they are signed out everywhere."""
    from ioc.commands.people_tools import reset_password

    run(print_result(reset_password(settings_of(data_dir=data), username, temporary=temporary), as_json=as_json))


@area_app.command("import")
def area_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON with a code per feature")],
    code_property: Annotated[str, typer.Option(help="Property that holds the unit's code")] = "code",
    data: Data = None,
) -> None:
    """Import real boundaries in place of the sketches."""
    from ioc.commands.tools import import_areas

    async def work() -> int:
        imported, skipped = await import_areas(settings_of(data_dir=data), file, code_property=code_property)
        say(f"imported: {', '.join(imported) or 'nothing'}")
        for line in skipped:
            say(f"left out: {line}")
        return OK if imported else FOUND

    run(work())


@verify_app.command("alerts")
def verify_alerts(as_json: AsJSON = False, data: Data = None) -> None:
    """Recompute every alert from the log; exit code 1 when the history says something else."""
    from ioc.commands import verify

    async def work() -> int:
        return OK if await verify.verify_alerts(settings_of(data_dir=data), say, as_json=as_json) else FOUND

    run(work())


@verify_app.command("audit")
def verify_audit(
    anchor: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What an earlier --export wrote, kept elsewhere")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the chain's end here, to keep it elsewhere")
    ] = None,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Compute the audit trail's chain again; exit code 1 when a row was changed, or the end cut off."""
    from ioc.bootstrap import anchoring

    async def work() -> int:
        holds = await anchoring.verify_audit(
            settings_of(data_dir=data), say, anchor=anchor, export=export, as_json=as_json
        )
        return OK if holds else FOUND

    run(work())


@app.command()
def settings(as_json: AsJSON = False) -> None:
    """Print every setting with its value, unit, default and source."""
    from ioc.commands.tools import describe_settings

    rows = describe_settings(settings_of())
    if as_json:
        say(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        unit = f" {row['unit']}" if row["unit"] else ""
        say(f"{row['name']:<34} {row['value']}{unit}  (default {row['default']}; {row['source']})")
        say(f"{'':<34} {row['description']}")


@app.command()
def version() -> None:
    """Print the version."""
    say(f"ioc {__version__}")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
