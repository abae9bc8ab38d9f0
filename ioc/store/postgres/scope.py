"""What a reader may see, as the WHERE clause that every query of people's nouns is built with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ioc.domain.scope import Scope
from ioc.domain.search import SearchQuery

__all__ = ["Scope", "Where", "folded_text"]


@dataclass(slots=True)
class Where:
    """A WHERE clause under construction: fixed SQL text with numbered parameters, never a value in the text."""

    clauses: list[str] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)

    def value(self, value: object) -> str:
        """Add a parameter and return its placeholder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, clause: str, *values: object) -> Self:
        """Add a condition; each ``{}`` in it becomes the placeholder of the next value."""
        self.clauses.append(clause.format(*[self.value(value) for value in values]))
        return self

    def one_of(self, column: str, values: Sequence[str] | None) -> Self:
        """Add ``column = ANY(values)`` unless there is no filter."""
        if values is not None:
            self.add(f"{column} = ANY({{}}::text[])", list(values))
        return self

    def scope(
        self, scope: Scope, *, area: str, zone: str, feed: str | None = None, restricted: str | None = None
    ) -> Self:
        """Add the wall; the arguments name the columns that carry area, zone, feed and the restricted mark."""
        if scope.areas is not None:
            self.add(
                f"({area} = ANY({{}}::text[]) OR ({area} IS NULL AND {zone} = ANY({{}}::text[])))",
                sorted(scope.areas),
                sorted(scope.zones),
            )
        if feed is not None and scope.hidden_feeds:
            self.add(f"({feed} IS NULL OR NOT {feed} = ANY({{}}::text[]))", sorted(scope.hidden_feeds))
        if restricted is not None and not scope.restricted:
            self.add(f"NOT {restricted}")
        return self

    def search(self, columns: str, asked: SearchQuery | None, *, area: str) -> Self:
        """Add a search by words: each begins a word of the columns; a place that has some of them asks for the rest."""
        if asked is None or not asked.words:
            return self
        text = in_words(columns)
        ways, values = [" AND ".join([f"{text} ~ {{}}"] * len(asked.words))], [*map(_begins, asked.words)]
        for rest, codes in asked.places:
            ways.append(" AND ".join([f"{area} = ANY({{}}::text[])", *[f"{text} ~ {{}}"] * len(rest)]))
            values += [sorted(codes), *map(_begins, rest)]
        return self.add("(" + " OR ".join(ways) + ")", *values)

    @property
    def sql(self) -> str:
        """Return the condition, TRUE when nothing was added."""
        return " AND ".join(self.clauses) or "TRUE"


def folded_text(expression: str) -> str:
    """Return SQL for ``expression`` in lower case without Vietnamese marks."""
    return f"replace(regexp_replace(normalize(lower({expression}), NFD), U&'[\\0300-\\036F]', '', 'g'), 'đ', 'd')"


def _begins(word: str) -> object:
    """Return the pattern of a word's beginning; a number is found without its leading zeros."""
    return f" 0*{word}" if word.isdigit() else f" {word}"


def in_words(expression: str) -> str:
    """Return SQL for the words of ``expression``, each after a blank."""
    return f"' ' || regexp_replace({folded_text(expression)}, '[^a-z0-9]+', ' ', 'g')"
