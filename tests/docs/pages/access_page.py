"""docs/access.md: who may do what, written from the roles and from what the API's description declares."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ioc.api.stream.frames import FRAMES
from ioc.commands.needs import NEEDS
from ioc.domain.people import capabilities
from ioc.domain.people.capabilities import CAPABILITIES, Capability, Role
from tests.commands import commands_by_words
from tests.docs.pages.openapi_file import described_app

TOP = """# Who may do what

Written from `ioc/domain/people/capabilities.py` and the API's description by `python -m tests.docs.reference`. A role
is a preset of capabilities; an account has one role, and an area or every area. A capability says *what*, the area
says *where*: what lies beyond it is not found (404), and what counts for every area (*site*) needs an account with
every area. Each route names one capability and the kinds of keys that it takes; a route that names none stops the
start. A machine's key has no capability: its kind says what it is for ([devices](devices.md),
[district](district.md)).

`GET /api/v1/session` tells a person's own `capabilities`; `x-ioc-access` tells each route's in
[openapi.json](openapi.json).

## Roles

| role | vai trò | what | capabilities |
| --- | --- | --- | --- |
"""
CAPABILITIES_TOP = """
## Capabilities

| capability | what | routes |
| --- | --- | --- |
"""
ROUTES_TOP = """
## Routes

*Reach* of a change: `area` what lies in the caller's area, `site` every area, `shared` nobody's area, `own` the
caller's own account.

| route | | capability | {roles} | keys | reach |
| --- | --- | --- |{rule} --- | --- |
"""

FRAMES_TOP = """
## Frames of the stream

`GET /api/v1/stream` gives each reader the frames of what it may read over the route of the same; of a *walled* one only
what lies in its area. `clock` and `reset` come to everybody.

| frame | | capability | keys | walled |
| --- | --- | --- | --- | --- |
"""
COMMANDS_TOP = """
## Commands

The command line asks nobody: it acts as who may start the instance, and the audit trail says so. What the same needs
over the API tells whom to leave a command to, where several people have accounts on the machine.

| command | capability |
| --- | --- |
"""


def access_page() -> str:
    """Return docs/access.md."""
    words = dict(_docstrings())
    routes = list(_declared(described_app()[1]))
    lines = [TOP]
    for role, has in CAPABILITIES.items():
        name, _, what = words[role].partition(": ")
        lines.append(
            _row(f"`{role}`", name, what.rstrip("."), ", ".join(f"`{one}`" for one in Capability if one in has))
        )
    lines.append(CAPABILITIES_TOP)
    for one in Capability:
        count = sum(access["capability"] == one for _, _, access in routes)
        lines.append(_row(f"`{one}`", words[one].rstrip("."), str(count)))
    lines.append(ROUTES_TOP.format(roles=" | ".join(f"`{role}`" for role in Role), rule=" --- |" * len(Role)))
    for name, summary, access in routes:
        marks = ["x" if role in access["roles"] else "" for role in Role]
        reach = "" if name.startswith("GET ") and access["reach"] == "area" else access["reach"]
        lines.append(_row(f"`{name}`", summary, f"`{access['capability']}`", *marks, ", ".join(access["keys"]), reach))
    lines.append(FRAMES_TOP)
    for name, frame in FRAMES.items():
        keys = ", ".join(sorted(frame.keys))
        lines.append(_row(f"`{name}`", frame.about, f"`{frame.capability}`", keys, "yes" if frame.walled else ""))
    lines.append(COMMANDS_TOP)
    for name in sorted(commands_by_words()):
        need = NEEDS[name]
        lines.append(_row(f"`ioc {name}`", "" if need is None else f"`{need}`"))
    return "".join(lines)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _docstrings() -> Iterator[tuple[str, str]]:
    """Yield the value and the docstring of each role and capability: what stands in the code is what the page says."""
    tree = ast.parse(inspect.getsource(capabilities))
    for group in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for member, words in pairwise(group.body):
            if isinstance(member, ast.Assign) and isinstance(words, ast.Expr):
                yield ast.literal_eval(member.value), ast.literal_eval(words.value)


def _declared(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "x-ioc-access" in operation:
                yield f"{method.upper()} {path}", operation["summary"], operation["x-ioc-access"]
