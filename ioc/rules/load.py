"""Reads a rule: from the pack's YAML body to a frozen, compiled Rule.

What is wrong is said with the path of the member at fault and a hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ioc.domain.alert import Limit
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.severity import Severity
from ioc.errors import PackError
from ioc.rules.condition import CONTEXT, RESERVED, Condition, ConditionError, Vocabulary
from ioc.rules.rule import EVENT, REFIRE_US, SECOND_US, ClearBand, Level, Mode, Rule
from ioc.rules.summary import PLACEHOLDERS, placeholders

LATER = {
    "over": "windows", "measure": "windows", "absent": "absence rules", "delta": "change rules",
    "rate": "change rules", "sequence": "sequence rules", "within": "sequence rules", "near": "clustering by distance",
    "enter": "zone rules", "leave": "zone rules", "polygon": "zone rules", "active": "schedules",
    "correlate": "rules over alerts",
}  # fmt: skip
"""Members of RULES that this version cannot evaluate; it refuses them rather than ignoring them."""
MEMBERS = frozenset({
    "rule", "title", "domain", "feed", "where", "by", "levels", "clear", "limit", "summary", "text", "mode",
    "enabled", "refire", "hold", "live_within",
})  # fmt: skip
DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
DURATION_US = {"s": SECOND_US, "m": 60 * SECOND_US, "h": 3_600 * SECOND_US, "d": 86_400 * SECOND_US}
RULE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COMPARISON = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*(?:[<>]=?|==)\s*(-?\d+(?:\.\d+)?)")
HOLD_MIN_US, HOLD_MAX_US = DURATION_US["m"], DURATION_US["d"]
LEVELS_MAX = 5
BY_MAX = 4


class RuleError(PackError):
    """A rule is not acceptable. ``path`` is the member at fault (`levels[1].when`), ``hint`` what to do."""

    def __init__(self, message: str, *, path: str, hint: str = "") -> None:
        super().__init__(f"{path}: {message}" + (f" ({hint})" if hint else ""))
        self.path = path
        self.hint = hint


def load_rule(body: Mapping[str, Any], *, feeds: Mapping[str, FeedSpec], hash: str, version: int) -> Rule:  # noqa: A002
    """Return the rule that ``body`` says.

    Raises:
        RuleError: with the path of the member at fault and a hint.
    """
    refuse_foreign(body)
    identifier = text_at(body, "rule")
    if not RULE_ID.fullmatch(identifier):
        raise RuleError("not a rule id", path="rule", hint="small letters, digits, dots, such as rain.24h")
    specs = feeds_at(body, feeds)
    fields = fields_of(specs)
    vocabulary = Vocabulary({name: spec.type for name, spec in fields.items()})
    limit = limit_at(body.get("limit"), "limit")
    levels = levels_at(body, vocabulary, fields)
    clear = clear_at(body.get("clear"), vocabulary)
    by = by_at(body, fields)
    where = compiled(vocabulary, body["where"], "where") if body.get("where") is not None else None
    summary = label_at(body, "summary")
    shown = check_placeholders(summary, fields, limited=limit is not None or any(level.limit for level in levels))
    conditions = [*(level.when for level in levels), *([clear.when] if clear.when else [])]
    looked_at = frozenset().union(*(condition.names for condition in conditions), shown) & fields.keys()
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
        where=where,
        clear=clear,
        limit=limit,
        mode=mode_at(body),
        refire_us=duration_at(body.get("refire"), "refire", default_us=REFIRE_US),
        hold_us=hold_at(body.get("hold"), levels, by=by),
        live_within_us={spec.id: live_within(body, spec) for spec in specs},
        restricted=any(spec.restricted for spec in specs),
        fields=fields,
        measures=tuple(sorted(looked_at)),
    )


def refuse_foreign(body: Mapping[str, Any]) -> None:
    """Refuse members that this version does not evaluate, by name."""
    for name in body:
        if name in LATER:
            raise RuleError(f"{LATER[name]} are not evaluated by this version", path=name, hint="leave the rule out")
        if name not in MEMBERS:
            raise RuleError("unknown member", path=str(name), hint=f"known: {', '.join(sorted(MEMBERS))}")


def text_at(body: Mapping[str, Any], name: str) -> str:
    """Return a text that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RuleError("a text is required", path=name)
    return value


def label_at(body: Mapping[str, Any], name: str) -> Label:
    """Return a text in both languages."""
    value = body.get(name)
    if not isinstance(value, Mapping) or set(value) != {"vi", "en"} or not all(map(is_words, value.values())):
        raise RuleError("both languages are required", path=name, hint='{vi: "...", en: "..."}')
    return Label(vi=value["vi"], en=value["en"])


def is_words(value: object) -> bool:
    """Tell whether ``value`` is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def feeds_at(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec]) -> list[FeedSpec]:
    """Return the feeds a rule listens to."""
    named = body.get("feed")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, Sequence) or not names:
        raise RuleError("a feed or a list of feeds is required", path="feed")
    for name in names:
        if name == "alert":
            raise RuleError("rules over alerts are not evaluated by this version", path="feed")
        if name not in feeds:
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


def compiled(vocabulary: Vocabulary, text: object, path: str) -> Condition:
    """Return the condition at ``path``."""
    if not isinstance(text, str):
        raise RuleError("a condition is a text", path=path, hint="put it in quotes: 'level_cm > 1900'")
    try:
        return vocabulary.compile(text)
    except ConditionError as error:
        raise RuleError(f"{text!r}: {error}", path=path, hint=error.hint) from error


def levels_at(body: Mapping[str, Any], vocabulary: Vocabulary, fields: Mapping[str, FieldSpec]) -> tuple[Level, ...]:
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
        when = compiled(vocabulary, item.get("when"), f"{path}.when")
        measure, threshold = main_measure(when, fields)
        levels.append(
            Level(
                severity=severity,
                when=when,
                for_us=duration_at(item.get("for"), f"{path}.for", default_us=0),
                limit=limit_at(item.get("limit"), f"{path}.limit"),
                measure=measure,
                threshold=threshold,
            )
        )
    return tuple(levels)


def severity_at(value: object, path: str) -> Severity:
    """Return the severity named by ``value``."""
    if not isinstance(value, str) or value not in tuple(Severity):
        raise RuleError(f"no severity {value!r}", path=path, hint=f"one of {', '.join(Severity)}")
    return Severity(value)


def main_measure(when: Condition, fields: Mapping[str, FieldSpec]) -> tuple[str | None, float | None]:
    """Return the first numeric field that a condition compares with a constant, and that constant."""
    numeric = (FieldType.NUMBER, FieldType.INTEGER)
    for name, constant in COMPARISON.findall(when.text):
        if name in fields and fields[name].type in numeric:
            return name, float(constant)
    named = sorted(name for name in when.names & fields.keys() if fields[name].type in numeric)
    return (named[0], None) if named else (None, None)


def clear_at(value: object, vocabulary: Vocabulary) -> ClearBand:
    """Return the recovery band."""
    if value is None:
        return ClearBand()
    if not isinstance(value, Mapping) or not set(value) <= {"when", "for"}:
        raise RuleError("a clear band has when, for or both", path="clear")
    when = compiled(vocabulary, value["when"], "clear.when") if value.get("when") is not None else None
    return ClearBand(when=when, for_us=duration_at(value.get("for"), "clear.for", default_us=0))


def limit_at(value: object, path: str) -> Limit | None:
    """Return a threshold with its legal source."""
    if value is None:
        return None
    wanted = {"value", "unit", "source", "verified"}
    if not isinstance(value, Mapping) or not wanted <= set(value) <= wanted | {"valid_from"}:
        raise RuleError("a limit has value, unit, source, verified, and perhaps valid_from", path=path)
    number, verified, since = value["value"], value["verified"], value.get("valid_from")
    if type(number) not in (int, float):
        raise RuleError("not a number", path=f"{path}.value")
    if type(verified) is not bool:
        raise RuleError("true or false is required", path=f"{path}.verified", hint="false until somebody has checked")
    for name in ("unit", "source"):
        if not isinstance(value[name], str):
            raise RuleError("a text is required", path=f"{path}.{name}")
    return Limit(
        value=float(number),
        unit=value["unit"],
        source=value["source"],
        verified=verified,
        valid_from=None if since is None else str(since),
    )


def by_at(body: Mapping[str, Any], fields: Mapping[str, FieldSpec]) -> tuple[str, ...]:
    """Return what makes one alert."""
    found = body.get("by", ["device"])
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, Sequence) or not 0 < len(names) <= BY_MAX:
        raise RuleError(f"one to {BY_MAX} names are required", path="by", hint="default [device]")
    for name in names:
        if name == EVENT and name not in fields:
            continue
        if name == EVENT:
            raise RuleError("the feed has a field of this name, and rules use it for the event itself", path="by")
        kind = fields[name].type if name in fields else CONTEXT.get(name)
        if kind is None or name in RESERVED:
            raise RuleError(f"no field {name!r}", path="by", hint="device, area, zone, event or a field of the feed")
        if kind is FieldType.OBJECT:
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


def duration_at(value: object, path: str, *, default_us: int) -> int:
    """Return a duration such as `10m` in microseconds."""
    if value is None:
        return default_us
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RuleError(f"{value!r} is no duration", path=path, hint="a whole number and s, m, h or d, such as 10m")
    return int(match[1]) * DURATION_US[match[2]]


def hold_at(value: object, levels: Sequence[Level], *, by: Sequence[str]) -> int | None:
    """Return how long a reading stands at most, None where it stands until the next one."""
    if value is None:
        if EVENT in by:
            raise RuleError(
                "each event has its own alert, and no later reading ends it", path="hold", hint="add it, such as 1h"
            )
        return None
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
