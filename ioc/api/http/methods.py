"""The header Allow of a 405: every method of the path asked for, where the framework names those of one route only."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

PATHS_MAX = 1_000


class RoutedMethod(Protocol):
    """One method of one path, as the application's inventory has it."""

    @property
    def method(self) -> str:
        """GET, POST, ..."""

    @property
    def path(self) -> str:
        """The path with its parameters in braces."""


@lru_cache(maxsize=PATHS_MAX)
def path_pattern(path: str) -> re.Pattern[str]:
    """Return what matches the paths of a template."""
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part)
                              for part in re.split(r"(\{\w+\})", path)))  # fmt: skip


def allow_header(routed: Iterable[RoutedMethod], path: str) -> Mapping[str, str]:
    """Return Allow for a path; of several templates that match, the one with the fewest parameters is meant.

    `/rules/check` also fits `/rules/{rule}`, whose methods would mean a rule of that name.
    """
    by_template: dict[str, set[str]] = {}
    for line in routed:
        if path_pattern(line.path).fullmatch(path):
            by_template.setdefault(line.path, set()).add(line.method)
    if not by_template:
        return {}
    methods = by_template[min(by_template, key=lambda template: template.count("{"))]
    if "GET" in methods:
        methods.add("HEAD")
    return {"Allow": ", ".join(sorted(methods))}
