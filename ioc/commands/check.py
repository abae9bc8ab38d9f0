"""`ioc check` and `ioc timelines`: the pack's frame, then the meaning of each of its rules."""

from __future__ import annotations

from pathlib import Path

from ioc.ingest.adapters.registry import ADAPTERS, unknown_adapters
from ioc.limits.tables import fault_of
from ioc.packs.check import check_pack
from ioc.packs.loader import load_pack, pack_folder
from ioc.packs.pack import Pack, plain
from ioc.packs.problem import PackProblem
from ioc.rules.loading.check import Surroundings, check_rule
from ioc.rules.loading.limit_tables import tables_of
from ioc.rules.recompute.timeline import TimelinePack, run_timelines


def check_everything(name: str) -> list[PackProblem]:
    """Return every problem of a pack: files and references first, then rules against their feeds.

    Raises:
        PackError: there is no such pack.
    """
    folder = pack_folder(name)
    problems = check_pack(folder)
    if problems:
        return problems
    pack = load_pack(folder)
    problems += [_unknown_adapter(folder, feed, name) for feed, name in unknown_adapters(pack.feeds)]
    around = Surroundings(pack.feeds, {domain.id for domain in pack.domains}, pack.zone)
    for rule in pack.rules:
        found = check_rule(rule.yaml, around, identifier=rule.id).errors
        problems.extend(PackProblem(rule.file, fault.line, f"rule {rule.id}: {fault}", fault.hint) for fault in found)
    return problems or limit_problems(pack)


def limit_problems(pack: Pack) -> list[PackProblem]:
    """Return every limit of the pack that no rule would ever look up."""
    tables = tables_of([rule.body for rule in pack.rules], pack.feeds, pack.zone)
    devices = {device.id: device.feed for device in pack.devices}
    classes = {device.device_class for device in pack.devices if device.device_class is not None}
    areas = [area.code for area in pack.areas if area.valid_to is None]
    problems = []
    for number, row in enumerate(pack.limits):
        zones = [zone.code for zone in pack.zones]
        fault = fault_of(row, tables, devices=devices, classes=classes, areas=areas, zones=zones)
        if fault is not None:
            message = f"limit {number + 1}, {fault.member}: {fault.detail}"
            problems.append(PackProblem("limits.yaml", 1, message, fault.hint))
    return problems


def _unknown_adapter(folder: Path, feed: str, name: str) -> PackProblem:
    file = f"feeds/{feed}.yaml"
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if text.startswith("adapter:")), 1)
    return PackProblem(file, line, f"there is no adapter `{name}`", f"one of {', '.join(ADAPTERS)}")


def play_timelines(folder: Path, pack_name: str) -> tuple[int, list[str]]:
    """Run the timelines of a folder against a pack; return how many passed and what the others say."""
    pack = load_pack(pack_name)
    shown = TimelinePack(
        feeds=pack.feeds,
        rules={rule.id: rule.body for rule in pack.rules},
        zones={zone.code: zone.name for zone in pack.zones},
        timezone=pack.zone,
        devices={device.id: plain(device) for device in pack.devices},
        areas={f"{area.code}@{area.valid_from}": plain(area) for area in pack.areas},
        limits={limit.id: limit.entry() for limit in pack.limits},
        calendar=pack.calendar(),
    )
    passed = 0
    failures: list[str] = []
    for result in run_timelines(folder, shown):
        if result.passed:
            passed += 1
        failures.extend(f"{result.file}: {result.name}: {failure}" for failure in result.failures)
    return passed, failures
