"""Reads a rule: from the pack's YAML body to a frozen, compiled Rule (docs/rules.md).

What is wrong is said with the path of the member at fault and a hint; nothing is guessed and nothing is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Any

from ioc.domain.event import canonical
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.rules.kinds.reading import KindParts, RuleSource
from ioc.rules.language.clause import CONTEXT, RESERVED, Clause, Vocabulary
from ioc.rules.language.kinds import ALERTS, KindSpec
from ioc.rules.language.members import (
    DURATION_US,
    RuleError,
    compiled,
    due_at,
    duration_at,
    label_at,
    limit_member,
    schedule_at,
    severity_at,
    text_at,
)
from ioc.rules.language.placeholders import PLACEHOLDERS, placeholders
from ioc.rules.language.rule import EVENT, REFIRE_US, SECOND_US, ClearBand, Level, Mode, Rule
from ioc.rules.loading.kinds import kind_members, kind_of, named_feeds
from ioc.rules.loading.main_measure import main_of

MEMBERS = frozenset({
    "rule", "title", "domain", "feed", "where", "by", "levels", "clear", "limit", "summary", "text", "mode",
    "enabled", "refire", "hold", "live_within", "active", "ends", "due",
})  # fmt: skip
"""What every kind may have, beside its own members."""
RULE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COMPARISON = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*(?:[<>]=?|==)\s*(-?\d+(?:\.\d+)?)")
WITH_LIMIT = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*[<>]=?\s*limit\b")
HOLD_MIN_US, HOLD_MAX_US = DURATION_US["m"], DURATION_US["d"]
BY_PERSON = "by_person"
ONE_FOR_EVER_US = 100 * 365 * DURATION_US["d"]
LEVELS_MAX = 5
BY_MAX = 4
ALERT_FIELDS = {
    "rule": FieldType.TEXT, "key": FieldType.TEXT, "domain": FieldType.TEXT, "severity": FieldType.TEXT,
    "rank": FieldType.INTEGER, "mode": FieldType.TEXT,
}  # fmt: skip
ALERT_FEED = FeedSpec(
    ALERTS, Label("Cảnh báo", "Alerts"), "", {name: FieldSpec(name, Label(name, name), kind)
                                             for name, kind in ALERT_FIELDS.items()},
    live_within=timedelta(minutes=15),
)  # fmt: skip
"""What rules over alerts may ask of one, beside its place."""
PLACES = ("area", "zone")


@dataclass(frozen=True, slots=True)
class Frame:
    """What levels, clear band and `by` are read against."""

    made: KindParts
    vocabulary: Vocabulary
    """Of its clauses."""
    fields: Mapping[str, FieldSpec]
    """Of its events."""
    limited: bool
    table: str | None
    """In which the limits of levels without one of their own are looked up."""


def load_rule(
    body: Mapping[str, Any],
    *,
    feeds: Mapping[str, FeedSpec],
    hash: str,  # noqa: A002 - the word of the pack
    version: int,
    zone: tzinfo = UTC,
    compiles: bool = True,
) -> Rule:
    """Return the rule that ``body`` says; ``zone`` is the city's, in which it has its hours and days.

    Without ``compiles`` its clauses are read and not compiled, twenty times as fast: for one that was checked before
    and is told, not evaluated.

    Raises:
        RuleError: with the path of the member at fault and a hint.
    """
    refuse_foreign(body)
    identifier = id_at(body)
    specs = feeds_at(body, feeds)
    fields = fields_of(specs)
    events = Vocabulary({name: spec.type for name, spec in fields.items()}, compiles=compiles)
    kind = kind_of(body, [spec.id for spec in specs])
    made = kind.read(RuleSource(body, specs, fields, events, feeds, compiles))
    table, limits = limit_member(body.get("limit"), "limit")
    limited = bool(limits) or table is not None or levels_limited(body.get("levels"))
    vocabulary = Vocabulary({name: spec.type for name, spec in made.names.items()}, limited=limited, compiles=compiles)
    frame = Frame(made, vocabulary, fields, limited, table)
    levels = levels_at(body, frame)
    clear = clear_at(body.get("clear"), vocabulary)
    by = by_at(body, frame)
    check_tables(levels, clear, by, made)
    where = where_at(body, frame, events)
    summary = label_at(body, "summary")
    shown = check_placeholders(summary, {**fields, **made.names}, limited=limited)
    asked = asked_by(levels, clear)
    by_reading = made.spec.by_reading
    looked_at = tuple(sorted((asked | shown) & made.names.keys())) if by_reading else tuple(made.names)
    return Rule(
        id=identifier,
        version=version,
        hash=hash,
        title=label_at(body, "title"),
        domain=text_at(body, "domain"),
        feeds=tuple(spec.id for spec in specs),
        levels=levels,
        summary=summary,
        by=by,
        kind=kind.name,
        spec=made.spec,
        signature=signature_of(body, made.spec),
        where=where,
        clear=clear,
        limits=limits,
        mode=mode_at(body),
        refire_us=refire_at(body, by),
        ends_by_person=ends_at(body),
        due=due_at(body.get("due")),
        hold_us=hold_at(body, levels, by=by, made=made),
        schedule=schedule_at(body.get("active"), zone),
        live_age_us_max={spec.id: live_age_us(body, spec) for spec in specs},
        restricted=any(spec.restricted for spec in specs),
        fields={**fields, **made.names},
        measures=looked_at,
        inputs=made.inputs,
        context=() if by_reading else tuple(sorted(asked & set(CONTEXT) | asked & {"flags", "extra"})),
        asks_limit="limit" in asked and "limit" not in made.names,
        zone=zone,
        main=main_of(made.spec, levels, clear, limits=limits, names=made.names),
    )


def id_at(body: Mapping[str, Any]) -> str:
    """Return the rule's id."""
    identifier = text_at(body, "rule")
    if not RULE_ID.fullmatch(identifier):
        raise RuleError("not a rule id", path="rule", hint="small letters, digits, dots, such as rain.24h")
    return identifier


def asked_by(levels: Sequence[Level], clear: ClearBand) -> frozenset[str]:
    """Return the names that the clauses of a rule read."""
    clauses = [*(level.when for level in levels), *([clear.when] if clear.when else [])]
    return frozenset().union(*(clause.names for clause in clauses))


def levels_limited(listed: object) -> bool:
    """Tell whether a level has a limit of its own."""
    return isinstance(listed, list) and any(isinstance(one, Mapping) and one.get("limit") for one in listed)


def all_members() -> frozenset[str]:
    """Return the members that a rule may have."""
    return MEMBERS | frozenset(kind_members())


def refuse_foreign(body: Mapping[str, Any]) -> None:
    """Refuse members that no rule has, by name."""
    known = all_members()
    for name in body:
        if name not in known:
            raise RuleError("unknown member", path=str(name), hint=f"known: {', '.join(sorted(known))}")


def signature_of(body: Mapping[str, Any], spec: KindSpec) -> str:
    """Return what a kind is made of, as text; a threshold may change its `where` and keep its keys."""
    members = {name: body[name] for name in kind_members() if name in body}
    if not spec.by_reading and "where" in body:
        members["where"] = body["where"]
    return canonical(members).decode()


def feeds_at(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec]) -> list[FeedSpec]:
    """Return the feeds a rule listens to."""
    names = named_feeds(body)
    if not names:
        raise RuleError("a feed or a list of feeds is required", path="feed")
    if ALERTS in names:
        if len(names) > 1:
            raise RuleError("a rule over alerts listens to nothing else", path="feed", hint="feed: alert")
        return [ALERT_FEED]
    for name in names:
        if not isinstance(name, str) or name not in feeds:
            raise RuleError(f"no feed {name!r}", path="feed", hint=f"there are {', '.join(sorted(feeds))}")
    return [feeds[name] for name in dict.fromkeys(names)]


def fields_of(specs: Sequence[FeedSpec]) -> dict[str, FieldSpec]:
    """Return the fields of all feeds together; one name must have one type."""
    fields: dict[str, FieldSpec] = {}
    for spec in specs:
        for name, field in spec.fields.items():
            if name in CONTEXT or name in ("extra", "flags"):
                raise RuleError(f"feed {spec.id} has a field {name!r}, which rules use for the place", path="feed")
            if name in fields and fields[name].type is not field.type:
                raise RuleError(f"the feeds give {name!r} different types", path="feed", hint="write one rule for each")
            fields.setdefault(name, field)
    return fields


def where_at(body: Mapping[str, Any], frame: Frame, events: Vocabulary) -> Clause | None:
    """Return which events count; for an absence, which devices of the registry."""
    if body.get("where") is None:
        return None
    return compiled(events.without_fields() if frame.made.spec.asks_registry else events, body["where"], "where")


def levels_at(body: Mapping[str, Any], frame: Frame) -> tuple[Level, ...]:
    """Return the levels, lowest first."""
    found = body.get("levels")
    if not isinstance(found, Sequence) or isinstance(found, str) or not 0 < len(found) <= LEVELS_MAX:
        raise RuleError(f"one to {LEVELS_MAX} levels are required", path="levels")
    levels: list[Level] = []
    for number, item in enumerate(found):
        path = f"levels[{number}]"
        if not isinstance(item, Mapping) or not set(item) <= {"severity", "when", "for", "limit"}:
            raise RuleError("a level has severity, when, and perhaps for and limit", path=path)
        severity = severity_at(item.get("severity"), f"{path}.severity")
        if levels and severity.rank <= levels[-1].severity.rank:
            raise RuleError(f"{severity} comes after {levels[-1].severity}", path=path, hint="lowest first, each once")
        if "when" in item and not frame.made.when_allowed:
            raise RuleError(
                "a level holds while the key is silent", path=f"{path}.when", hint="leave it out, or add for"
            )
        when = compiled(frame.vocabulary, item.get("when", frame.made.default_when), f"{path}.when")
        measure, threshold = main_measure(when, frame.made.names)
        table, limits = limit_member(item.get("limit"), f"{path}.limit")
        levels.append(
            Level(
                severity=severity,
                when=when,
                for_us=duration_at(item.get("for"), f"{path}.for", default_us=0),
                limits=limits,
                own_limit="limit" in item,
                table=table if "limit" in item else frame.table,
                measure=measure,
                threshold=threshold,
            )
        )
    return tuple(levels)


def check_tables(levels: Sequence[Level], clear: ClearBand, by: Sequence[str], made: KindParts) -> None:
    """Refuse a table that no clause asks for, or in which nothing can be of a key."""
    if all(level.table is None for level in levels):
        return
    asked = any("limit" in level.when.names for level in levels if level.table is not None)
    if "limit" in made.names or not (asked or (clear.when is not None and "limit" in clear.when.names)):
        raise RuleError(
            "no clause compares with the limit of the table", path="limit.table", hint="write `> limit` in `when`"
        )
    if not {"device", "area", "zone", EVENT} & set(by):
        raise RuleError(
            "a key is of no device, area or zone, so no limit of a table can be its own", path="limit.table",
            hint="by: [device], [area] or [zone]",
        )  # fmt: skip


def main_measure(when: Clause, names: Mapping[str, FieldSpec]) -> tuple[str | None, float | None]:
    """Return the first number that a clause compares with a constant or the limit, and that constant."""
    numeric = (FieldType.NUMBER, FieldType.INTEGER)
    for name in WITH_LIMIT.findall(when.text):
        if name in names and names[name].type in numeric:
            return name, None
    for name, constant in COMPARISON.findall(when.text):
        if name in names and names[name].type in numeric:
            return name, float(constant)
    named = sorted(name for name in when.names & names.keys() if names[name].type in numeric)
    return (named[0], None) if named else (None, None)


def clear_at(value: object, vocabulary: Vocabulary) -> ClearBand:
    """Return the recovery band."""
    if value is None:
        return ClearBand()
    if not isinstance(value, Mapping) or not set(value) <= {"when", "for"}:
        raise RuleError("a clear band has when, for or both", path="clear")
    when = compiled(vocabulary, value["when"], "clear.when") if value.get("when") is not None else None
    return ClearBand(when=when, for_us=duration_at(value.get("for"), "clear.for", default_us=0))


def by_at(body: Mapping[str, Any], frame: Frame) -> tuple[str, ...]:
    """Return what makes one alert; clusters have a key of their own, and `by` only keeps them apart."""
    spec = frame.made.spec
    found = body.get("by", [] if spec.makes_keys else ["device"])
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, Sequence) or len(names) > BY_MAX or (not names and not spec.makes_keys):
        raise RuleError(f"one to {BY_MAX} names are required", path="by", hint="default [device]")
    for name in names:
        if not isinstance(name, str):
            raise RuleError(f"{name!r} is no name", path="by", hint="device, area, zone, event or a field of the feed")
        if spec.asks_registry and (len(names) > 1 or name not in ("device", *PLACES)):
            raise RuleError("silence is of a device, an area or a zone", path="by", hint="[device], [area] or [zone]")
        if name == EVENT and name not in frame.fields:
            if not spec.by_reading:
                raise RuleError("only a threshold looks at single events", path="by", hint="a device, area or field")
            continue
        if name == EVENT:
            raise RuleError("the feed has a field of this name, and rules use it for the event itself", path="by")
        of = frame.fields[name].type if name in frame.fields else CONTEXT.get(name)
        if of is None or name in RESERVED:
            raise RuleError(f"no field {name!r}", path="by", hint="device, area, zone, event or a field of the feed")
        if of is FieldType.OBJECT:
            raise RuleError(f"{name!r} is an object", path="by", hint="a text, a number or a boolean")
    return tuple(names)


def mode_at(body: Mapping[str, Any]) -> Mode:
    """Return whether the rule raises alerts."""
    value = body.get("mode", "alert")
    if value not in tuple(Mode):
        raise RuleError(f"no mode {value!r}", path="mode", hint="alert or monitor")
    if type(body.get("enabled", True)) is not bool:
        raise RuleError("true or false is required", path="enabled")
    return Mode(value)


def ends_at(body: Mapping[str, Any]) -> bool:
    """Return whether only people end the rule's alerts."""
    value = body.get("ends", "by_condition")
    if value not in ("by_condition", BY_PERSON):
        raise RuleError(f"{value!r} is no way to end", path="ends", hint=f"leave it out, or write {BY_PERSON}")
    return bool(value == BY_PERSON)


def refire_at(body: Mapping[str, Any], by: Sequence[str]) -> int:
    """Return within what time the same alert opens again; what is ended by people is of one event for ever."""
    default_us = ONE_FOR_EVER_US if EVENT in by and ends_at(body) else REFIRE_US
    return duration_at(body.get("refire"), "refire", default_us=default_us)


def hold_at(body: Mapping[str, Any], levels: Sequence[Level], *, by: Sequence[str], made: KindParts) -> int | None:
    """Return how long a reading stands at most, None where it stands until the next one."""
    value = body.get("hold")
    if value is None:
        if EVENT in by:
            raise RuleError(
                "each event has its own alert, and no later reading ends it", path="hold", hint="add it, such as 1h"
            )
        return made.spec.stands_us
    if not made.hold_allowed:
        raise RuleError("it has no reading that could stand for a time", path="hold", hint="leave it out")
    hold_us = duration_at(value, "hold", default_us=0)
    if not HOLD_MIN_US <= hold_us <= HOLD_MAX_US:
        raise RuleError(f"{value!r} is not from 1m to 24h", path="hold")
    for number, level in enumerate(levels):
        if level.for_us >= hold_us:
            raise RuleError(
                f"no single reading stands long enough for levels[{number}].for",
                path="hold",
                hint="make it longer than every `for`",
            )
    return hold_us


def live_age_us(body: Mapping[str, Any], spec: FeedSpec) -> int:
    """Return from what age on a transition is retrospective: the rule's word, else the feed's."""
    default_us = int(spec.live_within.total_seconds()) * SECOND_US
    return duration_at(body.get("live_within"), "live_within", default_us=default_us)


def check_placeholders(summary: Label, fields: Mapping[str, FieldSpec], *, limited: bool) -> frozenset[str]:
    """Refuse a summary that asks for what nobody knows; return the names it asks for."""
    asked = frozenset(placeholders(summary.vi) + placeholders(summary.en))
    for name in sorted(asked):
        if name not in fields and name not in PLACEHOLDERS:
            known = ", ".join(sorted({*PLACEHOLDERS, *fields}))
            raise RuleError(f"nothing fills {{{name}}}", path="summary", hint=f"known: {known}")
        if name == "limit" and not limited:
            raise RuleError(
                "{limit} without a limit", path="summary", hint="add limit: {value, unit, source, verified}"
            )
    return asked


__all__ = ["RuleError", "duration_at", "load_rule"]
