"""docs/feeds.md: the systems of the decision and the feeds that stand for them, written from the shipped pack."""

from __future__ import annotations

from collections import defaultdict

from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack
from ioc.rules.language.rule import Mode
from ioc.rules.loading.loader import load_rule
from simulators.feeds import GENERATORS

TOP = """# Feeds and the systems behind them

Written from `ioc/packs/hoabinh/systems.yaml` and the pack's feeds by `python -m tests.docs.reference`.
{systems} systems, {taken} of them with feeds; {feeds} feeds, {ruled} with a rule, {played} with a simulator,
{placed} with devices in the pack.

*Door*: a registered device speaks over MQTT or HTTP with a key of its own; a source that is no device sends over HTTP
with the key of its feed ([devices](devices.md)). *Screen*: every feed is on its domain's tile, in alerts, charts and
search; *map* says that the pack has devices of it, with their places. *(m)*: a rule in monitor mode raises nothing.

| no | system | direction | feed | door | rules | simulator | screen |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
OTHERS_TOP = """
## Feeds of no system above

| feed | what | rules |
| --- | --- | --- |
"""
CITIZENS = "citizen_report"
"""Played by its own sender over HTTP."""


def feeds_page() -> str:
    """Return docs/feeds.md."""
    pack = load_pack("hoabinh", shapes=False)
    rules, played = rules_by_feed(pack), played_feeds(pack)
    placed = {device.feed for device in pack.devices}
    top = TOP.format(
        systems=len(pack.systems), taken=sum(bool(system.feeds) for system in pack.systems), feeds=len(pack.feeds),
        ruled=len(rules.keys() & pack.feeds.keys()), played=len(played & pack.feeds.keys()), placed=len(placed),
    )  # fmt: skip
    lines = []
    for system in pack.systems:
        head = [str(system.id), system.name.en, ", ".join(system.direction)]
        if system.reason is not None:
            lines.append(row([*head, f"none: {system.reason.en}", "–", "–", "–", "–"]))
        for feed in system.feeds:
            simulator = "yes" if feed in played else "no"
            screen = "map, devices, tile" if feed in placed else "tile"
            lines.append(row([*head, f"`{feed}`", door_of(pack, feed), rules_of(pack, rules, feed), simulator, screen]))
            head = ["", "", ""]
    named = {feed for system in pack.systems for feed in system.feeds}
    others = [
        row([f"`{feed.id}`", feed.label.en, rules_of(pack, rules, feed.id)])
        for feed in sorted(pack.feeds.values(), key=lambda feed: feed.id)
        if feed.id not in named
    ]
    return top + "".join(lines) + (OTHERS_TOP + "".join(others) if others else "")


def row(cells: list[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |\n"


def rules_by_feed(pack: Pack) -> dict[str, list[str]]:
    """Return the rules that listen to each feed, those that only monitor marked."""
    found: dict[str, list[str]] = defaultdict(list)
    for raw in sorted(pack.rules, key=lambda rule: rule.id):
        rule = load_rule(raw.body, feeds=pack.feeds, hash=raw.hash, version=1, zone=pack.zone)
        for feed in dict.fromkeys(rule.feeds):
            found[feed].append(f"`{rule.id}`" + (" (m)" if rule.mode is Mode.MONITOR else ""))
    return found


def played_feeds(pack: Pack) -> set[str]:
    """Return the feeds that the demo's fleet speaks."""
    return {*(feed for feed in GENERATORS if feed in pack.feeds), *pack.plays, CITIZENS}


def rules_of(pack: Pack, rules: dict[str, list[str]], feed: str) -> str:
    """Return a feed's rules, or why it has none."""
    if feed in rules:
        return " ".join(rules[feed])
    return f"none: {pack.without_rule[feed].en}" if feed in pack.without_rule else "none"


def door_of(pack: Pack, feed: str) -> str:
    """Return by which doors a feed comes."""
    return "MQTT, HTTP" if pack.feeds[feed].device_required else "HTTP"
