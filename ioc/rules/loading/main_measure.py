"""Reads what a rule's alerts are about: the main measure, which way it gets worse, and what its trend tolerates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ioc.domain.alert import Limit
from ioc.domain.feed import FieldSpec, FieldType
from ioc.rules.language.clause import QUOTED, WORD, Clause
from ioc.rules.language.kinds import KindSpec
from ioc.rules.language.rule import ClearBand, Level, Main, Worse

NUMERIC = (FieldType.NUMBER, FieldType.INTEGER)
NAME, NUMBER = r"(?P<name>[A-Za-z_]\w*)", r"(?P<number>-?\d+(?:\.\d+)?|limit\b)"
ALONE, NOT_SCALED = r"(?<![\w.])(?<![-+*/%])(?<![-+*/%]\s)", r"(?!\s*[*/%+-]|[\w.])"
FORWARD = re.compile(rf"{ALONE}{NAME}\s*(?P<sign><=|>=|==|<|>)\s*{NUMBER}{NOT_SCALED}")
BACKWARD = re.compile(rf"{ALONE}{NUMBER}\s*(?P<sign><=|>=|==|<|>)\s*{NAME}{NOT_SCALED}")
FROM_LIMIT = re.compile(rf"{ALONE}(?P<name>[A-Za-z_]\w*)\s*[<>]=?\s*limit\s*(?P<sign>[-+*])\s*(?P<by>\d+(?:\.\d+)?)")
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
BAND_PARTS, BOUND_PARTS = 5.0, 50.0
"""A trend tolerates a fifth of the way from the limit to the recovery band; without one a fiftieth of the limit."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A name held against a number by itself; ``number`` None stands for the limit in force."""

    name: str
    sign: str
    number: float | None


def comparisons(when: Clause) -> list[Comparison]:
    """Return the names that a clause compares with a number or with the limit, none of them part of arithmetic."""
    found = [(match.start(), match, False) for match in FORWARD.finditer(when.text)]
    found += [(match.start(), match, True) for match in BACKWARD.finditer(when.text)]
    told = []
    for _, match, turned in sorted(found, key=lambda one: one[0]):
        sign, number = match["sign"], match["number"]
        told.append(
            Comparison(match["name"], TURNED[sign] if turned else sign, None if number == "limit" else float(number))
        )
    return told


def main_of(
    spec: KindSpec,
    levels: Sequence[Level],
    clear: ClearBand,
    *,
    limits: Sequence[Limit],
    names: Mapping[str, FieldSpec],
) -> Main | None:
    """Return what the alerts of a rule are about; None where no level compares a number or asks a yes or no."""
    if not spec.has_main:
        return None
    always = [asked_always(level.when.text) for level in levels]
    for level, needed in zip(levels, always, strict=True):
        compared = [one for one in comparisons(level.when) if _numeric(names, one.name) and one.name in needed]
        if compared:
            return _compared(level, compared, clear, level.limits if level.own_limit else limits, names)
    named = [level.measure for level, needed in zip(levels, always, strict=True) if level.measure in needed]
    if named and named[0] is not None:
        return Main(named[0], tolerance=_step(names[named[0]]))
    asked = sorted(name for needed in always for name in needed if name in names)
    return next((Main(name) for name in asked if names[name].type is FieldType.BOOLEAN), None)


def asked_always(text: str) -> frozenset[str]:
    """Return the names that a clause asks in each of its alternatives.

    An alert on `kind == "fire" || injured > 0` is not about `injured`: at a fire it would tell of nobody hurt.
    """
    return _asked_always(QUOTED.sub('""', text))


def _asked_always(text: str) -> frozenset[str]:
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    alternatives = _parts(text, "||")
    if len(alternatives) > 1:
        return frozenset.intersection(*map(_asked_always, alternatives))
    together = _parts(text, "&&")
    if len(together) > 1:
        return frozenset().union(*map(_asked_always, together))
    return frozenset(WORD.findall(text))


def _parts(text: str, operator: str) -> list[str]:
    """Split a text at an operator that stands outside of all brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text.startswith(operator, at):
            parts.append(text[start:at])
            start = at + len(operator)
    return [*parts, text[start:]]


def _closing(text: str) -> int:
    """Return where the bracket that a text begins with is closed."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return at
    return -1


def _compared(
    level: Level, compared: Sequence[Comparison], clear: ClearBand, limits: Sequence[Limit],
    names: Mapping[str, FieldSpec],
) -> Main:  # fmt: skip
    name = level.measure if any(one.name == level.measure for one in compared) else compared[0].name
    assert name is not None, "a comparison names its measure"
    own = [one for one in compared if one.name == name]
    newest = limits[-1].value if limits else None
    bounds = {sign: _number(one, newest) for one in own for sign in one.sign[0]}
    low, high = bounds.get("<"), bounds.get(">")
    limited = any(one.number is None or any(one.number == limit.value for limit in limits) for one in own)
    tolerance = _tolerance([one for one in (low, high) if one is not None], name, clear, names[name])
    if low is not None and high is not None and low < high:
        return Main(name, Worse.OUTSIDE, tolerance, low, high, limited)
    # A table's limit is not known here; the sign of the comparison still says which side of it is worse.
    if "<" in bounds and ">" in bounds and None in (low, high):
        return Main(name, tolerance=tolerance)
    worse = Worse.UP if ">" in bounds else Worse.DOWN if "<" in bounds else Worse.UNKNOWN
    return Main(name, worse, tolerance, limited=limited)


def _tolerance(bounds: Sequence[float], name: str, clear: ClearBand, spec: FieldSpec) -> float:
    """Return how far a value must move before its trend is another: never less than the last digit that is shown."""
    recovered = [] if clear.when is None else [one.number for one in comparisons(clear.when) if one.name == name]
    bands = [abs(bound - number) for bound in bounds for number in recovered if number is not None and number != bound]
    bands += offsets(clear, name, bounds)
    part = min(bands) / BAND_PARTS if bands else max(map(abs, bounds), default=0.0) / BOUND_PARTS
    return max(part, _step(spec))


def offsets(clear: ClearBand, name: str, bounds: Sequence[float]) -> list[float]:
    """Return how far a recovery band lies from the limit that it is written from: `limit - 50.0`, `limit * 0.9`."""
    found: list[float] = []
    for match in FROM_LIMIT.finditer("" if clear.when is None else clear.when.text):
        if match["name"] != name:
            continue
        by = float(match["by"])
        found += [by] if match["sign"] in "+-" else [abs(bound) * abs(1.0 - by) for bound in bounds]
    return [one for one in found if one > 0.0]


def _step(spec: FieldSpec) -> float:
    return 1.0 if spec.type is FieldType.INTEGER else float(10.0**-spec.digits)


def _number(one: Comparison, limit: float | None) -> float | None:
    return limit if one.number is None else one.number


def _numeric(names: Mapping[str, FieldSpec], name: str) -> bool:
    return name in names and names[name].type in NUMERIC
