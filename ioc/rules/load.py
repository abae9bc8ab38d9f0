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
from ioc.rules.condition import CONTEXT, RESERVED, Condition, Vocabulary
from ioc.rules.kinds import ALERTS, Kind
from ioc.rules.kinds import Sequence as Steps
from ioc.rules.load_kinds import KIND_MEMBERS, Made, kind_of, made_of
from ioc.rules.load_parts import (
    DURATION_US,
    RuleError,
    compiled,
    duration_at,
    label_at,
    limits_at,
    schedule_at,
    severity_at,
    text_at,
)
from ioc.rules.rule import EVENT, REFIRE_US, SECOND_US, ClearBand, Level, Mode, Rule
from ioc.rules.summary import PLACEHOLDERS, placeholders

MEMBERS = frozenset({
    "rule", "title", "domain", "feed", "where", "by", "levels", "clear", "limit", "summary", "text", "mode",
    "enabled", "refire", "hold", "live_within", "active", *KIND_MEMBERS,
})  # fmt: skip
MAKING = ("over", "measure", "delta", "rate", "absent", "sequence", "within", "near", "enter", "leave")
RULE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COMPARISON = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*(?:[<>]=?|==)\s*(-?\d+(?:\.\d+)?)")
WITH_LIMIT = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*[<>]=?\s*limit\b")
HOLD_MIN_US, HOLD_MAX_US = DURATION_US["m"], DURATION_US["d"]
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

    made: Made
    vocabulary: Vocabulary
    """Of its conditions."""
    fields: Mapping[str, FieldSpec]
    """Of its events."""
    limited: bool


def load_rule(
    body: Mapping[str, Any],
    *,
    feeds: Mapping[str, FeedSpec],
    hash: str,  # noqa: A002 - the word of the pack
    version: int,
    zone: tzinfo = UTC,
) -> Rule:
    """Return the rule that ``body`` says; ``zone`` is the city's, in which it has its hours and days.

    Raises:
        RuleError: with the path of the member at fault and a hint.
    """
    refuse_foreign(body)
    identifier = text_at(body, "rule")
    if not RULE_ID.fullmatch(identifier):
        raise RuleError("not a rule id", path="rule", hint="small letters, digits, dots, such as rain.24h")
    specs = feeds_at(body, feeds)
    fields = fields_of(specs)
    events = Vocabulary({name: spec.type for name, spec in fields.items()})
    made = made_of(body, specs=specs, fields=fields, vocabulary=events, feeds=feeds)
    limits = limits_at(body.get("limit"), "limit")
    listed = body.get("levels")
    limited = bool(limits) or any(
        isinstance(level, Mapping) and level.get("limit") for level in (listed if isinstance(listed, list) else ())
    )
    vocabulary = Vocabulary({name: spec.type for name, spec in made.names.items()}, limited=limited)
    frame = Frame(made, vocabulary, fields, limited)
    levels = levels_at(body, frame)
    clear = clear_at(body.get("clear"), vocabulary)
    by = by_at(body, frame)
    where = where_at(body, frame, events)
    summary = label_at(body, "summary")
    shown = check_placeholders(summary, {**fields, **made.names}, limited=limited)
    conditions = [*(level.when for level in levels), *([clear.when] if clear.when else [])]
    asked = frozenset().union(*(condition.names for condition in conditions))
    threshold = made.kind is Kind.THRESHOLD
    looked_at = tuple(sorted((asked | shown) & made.names.keys())) if threshold else tuple(made.names)
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
        kind=made.kind,
        shape=made.shape,
        making=making_of(body, made.kind),
        where=where,
        clear=clear,
        limits=limits,
        mode=mode_at(body),
        refire_us=duration_at(body.get("refire"), "refire", default_us=REFIRE_US),
        hold_us=hold_at(body, levels, by=by, made=made),
        schedule=schedule_at(body.get("active"), zone),
        live_within_us={spec.id: live_within(body, spec) for spec in specs},
        restricted=any(spec.restricted for spec in specs),
        fields={**fields, **made.names},
        measures=looked_at,
        inputs=made.inputs,
        context=() if threshold else tuple(sorted(asked & set(CONTEXT) | asked & {"flags", "extra"})),
        asks_limit="limit" in asked and "limit" not in made.names,
        zone=zone,
    )


def refuse_foreign(body: Mapping[str, Any]) -> None:
    """Refuse members that no rule has, by name."""
    for name in body:
        if name not in MEMBERS:
            raise RuleError("unknown member", path=str(name), hint=f"known: {', '.join(sorted(MEMBERS))}")


def making_of(body: Mapping[str, Any], kind: Kind) -> str:
    """Return what a kind is made of, as text; a threshold may change its `where` and keep its keys."""
    members = {name: body[name] for name in MAKING if name in body}
    if kind is not Kind.THRESHOLD and "where" in body:
        members["where"] = body["where"]
    return canonical(members).decode()


def feeds_at(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec]) -> list[FeedSpec]:
    """Return the feeds a rule listens to; a sequence names them in its steps."""
    named = body.get("feed")
    if "sequence" in body:
        if named is not None:
            raise RuleError("the steps of a sequence name their feeds", path="feed", hint="leave it out")
        steps = body["sequence"]
        named = [step.get("feed") for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else None
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, Sequence) or not names:
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


def where_at(body: Mapping[str, Any], frame: Frame, events: Vocabulary) -> Condition | None:
    """Return which events count; for an absence, which devices of the registry."""
    if body.get("where") is None:
        return None
    return compiled(Vocabulary({}) if frame.made.kind is Kind.ABSENCE else events, body["where"], "where")


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
        levels.append(
            Level(
                severity=severity,
                when=when,
                for_us=duration_at(item.get("for"), f"{path}.for", default_us=0),
                limits=limits_at(item.get("limit"), f"{path}.limit"),
                measure=measure,
                threshold=threshold,
            )
        )
    return tuple(levels)


def main_measure(when: Condition, names: Mapping[str, FieldSpec]) -> tuple[str | None, float | None]:
    """Return the first number that a condition compares with a constant or the limit, and that constant."""
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
    kind = frame.made.kind
    found = body.get("by", [] if kind is Kind.NEAR else ["device"])
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, Sequence) or len(names) > BY_MAX or (not names and kind is not Kind.NEAR):
        raise RuleError(f"one to {BY_MAX} names are required", path="by", hint="default [device]")
    for name in names:
        if not isinstance(name, str):
            raise RuleError(f"{name!r} is no name", path="by", hint="device, area, zone, event or a field of the feed")
        if kind is Kind.ABSENCE and (len(names) > 1 or name not in ("device", *PLACES)):
            raise RuleError("silence is of a device, an area or a zone", path="by", hint="[device], [area] or [zone]")
        if name == EVENT and name not in frame.fields:
            if kind is not Kind.THRESHOLD:
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


def hold_at(body: Mapping[str, Any], levels: Sequence[Level], *, by: Sequence[str], made: Made) -> int | None:
    """Return how long a reading stands at most, None where it stands until the next one."""
    value = body.get("hold")
    if value is None:
        if isinstance(made.shape, Steps):
            return max(made.shape.within_us, HOLD_MIN_US)
        if EVENT in by:
            raise RuleError(
                "each event has its own alert, and no later reading ends it", path="hold", hint="add it, such as 1h"
            )
        return None
    if made.kind in (Kind.ABSENCE, Kind.CORRELATE):
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


def live_within(body: Mapping[str, Any], spec: FeedSpec) -> int:
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


__all__ = ["RuleError", "duration_at", "kind_of", "load_rule"]
