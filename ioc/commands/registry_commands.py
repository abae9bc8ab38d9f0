"""The commands over what is registered: devices, and the keys of machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ioc.commands.command_line import FOUND, OK, AsJSON, Data, print_result, run, say, settings_of

device_app = typer.Typer(no_args_is_help=True, help="Register devices")
key_app = typer.Typer(no_args_is_help=True, help="Issue keys for machines")
LEFT_OUT_SHOWN_MAX = 50
layer_app = typer.Typer(no_args_is_help=True, help="Layers of the map")
limits_app = typer.Typer(no_args_is_help=True, help="Limits by device, class and area")
lookups_app = typer.Typer(no_args_is_help=True, help="Lookup tables")


@device_app.command("add")
def device_add(
    device: Annotated[str, typer.Argument(metavar="ID")],
    feed: Annotated[str, typer.Option(help="Feed that it sends")],
    area: Annotated[str | None, typer.Option(help="Code of the unit it stands in; default: from its point")] = None,
    lat: Annotated[float | None, typer.Option(help="Degrees north")] = None,
    lon: Annotated[float | None, typer.Option(help="Degrees east")] = None,
    name: Annotated[str | None, typer.Option(help="Name for people")] = None,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Register a device and print its key, once."""
    from ioc.commands.tools import add_device

    settings = settings_of(data_dir=data)
    work = add_device(settings, device=device, feed=feed, area=area, lat=lat, lon=lon, name=name)
    run(print_result(work, as_json=as_json))


@device_app.command("import")
def device_import(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, metavar="FILE", help="CSV or .xlsx; columns as in a pack's devices.csv"
        ),
    ],
    keys: Annotated[
        Path | None, typer.Option("--keys", dir_okay=False, help="New file (JSON) for the keys of new devices")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and say what would change")] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Register and change many devices, all or none; new ones get a key, shown once. Exit code 1: cells have errors."""
    from ioc.commands.device_import import import_file

    async def work() -> int:
        done = await import_file(settings_of(data_dir=data), file, keys_file=keys, dry_run=dry_run)
        if as_json:
            say(json.dumps(done.as_json(), ensure_ascii=False))
        else:
            for line in done.lines(file.name, show_keys=keys is None and not dry_run):
                say(line)
        return FOUND if done.problems else OK

    run(work())


@device_app.command("rotate-key")
def device_rotate_key(
    device: Annotated[str, typer.Argument(metavar="ID")],
    old_until: Annotated[
        str, typer.Option("--old-until", help="When the old key ends: 30m, 24h, 7d, or a time (RFC 3339)")
    ] = "24h",
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Issue a new key beside the device's old one, which goes on until a time; print the new key, once."""
    from ioc.commands.device_tools import rotate

    run(print_result(rotate(settings_of(data_dir=data), device, until=old_until), as_json=as_json))


@device_app.command("gateway")
def device_gateway(
    gateway: Annotated[str, typer.Argument(metavar="ID")],
    add: Annotated[list[str] | None, typer.Option(help="Device that it speaks for from now on")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Device that it no longer speaks for")] = None,
    off: Annotated[bool, typer.Option("--off", help="It is no gateway any more")] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Say which devices a gateway publishes for and takes commands for; without options only print them."""
    from ioc.commands.device_tools import set_gateway

    work = set_gateway(settings_of(data_dir=data), gateway, add=add or [], remove=remove or [], off=off)
    run(print_result(work, as_json=as_json))


@key_app.command("issue")
def key_issue(
    kind: Annotated[str, typer.Option(help="feed, district, metrics or display")],
    feed: Annotated[str | None, typer.Option(help="Feed (kind feed)")] = None,
    area: Annotated[str | None, typer.Option(help="Area, zone or former district that it is bound to")] = None,
    name: Annotated[str | None, typer.Option(help="What it is for")] = None,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """Issue a key and print it, once."""
    from ioc.commands.tools import issue

    run(print_result(issue(settings_of(data_dir=data), kind=kind, feed=feed, area=area, name=name), as_json=as_json))


@limits_app.command("import")
def limits_import(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, metavar="FILE",
            help=".xlsx or CSV: name, level, device, class, area, value, unit, source, verified, valid_from, valid_to",
        ),
    ],
    why: Annotated[str, typer.Option(help="Why, for the history and the audit trail")] = "import",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and say what would change")] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:  # fmt: skip
    """Write limits by device, class and area, all or none. Exit code 1: rows have errors."""
    from ioc.commands.limit_import import import_file

    async def work() -> int:
        done = await import_file(settings_of(data_dir=data), file, why=why, dry_run=dry_run)
        for line in [json.dumps(done.as_json(), ensure_ascii=False)] if as_json else done.lines(file.name):
            say(line)
        return FOUND if done.problems else OK

    run(work())


@lookups_app.command("import")
def lookups_import(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, metavar="FILE",
            help=".xlsx or CSV: key, the table's columns, source, verified, valid_from, valid_to",
        ),
    ],
    table: Annotated[str, typer.Option(help="Table that the pack declares")],
    why: Annotated[str, typer.Option(help="Why, for the history and the audit trail")] = "import",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and say what would change")] = False,
    as_json: AsJSON = False,
    data: Data = None,
) -> None:  # fmt: skip
    """Write rows of a lookup table, all or none. Exit code 1: rows have errors."""
    from ioc.commands.lookup_import import import_file

    async def work() -> int:
        done = await import_file(settings_of(data_dir=data), file, table=table, why=why, dry_run=dry_run)
        for line in [json.dumps(done.as_json(), ensure_ascii=False)] if as_json else done.lines(file.name):
            say(line)
        return FOUND if done.problems else OK

    run(work())


@layer_app.command("import")
def layer_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE.geojson", help="In degrees")],
    layer: Annotated[str, typer.Option("--layer", help="Name; that of a layer of the pack takes its place")],
    kind: Annotated[str | None, typer.Option(help="How the map draws it: water or road (the default)")] = None,
    label: Annotated[
        str | None, typer.Option(help="What people read; default: the pack's words, else the name")
    ] = None,
    data: Data = None,
) -> None:
    """Put rivers, roads or other lines of a file into the map; exit code 1 when nothing could be drawn."""
    from ioc.commands.layer_import import LayerText, import_layer

    async def work() -> int:
        text = LayerText(layer, kind, label)
        count, left_out = await import_layer(settings_of(data_dir=data), file, text)
        say(f"imported: {count} features as {layer}")
        for line in left_out[:LEFT_OUT_SHOWN_MAX]:
            say(f"left out: {line}")
        if len(left_out) > LEFT_OUT_SHOWN_MAX:
            say(f"left out: {len(left_out) - LEFT_OUT_SHOWN_MAX} more")
        return OK if count else FOUND

    run(work())


@key_app.command("revoke")
def key_revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="Its id (key_...), not the key itself")],
    as_json: AsJSON = False,
    data: Data = None,
) -> None:
    """End a key, a device's too; its connections and streams end within seconds."""
    from ioc.commands.people_tools import revoke

    run(print_result(revoke(settings_of(data_dir=data), key), as_json=as_json))
