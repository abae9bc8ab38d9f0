"""What rules ask of the tables of limits: which there are, what a row may be of, for which level, in which unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any

from ioc.domain.alert import Limit
from ioc.domain.feed import FeedSpec
from ioc.errors import PackError
from ioc.limits.tables import AREA, CLASS, DEVICE, ZONE, LimitTable, OwnLimit
from ioc.rules.language.rule import EVENT, Rule
from ioc.rules.loading.loader import load_rule


def asks_table(body: Mapping[str, Any]) -> bool:
    """Tell whether a rule's body looks a limit up, without compiling it."""
    levels = body.get("levels")
    members = [body.get("limit"), *(level.get("limit") for level in levels or () if isinstance(level, Mapping))]
    return any(isinstance(member, Mapping) and "table" in member for member in members)


def tables_of(
    bodies: Iterable[Mapping[str, Any]], feeds: Mapping[str, FeedSpec], zone: tzinfo
) -> dict[str, LimitTable]:
    """Return the tables that rules ask for, by name; a rule that cannot be loaded asks for none."""
    found: dict[str, LimitTable] = {}
    for body in bodies:
        if not asks_table(body):
            continue
        try:
            rule = load_rule(body, feeds=feeds, hash="", version=0, zone=zone)
        except PackError:
            continue
        for name in {level.table for level in rule.levels if level.table is not None}:
            asked = _asked(rule, name)
            known = found.get(name)
            found[name] = asked if known is None else _both(known, asked)
    return found


def _asked(rule: Rule, name: str) -> LimitTable:
    by, levels = set(rule.by), [level for level in rule.levels if level.table == name]
    of_device, of_area = bool(by & {"device", EVENT}), bool(by & {"device", EVENT, "area"})
    targets = [*((DEVICE, CLASS) if of_device else ()), *((AREA,) if of_area else ()), ZONE]
    units = {limit.unit for level in levels for limit in (level.limits if level.own_limit else rule.limits)}
    units |= {rule.fields[level.measure].unit for level in levels if level.measure is not None}
    by_level: list[tuple[str | None, tuple[Limit, ...]]]
    if any(level.own_limit for level in levels):
        by_level = [(str(one.severity), one.limits if one.own_limit else rule.limits) for one in levels]
    else:
        by_level = [(None, rule.limits)]
    own = [OwnLimit(rule.id, severity, limit) for severity, limits in by_level for limit in limits]
    return LimitTable(
        name, (rule.id,), frozenset(targets), frozenset(units - {""}), frozenset(str(one.severity) for one in levels),
        frozenset(rule.feeds), tuple(own),
    )  # fmt: skip


def _both(one: LimitTable, other: LimitTable) -> LimitTable:
    return LimitTable(
        one.name, (*one.rules, *other.rules), one.targets & other.targets, one.units | other.units,
        one.levels | other.levels, one.feeds | other.feeds, (*one.own, *other.own),
    )  # fmt: skip
