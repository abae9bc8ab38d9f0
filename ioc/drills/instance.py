"""`ioc up --drill` and `ioc replay --into-drill`: a whole instance on its own clock, and the record played into it.

A drill keeps its own PostgreSQL in its own folder: nothing of it can reach a real instance's tables.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console

from ioc.assembly.context import ProcessContext, ready_file
from ioc.assembly.drill_folder import DrillMark, StoryCaption, default_folder, open_folder, read_mark, read_start
from ioc.domain.device import Device
from ioc.domain.feed import Label
from ioc.domain.moment import format_time
from ioc.drills.conductor import Conductor, PlayReport
from ioc.errors import InvalidInputError, ServiceUnreachableError, SettingsError
from ioc.ingest.pipeline.location import Gazetteer
from ioc.packs.pack import Pack
from ioc.replay.publisher import DeviceKey
from ioc.replay.scenario import (
    LeftOutRows,
    Record,
    Scenario,
    Station,
    Text,
    Turn,
    load_scenario,
    reading_periods,
    turns,
)
from ioc.runtime.clock import AnchoredLogClock
from ioc.runtime.drill_clock import DrillClock, clock_file
from ioc.runtime.open_files import allow_open_files
from ioc.runtime.supervisor import read_ready
from ioc.settings import Settings
from ioc.store.registry.device_work import create_device
from ioc.store.registry.registry import RegistryStore

ACTOR = "drill"
TAIL = timedelta(hours=1)
"""A file played without a scenario leaves its timers this long after the last reading."""
TOLD_SECONDS = 5.0
OWN_FILES = 256
"""Beside the connection of each device that is played."""
TRACK_FILE = "drill-track"
"""Each step of the clock with its real moment, a line each: what people did is scored in real seconds."""


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What `ioc up --drill` was told: where it begins, the cap on its speed, and what it plays, if anything."""

    start: datetime
    speed: float
    scenario: Scenario | None = None
    folder: Path | None = None
    """Where the scenario's files are."""
    tour: bool = False
    """It waits for its first visitor, and visitors steer it."""

    def mark(self) -> DrillMark:
        """Return what its data folder is marked with.

        Raises:
            InvalidInputError: a file of the scenario cannot be used.
        """
        scenario = self.scenario
        if scenario is None:
            return DrillMark(self.start)
        periods = {} if scenario.silence else reading_periods(scenario, self.folder or Path())
        return DrillMark(
            self.start, scenario.drill, Label(scenario.title.vi, scenario.title.en), end=scenario.last, tour=self.tour,
            captions=tuple(StoryCaption(item.moment, Label(item.vi, item.en)) for item in scenario.captions),
            devices=scenario.devices, silence=scenario.silence,
            period_seconds={feed: int(period.total_seconds()) for feed, period in sorted(periods.items())},
        )  # fmt: skip


def plan_drill(*, start: str | None, speed: str | None, file: Path | None, tour: bool = False) -> DrillPlan | None:
    """Return the plan that the command line asks for; None: no drill.

    Raises:
        InvalidInputError: the start, the speed or the scenario's file cannot be used.
    """
    if start is None and file is None:
        if speed is not None:
            raise InvalidInputError("--speed belongs to --drill", field="speed")
        if tour:
            raise InvalidInputError("--tour belongs to --drill-file", field="tour")
        return None
    scenario = None if file is None else load_scenario(file)
    if start is not None:
        begins = read_start(start)
    else:
        assert scenario is not None
        begins = read_start(scenario.start)
    if scenario is not None and begins >= scenario.last:
        raise InvalidInputError("--drill: the scenario is over by then", field="drill")
    cap = read_speed(speed) if speed is not None else (scenario.speed if scenario is not None else 1.0)
    if tour and (scenario is None or cap == 0):
        raise InvalidInputError("--tour plays a --drill-file, at a speed that can be seen", field="tour")
    return DrillPlan(begins, cap, scenario, None if file is None else file.resolve().parent, tour)


def read_speed(text: str) -> float:
    """Return the cap that `--speed` names: drill seconds per second, `max` or 0 for none.

    Raises:
        InvalidInputError: it is neither.
    """
    try:
        speed = 0.0 if text == "max" else float(text)
    except ValueError as error:
        raise InvalidInputError(f"--speed {text!r}: a number or `max`", field="speed") from error
    if not 0 <= speed <= 10_000_000:  # noqa: PLR2004 - also refuses NaN
        raise InvalidInputError("--speed is 0 (or max) to 10,000,000", field="speed")
    return speed


def enter_drill(settings: Settings, plan: DrillPlan, *, named: bool) -> Settings:
    """Return the settings of the drill's instance, its folder marked and its clock there.

    ``named``: the folder was given with --data; otherwise it is one below the instance's own.

    Raises:
        SettingsError: the folder is a real instance's or another drill's, or a database was given.
    """
    if settings.database_url is not None:
        raise SettingsError("a drill keeps its own PostgreSQL in its own folder: unset IOC_DATABASE_URL")
    if settings.demo:
        raise SettingsError("--demo and --drill do not go together: simulated devices would play into the record")
    folder = settings.data_dir if named else default_folder(settings.data_dir, plan.start)
    open_folder(folder, plan.mark())
    clock = DrillClock.make(clock_file(folder), plan.start)
    clock.speed = plan.speed
    clock.paused = plan.tour and clock.visited is None
    # Its devices all speak from this machine: what one address may open is what the door may hold.
    whole = settings.mqtt_connections_max
    shared = {"mqtt_address_connections_max": whole, "mqtt_address_half_open_max": whole}
    return settings.model_copy(update={"data_dir": folder, **shared})


def pack_of_drill(pack: Pack, mark: DrillMark) -> Pack:
    """Return the pack as a drill has it: without rules about silence, and with the devices that its record plays.

    Such a device speaks by the day where it used to by the minute, and all others would be silent: alerts and tiles
    about that would bury what the drill is about. Without a scenario nobody knows who will be played: all stay. A
    scenario that is about silence keeps those rules, and its devices' own periods.
    """
    rules = pack.rules if mark.silence else tuple(rule for rule in pack.rules if "absent" not in rule.body)
    if not mark.devices:
        return replace(pack, rules=rules)
    playing = set(mark.devices)
    devices = tuple(
        replace(
            device,
            expected_period_seconds=device.expected_period_seconds if mark.silence else None,
            parent=device.parent if device.parent in playing else None,
        )
        for device in pack.devices
        if device.id in playing
    )
    return replace(pack, rules=rules, devices=devices)


def station_area(station: Station, pack: Pack, gazetteer: Gazetteer) -> str | None:
    """Return the unit in which a station stands; None for a source that speaks of other places than its own."""
    return gazetteer.area_at(station.lat, station.lon) if pack.feeds[station.feed].device_required else None


async def register_stations(context: ProcessContext, scenario: Scenario) -> int:
    """Register the scenario's stations that the pack has not; return how many were new.

    Raises:
        InvalidInputError: a station names a feed that the pack has not, or another feed than it is registered for.
    """
    assert context.drill is not None
    snapshot = await RegistryStore(context.database).snapshot(context.wall.now())
    gazetteer = Gazetteer(snapshot.areas)
    made = 0
    for station in scenario.stations:
        if station.feed not in context.pack.feeds:
            raise InvalidInputError(f"station {station.id}: there is no feed {station.feed}", field="drill_file")
        if station.id in snapshot.devices:
            continue
        code = station_area(station, context.pack, gazetteer)
        now = context.log_clock.now()
        device = Device(
            id=station.id, feed=station.feed, name=Label(station.name.vi, station.name.en), registered_at=now,
            area=code, zone=gazetteer.zone_of(code), lat=station.lat, lon=station.lon, parent=station.parent,
            expected_period_seconds=station.expected_period_seconds,
        )  # fmt: skip
        await create_device(
            context.database, context.log, device, actor=ACTOR, address=None, now=now, wall=context.wall.now()
        )
        made += 1
    return made


async def play_scenario(settings: Settings, plan: DrillPlan, *, say: Callable[[str], None]) -> PlayReport:
    """Play the plan's scenario into the instance that runs on the folder; return what became of its readings.

    Raises:
        InvalidInputError: a file of the scenario cannot be used.
        ServiceUnreachableError: the instance does not answer.
    """
    scenario, folder = plan.scenario, plan.folder
    assert scenario is not None
    assert folder is not None
    count = LeftOutRows()
    allow_open_files(len(scenario.devices) + OWN_FILES)
    played = await _conduct(settings, turns(scenario, folder, count), scenario.last, speed=plan.speed, say=say)
    for line in report_lines(played, count):
        say(line)
    return played


async def replay_into_drill(
    settings: Settings, *, file: Path, feed: str, device: str | None, columns: tuple[str, ...],
    time_column: str | None, time_format: str | None, speed: float, at: str | None,
) -> int:  # fmt: skip
    """Play one recorded file into the running drill of the folder: its times are the log's. Returns the exit code.

    Raises:
        SettingsError: the folder is no drill's.
        InvalidInputError: a column, the device or the file cannot be used.
        ServiceUnreachableError: the drill does not run.
    """
    if device is None:
        raise InvalidInputError("--device names the device that plays the file in the drill", field="device")
    mark = read_mark(settings.data_dir)
    if mark is None:
        raise SettingsError(f"{settings.data_dir} is no drill's folder: start one with `ioc up --drill START`")
    record = Record(
        file=file.name, feed=feed, device=device, columns=list(columns), time_column=time_column,
        time_format=time_format, at=at,
    )  # fmt: skip
    name = Text(vi=file.name, en=file.name)
    whole = Scenario(
        drill="file", title=name, licence="the file's own", start=format_time(mark.start), end="9999-01-01",
        records=[record],
    )  # fmt: skip
    folder, count = file.parent, LeftOutRows()
    last = max((turn.moment for turn in turns(whole, folder, LeftOutRows())), default=None)
    if last is None:
        raise InvalidInputError(f"{file}: no row after {format_time(mark.start)} has a time and a value", field="file")
    say = Console(stderr=True).print
    played = await _conduct(settings, turns(whole, folder, count), last + TAIL, speed=speed, say=say)
    for line in report_lines(played, count):
        say(line)
    return 1 if played.refused or count.bad else 0


async def _conduct(
    settings: Settings, readings: Iterator[Turn], until: datetime, *, speed: float, say: Callable[[str], None]
) -> PlayReport:
    port = read_ready(ready_file(settings, "door")).get("mqtt_port")
    if port is None:
        raise ServiceUnreachableError(f"no drill runs on {settings.data_dir}: start it with `ioc up --drill START`")
    clock = DrillClock(clock_file(settings.data_dir))
    loop = asyncio.get_running_loop()
    spoken = loop.time()

    def tell(played: PlayReport) -> None:
        nonlocal spoken
        if loop.time() - spoken > TOLD_SECONDS:
            spoken = loop.time()
            say(f"drill at {format_time(clock.now())}: {played.acknowledged} readings acknowledged")

    wall = AnchoredLogClock()
    with (settings.data_dir / "run" / TRACK_FILE).open("a", encoding="utf-8") as track:

        def stepped(moment: datetime) -> None:
            track.write(f"{format_time(moment)} {format_time(wall.now())}\n")
            track.flush()

        conductor = Conductor(
            clock=clock, host="127.0.0.1", port=int(port), keys=_keys(settings), speed=speed, told=tell,
            waiting=lambda why: say(f"drill waits: {why}"), stepped=stepped,
        )  # fmt: skip
        return await conductor.play(readings, until)


def _keys(settings: Settings) -> dict[str, DeviceKey]:
    path = settings.data_dir / "devices.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["devices"]
        return {item["id"]: DeviceKey(item["id"], item["feed"], item["key"]) for item in found}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceUnreachableError(f"{path} cannot be read: start the drill with `ioc up --drill`") from error


def report_lines(played: PlayReport, count: LeftOutRows) -> list[str]:
    """Return what became of a drill's readings, in words."""
    head = (
        f"drill played: {played.acknowledged} readings acknowledged, {played.refused} refused, "
        f"{count.empty} rows without a value, {count.bad} unreadable"
    )
    return [head, *(f"  {reason}" for reason in [*played.reasons, *(count.reasons or [])])]
