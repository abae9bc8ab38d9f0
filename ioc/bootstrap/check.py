"""`ioc check` and `ioc timelines`: the pack's frame, then the meaning of each of its rules."""

from __future__ import annotations

from pathlib import Path

from ioc.packs.check import check_pack
from ioc.packs.loader import load_pack, pack_folder
from ioc.packs.pack import plain
from ioc.packs.problem import Problem
from ioc.rules.check import Surroundings, check_rule
from ioc.rules.timeline import Shelf, run_timelines


def check_everything(name: str) -> list[Problem]:
    """Return every problem of a pack: files and references first, then rules against their feeds.

    Raises:
        PackError: there is no such pack.
    """
    folder = pack_folder(name)
    problems = check_pack(folder)
    if problems:
        return problems
    pack = load_pack(folder)
    around = Surroundings(pack.feeds, {domain.id for domain in pack.domains}, pack.zone)
    for rule in pack.rules:
        found = check_rule(rule.yaml, around, identifier=rule.id).errors
        problems.extend(Problem(rule.file, fault.line, f"rule {rule.id}: {fault}", fault.hint) for fault in found)
    return problems


def play_timelines(folder: Path, pack_name: str) -> tuple[int, list[str]]:
    """Run the timelines of a folder against a pack; return how many passed and what the others say."""
    pack = load_pack(pack_name)
    shelf = Shelf(
        feeds=pack.feeds,
        rules={rule.id: rule.body for rule in pack.rules},
        zones={zone.code: zone.name for zone in pack.zones},
        timezone=pack.zone,
        devices={device.id: plain(device) for device in pack.devices},
        areas={f"{area.code}@{area.valid_from}": plain(area) for area in pack.areas},
        calendar=pack.calendar(),
    )
    passed = 0
    failures: list[str] = []
    for result in run_timelines(folder, shelf):
        if result.passed:
            passed += 1
        failures.extend(f"{result.file}: {result.name}: {failure}" for failure in result.failures)
    return passed, failures
