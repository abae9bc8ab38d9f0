"""The check of one rule's text, the same for `ioc check` and for who edits a rule.

Each fault has its place and a hint: sentences for the author. A text with an error is never put in force; a warning
only says what to think of.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum
from typing import Any

from ioc.domain.feed import FeedSpec
from ioc.packs.pack import content_hash
from ioc.packs.problem import Findings
from ioc.packs.source import KeyPath, SourceValue, parse_yaml
from ioc.packs.source import check_text as check_letters
from ioc.rules.language.members import RuleError
from ioc.rules.language.rule import Rule
from ioc.rules.loading.loader import all_members, load_rule

TEXT_BYTES_MAX = 64 << 10
FAULTS_MAX = 50
NAME = "rule.yaml"
STEP = re.compile(r"\[([0-9]{1,4})\]|([^.\[\]]+)")


class Weight(StrEnum):
    """How much a fault weighs."""

    ERROR = "error"
    """The text cannot be put in force."""
    WARNING = "warning"
    """It can, and its author should know this."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to say of a rule's text. ``line`` and ``column`` count from 1, column 0: the line as a whole."""

    line: int
    column: int
    member: str
    """The path of the member, such as `levels[0].when`; empty for the text as a whole."""
    detail: str
    hint: str = ""
    weight: Weight = Weight.ERROR

    def __str__(self) -> str:
        """Return `member: detail`, as `ioc check` says it."""
        return f"{self.member}: {self.detail}" if self.member else self.detail


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule is checked against: the feeds and domains of the pack, and the city's time zone."""

    feeds: Mapping[str, FeedSpec]
    domains: Collection[str]
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A text that was checked: its faults, errors first by line; body, hash and rule where there is no error."""

    text: str
    faults: tuple[Fault, ...]
    body: Mapping[str, Any] | None = None
    hash: str = ""
    rule: Rule | None = None

    @property
    def errors(self) -> tuple[Fault, ...]:
        """Return what stands in the way."""
        return tuple(fault for fault in self.faults if fault.weight is Weight.ERROR)


def check_rule(
    text: str, around: Surroundings, *, identifier: str | None = None, before: Rule | None = None, version: int = 0
) -> CheckResult:
    """Check a rule's text.

    Args:
        text: YAML, one rule.
        around: what it is checked against.
        identifier: the rule that is being edited; another id in the text is an error.
        before: the form in force; an edit that ends its open alerts is told so.
        version: what the compiled rule shall call itself.
    """
    text = settled(text)
    if len(text.encode(errors="replace")) > TEXT_BYTES_MAX:
        return CheckResult(
            text[:0], (Fault(1, 0, "", f"longer than {TEXT_BYTES_MAX} bytes", "a rule is a page, not a book"),)
        )
    findings = Findings()
    for number, line in enumerate(text.split("\n"), start=1):
        check_letters(line, file=NAME, line=number, findings=findings)
    source = parse_yaml(text, name=NAME, findings=findings)
    faults = [Fault(found.line, found.column, "", found.message, found.hint) for found in findings.sorted_problems()]
    if source is None or faults:
        return CheckResult(text, tuple(faults[:FAULTS_MAX]))
    faults = list(frame_faults(source, around, identifier))
    members = all_members()
    known = {name: value for name, value in source.value.items() if name in members}
    digest = content_hash(known)
    rule: Rule | None = None
    try:
        rule = load_rule(known, feeds=around.feeds, hash=digest, version=version, zone=around.zone)
    except RuleError as error:
        found = fault(source, error.path, error.detail, error.hint)
        if found.member != "rule" or not any(other.member == "rule" for other in faults):
            faults.append(found)
    if faults or rule is None:
        return CheckResult(text, tuple(sorted(faults, key=place_of)[:FAULTS_MAX]))
    warned = sorted(warnings_of(source, rule, before), key=place_of)
    return CheckResult(text, tuple(warned[:FAULTS_MAX]), source.value, digest, rule)


def settled(text: str) -> str:
    """Return a text as it is kept: without a byte order mark, with plain line ends and one at its end."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def frame_faults(source: SourceValue, around: Surroundings, identifier: str | None) -> Iterator[Fault]:
    """Yield what is wrong around the rule's meaning: foreign members, another id, a domain that the pack has not."""
    body = source.value
    for name in body:
        if name not in all_members():
            yield fault(source, str(name), "unknown member", f"known: {', '.join(sorted(all_members()))}")
    if identifier is not None and body.get("rule") != identifier:
        yield fault(source, "rule", f"this is the rule {identifier!r}", "an id never changes: make a new rule instead")
    domain = body.get("domain")
    if isinstance(domain, str) and domain.strip() and domain not in around.domains:
        known = ", ".join(sorted(around.domains))
        yield fault(source, "domain", f"unknown domain `{domain:.64}`", f"one of {known}")


def warnings_of(source: SourceValue, rule: Rule, before: Rule | None) -> Iterator[Fault]:
    """Yield what the author of a sound rule should know."""
    paths = [("limit", rule.limits), *((f"levels[{n}].limit", level.limits) for n, level in enumerate(rule.levels))]
    for path, limits in paths:
        listed = isinstance(at(source.value, path), list)
        for number, limit in enumerate(limits):
            if not limit.verified:
                member = f"{path}[{number}]" if listed else path
                found = fault(
                    source, member, f"the limit {limit.value:g} {limit.unit} is not verified", "ask its source"
                )
                yield replace(found, weight=Weight.WARNING)
    if before is not None and not (rule.similar(before) and rule.mode is before.mode):
        parts = {"feed": rule.feeds != before.feeds, "by": rule.by != before.by, "mode": rule.mode is not before.mode}
        member = next((name for name, changed in parts.items() if changed), "")
        detail = "this edit ends the open alerts of the rule, and it begins anew"
        found = fault(source, member, detail, "kind, feeds, `by` or mode change")
        yield replace(found, weight=Weight.WARNING)


def fault(source: SourceValue, member: str, detail: str, hint: str = "") -> Fault:
    """Return an error at the place of a member."""
    line, column = source.place(*steps(member))
    return Fault(line, column, member, detail, hint)


def steps(member: str) -> KeyPath:
    """Return the keys of a path such as `levels[0].when`."""
    return tuple(int(number) if number else name for number, name in STEP.findall(member))


def at(body: Any, member: str) -> Any:
    """Return what stands at a path, None where nothing does."""
    for step in steps(member):
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def place_of(found: Fault) -> tuple[bool, int, int]:
    """Return what faults are sorted by: errors first, then by place."""
    return found.weight is not Weight.ERROR, found.line, found.column
