"""A rule's text with a switch turned: `enabled` and `mode` are written into it, all else stays as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ioc.packs.problem import Findings
from ioc.packs.source import parse_yaml

DEFAULTS: Mapping[str, Any] = {"enabled": True, "mode": "alert"}
"""The switches, and what a rule is that does not name them."""


def switches(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the switches of a rule stand."""
    return {name: body.get(name, default) for name, default in DEFAULTS.items()}


def besides(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule without its switches."""
    return {name: value for name, value in body.items() if name not in DEFAULTS}


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two bodies are one rule: a switch that is named and stands as it would unnamed makes no other."""
    return besides(one) == besides(other) and switches(one) == switches(other)


def is_quieted(body: Mapping[str, Any], pack_body: Mapping[str, Any]) -> bool:
    """Tell whether the site only switches a rule of the pack off, or to monitor."""
    mine, theirs = switches(body), switches(pack_body)
    louder = (mine["enabled"] and not theirs["enabled"]) or (mine["mode"] == "alert" != theirs["mode"])
    return besides(body) == besides(pack_body) and mine != theirs and not louder


def with_switches(text: str | None, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return (text, body) of a rule with its switches as ``wanted``.

    ``text`` is what ``body`` was read from; None, or a text whose switches cannot be turned line by line (a rule on one
    line), gives the body written anew.
    """
    mine = {**besides(body), **{name: value for name, value in wanted.items() if value != DEFAULTS[name]}}
    turned = None if text is None else turned_lines(text, mine)
    return (turned if turned is not None else written(mine)), mine


def turned_lines(text: str, body: Mapping[str, Any]) -> str | None:
    """Return the text with its lines of switches as ``body`` has them; None when that would not say ``body``."""
    read = parse_yaml(text, name="", findings=Findings())
    if read is None:
        return None
    lines = text.removesuffix("\n").split("\n")
    for name in DEFAULTS:
        new = [f"{name}: {scalar(body[name])}"] if name in body else []
        if (name,) in read.lines and read.value[name] != body.get(name):
            number = read.lines[(name,)] - 1
            lines[number : number + 1] = new or [""]  # the numbers of the lines after it stay right
        elif (name,) not in read.lines:
            lines.extend(new)
    gone = [read.lines[(name,)] - 1 for name in DEFAULTS if (name,) in read.lines and name not in body]
    for number in sorted(gone, reverse=True):
        del lines[number]
    turned = "\n".join(lines) + "\n"
    findings = Findings()
    again = parse_yaml(turned, name="", findings=findings)
    return turned if again is not None and not findings.sorted_problems() and again.value == body else None


def scalar(value: Any) -> str:
    """Return a switch's value as YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def written(body: Mapping[str, Any]) -> str:
    """Return a body as YAML, where no text of it was kept."""
    return yaml.safe_dump(dict(body), allow_unicode=True, sort_keys=False, width=120)
